package http2

import (
	"slices"

	"github.com/tandem-lb/tandem/proxy/http1"
)

// stream is one that is open or half-closed.
type stream struct {
	owner any
	id    uint32

	headed    bool // the head of the peer's message has come
	remoteEnd bool // the peer has sent END_STREAM
	localEnd  bool // we have
	answered  bool // a response head has been sent, or the request is ours: resetting it is no flood
	deaf      bool // its data is of no interest: the request was malformed
	bodiless  bool // the response has no body, whatever its length (RFC 9110 section 6.4.1)
	waiting   bool // its owner has more to send than there was room for
	method    http1.Method
	interims  uint16 // that have come

	left    int64 // octets of content-length that have not come; -1: it was not told
	room    int64 // octets of DATA that its window takes; may be below 0 (RFC 9113 section 6.9.2)
	inbound inbound
}

// begun reports whether any answer to our request has come.
func (s *stream) begun() bool { return s.headed || s.interims > 0 }

// streams are those that are not closed, in the order of their identifiers, which is that of their opening.
type streams struct {
	open    []stream
	waiting int      // of them
	reset   []uint32 // the last ones that were reset or left out by us, a ring: the peer may not know yet
	keep    int      // how many of them
	next    int      // in reset
}

// leastKept is how many streams that we reset are kept in mind at least: a client that has not seen SETTINGS yet may open
// any number of them, and most that do open a hundred or two.
const leastKept = 256

// add opens a stream, the highest of all. The pointer is good until the next one is added or removed.
func (s *streams) add(t stream) *stream {
	s.open = append(s.open, t)
	return &s.open[len(s.open)-1]
}

// above returns the index of the first stream above id.
func (s *streams) above(id uint32) int {
	lo, hi := 0, len(s.open)
	for lo < hi {
		if mid := int(uint(lo+hi) / 2); s.open[mid].id <= id {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// find returns a stream, nil where it is idle or closed.
func (s *streams) find(id uint32) *stream {
	if i := s.above(id) - 1; i >= 0 && s.open[i].id == id {
		return &s.open[i]
	}
	return nil
}

// remove forgets a stream that find returned; t is not to be used after that.
func (s *streams) remove(t *stream) {
	s.wait(t, false)
	i := s.above(t.id) - 1
	s.open = slices.Delete(s.open, i, i+1)
}

// wait notes whether a stream waits for room.
func (s *streams) wait(t *stream, waiting bool) {
	if t.waiting == waiting {
		return
	}
	if t.waiting = waiting; waiting {
		s.waiting++
	} else {
		s.waiting--
	}
}

// remember keeps in mind that a stream was reset by us.
func (s *streams) remember(id uint32) {
	if len(s.reset) < s.keep {
		s.reset = append(s.reset, id)
		return
	}
	s.reset[s.next] = id
	s.next = (s.next + 1) % s.keep
}

// resetByUs reports whether frames on a closed stream may have been sent before their peer knew.
func (s *streams) resetByUs(id uint32) bool { return slices.Contains(s.reset, id) }

// inbound is a window that we grant.
type inbound struct {
	window int64 // octets that the peer may still send
	owed   int64 // octets that were consumed and are not granted again yet
	size   int64 // window when nothing is on its way or owed
}

// take counts octets that have arrived, and reports whether they were allowed.
func (w *inbound) take(n int64) bool {
	w.window -= n
	return w.window >= 0
}

// give counts octets that were consumed, and returns by how many the window is to be updated now: not before half of it
// can be, so that updates are few.
func (w *inbound) give(n int64) uint32 {
	if w.owed += n; w.owed*2 < w.size {
		return 0
	}
	more := w.owed
	w.window += more
	w.owed = 0
	return uint32(more)
}
