package engine_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
	"github.com/tandem-lb/tandem/proxy/rule"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// namedAt is where the server of names is.
var namedAt = netip.MustParseAddrPort("192.0.2.81:443")

// byName has sessions that ask for a.test, or a name below w.test, go to a server of their own.
func (w *world) byName() *looptest.Server {
	w.Helper()
	named := upstream.NewServer(upstream.Key{Backend: "named", Name: "two", Address: namedAt}, upstream.Link{})
	named.SetHealth(upstream.Health{Status: hysteresis.Up})
	pool, err := upstream.NewPool(upstream.Options{}, []upstream.Member{{Server: named, Weight: 1}})
	if err != nil {
		w.Fatal(err)
	}
	table, err := rule.Compile([]rule.Rule{{Match: rule.Match{SNI: "a.test"}, Backend: "named"}, {Match: rule.Match{SNI: "*.w.test"}, Split: []rule.Share{{Backend: "named", Weight: 1}}},
		{Match: rule.Match{SNI: "no.test"}, Deny: 403}})
	if err != nil {
		w.Fatal(err)
	}
	b := *w.backend
	b.Name, b.Servers = "named", pool
	w.frontend.Rules, w.frontend.Handshake = table, table.AsksSNI()
	to := exchange.Choice{Backend: &b}
	w.frontend.Routes = []exchange.Route{{Choice: to}, {Split: exchange.NewSplit([]exchange.Choice{to}, []int{1}, nil)}, {}}
	return w.net.Serve(namedAt)
}

// vector is a vector of TLS whose length takes so many octets.
func vector(octets int, body string) string {
	head := make([]byte, octets)
	for i, n := octets-1, len(body); i >= 0; i-- {
		head[i], n = byte(n), n>>8
	}
	return string(head) + body
}

// helloOf is a ClientHello that asks for a name; empty: for none.
func helloOf(name string) string {
	extensions := "\x00\x2b" + vector(2, vector(1, "\x03\x04"))
	if name != "" {
		extensions += "\x00\x00" + vector(2, vector(2, "\x00"+vector(2, name)))
	}
	body := "\x03\x03" + strings.Repeat("r", 32) + vector(1, "") + vector(2, "\x13\x01") + vector(1, "\x00") + vector(2, extensions)
	return "\x16\x03\x01" + vector(2, "\x01"+vector(3, body))
}

// A session is routed by the name that its client asks for, in one piece or several; what was looked at reaches the server as it came.
func TestSessionsByName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, says string
		named      bool
	}{
		{"by name", helloOf("a.test"), true}, {"another name", helloOf("b.test"), false}, {"below a wildcard", helloOf("x.w.test"), true},
		{"no TLS", "hello, nobody asks for anything", false}, {"no name", helloOf(""), false},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			for at := range len(tt.says) {
				w := newWorld(t, site{tcp: true})
				named := w.byName()
				c := w.net.Dial(here)
				c.Say(tt.says[:at])
				w.step()
				c.Say(tt.says[at:] + "and more")
				w.step()
				server := w.server
				if tt.named {
					server = named
				}
				s := server.Accept()
				if s == nil || string(s.Received()) != tt.says+"and more" {
					t.Fatalf("cut at %d: the server has %v", at, s)
				}
				c.Close()
				s.Close()
				w.step()
				if b := w.records[0].Backend; (b == "named") != tt.named || w.records[0].BytesIn != int64(len(tt.says)+8) {
					t.Fatalf("cut at %d: %+v", at, w.records[0])
				}
				w.ended()
			}
		})
	}
}

// A handshake that is broken, or stops, is no session; a client that says nothing may wait for its server to speak.
func TestSessionsWithoutName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		goes   func(*world, *looptest.Peer)
		record string
	}{
		{"broken", func(_ *world, c *looptest.Peer) { c.Say("\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03") }, "0 PR 11/0 hello_malformed"},
		{"too large", func(_ *world, c *looptest.Peer) { c.Say("\x16\x03\x01\x40\x00\x01\x01\x00\x00") }, "0 PR 9/0 hello_too_large"},
		{"too many records", func(_ *world, c *looptest.Peer) {
			c.Say("\x16\x03\x01\x00\x04\x01\x00\x30\x00" + strings.Repeat("\x16\x03\x01\x00\x01r", 5000))
		}, "0 PR 16384/0 hello_too_large"},
		{"refused", func(_ *world, c *looptest.Peer) { c.Say(helloOf("no.test")) }, "0 PR 75/0 "},
		{"half", func(w *world, c *looptest.Peer) { c.Say(helloOf("a.test")[:20]); w.advance(headTime + tick) }, "0 cR 20/0 "},
		{"half, and the end", func(_ *world, c *looptest.Peer) { c.Say(helloOf("a.test")[:20]); c.Close() }, "0 CR 20/0 "},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, site{tcp: true})
			w.byName()
			c := w.net.Dial(here)
			tt.goes(w, c)
			w.step()
			if len(w.records) != 1 || w.accounts()[0]+" "+w.records[0].Why != tt.record || !c.WasReset() {
				t.Errorf("got %v, reset %v, want %s", w.accounts(), c.WasReset(), tt.record)
			}
			w.ended()
		})
	}
	t.Run("silent", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, site{tcp: true})
		w.byName()
		c := w.net.Dial(here)
		w.advance(headTime + tick)
		s := w.server.Accept()
		if s == nil {
			t.Fatal("the server has no connection")
		}
		s.Say("220 hello")
		w.step()
		if got := string(c.Received()); got != "220 hello" {
			t.Errorf("the client has heard %q", got)
		}
		c.Close()
		s.Close()
		w.ended()
	})
}

// What a session is routed by has its time, and connecting to its server has another: the one does not end the other.
func TestRoutedSessionsHaveTheirServersTime(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, says string
		proxied    bool
	}{{"by name", helloOf("b.test"), false}, {"introduced", said1, true}} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, site{tcp: true})
			if tt.proxied {
				w.proxied()
			} else {
				w.byName()
			}
			w.backend.Connect = 2 * headTime
			w.server.Silent = true
			c := w.net.Dial(here)
			c.Say(tt.says)
			w.step()
			w.advance(headTime + tick)
			if c.Closed() {
				t.Errorf("the session has ended while its server was waited for: %v", w.accounts())
			}
			c.Close()
			w.ended()
		})
	}
}
