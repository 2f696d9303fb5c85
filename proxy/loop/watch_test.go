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
