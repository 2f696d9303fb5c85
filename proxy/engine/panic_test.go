package engine_test

import (
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
)

// TestPanicIsAccountedFor: a bug costs one connection, is logged, and leaves a record and no slot or descriptor taken.
func TestPanicIsAccountedFor(t *testing.T) {
	t.Parallel()
	const early = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"
	for _, tt := range []struct {
		name    string
		in      string // the function that panics, once
		steps   []step // up to the panic; the last says something
		records []string
		hears   string // by the client; that and no more
		reset   bool   // the client's connection is
	}{
		{"Draining, of the server's response", "Draining", []step{client.says(get), server.hears(get), server.says(ok)}, []string{"200 ID 0/0"}, "", true},
		{"Draining, of a response of its own", "Draining", []step{client.says("GET /own HTTP/1.1\r\nHost: a\r\n\r\n")}, []string{"200 IR 0/0"}, "", true},
		{"Draining, of a page", "Draining", []step{client.says(get), server.hears(get), server.closes()}, []string{"502 IH 0/0"}, "", true},
		{"Account, of a response", "Account", []step{client.says(get), server.hears(get), server.says(ok)}, nil, ok, true},
		{"Account, of a response of its own", "Account", []step{client.says("GET /own HTTP/1.1\r\nHost: a\r\n\r\n")}, nil,
			"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown", true},
		{"Account, of half a response", "Account", []step{client.says(get), server.hears(get), server.says(early), server.closes()}, nil, early, true},
		{"Account, of a client that has left", "Account", []step{client.says(get), server.hears(get), client.closes()}, nil, "", false},
		{"Account, of half a request", "Account", []step{client.says("GET /"), client.closes()}, nil, "", false},
		{"Account, of a tunnel", "Account", []step{client.says(wsQuestion), server.hears(wsQuestion), server.says(wsAnswer), client.hears(wsAnswer), client.closes(), server.closes()}, nil, wsAnswer, false},
		{"Draining, of a page when the last try has failed", "Draining", []step{
			server.cannot(), client.says(get), wait(3*connectTime + tick),
		}, []string{"503 IC 0/0"}, "", true},
		{"Frontend", "Frontend", []step{client.says(get)}, nil, "", true},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, site{})
			w.panics = true
			panics := false
			once := func(in string) {
				if tt.in == in && panics {
					panics = false
					panic("a bug")
				}
			}
			w.account = func(*exchange.Record) { once("Account") }
			w.bind.Draining = func() bool { once("Draining"); return false }
			w.bind.Frontend = func() *exchange.Frontend { once("Frontend"); return w.frontend }
			other := w.net.Dial(here) // has another stream under way
			other.Say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
			w.step()
			served := w.server.Accept()

			st := &stage{world: w}
			st.peers[client] = w.dial()
			panics = true
			for i := range tt.steps {
				st.play(i, &tt.steps[i])
			}
			w.step()
			if panics {
				t.Fatal("there was no panic")
			}
			w.wantAccounts(tt.records...)
			c := st.peers[client]
			if got := string(c.Received()); got != tt.hears {
				t.Errorf("the client has heard %s, want %s", brief(got), brief(tt.hears))
			}
			if !c.Closed() || tt.reset && !c.WasReset() {
				t.Errorf("the client's connection: closed %v, reset %v", c.Closed(), c.WasReset())
			}
			if got := strings.Count(w.log.String(), "connection ended in a panic"); got != 1 || !strings.Contains(w.log.String(), "a bug") {
				t.Errorf("logged %d times: %s", got, w.log.String())
			}
			if got := w.app.Stats().InFlight; got != 1 {
				t.Errorf("%d slots are taken, want that of the other client", got)
			}
			w.goesOn(other, served)
			w.ended()
		})
	}
}

// goesOn has a request whose head has been sent come to its end, and another one.
func (w *world) goesOn(c, s *looptest.Peer) {
	w.Helper()
	w.records = nil
	c.Say("hello")
	w.step()
	s.Say(ok)
	w.step()
	if got := string(c.Received()); got != ok {
		w.Errorf("the other client has heard %s", brief(got))
	}
	next := w.net.Dial(here)
	next.Say(get)
	w.step()
	if got, want := string(s.Received()), postFive+"hello"+get; got != want {
		w.Errorf("the server has heard %s, want %s", brief(got), brief(want))
	}
	s.Say(ok)
	w.step()
	if got := string(next.Received()); got != ok {
		w.Errorf("the next client has heard %s", brief(got))
	}
	w.wantAccounts("200 -- 5/2", "200 -- 0/2")
}
