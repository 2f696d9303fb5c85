package keeper

import (
	"slices"
	"time"
)

// thread is one of the daemon's, as the kernel accounts for it (proc(5), task/TID/schedstat).
type thread struct {
	id     int
	state  byte          // 'R': runs, or wants to; 'S': waits for something; 'T', 't': stopped
	ran    time.Duration // on a processor
	waited time.Duration // ready to run and not let; a wait that still lasts is not in it
	turns  uint64        // how often it was let
}

// starved reports whether a process whose threads were first so and, after elapsed, so was kept from running for most of
// that time. One that is stopped, sleeps or spins was not: only who wants a processor can be denied it.
func starved(before, after []thread, elapsed time.Duration) bool {
	return slices.ContainsFunc(after, func(now thread) bool {
		i := slices.IndexFunc(before, func(then thread) bool { return then.id == now.id })
		if i < 0 || now.state == 'T' || now.state == 't' {
			return false
		}
		then := before[i]
		queued := now.state == 'R' && then.state == 'R' && now.turns == then.turns && now.ran == then.ran
		return queued || now.waited-then.waited > elapsed/2
	})
}
