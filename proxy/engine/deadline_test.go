package engine_test

import (
	"strings"
	"testing"
	"time"
)

// slow is what happens when one side does not do in time what it should.
type slow struct {
	name   string
	steps  []step
	within time.Duration // something happens then, and not sooner
	hears  string        // by the client, then
	end    ending        // of the client's connection, then
	record string        // then; empty: none yet
	later  time.Duration // after which the connection ends that did not at once; 0: it did
}

type ending uint8

const (
	none ending = iota
	orderly
	reset
)

func (e ending) String() string { return [...]string{"none", "an orderly one", "a reset"}[e] }

const (
	continueTime = time.Second     // for a server to say 100
	lingerTime   = 2 * time.Second // for a client to take the last response
	wsQuestion   = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	wsAnswer     = "HTTP/1.1 101 Now\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
)

// wait lets time pass in the course of a talk. No one says anything meanwhile.
func wait(d time.Duration) step { return step{does: waits, text: d.String()} }

// takes has a side take so many octets more, and then none.
func (s side) takes(octets string) step { return step{s, takes, octets} }

var slows = []slow{
	// R13: "also on a completely silent new connection"; "bounds total header time regardless of trickle".
	{name: "R13 silent connection", within: headTime, hears: tooSlow, end: orderly, record: "408 cR 0/98", later: lingerTime},
	{name: "R13 half a head after silence", steps: []step{wait(headTime / 2), client.says("GET / HTTP/1.1\r\n"), wait(0)},
		within: headTime / 2, hears: tooSlow, end: orderly, record: "408 cR 0/98", later: lingerTime},
	{name: "R13 a head that trickles in", steps: []step{
		client.says("GET / HTTP/1.1\r\n"), wait(headTime / 2), client.says("Host: a\r\n"), wait(headTime/2 - 2*tick), client.says("X: a\r\n"), wait(0),
	}, within: 2 * tick, hears: tooSlow, end: orderly, record: "408 cR 0/98", later: lingerTime},
	{name: "R13 half a head of a second request", steps: []step{
		client.says(get), server.hears(get), server.says(ok), client.hears(ok), wait(keepAliveTime - time.Second), client.says("GET "), wait(0),
	}, within: headTime, hears: ok + tooSlow, end: orderly, record: "200 -- 0/2, 408 cR 0/98", later: lingerTime},
	{name: "R13 keep-alive ends silently", steps: []step{client.says(get), server.hears(get), server.says(ok), client.hears(ok)},
		within: keepAliveTime, hears: ok, end: orderly, record: "200 -- 0/2"},
	{name: "R13 keep-alive counts from the last response", steps: []step{
		client.says(get), server.hears(get), server.says(ok), client.hears(ok), wait(keepAliveTime - time.Second),
		client.says(get), server.hears(get), server.says(ok), client.hears(ok),
	}, within: keepAliveTime, hears: ok + ok, end: orderly, record: "200 -- 0/2, 200 -- 0/2"},
	{name: "R13 body that does not come", steps: []step{client.says(postFive + "he"), server.hears(postFive + "he")},
		within: clientTime, hears: tooSlow, end: orderly, record: "408 cH 2/98", later: lingerTime},
	{name: "R13 body that comes slowly is none of the server's time", steps: []step{
		client.says(chunkedQ), wait(clientTime - time.Second), client.says("1\r\na\r\n"), wait(clientTime - time.Second), client.says("1\r\nb\r\n"),
		wait(0), server.hears(chunkedQ + "2\r\nab\r\n"),
	}, within: clientTime, hears: tooSlow, end: orderly, record: "408 cH 2/98", later: lingerTime},
	{name: "R12 body stops after the response has begun", steps: []step{
		client.says(postFive + "he"), server.hears(postFive + "he"), server.says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"), wait(0),
	}, within: clientTime, hears: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nhello", end: reset, record: "200 cD 2/5"},
	{name: "client takes nothing", steps: []step{
		client.says(get), server.hears(get), client.takes("0"), server.says(ok), wait(0),
	}, within: clientTime, end: reset, record: "200 cD 0/2"},
	{name: "client takes a little", steps: []step{
		client.says(get), server.hears(get), client.takes("10"), server.says(ok), wait(clientTime - time.Second), client.takes("5"), wait(0),
	}, within: clientTime, hears: ok[:15], end: reset, record: "200 cD 0/2"},
	{name: "client takes nothing of a large body", steps: []step{
		client.says(get), server.hears(get), client.takes("100000"),
		server.says("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + text(300000)), wait(0),
	}, within: clientTime, hears: "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + text(300000)[:100000-43], end: reset, record: "200 cD 0/102357"},

	// R11, R14: "expiry after last retry".
	{name: "R12 server does not answer", steps: []step{client.says(get), server.hears(get)},
		within: serverTime, hears: serverSlow, record: "504 sH 0/115", later: keepAliveTime},
	{name: "R12 server says half a head", steps: []step{
		client.says(get), server.hears(get), wait(serverTime / 2), server.says("HTTP/1.1 200 O"), wait(0),
	}, within: serverTime, hears: serverSlow, record: "504 sH 0/115", later: keepAliveTime},
	{name: "R12 server that had a request before does not answer", steps: []step{
		client.says(get), server.hears(get), server.says(ok), client.hears(ok), client.says(get), server.hears(get),
	}, within: serverTime, hears: ok + serverSlow, record: "200 -- 0/2, 504 sH 0/115", later: keepAliveTime},
	{name: "R12 server does not answer a body", steps: []step{client.says(postFive + "hello"), server.hears(postFive + "hello")},
		within: serverTime, hears: serverSlow, record: "504 sH 5/115", later: keepAliveTime},
	{name: "R12 server takes nothing", steps: []step{
		client.says(get), server.hears(get), server.says(ok), client.hears(ok), server.takes("0"), client.says(postFive + "hello"), wait(0),
	}, within: serverTime, hears: ok + serverSlow, record: "200 -- 0/2, 504 sH 5/115", later: keepAliveTime},
	{name: "R12 server takes nothing of a large body", steps: []step{
		client.says(get), server.hears(get), server.says(ok), client.hears(ok), server.takes("0"),
		client.says("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16384\r\n\r\n" + text(16384)), wait(0),
	}, within: serverTime, hears: ok + serverSlow, record: "200 -- 0/2, 504 sH 16384/115", later: keepAliveTime},
	{name: "R12 server takes a little of a large body", steps: []step{
		server.takesAtFirst("100000"), client.says("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + text(300000)), wait(0),
	}, within: serverTime, hears: strings.Replace(serverSlow, "no-cache\r\n", "no-cache\r\nConnection: close\r\n", 1), end: orderly, record: "504 sH 196556/115", later: lingerTime},
	{name: "R12 server stops in the midst of a body", steps: []step{
		client.says(get), server.hears(get), server.says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhe"), wait(serverTime - time.Second), server.says("l"), wait(0),
	}, within: serverTime, hears: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel", end: reset, record: "200 sD 0/3"},
	{name: "R12 server stops in the midst of chunks", steps: []step{
		client.says(get), server.hears(get), server.says(chunkedR + "2\r\nhe\r\n"), wait(0),
	}, within: serverTime, hears: chunkedR + "2\r\nhe\r\n", end: reset, record: "200 sD 0/2"},
	{name: "R12 server stops in the midst of a large body", steps: []step{
		client.says(get), server.hears(get), server.says("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + text(100000)), wait(0),
	}, within: serverTime, hears: "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + text(100000), end: reset, record: "200 sD 0/100000"},
	{name: "R12 interim responses are news of the server", steps: []step{
		client.says(get), server.hears(get), wait(serverTime - time.Second), server.says("HTTP/1.1 102 Wait\r\n\r\n"), wait(0),
	}, within: serverTime, hears: "HTTP/1.1 102 Wait\r\n\r\n" + serverSlow, record: "504 sH 0/115", later: keepAliveTime},

	{name: "server says nothing to Expect", steps: []step{
		client.says("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"), wait(0),
	}, within: continueTime, hears: "HTTP/1.1 100 Continue\r\n\r\n", later: clientTime + lingerTime},
	{name: "client says nothing after 100", steps: []step{
		client.says("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"), wait(continueTime),
	}, within: clientTime, hears: "HTTP/1.1 100 Continue\r\n\r\n" + tooSlow, end: orderly, record: "408 cH 0/98", later: lingerTime},

	{name: "tunnel of which nobody says anything", steps: []step{client.says(wsQuestion), server.hears(wsQuestion), server.says(wsAnswer), client.hears(wsAnswer)},
		within: tunnelTime, hears: wsAnswer, end: reset, record: "101 sD 0/0"},
	{name: "tunnel of a client that came long before", steps: []step{
		wait(headTime / 2), client.says(wsQuestion), server.hears(wsQuestion), server.says(wsAnswer), client.hears(wsAnswer),
	}, within: tunnelTime, hears: wsAnswer, end: reset, record: "101 sD 0/0"},
	{name: "tunnel after the client's last word", steps: []step{
		client.says(wsQuestion), server.hears(wsQuestion), server.says(wsAnswer), client.hears(wsAnswer), wait(tunnelTime / 2), client.says("a"), wait(0),
	}, within: tunnelTime, hears: wsAnswer, end: reset, record: "101 sD 1/0"},
	{name: "tunnel after the server's last word", steps: []step{
		client.says(wsQuestion), server.hears(wsQuestion), server.says(wsAnswer), client.hears(wsAnswer), wait(tunnelTime / 2), server.says("a"), wait(0),
	}, within: tunnelTime, hears: wsAnswer + "a", end: reset, record: "101 sD 0/1"},
	{name: "tunnel that one side has ended", steps: []step{
		client.says(wsQuestion), server.hears(wsQuestion), server.says(wsAnswer), client.hears(wsAnswer), client.ends(), server.seesEnd(),
	}, within: tunnelTime, hears: wsAnswer, end: reset, record: "101 sD 0/0"},

	{name: "client lingers after an early response", steps: []step{
		client.says(postFive), server.hears(postFive), server.says(ok), client.hears(okLast), client.says("he"), wait(0),
	}, within: lingerTime, hears: okLast, end: orderly, record: "200 -- 0/2"},
	{name: "client sends on after an early response", steps: []step{
		client.says(postFive), server.hears(postFive), server.says(ok), client.hears(okLast), wait(lingerTime / 2), client.says("he"), wait(0),
	}, within: lingerTime / 2, hears: okLast, end: orderly, record: "200 -- 0/2"},
}

// TestDeadlines: whatever has to happen within a time ends when that has passed, in its own way, and not sooner.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	for i := range slows {
		s := &slows[i]
		t.Run(strings.ReplaceAll(s.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, site{})
			st := &stage{world: w}
			st.peers[client] = w.dial()
			w.step()
			for i := range s.steps {
				st.play(i, &s.steps[i])
			}
			start := w.net.Now()
			before := st.found()
			w.advance(start + s.within - tick - w.net.Now())
			if got := st.found(); got != before {
				t.Errorf("%v too early: got %v, want %v", tick, got, before)
			}
			w.advance(3 * tick)
			st.wantFound(s)
			if s.later > 0 {
				w.advance(s.later - 3*tick)
				if st.peers[client].Closed() {
					t.Errorf("the connection is closed too early")
				}
				w.advance(5 * tick)
			}
			if !st.peers[client].Closed() {
				t.Error("the connection is open")
			}
			w.ended()
		})
	}
}

// found is what a client has heard and how its connection stands.
type found struct {
	heard   int
	ended   bool
	closed  bool
	records int
}

func (st *stage) found() found {
	p := st.peers[client]
	return found{len(p.Received()), p.Ended(), p.Closed(), len(st.records)}
}

func (st *stage) wantFound(s *slow) {
	st.Helper()
	p := st.peers[client]
	if got := string(p.Received()); got != s.hears {
		st.Errorf("the client has heard\n%s\nwant\n%s", brief(got), brief(s.hears))
	}
	end := none
	if p.WasReset() {
		end = reset
	} else if p.Ended() {
		end = orderly
	}
	if end != s.end {
		st.Errorf("the end of the client's connection: got %v, want %v", end, s.end)
	}
	if got := strings.Join(st.accounts(), ", "); got != s.record {
		st.Errorf("records: got %s, want %s", got, s.record)
	}
	if p.Closed() != (s.later == 0) {
		st.Errorf("closed: got %v", p.Closed())
	}
}
