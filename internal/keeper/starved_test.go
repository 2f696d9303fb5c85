package keeper

import (
	"os"
	"slices"
	"testing"
	"time"
)

func TestStarved(t *testing.T) {
	t.Parallel()
	const elapsed = 150 * ms
	then := thread{id: 1, state: 'R', ran: time.Second, waited: time.Second, turns: 100}
	with := func(change func(*thread)) thread {
		now := then
		change(&now)
		return now
	}
	for _, tt := range []struct {
		name   string
		before thread
		now    thread
		want   bool
	}{
		{"wants to run all the while, and is not let", then, then, true},
		{"was let after most of it", then, with(func(t *thread) { t.state = 'S'; t.turns++; t.ran += ms; t.waited += 100 * ms }), true},
		{"waited for less than half of it", then, with(func(t *thread) { t.turns += 9; t.ran += 75 * ms; t.waited += 75 * ms }), false},
		{"spins: runs all the while", then, with(func(t *thread) { t.ran += elapsed }), false},
		{"sleeps all the while", with(func(t *thread) { t.state = 'S' }), with(func(t *thread) { t.state = 'S' }), false},
		{"woke just now", with(func(t *thread) { t.state = 'S' }), then, false},
		{"is stopped", then, with(func(t *thread) { t.state = 'T' }), false},
		{"is stopped, and waited before", then, with(func(t *thread) { t.state = 'T'; t.waited += 100 * ms }), false},
		{"is traced", then, with(func(t *thread) { t.state = 't'; t.waited += 100 * ms }), false},
		{"hangs in the kernel", with(func(t *thread) { t.state = 'D' }), with(func(t *thread) { t.state = 'D' }), false},
		{"is another one", with(func(t *thread) { t.id = 2 }), then, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			idle := thread{id: 9, state: 'S', turns: 1}
			if got := starved([]thread{idle, tt.before}, []thread{idle, tt.now}, elapsed); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestThreadsOf(t *testing.T) {
	t.Parallel()
	all := threadsOf(os.Getpid())
	if len(all) == 0 {
		t.Skip("this kernel keeps no accounts (CONFIG_SCHED_INFO)")
	}
	if !slices.ContainsFunc(all, func(th thread) bool { return th.state == 'R' && th.ran > 0 && th.id > 0 }) {
		t.Errorf("got %+v, want the thread that reads this among them", all)
	}
	if got := threadsOf(-1); got != nil {
		t.Errorf("got %+v of no process, want nothing", got)
	}
}
