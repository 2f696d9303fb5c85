package loop_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
)

// A head and a body leave in one call, and whatever the kernel takes of them arrives in order, once.
func TestSend2(t *testing.T) {
	t.Parallel()
	head, body := "head of the response; ", strings.Repeat("body", 10)
	for _, tt := range []struct {
		name       string
		head, body string
		seed       uint64
		split      int
		room       int // at first; it grows by 7 at a time
	}{
		{"whole", head, body, 0, 0, 1000},
		{"octet by octet", head, body, 0, 1, 1000},
		{"room within the head", head, body, 0, 0, 5},
		{"room for the head", head, body, 0, 0, len(head)},
		{"room within the body", head, body, 0, 0, len(head) + 1},
		{"no room", head, body, 0, 0, 0},
		{"no body", head, "", 0, 0, 5},
		{"no head", "", body, 0, 0, 5},
		{"neither", "", "", 0, 0, 5},
		{"at random", head, body, 1, 0, 30},
		{"at random", head, body, 2, 0, 30},
	} {
		a, b := []byte(tt.head), []byte(tt.body)
		sent, last := 0, loop.Blocked
		n, _ := one(t, tt.seed, func(l *loop.Loop, c loop.Client) {
			l.Adopt(c, hear(func(l *loop.Loop, s loop.Ref) {
				n, st := l.Send2(s, a, b)
				inHead := min(n, len(a))
				a, b = a[inHead:], b[n-inHead:]
				sent, last = sent+n, st
			}))
		})
		n.Split = tt.split
		c := n.Dial(here)
		c.Window(tt.room)
		n.Step()
		if tt.name == "whole" && n.Calls[looptest.OpSend] != 1 {
			t.Errorf("%s: took %d calls, want 1", tt.name, n.Calls[looptest.OpSend])
		}
		if calls := n.Calls[looptest.OpSend]; tt.split == 0 && tt.seed == 0 && calls > 1 {
			t.Errorf("%s: took %d calls, want one: a send that comes short has used up the room", tt.name, calls)
		}
		if got := len(c.Received()); got != sent || got > tt.room {
			t.Errorf("%s: %d octets came, %d were sent, there was room for %d", tt.name, got, sent, tt.room)
		}
		for range 12 {
			c.Window(7)
			n.Step()
		}
		if got, want := string(c.Received()), tt.head+tt.body; got != want || last != loop.Done {
			t.Errorf("%s: got %q, state %v, want %q", tt.name, got, last, want)
		}
	}
}

func TestSend2OnABrokenConnection(t *testing.T) {
	t.Parallel()
	var sent int
	var st loop.State
	n, _ := one(t, 0, func(l *loop.Loop, c loop.Client) {
		l.Adopt(c, hear(func(l *loop.Loop, s loop.Ref) { sent, st = l.Send2(s, []byte("a"), []byte("b")) }))
	})
	n.Split = 1
	n.Fail(looptest.OpSend, syscall.EINTR, nil, syscall.EPIPE)
	n.Dial(here)
	n.Step()
	if sent != 0 || st != loop.Failed || n.Calls[looptest.OpSend] < 3 {
		t.Errorf("got %d, %v, want 0, %v", sent, st, loop.Failed)
	}
}
