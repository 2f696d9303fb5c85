package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/loop/looptest"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// queueTime is how long requests wait for a server that has room.
const queueTime = 3 * time.Second

// last is an answer after which the server closes: the next request has a connection of its own.
const last = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"

// narrows has the server take one request at a time, and so many wait; 0: any number.
func (w *world) narrows(most int) {
	w.Helper()
	pool, err := upstream.NewPool(upstream.Options{MaxQueue: most}, []upstream.Member{{Server: w.app, Weight: 1, MaxConnections: 1}})
	if err != nil {
		w.Fatal(err)
	}
	pool.Attach()
	w.backend.Servers, w.backend.Queue = pool, queueTime
}

// comes has a client ask for a path of its own.
func (w *world) comes(path string) *looptest.Peer {
	w.Helper()
	c := w.net.Dial(here)
	c.Say("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n")
	w.step()
	return c
}

// serves has the server answer the request that it has to have, and have no other.
func (w *world) serves(path string, c *looptest.Peer) {
	w.Helper()
	s := w.server.Accept()
	if s == nil || !strings.HasPrefix(string(s.Received()), "GET "+path+" ") {
		w.Fatalf("the server has not got %s", path)
	}
	if w.server.Accept() != nil {
		w.Fatalf("the server has more than %s", path)
	}
	s.Say(last)
	s.Close()
	w.step()
	if got := string(c.Received()); !strings.HasSuffix(got, "\r\n\r\nok") {
		w.Errorf("%s: the client has heard %q", path, got)
	}
}

// eachKernel runs a test on kernels that split and delay what they like, with one loop and with four.
func eachKernel(t *testing.T, run func(*testing.T, *world)) {
	t.Parallel()
	for _, loops := range []int{1, 4} {
		for seed := range uint64(10) {
			t.Run(fmt.Sprintf("%d loops, kernel %d", loops, seed), func(t *testing.T) {
				t.Parallel()
				run(t, newWorld(t, site{loops: loops, seed: seed}))
			})
		}
	}
}

// R43: "excess waits FIFO". Whichever loop a client is on.
func TestR43_WhoWaitsIsServedInTurn(t *testing.T) {
	eachKernel(t, func(_ *testing.T, w *world) {
		w.narrows(0)
		var clients []*looptest.Peer
		var want []string
		for n := range 6 {
			clients = append(clients, w.comes(fmt.Sprintf("/%d", n)))
			want = append(want, "200 -- 0/2")
		}
		for n, c := range clients {
			w.serves(fmt.Sprintf("/%d", n), c)
		}
		w.wantAccounts(want...)
		for _, c := range clients {
			c.Close()
		}
		w.ended()
	})
}

// R43: "client abort leaves the queue". No server hears of the request, and those behind it move up.
func TestR43_WhoLeavesLeavesTheQueue(t *testing.T) {
	eachKernel(t, func(_ *testing.T, w *world) {
		w.narrows(2)
		first, gone, second := w.comes("/0"), w.comes("/gone"), w.comes("/1")
		gone.Reset()
		w.step()
		w.wantAccounts("0 CQ 0/0")
		third := w.comes("/2") // there is room again
		w.serves("/0", first)
		w.serves("/1", second)
		w.serves("/2", third)
		w.wantAccounts("0 CQ 0/0", "200 -- 0/2", "200 -- 0/2", "200 -- 0/2")
		for _, c := range []*looptest.Peer{first, second, third} {
			c.Close()
		}
		w.ended()
	})
}

// R14: "expiry -> 503 sQ". Who has waited for too long is told so, who comes when too many wait at once, and the one that is served stays.
func TestR14_WaitingHasAnEnd(t *testing.T) {
	eachKernel(t, func(t *testing.T, w *world) {
		w.narrows(1)
		first, late, many := w.comes("/0"), w.comes("/late"), w.comes("/many")
		heard := func(c *looptest.Peer, wanted bool) {
			t.Helper()
			if got := string(c.Received()); strings.HasPrefix(got, "HTTP/1.1 503 ") != wanted {
				t.Errorf("after %v: the client has heard %q, want 503 %t", w.net.Now(), got, wanted)
			}
		}
		heard(many, true)
		w.wantAccounts("503 SQ 0/" + fmt.Sprint(w.records[0].BytesOut))
		w.advance(queueTime - 2*tick)
		heard(late, false)
		w.advance(4 * tick)
		heard(late, true)
		w.serves("/0", first)
		if got := w.records[1].Termination.String(); got != "sQ" {
			t.Errorf("got %s, want sQ", got)
		}
		for _, c := range []*looptest.Peer{first, late, many} {
			c.Close()
		}
		w.ended()
	})
}
