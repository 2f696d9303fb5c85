package loop

import (
	"math/bits"
	"time"
)

// tick is the grain of deadlines: fine enough for timeouts of people, coarse enough to cost nothing.
const tick = 10 * time.Millisecond

// buckets is how many ticks the wheel goes round in: 82 s, so that nearly all timeouts are met in the first round.
const buckets = 8 << 10

// never is the deadline of a socket without one.
const never = ^uint64(0)

// link is a socket's place on the wheel.
type link struct {
	next, prev uint32 // sockets of the same bucket; 0: none
	bucket     uint32 // where it hangs, plus 1; 0: nowhere
	deadline   uint64 // in ticks
}

// wheel sorts deadlines by the tick in which they pass. A deadline that moves on, as those of busy connections do with each
// message, leaves its socket where it hangs: it is found there in time, not due, and hung up anew.
type wheel struct {
	heads [buckets]uint32
	at    uint64               // the next tick to be looked at
	count int                  // sockets that hang
	full  [buckets / 64]uint64 // a bit for each bucket that is not empty
}

// ticks converts a time of the Loop's clock, rounded up: a deadline is never early.
func ticks(t time.Duration) uint64 { return uint64((t + tick - 1) / tick) }

// set gives a socket another deadline.
func (w *wheel) set(links *pages[link], i uint32, deadline uint64) {
	l := links.at(i)
	if l.bucket != 0 {
		if deadline >= l.deadline {
			l.deadline = deadline
			return
		}
		w.unhang(links, i)
	}
	l.deadline = deadline
	if deadline != never {
		w.hang(links, i)
	}
}

// clear takes a socket off the wheel.
func (w *wheel) clear(links *pages[link], i uint32) {
	if links.at(i).bucket != 0 {
		w.unhang(links, i)
	}
	links.at(i).deadline = never
}

func (w *wheel) hang(links *pages[link], i uint32) {
	l := links.at(i)
	b := uint32(max(l.deadline, w.at) % buckets)
	l.bucket, l.prev, l.next = b+1, 0, w.heads[b]
	if l.next != 0 {
		links.at(l.next).prev = i
	}
	w.heads[b] = i
	w.full[b/64] |= 1 << (b % 64)
	w.count++
}

func (w *wheel) unhang(links *pages[link], i uint32) {
	l := links.at(i)
	if l.prev != 0 {
		links.at(l.prev).next = l.next
	} else {
		w.heads[l.bucket-1] = l.next
		if l.next == 0 {
			b := l.bucket - 1
			w.full[b/64] &^= 1 << (b % 64)
		}
	}
	if l.next != 0 {
		links.at(l.next).prev = l.prev
	}
	l.bucket, l.next, l.prev = 0, 0, 0
	w.count--
}

// due returns a socket whose deadline has passed at now, which is off the wheel then; 0: there is none.
func (w *wheel) due(links *pages[link], now uint64) uint32 {
	if w.count == 0 { // it may have stood still for long
		w.at = max(w.at, now+1)
	}
	for ; w.at <= now; w.at++ {
		for i := w.heads[w.at%buckets]; i != 0; {
			l := links.at(i)
			next := l.next
			if l.deadline <= now {
				w.unhang(links, i)
				l.deadline = never
				return i
			}
			if l.deadline != never && l.deadline%buckets == w.at%buckets {
				i = next // a later round
				continue
			}
			w.unhang(links, i)
			if l.deadline != never {
				w.hang(links, i)
			}
			i = next
		}
	}
	return 0
}

// rest is how long nothing is due for; below 0: for ever. A deadline of a later round, or one that has moved on, may cut it short.
func (w *wheel) rest(now time.Duration) time.Duration {
	if w.count == 0 {
		return -1
	}
	word, from := w.at%buckets/64, w.at%64
	set := w.full[word] >> from << from // those before stand for the next round
	first := w.at - from                // the tick that the word begins with
	for set == 0 {
		word = (word + 1) % (buckets / 64)
		set = w.full[word]
		first += 64
	}
	return max(time.Duration(first+uint64(bits.TrailingZeros64(set)))*tick-now, 0)
}
