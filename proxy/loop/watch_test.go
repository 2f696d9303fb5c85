package loop_test

import (
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
)

// brief answers a client by what its first call says, and closes when it is asked for more.
type brief struct {
	first  func(l *loop.Loop, s loop.Ref)
	called int
}

func (b *brief) Ready(l *loop.Loop, s loop.Ref) {
	if b.called++; b.called == 1 {
		l.Postpone(s)
		b.first(l, s)
		return
	}
	if _, st := l.Recv(s, l.Scratch()); st == loop.Ended {
		l.Close(s, false)
	}
}

func (b *brief) Expired(*loop.Loop, loop.Ref) {}

func TestPostpone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		first   func(l *loop.Loop, s loop.Ref)
		watched int // calls until the moment has passed
		later   int // in all
	}{
		{"answered and closed at once", func(l *loop.Loop, s loop.Ref) {
			l.Recv(s, l.Scratch())
			l.Send(s, []byte("answer"))
			l.Close(s, false)
		}, 0, 0},
		{"answered, and left open", func(l *loop.Loop, s loop.Ref) {
			l.Recv(s, l.Scratch())
			l.Send(s, []byte("answer"))
		}, 0, 1},
		{"a read that would block", func(l *loop.Loop, s loop.Ref) {
			l.Recv(s, l.Scratch())
			l.Recv(s, l.Scratch())
		}, 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n, _ := one(t, 0, func(l *loop.Loop, c loop.Client) { l.Adopt(c, &brief{first: tt.first}) })
			c := n.Dial(here)
			c.Say("request")
			n.Step()
			if got := n.Calls[looptest.OpWatch]; got != tt.watched {
				t.Errorf("watched %d times at once, want %d", got, tt.watched)
			}
			n.Advance(20 * time.Millisecond)
			if got := n.Calls[looptest.OpWatch]; got != tt.later {
				t.Errorf("watched %d times in all, want %d", got, tt.later)
			}
			c.CloseWrite()
			n.Step()
			if !c.Closed() {
				t.Error("the client's end was not noticed")
			}
		})
	}
}

// An answer that does not go out whole is finished when there is room, though its client was postponed.
func TestPostponeAndAShortSend(t *testing.T) {
	t.Parallel()
	answer := []byte("answer")
	n, _ := one(t, 0, func(l *loop.Loop, c loop.Client) {
		l.Adopt(c, hear(func(l *loop.Loop, s loop.Ref) {
			l.Postpone(s)
			sent, _ := l.Send(s, answer)
			answer = answer[sent:]
		}))
	})
	c := n.Dial(here)
	c.Window(2)
	n.Step()
	c.Window(-1)
	n.Step()
	if got := string(c.Received()); got != "answer" {
		t.Errorf("got %q", got)
	}
}

// A Loop that never rests watches who was postponed all the same.
func TestPostponeOnABusyLoop(t *testing.T) {
	t.Parallel()
	clients := 0
	n, l := one(t, 0, func(l *loop.Loop, c loop.Client) {
		if clients++; clients == 1 {
			echoes(l, c)
			return
		}
		l.Adopt(c, &brief{first: func(*loop.Loop, loop.Ref) {}})
	})
	busy := n.Dial(here)
	n.Step()
	n.Dial(here)
	for range 20 {
		busy.Say("x")
		if err := l.Pass(); err != nil {
			t.Fatal(err)
		}
		n.Take(time.Millisecond)
	}
	if got := n.Calls[looptest.OpWatch]; got != 2 || clients != 2 {
		t.Errorf("watched %d of %d, want 2 of 2", got, clients)
	}
}
