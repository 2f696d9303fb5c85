package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/proxy/engine"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
)

const (
	own       = "GET /own HTTP/1.1\r\nHost: a\r\n\r\n"
	ownAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown"
)

// served is how many of the clients have got an answer, and lost how many have been turned away.
func served(clients []*looptest.Peer) (served, lost int) {
	for _, c := range clients {
		switch {
		case strings.HasPrefix(string(c.Received()), ownAnswer):
			served++
		case c.Ended():
			lost++
		}
	}
	return served, lost
}

func (w *world) wantServed(clients []*looptest.Peer, want int) {
	w.Helper()
	if n, lost := served(clients); n != want || lost != 0 {
		w.Errorf("after %v: %d clients were served and %d turned away, want %d and 0", w.net.Now(), n, lost, want)
	}
}

// ask has so many clients come, one after the other, each with a request.
func (w *world) ask(n int) (clients []*looptest.Peer) {
	w.Helper()
	for range n {
		c := w.net.Dial(here)
		c.Say(own)
		w.step()
		clients = append(clients, c)
	}
	return clients
}

// R4, R5: "beyond it the listener stops accepting and connections wait in the kernel backlog". Of all, of a frontend, and of both, on one
// loop and on four.
func TestR4_R5_Limit(t *testing.T) {
	t.Parallel()
	for _, loops := range []int{1, 4} {
		for _, tt := range []struct{ all, frontend, want int }{{3, 0, 3}, {0, 3, 3}, {3, 5, 3}, {5, 3, 3}, {3, 3, 3}, {0, 0, 8}, {1, 1, 1}} {
			t.Run(fmt.Sprintf("%d loops, %d, %d", loops, tt.all, tt.frontend), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, site{loops: loops, limit: engine.NewLimit(tt.all)})
				w.bind.Limit = engine.NewLimit(tt.frontend)
				clients := w.ask(8)
				w.wantServed(clients, tt.want)
				for n := tt.want; n < 8; n++ { // each that leaves makes room for another
					for i, c := range clients {
						if done, _ := served(clients[i : i+1]); done == 1 && !c.Closed() {
							c.Close()
							break
						}
					}
					w.step()
					w.wantServed(clients, n+1)
					if w.opened-w.closed != tt.want {
						t.Errorf("%d connections, want %d", w.opened-w.closed, tt.want)
					}
				}
				for _, c := range clients {
					c.Close()
				}
				w.ended()
			})
		}
	}
}

// Clients that say nothing make room when their time is over, for those that wait.
func TestLimitOfSilentClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t, site{loops: 4, limit: engine.NewLimit(2)})
	clients := w.ask(5)
	w.wantServed(clients, 2)
	w.advance(keepAliveTime + tick)
	w.wantServed(clients, 4)
	w.advance(keepAliveTime + tick)
	w.wantServed(clients, 5)
	w.ended()
}

// A limit that is raised lets those in that wait; one that is lowered turns nobody out.
func TestSetLimit(t *testing.T) {
	t.Parallel()
	for _, loops := range []int{1, 4} {
		limit := engine.NewLimit(2)
		w := newWorld(t, site{loops: loops, limit: limit})
		clients := w.ask(8)
		w.wantServed(clients, 2)
		set := func(most, want int) {
			t.Helper()
			w.engine.SetLimit(limit, most)
			w.step()
			w.wantServed(clients, want)
		}
		set(5, 5)
		set(3, 5)
		clients[0].Close()
		clients[1].Close()
		w.step()
		w.wantServed(clients, 5)
		set(0, 8)
		clients = append(clients, w.ask(1)...)
		w.wantServed(clients, 9)
		for _, c := range clients {
			c.Close()
		}
		w.ended()
	}
}

// A gate that closes while clients wait turns none of them away: all are served when it opens, as far as there is room.
func TestLimitAndGate(t *testing.T) {
	t.Parallel()
	for _, loops := range []int{1, 4} {
		limit := engine.NewLimit(2)
		w := newWorld(t, site{loops: loops, limit: limit})
		clients := w.ask(8)
		w.wantServed(clients, 2)
		w.do(w.listener.Pause)
		w.wantServed(clients, 2)
		clients[0].Close()
		w.step()
		w.wantServed(clients, 2) // there is room, but the gate is closed
		w.do(w.listener.Open)
		w.wantServed(clients, 3)
		w.do(w.listener.Pause)
		w.do(w.listener.Open) // there is no room
		w.wantServed(clients, 3)
		clients = append(clients, w.ask(2)...)
		w.engine.SetLimit(limit, 0)
		w.step()
		w.wantServed(clients, 10)
		for _, c := range clients {
			c.Close()
		}
		w.ended()
	}
}

// A listener that closes has nobody wait.
func TestLimitAndClose(t *testing.T) {
	t.Parallel()
	w := newWorld(t, site{loops: 4, limit: engine.NewLimit(1)})
	w.ask(2)
	w.do(w.listener.Pause)
	w.do(w.listener.Close)
	w.advance(keepAliveTime + tick)
	if open := w.net.Open(); open != 0 {
		t.Errorf("%d descriptors are left", open)
	}
	w.end()
}

// A frontend that is full takes no room from another one.
func TestLimitsAreApart(t *testing.T) {
	t.Parallel()
	const most = 4
	w := newWorld(t, site{loops: 4, limit: engine.NewLimit(most)})
	w.bind.Limit = engine.NewLimit(1)
	address := netip.MustParseAddrPort("192.0.2.2:81")
	other := &engine.Bind{
		Frontend: w.bind.Frontend, Draining: w.bind.Draining, Account: w.bind.Account, Opened: w.bind.Opened, Closed: w.bind.Closed,
		Limit: engine.NewLimit(2),
	}
	li := w.engine.Listen(w.net.Listen(address), other, func(err error) { t.Error(err) })
	w.do(li.Open)
	here := w.ask(6)
	var there []*looptest.Peer
	for range 6 {
		c := w.net.Dial(address)
		c.Say(own)
		w.step()
		there = append(there, c)
	}
	w.wantServed(here, 1)
	w.wantServed(there, 2)
	for _, c := range append(here, there...) {
		c.Say("GET /own HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	}
	w.step()
	w.wantServed(here, 6)
	w.wantServed(there, 6)
	w.ended()
}

// End and Retire find every connection that is served, whatever it is doing; those that wait are served then.
func TestEndAndRetireFindAll(t *testing.T) {
	t.Parallel()
	for _, retire := range []bool{false, true} {
		w := newWorld(t, site{loops: 4})
		var all []*looptest.Peer
		for i, say := range []string{"", "GET", get, postFive + "he", own, wsQuestion, "POST /own HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"} {
			c := w.net.Dial(here)
			c.Say(say)
			w.step()
			if i == 5 {
				s := w.server.Accept()
				for next := w.server.Accept(); next != nil; next = w.server.Accept() {
					s = next
				}
				s.Say(wsAnswer)
				w.step()
			}
			all = append(all, c)
		}
		ended := 0
		w.do(func() {
			if retire {
				w.engine.Retire(func(b *engine.Bind) bool { return b == w.bind })
			} else {
				ended = w.engine.End(func(b *engine.Bind) bool { return b == w.bind })
			}
		})
		if retire {
			for i, want := range []bool{true, false, false, false, true, false, false} {
				if all[i].Closed() != want {
					t.Errorf("client %d: closed %v, want %v", i, all[i].Closed(), want)
				}
			}
		} else if ended != len(all) || w.engine.Open() != 0 {
			t.Errorf("%d of %d connections have been ended, %d are open", ended, len(all), w.engine.Open())
		}
		w.ended()
	}
}

// Whatever comes in whatever order, each client is served in its turn, and never are there more than may be.
func TestLimitLosesNobody(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60 / every) {
		random := rand.New(rand.NewPCG(seed, 0))
		most := 1 + random.IntN(5)
		limit := engine.NewLimit(most)
		w := newWorld(t, site{loops: 1 + 3*int(seed%2), seed: seed, limit: limit})
		inFrontend := 1 + random.IntN(5)
		w.bind.Limit = engine.NewLimit(inFrontend)
		peak := 0
		w.account = func(*exchange.Record) { peak = max(peak, w.opened-w.closed) }
		var clients []*looptest.Peer
		gate := true
		for range 80 {
			switch random.IntN(6) {
			case 0, 1, 2:
				c := w.net.Dial(here)
				c.Say([]string{own, own + own, "GET /own HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"}[random.IntN(3)])
				clients = append(clients, c)
			case 3:
				if len(clients) > 0 {
					if c := clients[random.IntN(len(clients))]; len(c.Received()) > 0 {
						c.Close()
					}
				}
			case 4:
				gate = !gate
				w.do(map[bool]func(){true: w.listener.Open, false: w.listener.Pause}[gate])
			case 5:
				w.advance(time.Duration(random.IntN(int(keepAliveTime) / 4)))
			}
			if random.IntN(2) == 0 {
				w.step()
			}
		}
		w.do(w.listener.Open)
		w.advance(time.Duration(len(clients)) * keepAliveTime)
		w.ended()
		answered := 0
		for _, c := range clients {
			if strings.HasPrefix(string(c.Received()), "HTTP/1.1 200 OK\r\n") {
				answered++
			}
		}
		if answered != len(clients) || peak > min(most, inFrontend) {
			t.Errorf("seed %d: %d of %d clients were served, %d at once of %d and %d", seed, answered, len(clients), peak, most, inFrontend)
		}
	}
}

// Who waits does not do so for ever when the engine ends.
func TestRunTurnsAwayWhoWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, site{}) // its frontend is all that is of use here
	socket, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	file, err := socket.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := unix.SetNonblock(int(file.Fd()), true); err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{}, 1)
	e := engine.New(engine.Options{Loops: 1, Limit: engine.NewLimit(1)})
	b := &engine.Bind{Frontend: w.bind.Frontend, Draining: w.bind.Draining, Account: func(*exchange.Record) {}, Closed: func() {}, Opened: func() { served <- struct{}{} }}
	e.Listen(int(file.Fd()), b, func(err error) { t.Error(err) }).Open()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- e.Run(ctx) }()
	var clients [2]net.Conn
	for i := range clients {
		if clients[i], err = net.Dial("tcp4", socket.Addr().String()); err != nil {
			t.Fatal(err)
		}
		defer clients[i].Close()
		if i == 0 {
			<-served
		}
	}
	if !eventually(func() bool { return e.Held() == 1 }) {
		t.Error("the second client does not wait")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for i, c := range clients {
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		if n, err := c.Read(make([]byte, 1)); n > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("client %d: read %d octets, %v, want the end", i, n, err)
		}
	}
}

// eventually waits for what goroutines do.
func eventually(holds func() bool) bool {
	for range 10_000 {
		if holds() {
			return true
		}
		time.Sleep(time.Millisecond)
	}
	return false
}

// What drains or is retired says so with the next response, of a server and of its own, and closes the connection then. A client that
// comes later to a bind that drains is served once.
func TestLastResponse(t *testing.T) {
	t.Parallel()
	const ownLast = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nown"
	for _, retire := range []bool{false, true} {
		w := newWorld(t, site{})
		idle, waiting, served := w.net.Dial(here), w.net.Dial(here), w.net.Dial(here)
		idle.Say(own)
		served.Say(get)
		w.step()
		s := w.server.Accept()
		if retire {
			w.do(func() { w.engine.Retire(func(*engine.Bind) bool { return true }) })
		} else {
			w.draining = true
		}
		s.Say(ok)
		w.step()
		if got := string(served.Received()); got != okLast || !served.Ended() || served.WasReset() {
			t.Errorf("retire %v: under way: heard %s, ended %v", retire, brief(got), served.Ended())
		}
		if idle.Ended() != retire || waiting.Ended() != retire {
			t.Errorf("retire %v: idle: ended %v, silent: ended %v", retire, idle.Ended(), waiting.Ended())
		}
		late := w.net.Dial(here)
		for _, c := range []*looptest.Peer{idle, waiting, late} {
			c.Read()
			c.Say(own + own)
			w.step()
			want := ownLast
			if retire && c != late {
				want = ""
			}
			if got := string(c.Read()); got != want || !c.Ended() {
				t.Errorf("retire %v: heard %s, want %s; ended %v", retire, brief(got), brief(want), c.Ended())
			}
		}
		w.ended()
	}
}

// A response that has begun when its bind is retired can't say that it is the last. It is nevertheless.
func TestRetireInTheMidstOfAResponse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, site{})
	c := w.net.Dial(here)
	c.Say(get)
	w.step()
	s := w.server.Accept()
	s.Say(ok[:len(ok)-1])
	w.step()
	w.do(func() { w.engine.Retire(func(*engine.Bind) bool { return true }) })
	if c.Ended() {
		t.Error("the connection has ended too early")
	}
	s.Say(ok[len(ok)-1:])
	w.step()
	if got := string(c.Received()); got != ok || !c.Ended() || c.WasReset() {
		t.Errorf("heard %s, ended %v", brief(got), c.Ended())
	}
	w.ended()
}
