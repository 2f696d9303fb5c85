package exchange

import (
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/balance"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// What servers are told of the time that they take shows in whom least_time prefers: b answers within 100 ms.
func TestServersAreTimed(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	const quick, slow = "a", "b" // who is preferred after it, a being as quick or b
	body := &Target{Method: "POST", Host: "a", URI: "/", Body: true}
	for _, tt := range []struct {
		name   string
		events []at
		sent   int // when the last of the body went; 0: never
		want   string
	}{
		{"quick", []at{asks(0), happens(0, Connected), heads(10, 200)}, 0, quick},
		{"slow", []at{asks(0), happens(0, Connected), heads(1000, 200)}, 0, slow},
		{"connecting counts for nothing", []at{asks(0), happens(1000, Connected), heads(1010, 200)}, 0, quick},
		{"it could not", []at{asks(0), happens(0, Connected), heads(10, 503)}, 0, slow},
		{"it found nothing", []at{asks(0), happens(0, Connected), heads(10, 404)}, 0, quick},
		{"refused", []at{asks(0), happens(1, ConnectFailed)}, 0, slow},
		{"closed", []at{asks(0), happens(0, Connected), happens(1, ServerClosed)}, 0, slow},
		{"no HTTP", []at{asks(0), happens(0, Connected), happens(1, ServerGarbage)}, 0, slow},
		{"silent", []at{asks(0), happens(0, Connected), happens(1, ServerSilent)}, 0, slow},
		{"the client left", []at{asks(0), happens(0, Connected), happens(1000, ClientGone)}, 0, quick},
		{"the client took its time", []at{{0, Event{Kind: Request, Target: body}}, happens(0, Connected), heads(1010, 200)}, 1000, quick},
		{"and the server too", []at{{0, Event{Kind: Request, Target: body}}, happens(0, Connected), heads(1900, 200)}, 1000, slow},
		{"answered before the end of the body", []at{{0, Event{Kind: Request, Target: body}}, happens(0, Connected), heads(1000, 200)}, 0, quick},
		{"failed before that", []at{{0, Event{Kind: Request, Target: body}}, happens(0, Connected), happens(1, ServerClosed)}, 0, slow},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := timedServer("a"), timedServer("b")
			p, err := upstream.NewPool(upstream.Options{Algorithm: balance.LeastTime}, []upstream.Member{{Server: a, Weight: 1}, {Server: b, Weight: 1}})
			if err != nil {
				t.Fatal(err)
			}
			p.Attach()
			f := newFrontend(t, nil)
			f.Default.Servers, f.Default.Retries = p, 0
			a.Answered(start.Add(-10*time.Second), 50*time.Millisecond, false)
			b.Answered(start.Add(-10*time.Second), 100*time.Millisecond, false)
			var x Exchange
			x.Start(start, f)
			for _, e := range tt.events {
				now := start.Add(time.Duration(e.ms) * time.Millisecond)
				if e.Kind == Head && tt.sent > 0 {
					x.Sent(start.Add(time.Duration(tt.sent) * time.Millisecond))
				}
				if action := x.Step(now, e.Event); action.Do == Connect && action.Server != a {
					t.Fatalf("got %s first, want a", action.Server.Key().Name)
				}
			}
			x.Step(start, Event{Kind: Finished})
			if next, _ := p.Pick(upstream.Request{}); next.Key().Name != tt.want {
				t.Errorf("got %s next, want %s", next.Key().Name, tt.want)
			}
		})
	}
}

func timedServer(name string) *upstream.Server {
	s := upstream.NewServer(upstream.Key{Backend: "app", Name: name}, upstream.Link{})
	s.SetHealth(upstream.Health{Status: hysteresis.Up})
	return s
}
