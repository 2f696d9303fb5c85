package engine_test

import (
	"net/netip"
	"testing"

	"github.com/tandem-lb/tandem/proxy/engine"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
)

// Who has too many connections is reset at once, over all loops, before TLS, and whatever is spoken; who leaves makes room.
func TestClientsAreTurnedAway(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		site
		h2c bool
	}{
		{"HTTP/1", site{}, false}, {"four loops", site{loops: 4}, false}, {"HTTP/2", site{}, true}, {"TCP", site{tcp: true}, false},
		{"while all others wait", site{loops: 4, limit: engine.NewLimit(2)}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tt.site)
			w.clients.most, w.bind.H2C = 2, tt.h2c
			var clients []*looptest.Peer
			come := func(wanted bool) {
				t.Helper()
				c := w.net.Dial(here)
				c.Say(own)
				w.step()
				if wanted == c.WasReset() {
					t.Errorf("client %d: reset %t, want %t", len(clients), c.WasReset(), !wanted)
				}
				if wanted {
					clients = append(clients, c)
				}
			}
			come(true)
			come(true)
			if tt.limit == nil {
				come(false)
				come(false)
			}
			for range 3 {
				clients[0].Reset()
				w.step()
				clients = clients[1:]
				come(true)
			}
			clients[0].Reset()
			clients[1].Reset()
			w.ended()
			if want := map[bool]int{true: 2}[tt.limit == nil]; w.clients.turned != want {
				t.Errorf("%d were turned away, want %d", w.clients.turned, want)
			}
			if w.opened != w.closed {
				t.Errorf("%d connections have begun and %d ended", w.opened, w.closed)
			}
		})
	}
}

// What is turned away makes room in the limit of all.
func TestClientsThatAreTurnedAwayTakeNoRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t, site{loops: 4, limit: engine.NewLimit(3)})
	w.clients.most = 2
	clients := w.ask(20)
	if n, lost := served(clients); n != 2 || lost != 18 {
		t.Errorf("%d were served and %d turned away, want 2 and 18", n, lost)
	}
	w.clients.most = 0
	clients = append(clients[:2], w.ask(2)...)
	w.wantServed(clients, 3)
	for _, c := range clients {
		c.Close()
	}
	w.ended()
}

// Behind a proxy a client is whom that tells, and a connection that the proxy makes for itself is of none.
func TestClientsBehindAProxyAreTurnedAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, site{})
	w.proxied()
	w.clients.most = 1
	come := func(header string, wanted bool) *looptest.Peer {
		t.Helper()
		c := w.net.Dial(here)
		c.Say(header)
		w.step()
		c.Say(own)
		w.step()
		if got := string(c.Received()) == ownAnswer; got != wanted || c.WasReset() == wanted {
			t.Errorf("%s: served %t, reset %t, want served %t", header, got, c.WasReset(), wanted)
		}
		return c
	}
	const one, two, itself = "PROXY TCP4 198.51.100.7 198.51.100.80 51234 80\r\n", "PROXY TCP4 198.51.100.8 198.51.100.80 51234 80\r\n", "PROXY UNKNOWN\r\n"
	first := come(one, true)
	come(one, false)
	come(two, true)
	come(itself, true)
	come(itself, true)
	if n := w.clients.in[netip.MustParseAddr("198.51.100.7")]; n != 1 || len(w.clients.in) != 2 {
		t.Errorf("got %v", w.clients.in)
	}
	first.Close()
	w.step()
	come(one, true)
	w.ended()
}
