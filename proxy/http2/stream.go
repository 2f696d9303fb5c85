package http2

import "slices"

// stream is one that is open or half-closed.
type stream struct {
	id        uint32
	remoteEnd bool // the peer has sent END_STREAM
	localEnd  bool // we have
	answered  bool // a response head has been sent
	deaf      bool // its data is of no interest: the request was malformed
	left      int64
	room      int64 // octets of DATA that its window takes; may be below 0 (RFC 9113 section 6.9.2)
	inbound   inbound
}

// streams are those that are not closed, in the order of their identifiers, which is that of their opening.
type streams struct {
	open  []stream
	reset []uint32 // the last ones that were reset or left out by us, a ring: the peer may not know yet
	next  int      // in reset
}

// find returns a stream, nil where it is idle or closed.
func (s *streams) find(id uint32) *stream {
	lo, hi := 0, len(s.open)
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if s.open[mid].id < id {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(s.open) && s.open[lo].id == id {
		return &s.open[lo]
	}
	return nil
}

// remove forgets a stream that find returned.
func (s *streams) remove(id uint32) {
	s.open = slices.DeleteFunc(s.open, func(t stream) bool { return t.id == id })
}

// remember keeps in mind that a stream was reset by us. most bounds how many are kept.
func (s *streams) remember(id uint32, most int) {
	if len(s.reset) < most {
		s.reset = append(s.reset, id)
		return
	}
	s.reset[s.next] = id
	s.next = (s.next + 1) % most
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
