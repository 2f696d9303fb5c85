package seal

import "time"

// Clock makes the sequences of one sender: real time, as it was at the first sequence, and from there on as the time since
// boot goes. A step of the real-time clock forwards is followed. One backwards is not, for receivers would take what follows
// for copies: not before it exceeds Slack, when they would drop it for being of the future.
//
// So two processes of one host get sequences in the order in which they ask, with nothing between them but the kernel, whose
// two clocks differ by a constant between steps. Keepalived's own clock is the last sequence plus one where real time has not
// grown beyond it, which one process alone can know.
//
// The zero Clock is ready. Copies may go their own ways.
type Clock struct {
	// Offset is from the time since boot to what sequences say. 0: not known yet.
	Offset time.Duration
	// Slack is by how much sequences may be ahead of the real-time clock: the receivers' window. 0: however much.
	Slack time.Duration

	last uint64
}

// Now is a reading of both clocks, taken together.
type Now struct {
	Real time.Time     // wall clock; what it has of the monotonic one is not used
	Boot time.Duration // CLOCK_BOOTTIME
	Span time.Duration // how long both took to read: no more is known of what lies between them
}

const (
	// tolerance is what a difference between the two clocks may change by without being a step: a reading is that exact.
	tolerance = time.Millisecond
	readTries = 4 // a process that is interrupted again and again between two instructions has other troubles
	second    = 1 << 32
)

// Read reads both clocks, again where it was interrupted meanwhile.
func Read(now func() time.Time, boot func() time.Duration) Now {
	var best Now
	for i := range readTries {
		before := boot()
		wall := now()
		if span := boot() - before; i == 0 || span < best.Span {
			best = Now{Real: wall, Boot: before, Span: span}
		}
		if best.Span <= tolerance {
			break
		}
	}
	return best
}

// Follow takes notice of a step of the real-time clock, and reports whether sequences changed with it.
func (c *Clock) Follow(now Now) bool {
	offset := time.Duration(now.Real.UnixNano()) - now.Boot
	ahead := c.Offset - offset
	switch {
	case c.Offset == 0:
	case now.Span > tolerance:
		return false
	case ahead < -tolerance:
	case c.Slack > 0 && ahead > c.Slack:
	default:
		return false
	}
	c.Offset = offset
	return true
}

// Next is the sequence of an advert that is sent now: greater than the last one (see after), unless it has followed a step
// backwards.
func (c *Clock) Next(now Now) uint64 {
	c.Follow(now)
	sequence := sequenceOf(now.Boot + c.Offset)
	if behind := c.last - sequence; c.last != 0 && behind < second {
		sequence = c.last + 1 // within one tick of the clock
	}
	c.last = sequence
	return sequence
}

// sequenceOf is a time since 1970 as a sequence: 2^-32 s. The counter of the trailer is the lowest 16 bits of it, which order
// what is sent within 15 µs by different processes.
func sequenceOf(t time.Duration) uint64 {
	whole, part := uint64(t/time.Second), uint64(t%time.Second)
	return whole<<32 | part<<32/uint64(time.Second)
}

// secondsOf is the whole seconds of a sequence.
func secondsOf(sequence uint64) uint32 { return uint32(sequence >> 32) }

// after reports whether a is later than b, across the end of the numbers (RFC 1982), which comes in 2106.
func after(a, b uint64) bool { return int64(a-b) > 0 }
