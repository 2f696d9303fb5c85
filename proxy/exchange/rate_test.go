package exchange

import (
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/rate"
	"github.com/tandem-lb/tandem/proxy/rule"
)

func newRate(p rate.Pace, status int, pages Pages) *Rate {
	r := rate.Requests{
		Pace: p, Clients: rate.Clients{IPv4Prefix: 32, IPv6Prefix: 64, TableSize: 100}, Status: status, Exempt: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}
	return NewRate(&r, rate.NewTable(r.Clients), pages)
}

func TestRates(t *testing.T) {
	f := newFrontend(t, newRing(t, "s1"), rule.Rule{Match: rule.Match{Path: "/login"}, Backend: "app"}, rule.Rule{Match: rule.Match{Path: "/own"}, Respond: &rule.Respond{Status: 200}})
	f.Pages = Pages{429: {Body: "slow down"}}
	f.Rate = newRate(rate.Pace{Count: 1, Per: 1500 * time.Millisecond, Burst: 2}, 429, f.Pages)
	f.Routes[0].Backend, f.Routes[0].Rate = f.Default, newRate(rate.Pace{Count: 1, Per: time.Minute, Burst: 1}, 503, f.Pages)
	f.Monitor = &Monitor{Path: "/monitor"}
	start := time.Unix(1_000_000, 0)
	for i, tt := range []struct {
		ms            int
		from, path    string
		status, after int // 0: it may ask a server; seconds
		body          string
	}{
		{0, "192.0.2.1", "/", 0, 0, ""},
		{0, "192.0.2.1", "/own", 200, 0, ""},
		{0, "192.0.2.1", "/", 429, 2, "slow down"},
		{0, "192.0.2.1", "/own", 429, 2, "slow down"},
		{1000, "192.0.2.1", "/", 429, 1, "slow down"},
		{1000, "192.0.2.1", "/monitor", 200, 0, "healthy\n"},
		{1000, "192.0.2.2", "/", 0, 0, ""},
		{1000, "192.0.2.1", "/login", 0, 0, ""},
		{1001, "192.0.2.1", "/login", 503, 60, ""},
		{1500, "192.0.2.1", "/", 0, 0, ""},
		{1500, "192.0.2.1", "/", 429, 2, "slow down"},
		{1500, "10.9.9.9", "/", 0, 0, ""},
		{1500, "10.9.9.9", "/", 0, 0, ""},
		{1500, "10.9.9.9", "/", 0, 0, ""},
		{1500, "10.9.9.9", "/login", 0, 0, ""},
		{1500, "10.9.9.9", "/login", 0, 0, ""},
		{1500, "", "/login", 0, 0, ""}, // of a Unix socket
		{1500, "", "/login", 0, 0, ""},
	} {
		var from netip.AddrPort
		if tt.from != "" {
			from = netip.AddrPortFrom(netip.MustParseAddr(tt.from), 1234)
		}
		var x Exchange
		now := start.Add(time.Duration(tt.ms) * time.Millisecond)
		x.Start(now, f)
		a := x.Step(now, Event{Kind: Request, Target: &Target{Method: "GET", Host: "a", URI: tt.path, Client: from}})
		if (a.Do == Respond) != (tt.status != 0) {
			t.Errorf("request %d: got action %d", i+1, a.Do)
			continue
		}
		refused := tt.status >= 400
		if tt.status != 0 {
			if a.Reply.Status != tt.status || a.Reply.RetryAfter != tt.after || tt.body != "" && a.Reply.Body != tt.body {
				t.Errorf("request %d: got %+v, want %d after %d s", i+1, a.Reply, tt.status, tt.after)
			}
			after := ""
			a.Reply.Fields(func(name, value string) {
				if name == "Retry-After" {
					after = value
				}
			})
			if want := map[bool]string{true: strconv.Itoa(tt.after)}[refused]; after != want {
				t.Errorf("request %d: got Retry-After %q, want %q", i+1, after, want)
			}
			a = x.Step(now, Event{Kind: Finished})
		} else {
			a = x.Step(now, Event{Kind: ClientGone})
		}
		r := a.Record
		if r.Limited != refused || refused && (r.Why != "client_rate" || r.Termination != Termination{ByProxy, AtRequest} || r.Backend != "") {
			t.Errorf("request %d: got %+v", i+1, r)
		}
	}
}

func TestRatesAllocateNothing(t *testing.T) {
	f := newFrontend(t, newRing(t, "s1"))
	f.Rate = newRate(rate.Pace{Count: 1, Per: time.Hour, Burst: 50}, 429, nil)
	target := asks(0).Event.Target
	target.Client = netip.MustParseAddrPort("192.0.2.1:1234")
	refused := 0
	var x Exchange
	n := testing.AllocsPerRun(100, func() {
		x.Start(time.Time{}, f)
		if a := x.Step(time.Unix(1_000_000, 0), Event{Kind: Request, Target: target}); a.Do == Respond {
			x.Step(time.Time{}, Event{Kind: Finished})
			refused++
			return
		}
		x.Step(time.Time{}, Event{Kind: ClientGone})
	})
	if n != 0 || refused == 0 || refused > 100-50+1 {
		t.Errorf("%v allocations, want none; %d were refused", n, refused)
	}
}
