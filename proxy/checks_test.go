package proxy_test

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/health"
)

// A server may have the health of another one, by way of a third.
func TestServersTrackOthers(t *testing.T) {
	t.Parallel()
	c, probes := probedBackend(t)
	c.Backends[0].Check = &health.Check{Kind: &health.HTTP{}, Interval: 5 * time.Millisecond, Timeout: 10 * time.Second, Rise: 1, Fall: 1}
	tracker := c.Backends[0]
	tracker.Name, tracker.Check = "other", nil
	near := c.Backends[0].Servers[0]
	near.Track = proxy.ServerRef{Backend: "app", Server: near.Name}
	far := near
	far.Name, far.Track = "far", proxy.ServerRef{Backend: "other", Server: near.Name}
	tracker.Servers = []proxy.Server{near, far}
	c.Backends = append(c.Backends, tracker)
	b := run(t, c, proxy.Options{Drain: 1})
	rounds := watch(t, b, "other")
	next(t, rounds, round{0, 2, false})
	probes <- 200
	next(t, rounds, round{2, 2, true})
	probes <- 503
	next(t, rounds, round{0, 2, true})
	s := b.Snapshot().Backends[1].Servers
	app := c.Backends[0].Servers[0].Name
	const found = "HTTP status 503, want 200 to 399"
	if got, want := s[0].Text, "tracks app/"+app+": "+found; got != want || s[0].Code != 503 || s[0].At.IsZero() || s[0].Since.IsZero() {
		t.Errorf("got %+v, want %s", s[0], want)
	}
	if got, want := s[1].Text, "tracks other/"+app+": tracks app/"+app+": "+found; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	b.Reload(t, c) // forgets nothing
	if got := b.Snapshot().Backends[1]; got.Healthy != 0 || !got.Known {
		t.Errorf("after a reload: got %+v", got)
	}
	c.Backends[1].Servers = []proxy.Server{near, far}
	c.Backends[1].Servers[1].Track = proxy.ServerRef{}
	b.Reload(t, c) // far is not checked any more
	next(t, rounds, round{1, 2, true})
}

// A chain that leads to no check is refused, as the configuration does in words of its own.
func TestTracksThatLeadNowhere(t *testing.T) {
	c := valid()
	name := c.Backends[0].Servers[0].Name
	for _, tt := range []struct{ track proxy.ServerRef }{
		{proxy.ServerRef{Backend: "app", Server: "none"}}, {proxy.ServerRef{Backend: "none", Server: name}}, {proxy.ServerRef{Backend: "app", Server: name}},
	} {
		c.Backends[0].Servers[0].Track = tt.track
		_, err := proxy.New(proxy.Options{}).Plan(c)
		want := "backend app: server " + name + " tracks " + tt.track.String() + ", which leads to no server with a check"
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	c.Backends[0].Servers[0].Track = proxy.ServerRef{}
	c.Backends[0].Check = &health.Check{Kind: &health.HTTP{Regexp: "("}}
	if _, err := proxy.New(proxy.Options{}).Plan(c); err == nil || !strings.Contains(err.Error(), "backend app: error parsing regexp") {
		t.Errorf("got %v", err)
	}
}

// scripted answers every run with an exit status.
type scripted struct{ status chan int }

func (s scripted) Exec(ctx context.Context, id string, args, env []string) (int, string, error) {
	select {
	case status := <-s.status:
		return status, id + " " + strings.Join(args, " "), nil
	case <-ctx.Done():
		return 0, "", errors.New("cut short")
	}
}

// R35 of the design: "logged with reason text": reason, code, what was seen, how long it took, and how many are left. R36: the status shows it.
func TestR35_TransitionsAreTold(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer // hclog writes one line at a time, and Run has ended before it is read
	runner := scripted{make(chan int)}
	p := balancer{proxy.New(proxy.Options{Drain: 1, Scripts: runner, Log: hclog.New(&hclog.LoggerOptions{Output: &out, DisableTime: true})})}
	c := valid()
	c.Backends[0].Servers[0].Name = "db1"
	c.Backends[0].Check = &health.Check{Kind: &health.Script{}, Interval: 5 * time.Millisecond, Timeout: 10 * time.Second, Rise: 1, Fall: 2, Init: health.InitFullyUp}
	p.Reload(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = p.Run(ctx) }()
	rounds := watch(t, p, "app")
	next(t, rounds, round{1, 1, true}) // before any probe: R32, init_state
	runner.status <- 3
	runner.status <- 4
	next(t, rounds, round{0, 1, true})
	if s := p.Snapshot().Backends[0].Servers[0]; s.Code != 4 || !strings.HasPrefix(s.Text, `script exit status 4: "check/app/db1 `) || s.At.IsZero() || s.Since != s.At {
		t.Errorf("got %+v, want what the last probe has seen", s)
	}
	runner.status <- 0
	next(t, rounds, round{1, 1, true})
	cancel()
	<-ended
	want := regexp.MustCompile(`^\[WARN\]  server is unhealthy: backend=app server=db1 reason="script exit status 4: \\"check/app/db1 [^"]*\\"" code=4 duration=\S+ healthy=0 servers=1\n` +
		`\[ERROR\] backend has no server available: backend=app\n` +
		`\[INFO\]  server is healthy: backend=app server=db1 reason="script exit status 0: \\"check/app/db1 [^"]*\\"" duration=\S+ healthy=1 servers=1\n`)
	if got := out.String(); !want.MatchString(got) {
		t.Errorf("log is\n%swant it to match\n%s", got, want)
	}
}
