package loop_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
)

// here is where the Loops of the tests listen, there where they connect to.
var (
	here  = netip.MustParseAddrPort("192.0.2.2:80")
	there = netip.MustParseAddrPort("192.0.2.80:80")
)

// hear calls a function for whatever happens.
type hear func(l *loop.Loop, s loop.Ref)

func (h hear) Ready(l *loop.Loop, s loop.Ref)   { h(l, s) }
func (h hear) Expired(l *loop.Loop, s loop.Ref) { h(l, s) }

// echo sends back what it receives, and closes when the client has ended and everything is sent.
type echo struct {
	unsent  []byte
	ended   bool
	expired int
	idle    time.Duration // deadline after each receipt; 0: none
}

func (e *echo) Ready(l *loop.Loop, s loop.Ref) {
	for {
		if n, st := l.Send(s, e.unsent); st == loop.Failed {
			l.Close(s, true)
			return
		} else if e.unsent = e.unsent[n:]; st == loop.Blocked {
			return // what has not been sent slows the client down
		}
		if e.ended {
			l.Close(s, false)
			return
		}
		n, st := l.Recv(s, l.Scratch()[:100])
		switch st {
		case loop.Blocked:
			return
		case loop.Failed:
			l.Close(s, true)
			return
		case loop.Ended:
			e.ended = true
		}
		e.unsent = append(e.unsent[:0], l.Scratch()[:n]...)
		if e.idle > 0 {
			l.SetDeadline(s, e.idle)
		}
	}
}

func (e *echo) Expired(l *loop.Loop, s loop.Ref) {
	e.expired++
	l.Close(s, false)
}

// echoes has a Loop answer its clients by an echo each.
func echoes(l *loop.Loop, c loop.Client) { l.Adopt(c, &echo{}) }

// one is a network with one Loop that listens here. Nothing may be open at the end of the test.
func one(t testing.TB, seed uint64, accept loop.Accept) (n *looptest.Net, l *loop.Loop) {
	t.Helper()
	n = looptest.New(seed)
	l = n.Loop()
	if err := l.Listen(n.Listen(here), accept, func(err error) { t.Error(err) }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left := n.End(); left != 0 {
			t.Errorf("%d descriptors are open at the end", left)
		}
	})
	return n, l
}
