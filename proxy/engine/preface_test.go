package engine_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
	"github.com/tandem-lb/tandem/proxy/proxyproto"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// The client that proxies of the tests speak for, and what it has connected to.
const (
	said1 = "PROXY TCP4 198.51.100.7 198.51.100.80 51234 443\r\n"
	said2 = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc6\x33\x64\x07\xc6\x33\x64\x50\xc8\x22\x01\xbb"
)

// proxied has a world's clients come by other proxies.
func (w *world) proxied() {
	w.bind.Proxies = func(a netip.Addr) bool { return a == netip.MustParseAddr("192.0.2.1") }
	w.bind.Refused = func(why string) { w.refused = append(w.refused, why) }
}

// The address that a proxy tells is the client's, in every protocol and wherever the header is cut.
func TestProxiesTellWhoTheClientIs(t *testing.T) {
	t.Parallel()
	const local = "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
	for _, tt := range []struct {
		name, header, who string
		tcp               bool
	}{
		{"version 1", said1, "198.51.100.7", false}, {"version 2", said2, "198.51.100.7", false},
		{"local", local, "192.0.2.1", false}, {"unknown", "PROXY UNKNOWN\r\n", "192.0.2.1", false},
		{"version 1, session", said1, "198.51.100.7", true}, {"version 2, session", said2, "198.51.100.7", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := tt.header + get
			for at := range len(text) + 1 {
				w := newWorld(t, site{tcp: tt.tcp})
				w.proxied()
				w.backend.Forwarded.RealIP = true
				var from string
				w.frontend.Log = &exchange.Log{}
				w.account = func(r *exchange.Record) {
					from = r.Details.Client.Addr().String()
					if want := int64(len(get)); tt.tcp && r.BytesIn != want {
						t.Errorf("cut at %d: %d octets have come from the client, want %d", at, r.BytesIn, want)
					}
				}
				c := w.net.Dial(here)
				c.Say(text[:at])
				w.step()
				c.Say(text[at:])
				w.step()
				s := w.server.Accept()
				if s == nil {
					t.Fatalf("cut at %d: the server has no connection", at)
				}
				want := get
				if !tt.tcp {
					want = strings.TrimSuffix(get, "\r\n") + "X-Real-IP: " + tt.who + "\r\n\r\n"
				}
				if got := string(s.Received()); got != want {
					t.Fatalf("cut at %d: the server has heard %q, want %q", at, got, want)
				}
				s.Say(ok)
				w.step()
				if got := string(c.Received()); got != ok {
					t.Fatalf("cut at %d: the client has heard %q", at, got)
				}
				c.Close()
				s.Close()
				w.ended()
				if from != tt.who || len(w.refused) != 0 {
					t.Fatalf("cut at %d: the log has %s, want %s; refused %v", at, from, tt.who, w.refused)
				}
			}
		})
	}
}

// What is no header, does not come, or comes from somebody else is refused, counted, and no request.
func TestProxiesAreRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		goes  func(w *world, c *looptest.Peer)
		why   string // empty: nothing is counted
		reset bool
	}{
		{"no header", func(w *world, c *looptest.Peer) { c.Say(get) }, "proxy_absent", true},
		{"a broken one", func(w *world, c *looptest.Peer) { c.Say("PROXY TCP4 nobody\r\n") }, "proxy_malformed", true},
		{"one without end", func(w *world, c *looptest.Peer) { c.Say("PROXY " + text(200)) }, "proxy_too_large", true},
		{"half of one", func(w *world, c *looptest.Peer) { c.Say(said2[:20]); w.advance(headTime + tick) }, "proxy_timeout", true},
		{"none at all", func(w *world, c *looptest.Peer) { w.advance(headTime + tick) }, "proxy_timeout", true},
		{"half of one, and the end", func(w *world, c *looptest.Peer) { c.Say(said1[:20]); c.Close() }, "proxy_ended", true},
		{"the end", func(w *world, c *looptest.Peer) { c.Close() }, "", false},
		{"from somebody else", func(w *world, c *looptest.Peer) { c.Say(said1 + get) }, "proxy_untrusted", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, site{})
			w.proxied()
			if tt.why == "proxy_untrusted" {
				w.bind.Proxies = func(netip.Addr) bool { return false }
			}
			c := w.net.Dial(here)
			tt.goes(w, c)
			w.step()
			if got := strings.Join(w.refused, " "); got != tt.why || !c.Closed() || c.WasReset() != tt.reset {
				t.Errorf("counted %q, want %q; closed %v, reset %v", got, tt.why, c.Closed(), c.WasReset())
			}
			w.wantAccounts()
			w.ended()
		})
	}
}

// introduces has the server told of each client.
func (w *world) introduces(v proxyproto.Version) {
	w.app = upstream.NewServer(upstream.Key{Backend: "app", Name: "one", Address: there}, upstream.Link{Proxy: v})
	w.app.SetHealth(upstream.Health{Status: hysteresis.Up})
	pool, err := upstream.NewPool(upstream.Options{}, []upstream.Member{{Server: w.app, Weight: 1}})
	if err != nil {
		w.Fatal(err)
	}
	w.backend.Servers = pool
}

// A server that is to be told of clients is, before everything else, and no connection to it serves a second one.
func TestServersAreToldOfClients(t *testing.T) {
	t.Parallel()
	own := "PROXY TCP4 192.0.2.1 192.0.2.2 1024 80\r\n"
	for _, tt := range []struct {
		name    string
		version proxyproto.Version
		says    string // by another proxy, first
		hears   string
		tcp     bool
	}{
		{"request", proxyproto.V1, "", own, false}, {"session", proxyproto.V1, "", own, true},
		{"passed on", proxyproto.V1, said2, said1, false}, {"passed on in version 2", proxyproto.V2, said1, said2, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for split := range 2 {
				w := newWorld(t, site{tcp: tt.tcp})
				w.net.Split = 7 * split
				w.introduces(tt.version)
				if tt.says != "" {
					w.proxied()
				}
				c := w.net.Dial(here)
				c.Say(tt.says + get)
				w.step()
				s := w.server.Accept()
				if got, want := string(s.Received()), tt.hears+get; got != want {
					t.Fatalf("the server has heard %q, want %q", got, want)
				}
				s.Say(ok)
				w.step()
				if got := string(c.Received()); got != ok || !tt.tcp && (w.engine.Idle() != 0 || !s.Closed()) {
					t.Errorf("the client has heard %q; %d connections are kept", got, w.engine.Idle())
				}
				c.Close()
				s.Close()
				w.ended()
			}
		})
	}
}
