package loop

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// settler notes when it is called.
type settler struct {
	name  string
	calls *[]string
	then  func(l *Loop, s Ref) // in Settle; nil: nothing
}

func (h *settler) Ready(l *Loop, s Ref)   {}
func (h *settler) Expired(l *Loop, s Ref) { *h.calls = append(*h.calls, h.name+" expired") }
func (h *settler) Settle(l *Loop, s Ref) {
	*h.calls = append(*h.calls, h.name)
	if h.then != nil {
		h.then(l, s)
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(l *Loop, a, b Ref, ha, hb *settler)
		want string // "|" stands between passes
	}{
		{"asked for often", func(l *Loop, a, b Ref, ha, hb *settler) { l.Settle(a); l.Settle(b); l.Settle(a) }, "a b | |"},
		{"in the course of another's", func(l *Loop, a, b Ref, ha, hb *settler) {
			ha.then = func(l *Loop, _ Ref) { l.Settle(b); l.Settle(b) }
			l.Settle(a)
		}, "a b | |"},
		{"again in its own: the next pass", func(l *Loop, a, b Ref, ha, hb *settler) {
			ha.then = func(l *Loop, s Ref) { ha.then = nil; l.Settle(s); l.Settle(s) }
			l.Settle(a)
		}, "a | a |"},
		{"each asks for the other: once in a pass", func(l *Loop, a, b Ref, ha, hb *settler) {
			ha.then = func(l *Loop, _ Ref) { l.Settle(b) }
			hb.then = func(l *Loop, _ Ref) { ha.then = nil; l.Settle(a) }
			l.Settle(a)
		}, "a b | a |"},
		{"closed meanwhile", func(l *Loop, a, b Ref, ha, hb *settler) {
			ha.then = func(l *Loop, _ Ref) { l.Close(b, false) }
			l.Settle(a)
			l.Settle(b)
		}, "a | |"},
		{"closed in its own", func(l *Loop, a, b Ref, ha, hb *settler) {
			ha.then = func(l *Loop, s Ref) { l.Close(s, false); l.Settle(s) }
			l.Settle(a)
		}, "a | |"},
		{"the row has another owner", func(l *Loop, a, b Ref, ha, hb *settler) {
			l.Settle(a)
			l.Close(a, false)
			l.Timer(&settler{name: "c", calls: ha.calls})
		}, "| |"},
		{"given to another Handler", func(l *Loop, a, b Ref, ha, hb *settler) { l.Settle(a); l.SetHandler(a, hb) }, "b | |"},
		{"no Settler", func(l *Loop, a, b Ref, ha, hb *settler) {
			l.Settle(l.Timer(hear(func(*Loop, Ref) {})))
			l.Settle(a)
		}, "a | |"},
	} {
		f := newFake(t)
		var calls []string
		run(t, f, func(l *Loop) {
			l.Post(func(l *Loop) {
				ha, hb := &settler{name: "a", calls: &calls}, &settler{name: "b", calls: &calls}
				tt.do(l, l.Timer(ha), l.Timer(hb), ha, hb)
				next := func(l *Loop) { calls = append(calls, "|") }
				l.Post(func(l *Loop) { next(l); l.Post(next) })
			})
		})
		if got := strings.Join(calls, " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Who asked again is not kept waiting until something happens.
func TestSettleAgainWithoutRest(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var calls []string
	h := &settler{name: "a", calls: &calls}
	h.then = func(l *Loop, s Ref) {
		if len(calls) < 3 {
			l.Settle(s)
		}
	}
	run(t, f, func(l *Loop) { l.Settle(l.Timer(h)) }, func() {
		if len(calls) != 3 {
			t.Errorf("called %d times before the first rest, want 3", len(calls))
		}
	})
}

func TestSettleAllocatesNothing(t *testing.T) {
	f := newFake(t)
	l := New(f)
	var calls []string
	refs := []Ref{l.Timer(&settler{name: "a", calls: &calls}), l.Timer(&settler{name: "b", calls: &calls})}
	if got := testing.AllocsPerRun(100, func() {
		calls = calls[:0]
		for _, r := range refs {
			l.Settle(r)
			l.Settle(r)
		}
		l.settleAll()
	}); got != 0 {
		t.Errorf("%v allocations, want 0", got)
	}
}

func TestTimer(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	type expiry struct {
		name string
		at   time.Duration
	}
	var got []expiry
	note := func(name string) Handler {
		return hear(func(l *Loop, s Ref) { got = append(got, expiry{name, l.Now()}) })
	}
	nothing := func() {}
	l := run(t, f, func(l *Loop) {
		first, second, closed := l.Timer(note("first")), l.Timer(note("second")), l.Timer(note("closed"))
		l.SetDeadline(first, time.Second)
		l.SetDeadline(second, 3*time.Minute) // beyond a turn of the wheel
		l.SetDeadline(closed, time.Second)
		l.Close(closed, true)
		if n, st := l.Recv(first, make([]byte, 1)); n != 0 || st != Failed {
			t.Errorf("Recv: got %d, %v", n, st)
		}
		if n, st := l.Send(first, []byte("x")); n != 0 || st != Failed {
			t.Errorf("Send: got %d, %v", n, st)
		}
		if _, err := l.Connected(first); err != notConnected || l.CanRecv(first) || !l.HungUp(first) || l.Sockets() != 0 {
			t.Errorf("connected %v, can receive %v, hung up %v, %d sockets", err, l.CanRecv(first), l.HungUp(first), l.Sockets())
		}
		l.CloseWrite(first)
		l.Each(func(Ref, Handler) { t.Error("Each told of a timer") })
	}, nothing, nothing, nothing, nothing)
	want := []expiry{{"first", time.Second}, {"second", 3 * time.Minute}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if l.Sockets() != 0 {
		t.Errorf("%d sockets at the end", l.Sockets())
	}
}

// A deadline of nought in the course of an expired one waits for the next pass, so that nobody keeps a pass going.
func TestDeadlineOfNought(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	times := 0
	run(t, f, func(l *Loop) {
		l.SetDeadline(l.Timer(hear(func(l *Loop, s Ref) {
			if times++; times < 1000 {
				l.SetDeadline(s, 0)
			}
		})), 0)
	}, func() {}, func() {}, func() {})
	if times != 3 || f.now != 3*tick {
		t.Errorf("expired %d times within %v, want once a tick", times, f.now)
	}
}

// More deadlines than a pass sees to are seen to in the next ones, without rest.
func TestManyDeadlines(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	const timers = 3*expireBudget + 1
	passes := map[int]int{}
	run(t, f, func(l *Loop) {
		for range timers {
			l.SetDeadline(l.Timer(hear(func(l *Loop, s Ref) { passes[f.waits]++; l.Close(s, false) })), time.Second)
		}
	}, func() {})
	total := 0
	for wait, n := range passes {
		total += n
		if n > expireBudget {
			t.Errorf("%d expired after wait %d, want at most %d", n, wait, expireBudget)
		}
	}
	if total != timers || len(passes) != 4 || f.now != time.Second {
		t.Errorf("%d expired in %d passes until %v, want %d in 4 until 1s", total, len(passes), f.now, timers)
	}
}

func TestEach(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	clients := []*conn{f.dial("a"), f.dial("b"), f.dial("c")}
	seen := 0
	var loop *Loop
	run(t, f, func(l *Loop) { loop = l; serve(t, 0)(l) }, func() {}, func() {
		loop.Post(func(l *Loop) {
			l.Timer(&echo{})
			var refs []Ref
			l.Each(func(r Ref, h Handler) {
				seen++
				if refs = append(refs, r); len(refs) == 1 {
					return
				}
				for _, r := range refs {
					l.Close(r, true)
				}
			})
			if l.Sockets() != 0 {
				t.Errorf("%d sockets are left, want 0", l.Sockets())
			}
		})
	})
	if seen != 3 || !clients[0].byReset || !clients[1].byReset || !clients[2].byReset {
		t.Errorf("told of %d sockets, want 3, all closed", seen)
	}
}
