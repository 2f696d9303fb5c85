package exchange

import (
	"net/netip"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/balance"
	"github.com/tandem-lb/tandem/proxy/rule"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// fieldList are the fields of a head, in pairs of name and value.
type fieldList [][2]string

func (l fieldList) Next(name string, from int) (string, int, bool) {
	for i := from; i < len(l); i++ {
		if l[i][0] == name {
			return l[i][1], i + 1, true
		}
	}
	return "", 0, false
}

func TestKeyOf(t *testing.T) {
	fields := fieldList{
		{"cookie", "a=1; session=s1 ; session=s2"}, {"x-tenant", "blue"}, {"cookie", "sessions=x; =y; b=;c"}, {"cookie", "late=z"}, {"x-tenant", "red"}, {"x-empty", ""},
	}
	const v4, v6, mapped = "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"
	for _, tt := range []struct {
		key, client, query string
		want               string // what is hashed; empty: nothing
	}{
		{"source", v4, "", "\xc0\x00\x02\x01"},
		{"source", mapped, "", "\xc0\x00\x02\x01"},
		{"source", v6, "", "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"},
		{"source", "", "", ""}, // of a Unix socket
		{"path", v4, "?x=1", "/a/b"},
		{"header:X-Tenant", v4, "", "blue"},
		{"header:X-Empty", v4, "", ""},
		{"header:X-None", v4, "", ""},
		{"header:Host", v4, "", "www.example.com"},
		{"cookie:a", v4, "", "1"},
		{"cookie:session", v4, "", "s1"},
		{"cookie:late", v4, "", "z"},
		{"cookie:b", v4, "", ""},
		{"cookie:c", v4, "", ""},
		{"cookie:none", v4, "", ""},
		{"cookie:none", v6, "", ""},
		{"query:user", v4, "", ""},
		{"query:user", v4, "?", ""},
		{"query:user", v4, "?users=1&user=%61&user=b", "%61"},
		{"query:user", v4, "?a&user=", ""},
	} {
		k, err := balance.ParseKey(tt.key)
		if err != nil {
			t.Fatal(err)
		}
		want := uint64(0)
		if tt.want != "" {
			want = balance.HashKey(tt.want)
		}
		r := &rule.Request{Host: "www.example.com", Path: "/a/b", Query: tt.query, Fields: fields}
		if tt.client != "" {
			r.Client = netip.MustParseAddr(tt.client)
		}
		if got := keyOf(&k, r); got != want {
			t.Errorf("%s of %s %s: got another key than that of %q", tt.key, tt.client, tt.query, tt.want)
		}
		if n := testing.AllocsPerRun(10, func() { keyOf(&k, r) }); n != 0 {
			t.Errorf("%s: %v allocations, want none", tt.key, n)
		}
	}
}

// asked notes what servers are chosen by.
type asked struct {
	Picker
	requests []upstream.Request
}

func (a *asked) Pick(r upstream.Request) (*upstream.Server, upstream.Outcome) {
	a.requests = append(a.requests, r)
	return a.Picker.Pick(r)
}

// A retry goes by the same key as the first attempt, and the next request by its own.
func TestKeyIsThatOfTheRequest(t *testing.T) {
	f := newFrontend(t, newRing(t, "s1", "s2"))
	picker := &asked{Picker: f.Default.Servers}
	f.Default.Servers, f.Default.Key = picker, &balance.Key{From: balance.FromHeader, Name: "x"}
	now := time.Unix(1_000_000, 0)
	var x Exchange
	for _, value := range []string{"one", ""} {
		x.Start(now, f)
		x.Step(now, Event{Kind: Request, Target: &Target{Method: "GET", Host: "a", URI: "/", Fields: fieldList{{"x", value}}}})
		x.Step(now.Add(time.Second), Event{Kind: ConnectFailed})
		x.Step(now, Event{Kind: ClientGone})
	}
	one := balance.HashKey("one")
	for i, want := range []upstream.Request{{Now: now, Key: one}, {Now: now.Add(time.Second), Key: one}, {Now: now}, {Now: now.Add(time.Second)}} {
		if got := picker.requests[i]; got.Key != want.Key || !got.Now.Equal(want.Now) || len(got.Tried) != i%2 {
			t.Errorf("choice %d: got %+v, want %+v and %d tried", i, got, want, i%2)
		}
	}
}
