package engine_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/engine"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// sessions are what two sides say to each other in TCP mode.
var sessions = []talk{
	{name: "session", tcp: true, records: []string{"0 -- 9/9"}, steps: []step{
		client.says("hello"), server.hears("hello"), server.says("there"), client.hears("there"),
		client.says("more"), server.hears("more"), server.says("less"), client.hears("less"),
		client.ends(), server.seesEnd(), server.ends(), client.seesEnd(),
	}},
	{name: "session that the server begins", tcp: true, records: []string{"0 -- 5/7"}, steps: []step{
		server.hears(""), server.says("220 hi\n"), client.hears("220 hi\n"), client.says("hello"), server.hears("hello"),
		server.ends(), client.seesEnd(), client.ends(), server.seesEnd(),
	}},
	{name: "session whose client ends first, and gets its answer", tcp: true, records: []string{"0 -- 8/11"}, steps: []step{
		client.says("question"), client.ends(), server.hears("question"), server.seesEnd(),
		server.says("long "), client.hears("long "), server.says("answer"), server.ends(), client.hears("answer"), client.seesEnd(),
	}},
	{name: "session whose server ends first, and is told more", tcp: true, records: []string{"0 -- 11/3"}, steps: []step{
		server.hears(""), server.says("bye"), server.ends(), client.hears("bye"), client.seesEnd(),
		client.says("but "), server.hears("but "), client.says("listen!"), client.ends(), server.hears("listen!"), server.seesEnd(),
	}},
	{name: "session that says nothing", tcp: true, records: []string{"0 -- 0/0"}, steps: []step{
		server.hears(""), client.ends(), server.seesEnd(), server.closes(), client.seesEnd(),
	}},
	{name: "session that the client resets", tcp: true, records: []string{"0 CD 5/0"}, steps: []step{
		client.says("hello"), server.hears("hello"), client.resets(), server.seesReset(),
	}},
	{name: "session that the server resets", tcp: true, records: []string{"0 SD 5/5"}, steps: []step{
		client.says("hello"), server.hears("hello"), server.says("there"), client.hears("there"), server.resets(), client.seesReset(),
	}},
	{name: "session with much both ways", tcp: true, large: true, records: []string{"0 -- 600000/600000"}, steps: []step{
		client.says(text(300000)), server.hears(text(300000)), server.says(text(600000)), client.hears(text(600000)),
		client.says(text(300000)), server.hears(text(300000)),
		client.ends(), server.seesEnd(), server.ends(), client.seesEnd(),
	}},
	{name: "session with much and the end behind it", tcp: true, large: true, records: []string{"0 -- 200000/400000"}, steps: []step{
		client.says(text(200000)), client.ends(), server.hears(text(200000)), server.seesEnd(),
		server.says(text(400000)), server.ends(), client.hears(text(400000)), client.seesEnd(),
	}},
}

// sessionDuplexes are sessions of which one side takes nothing while it speaks.
var sessionDuplexes = []talk{
	{name: "session whose client takes nothing", tcp: true, records: []string{"0 -- 600000/600000"}, steps: []step{
		server.hears(""), client.takes("1000"), server.says(text(600000)), client.says(text(600000)), server.hears(text(600000)),
		client.takes("-1"), client.hears(text(600000)), client.ends(), server.seesEnd(), server.ends(), client.seesEnd(),
	}},
	{name: "session whose server takes nothing", tcp: true, records: []string{"0 -- 600000/600000"}, steps: []step{
		server.hears(""), server.takes("1000"), client.says(text(600000)), server.says(text(600000)), client.hears(text(600000)),
		server.takes("-1"), server.hears(text(600000)), client.ends(), server.seesEnd(), server.ends(), client.seesEnd(),
	}},
	{name: "session whose client ends, and takes what came later", tcp: true, records: []string{"0 -- 2/600000"}, steps: []step{
		server.hears(""), client.takes("1000"), client.says("go"), client.ends(), server.hears("go"), server.seesEnd(),
		server.says(text(600000)), server.ends(), client.takes("-1"), client.hears(text(600000)), client.seesEnd(),
	}},
}

// sessionFaults are sessions that come to an end by time, or do not come to be one.
var sessionFaults = []talk{
	{name: "session that is silent for too long", tcp: true, records: []string{"0 cD 4/2"}, steps: []step{
		client.says("hi"), server.hears("hi"), wait(tunnelTime - time.Second), server.says("ho"), client.hears("ho"),
		wait(tunnelTime - time.Second), client.says("hm"), server.hears("hm"),
		wait(tunnelTime - time.Second), wait(time.Second + tick), client.seesReset(), server.seesReset(),
	}},
	{name: "session whose client has ended, and whose server is silent", tcp: true, records: []string{"0 sD 2/0"}, steps: []step{
		client.says("hi"), client.ends(), server.hears("hi"), server.seesEnd(), wait(serverTime + tick), client.seesReset(), server.seesReset(),
	}},
	{name: "session whose server has ended, and whose client is silent", tcp: true, records: []string{"0 cD 2/0"}, steps: []step{
		client.says("hi"), server.hears("hi"), server.ends(), client.seesEnd(), wait(clientTime + tick), client.seesReset(), server.seesReset(),
	}},
	{name: "session whose client takes nothing for too long", tcp: true, records: []string{"0 cD 0/5000"}, steps: []step{
		server.hears(""), client.takes("1000"), server.says(text(5000)), wait(tunnelTime + tick), client.seesReset(), server.seesReset(),
	}},
	{name: "session without a server", tcp: true, records: []string{"0 SC 0/0"}, steps: []step{
		server.cannot(), client.says("hi"), wait(3*connectTime + tick), client.seesReset(),
	}},
}

// Neither direction of a session waits for the other, and what is silent ends.
func TestSessions(t *testing.T) {
	t.Parallel()
	for _, list := range [][]talk{sessionDuplexes, sessionFaults} {
		for i := range list {
			t.Run(strings.ReplaceAll(list[i].name, " ", "_"), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, site{})
				w.give(&list[i], nil)
				w.ended()
			})
		}
	}
}

// A server that refuses, or is silent, is tried again as for a request; the slot is given back each time.
func TestSessionRetries(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		fails  func(*looptest.Server)
		after  time.Duration // the last attempt has failed then
		record string
	}{
		{"refused", func(s *looptest.Server) { s.Err = syscall.ECONNREFUSED }, 3 * connectTime, "0 SC 0/0"},
		{"silent", func(s *looptest.Server) { s.Silent = true }, 4 * connectTime, "0 sC 0/0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, site{tcp: true})
			tt.fails(w.server)
			c := w.net.Dial(here)
			c.Say("hello")
			w.advance(tt.after - tick)
			if c.Closed() || len(w.records) != 0 {
				t.Fatalf("the session has ended before the last attempt: %v", w.accounts())
			}
			w.advance(5 * tick)
			w.wantAccounts(tt.record)
			if !c.WasReset() || w.records[0].Retries != retries || !w.records[0].Session {
				t.Errorf("reset %v, %+v", c.WasReset(), w.records[0])
			}
			w.ended()
		})
	}
}

// A server that comes back meanwhile gets what the client has said, and its end.
func TestSessionWaitsForItsServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, site{tcp: true})
	w.server.Err = syscall.ECONNREFUSED
	c := w.net.Dial(here)
	c.Say("hello")
	w.step()
	c.CloseWrite()
	w.advance(tick)
	w.server.Err = nil
	w.advance(connectTime + tick)
	s := w.server.Accept()
	if s == nil || string(s.Received()) != "hello" || !s.Ended() {
		t.Fatalf("the server has %+v", s)
	}
	s.Say("there")
	s.Close()
	w.step()
	if got := string(c.Received()); got != "there" || !c.Ended() || c.WasReset() {
		t.Errorf("the client has heard %q, ended %v, reset %v", got, c.Ended(), c.WasReset())
	}
	w.wantAccounts("0 -- 5/5")
	w.ended()
}

// What the client said before, and its end behind it, wait for a server that takes little at first.
func TestSessionWaitsForASlowServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, site{tcp: true})
	w.server.Err, w.server.Window = syscall.ECONNREFUSED, 2
	c := w.net.Dial(here)
	c.Say("hello")
	c.CloseWrite()
	w.advance(tick)
	w.server.Err = nil
	w.advance(connectTime + tick)
	s := w.server.Accept()
	if got := string(s.Received()); got != "he" || s.Ended() {
		t.Fatalf("the server has heard %q, ended %v", got, s.Ended())
	}
	s.Window(-1)
	w.step()
	if got := string(s.Received()); got != "hello" || !s.Ended() {
		t.Errorf("the server has heard %q, ended %v", got, s.Ended())
	}
	s.Close()
	w.step()
	w.wantAccounts("0 -- 5/0")
	w.ended()
}

// A client that leaves while its server is being waited for leaves nothing behind, however it leaves; what it has said is no reason to stay once
// it has reset the connection.
func TestSessionIsLeftEarly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		says string
		goes func(*looptest.Peer)
	}{
		{"closed", "", (*looptest.Peer).Close}, {"reset", "", (*looptest.Peer).Reset},
		{"reset after a word", "hello", (*looptest.Peer).Reset}, {"reset after many", text(100000), (*looptest.Peer).Reset},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, site{tcp: true})
			w.server.Silent = true
			c := w.net.Dial(here)
			w.step()
			c.Say(tt.says)
			tt.goes(c)
			w.step()
			if len(tt.says) <= 16<<10 {
				w.wantAccounts("0 CC " + map[int]string{0: "0", 5: "5"}[len(tt.says)] + "/0")
			}
			w.ended()
		})
	}
}

// A session that is cut off from this side, with its address or its engine, has its account, and both sides see a reset.
func TestSessionIsCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, site{tcp: true})
	c := w.net.Dial(here)
	c.Say("hello")
	w.step()
	s := w.server.Accept()
	w.do(func() { w.engine.End(func(*engine.Bind) bool { return true }) })
	if !c.WasReset() || !s.WasReset() {
		t.Errorf("reset: client %v, server %v", c.WasReset(), s.WasReset())
	}
	w.wantAccounts("0 CD 5/0")
	w.ended()
}

// Retiring lets a session be.
func TestSessionOutlivesItsBind(t *testing.T) {
	t.Parallel()
	w := newWorld(t, site{tcp: true})
	c := w.net.Dial(here)
	c.Say("hello")
	w.step()
	s := w.server.Accept()
	w.do(func() { w.engine.Retire(func(*engine.Bind) bool { return true }) })
	s.Say("there")
	w.step()
	if got := string(c.Received()); got != "there" {
		t.Errorf("the client has heard %q", got)
	}
	if n := w.app.Stats().InFlight; n != 1 {
		t.Errorf("%d slots are held, want one as long as the session lasts", n)
	}
	c.Close()
	s.Close()
	w.ended()
}

// A bug costs one session.
func TestSessionPanics(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"Frontend", "Account"} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, site{tcp: true})
			w.panics = true
			other := w.net.Dial(here)
			other.Say("hello")
			w.step()
			served := w.server.Accept()
			bug := true
			once := func(where string) {
				if in == where && bug {
					bug = false
					panic("a bug")
				}
			}
			w.bind.Frontend = func() *exchange.Frontend { once("Frontend"); return w.frontend }
			w.account = func(*exchange.Record) { once("Account") }
			c := w.net.Dial(here)
			w.step()
			c.Close()
			if s := w.server.Accept(); s != nil {
				s.Close()
			}
			w.step()
			if bug || !c.Closed() || strings.Count(w.log.String(), "connection ended in a panic") != 1 {
				t.Errorf("bug %v, closed %v, logged %s", bug, c.Closed(), w.log.String())
			}
			served.Say("there")
			w.step()
			if got := string(other.Received()); got != "there" {
				t.Errorf("the other client has heard %q", got)
			}
			w.ended()
		})
	}
}

// An idle session holds no buffer and no pipe, whatever went through it.
func TestIdleSessionsHoldNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, site{tcp: true})
	c := w.net.Dial(here)
	c.Say(text(300000))
	w.step()
	s := w.server.Accept()
	s.Say(text(500000))
	w.step()
	if held := w.engine.Holds(); held != 0 {
		t.Errorf("%d queues and pipes are held", held)
	}
	if w.net.Calls[looptest.OpSplice] == 0 {
		t.Error("nothing was moved by the kernel")
	}
	c.Close()
	s.Close()
	w.ended()
}

// A server that is found down loses its sessions where they are to be cut, those on their way to it too; else they last.
func TestSessionsOfAServerThatIsDown(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		cut     bool
		silent  bool // connecting takes for ever
		records []string
	}{
		{"cut", true, false, []string{"0 DD 5/0"}}, {"left", false, false, nil},
		{"cut while connecting", true, true, []string{"0 sC 0/0"}}, {"left while connecting", false, true, []string{"0 sC 0/0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, site{tcp: true})
			w.server.Silent = tt.silent
			c := w.net.Dial(here)
			c.Say("hello")
			w.step()
			w.app.SetHealth(upstream.Health{Status: hysteresis.Down})
			w.engine.Lost(w.app, tt.cut)
			w.step()
			w.wantAccounts(tt.records...)
			if c.WasReset() != (tt.records != nil) {
				t.Errorf("the client was reset: %v", c.WasReset())
			}
			c.Close()
			if s := w.server.Accept(); s != nil {
				if s.WasReset() != tt.cut {
					t.Errorf("the server was reset: %v", s.WasReset())
				}
				s.Close()
			}
			w.ended()
		})
	}
}

// A session that is cut gives back the pipe that something is in.
func TestSessionsThatAreCutHoldNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, site{tcp: true})
	for range 10 {
		c := w.net.Dial(here)
		w.step()
		s := w.server.Accept()
		s.Say(text(40000)) // so much that the kernel moves what follows
		w.step()
		c.Window(1000)
		s.Say(text(4000))
		w.step()
		if open := w.net.Open(); open != 4 || len(c.Received()) != 41000 {
			t.Fatalf("%d descriptors are open, want two connections and a pipe; the client has heard %d octets", open, len(c.Received()))
		}
		w.do(func() { w.engine.End(func(*engine.Bind) bool { return true }) })
		s.Close()
		w.step()
		if held, open := w.engine.Holds(), w.net.Open(); held != 0 || open != 0 {
			t.Fatalf("%d queues and pipes are held, %d descriptors are open", held, open)
		}
	}
	w.ended()
}

// A client that takes what it is sent, however slowly, is not silent.
func TestSessionOfASlowClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t, site{tcp: true})
	c := w.net.Dial(here)
	w.step()
	s := w.server.Accept()
	c.Window(10)
	s.Say(text(1000))
	w.step()
	for range 5 {
		w.advance(tunnelTime * 2 / 3)
		c.Window(10)
		w.step()
	}
	c.Window(-1)
	w.step()
	if got := string(c.Received()); got != text(1000) {
		t.Errorf("the client has heard %d octets, want 1000", len(got))
	}
	c.Close()
	s.Close()
	w.step()
	w.wantAccounts("0 -- 0/1000")
	w.ended()
}

// A server that has closed answers what comes with a reset. What it had said before is the client's, and then the session is broken, not over.
func TestServerThatHasClosedBreaksTheSession(t *testing.T) {
	t.Parallel()
	for _, says := range []string{"", "bye"} {
		w := newWorld(t, site{tcp: true})
		c := w.net.Dial(here)
		c.Say("hello")
		w.step()
		s := w.server.Accept()
		c.Say(text(300000)) // more than goes at once, and its turn comes first
		s.Say(says)
		s.Close()
		w.step()
		if got := w.accounts(); len(got) != 1 || w.records[0].Termination.String() != "SD" || w.records[0].BytesOut != int64(len(says)) {
			t.Errorf("records: got %v, want SD, and %d octets to the client", got, len(says))
		}
		if got := string(c.Received()); got != says || !c.WasReset() {
			t.Errorf("the client has heard %q, want %q; reset %v", got, says, c.WasReset())
		}
		w.ended()
	}
}

// A client that has ended, and does not take what it is sent, is the one who was silent.
func TestClientThatTakesNoEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, site{tcp: true})
	c := w.net.Dial(here)
	w.step()
	s := w.server.Accept()
	c.Window(10)
	c.CloseWrite()
	s.Say(text(1000))
	s.CloseWrite()
	w.advance(serverTime + tick)
	w.wantAccounts("0 cD 0/1000")
	w.ended()
}

// A server that takes nothing more, and whose last words have no room at the client, ends the session at once: nobody would notice later.
func TestServerBreaksWhileTheClientTakesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, site{tcp: true})
	c := w.net.Dial(here)
	w.step()
	s := w.server.Accept()
	c.Window(10)
	s.Say(text(1000))
	w.step()
	s.Reset()
	c.Say("hello")
	w.step()
	w.wantAccounts("0 SD 5/1000")
	w.ended()
}

// Of a client that has hung up before there is a server so much is taken as it may have to say, and no more.
func TestSessionTakesLittleBeforeThereIsAServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, site{tcp: true})
	w.server.Silent = true
	c := w.net.Dial(here)
	c.Say(text(100000))
	c.CloseWrite()
	w.advance(5 * connectTime)
	w.wantAccounts("0 sC 16384/0")
	w.ended()
}

// A session that has waited for a server with room has all the time that others have.
func TestSessionOutOfTheQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, site{tcp: true})
	w.app.SetHealth(upstream.Health{Status: hysteresis.Up})
	pool, err := upstream.NewPool(upstream.Options{}, []upstream.Member{{Server: w.app, Weight: 1, MaxConnections: 1}})
	if err != nil {
		t.Fatal(err)
	}
	pool.Attach()
	w.backend.Servers, w.backend.Queue = pool, time.Second
	first := w.net.Dial(here)
	w.step()
	served := w.server.Accept()
	c := w.net.Dial(here)
	c.Say("hello")
	w.step()
	if w.server.Accept() != nil {
		t.Fatal("the server has two sessions")
	}
	first.Close()
	served.Close()
	w.step()
	s := w.server.Accept()
	w.advance(2 * time.Second)
	s.Say("there")
	w.step()
	if got := string(s.Received()); got != "hello" || string(c.Received()) != "there" {
		t.Errorf("the server has heard %q, the client %q", got, c.Received())
	}
	c.Close()
	s.Close()
	w.step()
	w.wantAccounts("0 -- 0/0", "0 -- 5/5")
	w.ended()
}
