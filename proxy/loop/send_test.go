package loop

import (
	"strings"
	"testing"
)

// hear calls a function for what a socket is ready for.
type hear func(l *Loop, s Ref)

func (h hear) Ready(l *Loop, s Ref)   { h(l, s) }
func (h hear) Expired(l *Loop, s Ref) { h(l, s) }

// A head and a body leave in one call, and whatever the kernel takes of them arrives in order, once.
func TestSend2(t *testing.T) {
	t.Parallel()
	head, body := "head of the response; ", strings.Repeat("body", 10)
	for _, tt := range []struct {
		name       string
		head, body string
		step, room int // of the kernel at first; room grows by 7 at a time
	}{
		{"whole", head, body, 0, 1000},
		{"octet by octet", head, body, 1, 1000},
		{"room within the head", head, body, 0, 5},
		{"room for the head", head, body, 0, len(head)},
		{"room within the body", head, body, 0, len(head) + 1},
		{"no room", head, body, 0, 0},
		{"no body", head, "", 0, 5},
		{"no head", "", body, 0, 5},
		{"neither", "", "", 0, 5},
	} {
		f := newFake(t)
		f.step = tt.step
		c := &conn{in: []byte("x"), room: tt.room}
		f.waiting = append(f.waiting, c)
		a, b := []byte(tt.head), []byte(tt.body)
		var last State
		grow := func() { f.makeRoom(c, 7) }
		idle := []func(){}
		for range 12 {
			idle = append(idle, grow)
		}
		run(t, f, func(l *Loop) {
			_ = l.Listen(3, func(l *Loop, client Client) {
				l.Adopt(client, hear(func(l *Loop, s Ref) {
					n, st := l.Send2(s, a, b)
					inHead := min(n, len(a))
					a, b, last = a[inHead:], b[n-inHead:], st
				}))
			}, nil)
		}, idle...)
		if got, want := string(c.out), tt.head+tt.body; got != want || last != Done {
			t.Errorf("%s: got %q, state %v, want %q", tt.name, got, last, want)
		}
		if tt.name == "whole" && f.sends != 1 {
			t.Errorf("%s: took %d calls, want 1", tt.name, f.sends)
		}
	}
}

func TestSend2OnABrokenConnection(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	c := f.dial("x")
	var n int
	var st State
	run(t, f, func(l *Loop) {
		_ = l.Listen(3, func(l *Loop, client Client) {
			l.Adopt(client, hear(func(l *Loop, s Ref) {
				c.reset = true
				n, st = l.Send2(s, []byte("a"), []byte("b"))
			}))
		}, nil)
	})
	if n != 0 || st != Failed {
		t.Errorf("got %d, %v, want 0, %v", n, st, Failed)
	}
}
