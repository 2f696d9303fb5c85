package loop_test

import (
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/proxy/loop"
)

// settler notes when it is called.
type settler struct {
	name  string
	calls *[]string
	then  func(l *loop.Loop, s loop.Ref) // in Settle; nil: nothing
}

func (h *settler) Ready(l *loop.Loop, s loop.Ref)   {}
func (h *settler) Expired(l *loop.Loop, s loop.Ref) { *h.calls = append(*h.calls, h.name+" expired") }
func (h *settler) Settle(l *loop.Loop, s loop.Ref) {
	*h.calls = append(*h.calls, h.name)
	if h.then != nil {
		h.then(l, s)
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(l *loop.Loop, a, b loop.Ref, ha, hb *settler)
		want string // "|" stands between passes
	}{
		{"asked for often", func(l *loop.Loop, a, b loop.Ref, ha, hb *settler) { l.Settle(a); l.Settle(b); l.Settle(a) }, "a b | |"},
		{"in the course of another's", func(l *loop.Loop, a, b loop.Ref, ha, hb *settler) {
			ha.then = func(l *loop.Loop, _ loop.Ref) { l.Settle(b); l.Settle(b) }
			l.Settle(a)
		}, "a b | |"},
		{"again in its own: the next pass", func(l *loop.Loop, a, b loop.Ref, ha, hb *settler) {
			ha.then = func(l *loop.Loop, s loop.Ref) { ha.then = nil; l.Settle(s); l.Settle(s) }
			l.Settle(a)
		}, "a | a |"},
		{"each asks for the other: once in a pass", func(l *loop.Loop, a, b loop.Ref, ha, hb *settler) {
			ha.then = func(l *loop.Loop, _ loop.Ref) { l.Settle(b) }
			hb.then = func(l *loop.Loop, _ loop.Ref) { ha.then = nil; l.Settle(a) }
			l.Settle(a)
		}, "a b | a |"},
		{"closed meanwhile", func(l *loop.Loop, a, b loop.Ref, ha, hb *settler) {
			ha.then = func(l *loop.Loop, _ loop.Ref) { l.Close(b, false) }
			l.Settle(a)
			l.Settle(b)
		}, "a | |"},
		{"closed in its own", func(l *loop.Loop, a, b loop.Ref, ha, hb *settler) {
			ha.then = func(l *loop.Loop, s loop.Ref) { l.Close(s, false); l.Settle(s) }
			l.Settle(a)
		}, "a | |"},
		{"the row has another owner", func(l *loop.Loop, a, b loop.Ref, ha, hb *settler) {
			l.Settle(a)
			l.Close(a, false)
			l.Timer(&settler{name: "c", calls: ha.calls})
		}, "| |"},
		{"given to another Handler", func(l *loop.Loop, a, b loop.Ref, ha, hb *settler) { l.Settle(a); l.SetHandler(a, hb) }, "b | |"},
		{"no Settler", func(l *loop.Loop, a, b loop.Ref, ha, hb *settler) {
			l.Settle(l.Timer(hear(func(*loop.Loop, loop.Ref) {})))
			l.Settle(a)
		}, "a | |"},
	} {
		n, l := one(t, 0, echoes)
		var calls []string
		l.Post(func(l *loop.Loop) {
			ha, hb := &settler{name: "a", calls: &calls}, &settler{name: "b", calls: &calls}
			tt.do(l, l.Timer(ha), l.Timer(hb), ha, hb)
			next := func(l *loop.Loop) { calls = append(calls, "|") }
			l.Post(func(l *loop.Loop) { next(l); l.Post(next) })
		})
		n.Step()
		if got := strings.Join(calls, " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Who asked again is not kept waiting until something happens.
func TestSettleAgainWithoutRest(t *testing.T) {
	t.Parallel()
	n, l := one(t, 0, echoes)
	var calls []string
	h := &settler{name: "a", calls: &calls}
	h.then = func(l *loop.Loop, s loop.Ref) {
		if len(calls) < 3 {
			l.Settle(s)
		}
	}
	l.Settle(l.Timer(h))
	n.Step()
	if len(calls) != 3 || n.Now() != 0 {
		t.Errorf("called %d times before the first rest, want 3", len(calls))
	}
}

func TestSettleAllocatesNothing(t *testing.T) {
	n, l := one(t, 0, echoes)
	var calls []string
	refs := []loop.Ref{l.Timer(&settler{name: "a", calls: &calls}), l.Timer(&settler{name: "b", calls: &calls})}
	if got := testing.AllocsPerRun(100, func() {
		calls = calls[:0]
		for _, r := range refs {
			l.Settle(r)
			l.Settle(r)
		}
		n.Step()
		if len(calls) != 2 {
			t.Fatalf("called %v", calls)
		}
	}); got != 0 {
		t.Errorf("%v allocations, want 0", got)
	}
}
