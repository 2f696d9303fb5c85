package engine_test

import (
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// elsewhere is where the second server is.
var elsewhere = netip.MustParseAddrPort("192.0.2.81:80")

// habit is how long the server of these tests may take for what it does at once.
const habit = 250 * time.Millisecond

// twin is a world whose backend has two servers. The first one is chosen while it may be, and connecting to it is tried for long.
type twin struct {
	*world
	other    *upstream.Server
	second   *looptest.Server
	client   *looptest.Peer
	doubts   int // of the first server
	loses    func()
	ejection []string
}

func (w *twin) Doubted(s *upstream.Server, _ string) {
	w.doubts++
	if w.loses != nil {
		w.loses()
	}
}
func (w *twin) Ejected(_ *upstream.Server, why string) { w.ejection = append(w.ejection, why) }
func (w *twin) Reinstated(*upstream.Server)            { w.ejection = append(w.ejection, "back") }

func newTwin(t *testing.T) *twin {
	t.Helper()
	return newTwinOver(t, upstream.Link{})
}

func newTwinOver(t *testing.T, link upstream.Link) *twin {
	t.Helper()
	w := &twin{world: newWorld(t, site{})}
	w.app = upstream.NewServer(upstream.Key{Backend: "app", Name: "one", Address: there}, link)
	w.app.Watch(w)
	w.app.SetPatience(habit)
	w.app.SetHealth(upstream.Health{Status: hysteresis.Up})
	w.other = upstream.NewServer(upstream.Key{Backend: "app", Name: "two", Address: elsewhere}, link)
	w.other.SetHealth(upstream.Health{Status: hysteresis.Up})
	pool, err := upstream.NewPool(upstream.Options{}, []upstream.Member{{Server: w.app, Weight: 1}, {Server: w.other, Weight: 1, Backup: true}})
	if err != nil {
		t.Fatal(err)
	}
	pool.Attach()
	w.backend.Servers, w.backend.Doubts, w.backend.Connect = pool, true, 5*time.Second
	w.second = w.net.Serve(elsewhere)
	w.client = w.net.Dial(here)
	return w
}

// says has the client say something.
func (w *twin) says(text string) {
	w.Helper()
	w.client.Say(text)
	w.step()
}

// wantOther has the second server answer what it has to have heard.
func (w *twin) wantOther(text string) {
	w.Helper()
	p := w.second.Accept()
	if p == nil {
		w.Fatalf("the other server got nothing; records %v", w.accounts())
	}
	if got := string(p.Received()); got != text {
		w.Errorf("the other server has heard %s, want %s", brief(got), brief(text))
	}
	p.Say(ok)
	w.step()
	if got := string(w.client.Received()); !strings.HasSuffix(got, ok) {
		w.Errorf("the client has heard %s", brief(got))
	}
}

// A server whose cable is pulled costs a request as long as two probes take, not as long as connecting may.
func TestConnectingInVainGoesElsewhere(t *testing.T) {
	t.Parallel()
	w := newTwin(t)
	w.server.Silent = true
	w.says(get)
	w.advance(habit - tick)
	if w.doubts != 0 {
		t.Errorf("doubted within %v", habit)
	}
	w.advance(3 * tick)
	if w.doubts != 1 || !w.app.Doubted() {
		t.Fatalf("%d doubts after %v, want 1", w.doubts, habit+2*tick)
	}
	second := w.net.Dial(here) // what comes meanwhile goes to the other one at once
	second.Say(get)
	w.step()
	if p := w.second.Accept(); p == nil || string(p.Received()) != get {
		t.Error("the other server did not get the next request")
	} else {
		p.Say(ok)
	}
	w.engine.Lost(w.app, false) // the probe has failed
	w.step()
	w.wantOther(get)
	w.wantAccounts("200 -- 0/2", "200 -- 0/2")
	if r := w.records[1]; r.Retries != 1 || !r.Redispatched || r.Server != "two" {
		t.Errorf("got %+v, want a retry elsewhere", r)
	}
	w.ended()
}

// So it does where the request was sent on a connection that stands, if it may be sent twice.
func TestLostRequestsGoElsewhere(t *testing.T) {
	t.Parallel()
	const post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
	for _, tt := range []struct {
		name, request string
		again         bool
	}{
		{"GET", get, true},
		{"GET with a body", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", true},
		{"POST", post, false},
		{"half a GET", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe", false},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			w := newTwin(t)
			w.says(get) // a connection that is used again
			s := w.server.Accept()
			s.Say(ok)
			w.step()
			s.Unplug()
			w.says(tt.request)
			w.advance(habit - tick)
			if w.doubts != 0 {
				t.Errorf("doubted within %v", habit)
			}
			w.advance(3 * tick)
			if w.doubts != 1 {
				t.Errorf("%d doubts, want 1", w.doubts)
			}
			w.engine.Lost(w.app, false)
			w.step()
			if tt.again {
				w.wantOther(tt.request)
				w.wantAccounts("200 -- 0/2", strings.Replace("200 -- 0/2", "0/", map[bool]string{true: "5/", false: "0/"}[strings.HasSuffix(tt.request, "hello")], 1))
				w.ended()
				return
			}
			if w.second.Accept() != nil || len(w.records) != 1 {
				t.Errorf("the request was given up, or sent twice: records %v", w.accounts())
			}
			w.engine.Lost(w.app, true) // the server is down, and what is left is cut
			w.step()
			if got := w.accounts()[1]; !strings.HasPrefix(got, "502 DH ") {
				t.Errorf("got the record %s, want 502 DH", got)
			}
			w.ended()
		})
	}
}

// A server that acknowledges, and takes its time, is not doubted before that is over; nor is one that answers at once.
func TestSlowServersAreNotDoubted(t *testing.T) {
	t.Parallel()
	w := newTwin(t)
	w.says(get)
	s := w.server.Accept()
	w.advance(serverTime / 2)
	s.Say(ok)
	w.step()
	w.says(get)
	w.advance(serverTime - tick)
	if len(w.records) != 1 || w.doubts != 0 {
		t.Errorf("given up or doubted too early: records %v, %d doubts", w.accounts(), w.doubts)
	}
	w.advance(3 * tick)
	if got := w.accounts()[1]; !strings.HasPrefix(got, "504 sH ") || w.doubts != 1 {
		t.Errorf("got %s and %d doubts, want 504 sH and one", got, w.doubts)
	}
	w.ended()
}

// Nor is one that has taken a part of a long request.
func TestAPartThatIsTakenIsNoDoubt(t *testing.T) {
	t.Parallel()
	w := newTwin(t)
	w.says("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe")
	s := w.server.Accept()
	s.Unplug()
	w.says("llo")
	w.advance(habit + 2*tick)
	if w.doubts != 0 {
		t.Errorf("%d doubts, want none", w.doubts)
	}
	w.client.Close()
	w.step()
	w.ended()
}

// Nor is any where nobody asks, and then connecting takes as long as it may.
func TestNobodyAsks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		doubts bool
		habit  time.Duration
	}{{"not configured", false, habit}, {"not known", true, 0}, {"longer than it may take", true, 6 * time.Second}} {
		w := newTwin(t)
		w.backend.Doubts, w.backend.Retries = tt.doubts, 0
		w.app.SetPatience(tt.habit)
		w.server.Silent = true
		w.says(get)
		w.advance(5*time.Second - tick)
		if len(w.records) != 0 || w.doubts != 0 {
			t.Errorf("%s: got %v, %d doubts", tt.name, w.accounts(), w.doubts)
		}
		w.advance(3 * tick)
		if len(w.records) != 0 || !strings.HasPrefix(string(w.client.Received()), "HTTP/1.1 503 ") {
			if got := w.accounts(); len(got) != 1 || !strings.HasPrefix(got[0], "503 sC ") {
				t.Errorf("%s: got %v", tt.name, got)
			}
		}
		w.ended()
	}
}

// A server without others is waited for, until it is down.
func TestLostAndAlone(t *testing.T) {
	t.Parallel()
	w := newTwin(t)
	w.other.SetHealth(upstream.Health{Status: hysteresis.Down})
	w.server.Silent = true
	w.says(get)
	w.advance(habit + 2*tick)
	w.engine.Lost(w.app, false)
	w.step()
	if w.doubts != 1 || len(w.records) != 0 || len(w.client.Received()) != 0 {
		t.Errorf("got %d doubts, records %v, want it to be waited for", w.doubts, w.accounts())
	}
	w.app.SetHealth(upstream.Health{Status: hysteresis.Down})
	w.engine.Lost(w.app, false)
	w.step()
	if got := string(w.client.Received()); !strings.HasPrefix(got, "HTTP/1.1 503 ") {
		t.Errorf("down: the client has heard %s, want 503", brief(got))
	}
	w.ended()
}

// A request that was sent to a server which is down, and has nowhere else to go, may yet be answered.
func TestDownMayYetAnswer(t *testing.T) {
	t.Parallel()
	w := newTwin(t)
	w.other.SetHealth(upstream.Health{Status: hysteresis.Down})
	w.says(get)
	s := w.server.Accept()
	w.app.SetHealth(upstream.Health{Status: hysteresis.Down})
	w.engine.Lost(w.app, false)
	w.step()
	s.Say(ok)
	w.step()
	w.wantAccounts("200 -- 0/2")
	w.ended()
}

// on_down: close_connections: R66, "assert a demoted primary's sessions are cut", whatever they are at.
func TestR66_DownCutsConnections(t *testing.T) {
	t.Parallel()
	const half = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"
	for _, tt := range []struct {
		name    string
		request string
		answer  string
		record  string // with cut; empty: none, for nothing is under way
		reset   bool   // the client must not take it for whole
	}{
		{"idle", get, ok, "", false},
		{"waiting for a response", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "", "502 DH 0/110", false},
		{"in the midst of a response", get, half, "200 DD 0/5", true},
		{"tunnel", wsQuestion, wsAnswer + "hello", "101 DD 0/5", true},
	} {
		for _, cut := range []bool{true, false} {
			t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
				t.Parallel()
				w := newTwin(t)
				w.says(tt.request)
				s := w.server.Accept()
				if tt.answer != "" {
					s.Say(tt.answer)
				}
				w.step()
				before := len(w.records)
				w.app.SetHealth(upstream.Health{Status: hysteresis.Down})
				w.engine.Lost(w.app, cut)
				w.step()
				gone := cut || tt.record == "" // an idle connection is of no use either way
				if s.Ended() != gone {
					t.Errorf("the server's connection has ended: %v, want %v", s.Ended(), gone)
				}
				if got := len(w.records) - before; cut && tt.record != "" && (got != 1 || w.accounts()[before] != tt.record) {
					t.Errorf("got the records %v, want %s", w.accounts(), tt.record)
				} else if !cut && got != 0 {
					t.Errorf("ended though nothing was to be cut: %v", w.accounts())
				}
				if cut && w.client.WasReset() != tt.reset {
					t.Errorf("the client's connection was reset: %v, want %v", w.client.WasReset(), tt.reset)
				}
				w.ended()
			})
		}
	}
}

// What is on its way to one that goes down, and may go elsewhere, does: nobody hears of it.
func TestCutGoesElsewhereWhereItCan(t *testing.T) {
	t.Parallel()
	w := newTwin(t)
	w.says(get)
	w.app.SetHealth(upstream.Health{Status: hysteresis.Down})
	w.engine.Lost(w.app, true)
	w.step()
	w.wantOther(get)
	w.wantAccounts("200 -- 0/2")
	w.ended()
}

// A request that waits to ask a server again which is found down meanwhile asks another one.
func TestDownWhileARetryWaits(t *testing.T) {
	t.Parallel()
	w := newTwin(t)
	w.other.SetHealth(upstream.Health{Status: hysteresis.Down})
	w.server.Err = syscall.ECONNREFUSED
	w.says(get)
	w.other.SetHealth(upstream.Health{Status: hysteresis.Up})
	w.app.SetHealth(upstream.Health{Status: hysteresis.Down})
	w.advance(time.Second + 2*tick)
	w.wantOther(get)
	w.wantAccounts("200 -- 0/2")
	w.ended()
}

// What an HTTP/2 server says: SETTINGS and the acknowledgement of ours, and 200 without a body on a stream.
const (
	greeting2 = "\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x04\x01\x00\x00\x00\x00"
	first2    = "\x00\x00\x01\x01\x05\x00\x00\x00\x01\x88"
	emptyOK   = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
)

// wantOther2 has the second server answer a request by HTTP/2.
func (w *twin) wantOther2() {
	w.Helper()
	p := w.second.Accept()
	if p == nil {
		w.Fatalf("the other server got nothing; records %v", w.accounts())
	}
	p.Say(greeting2 + first2)
	w.step()
	if got := string(w.client.Received()); !strings.HasSuffix(got, emptyOK) {
		w.Errorf("the client has heard %s", brief(got))
	}
}

// The same with servers that speak HTTP/2.
func TestLostHTTP2(t *testing.T) {
	t.Parallel()
	http2 := upstream.Link{HTTP2: true}
	t.Run("connecting", func(t *testing.T) {
		t.Parallel()
		w := newTwinOver(t, http2)
		w.server.Silent = true
		w.says(get)
		w.advance(habit - tick)
		if w.doubts != 0 {
			t.Errorf("doubted within %v", habit)
		}
		w.advance(3 * tick)
		if w.doubts != 1 {
			t.Errorf("%d doubts, want 1", w.doubts)
		}
		w.engine.Lost(w.app, false)
		w.step()
		w.wantOther2()
		w.wantAccounts("200 -- 0/0")
		w.ended()
	})
	t.Run("connecting, and nobody asks", func(t *testing.T) {
		t.Parallel()
		w := newTwinOver(t, http2)
		w.backend.Doubts, w.backend.Retries = false, 0
		w.server.Silent = true
		w.says(get)
		w.advance(5*time.Second - tick)
		if got := len(w.client.Received()); got != 0 || w.doubts != 0 {
			t.Errorf("the client has heard %d octets, %d doubts", got, w.doubts)
		}
		w.advance(3 * tick)
		if got := string(w.client.Received()); !strings.HasPrefix(got, "HTTP/1.1 503 ") {
			t.Errorf("the client has heard %s", brief(got))
		}
		w.ended()
	})
	for _, tt := range []struct {
		name, request string
		again         bool
	}{{"GET", get, true}, {"POST", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", false}} {
		t.Run("sent "+tt.name, func(t *testing.T) {
			t.Parallel()
			w := newTwinOver(t, http2)
			w.says(get)
			s := w.server.Accept()
			s.Say(greeting2 + first2)
			w.step()
			w.advance(time.Second) // what was acknowledged is no reason to doubt
			s.Unplug()
			w.says(tt.request)
			w.advance(habit + 2*tick)
			if w.doubts != 1 {
				t.Errorf("%d doubts, want 1", w.doubts)
			}
			w.engine.Lost(w.app, false)
			w.step()
			if tt.again {
				w.wantOther2()
				w.wantAccounts("200 -- 0/0", "200 -- 0/0")
				w.ended()
				return
			}
			if w.second.Accept() != nil || len(w.records) != 1 {
				t.Errorf("the request was given up, or sent twice: records %v", w.accounts())
			}
			w.engine.Lost(w.app, true)
			w.step()
			if got := w.accounts()[1]; !strings.HasPrefix(got, "502 DH ") {
				t.Errorf("got %s, want 502 DH", got)
			}
			w.ended()
		})
	}
	t.Run("slow", func(t *testing.T) {
		t.Parallel()
		w := newTwinOver(t, http2)
		w.says(get)
		s := w.server.Accept()
		s.Say(greeting2)
		w.advance(serverTime / 2)
		s.Say(first2)
		w.step()
		w.wantAccounts("200 -- 0/0")
		if w.doubts != 0 {
			t.Errorf("%d doubts", w.doubts)
		}
		w.ended()
	})
}
