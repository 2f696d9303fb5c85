package loop

import "time"

// Ref names a socket of a Loop. The zero Ref names none, and so does one whose socket was closed.
type Ref struct{ index, generation uint32 }

// Handler is told what happens to a socket. It may close the socket, and is told nothing of it from then on. Its calls come one
// after the other from the Loop's goroutine, and must not block.
type Handler interface {
	// Ready says that there is something to receive, or room to send, or that the other side has ended. What there is to do it
	// finds out by Recv and Send.
	Ready(l *Loop, s Ref)
	// Expired says that the socket's deadline has passed; it has none any more.
	Expired(l *Loop, s Ref)
}

// socket is a row of the table.
type socket struct {
	handler    Handler // nil: the row is free
	fd         int32   // below 0: a timer
	generation uint32  // counts who had the row, so that a Ref of a former one names nothing
	ready      What    // what the kernel said and no Recv or Send has used up
	connecting bool
	queued     bool // its Handler is to be called in the next pass though nothing new has happened
	ended      bool // a Recv has found the end of what the other side sends
	shut       bool // CloseWrite was called
	corked     bool // and will be soon
	watched    bool // by the kernel
	postponed  bool // it may go unwatched for a moment
	settle     settling
}

// table is all sockets of a Loop. Row 0 is never used, so that the zero Ref names none.
type table struct {
	rows  pages[socket]
	links pages[link] // of the wheel, by the same index
	free  []uint32
	used  int // sockets, timers not counted
}

func newTable() (t table) {
	t.rows.add()
	t.links.add()
	return t
}

// add takes a row for a socket.
func (t *table) add(fd int, h Handler) Ref {
	var i uint32
	if n := len(t.free); n > 0 {
		i, t.free = t.free[n-1], t.free[:n-1]
	} else {
		i = t.rows.add()
		t.links.add()
	}
	s := t.rows.at(i)
	*s = socket{handler: h, fd: int32(fd), generation: s.generation + 1}
	*t.links.at(i) = link{deadline: never}
	if fd >= 0 {
		t.used++
	}
	return Ref{i, s.generation}
}

// find returns a socket, nil where the Ref names none. The pointer holds until the socket is closed.
func (t *table) find(r Ref) *socket {
	if r.index == 0 || r.index >= t.rows.len() {
		return nil
	}
	if s := t.rows.at(r.index); s.generation == r.generation && s.handler != nil {
		return s
	}
	return nil
}

// socket is find without timers.
func (t *table) socket(r Ref) *socket {
	if s := t.find(r); s != nil && s.fd >= 0 {
		return s
	}
	return nil
}

// remove frees the row of a socket that is there.
func (t *table) remove(i uint32) {
	s := t.rows.at(i)
	if s.fd >= 0 {
		t.used--
	}
	*s = socket{generation: s.generation}
	t.free = append(t.free, i)
}

// key is what the kernel calls a socket by.
func (r Ref) key() uint64 { return uint64(r.generation)<<32 | uint64(r.index) }

func refOf(key uint64) Ref { return Ref{index: uint32(key), generation: uint32(key >> 32)} }

// SetDeadline has Expired called once d has passed, and not much later; it replaces the deadline that the socket had. Below 0: never.
func (l *Loop) SetDeadline(r Ref, d time.Duration) {
	if l.sockets.find(r) == nil {
		return
	}
	if d < 0 {
		l.wheel.clear(&l.sockets.links, r.index)
		return
	}
	next := uint64(l.now/tick) + 1 // what is set while deadlines pass waits for the next pass
	l.wheel.set(&l.sockets.links, r.index, max(ticks(l.now+d), next))
}

// SetHandler gives a socket to another Handler. What it is ready for the new one learns by a call of Ready in the next pass.
func (l *Loop) SetHandler(r Ref, h Handler) {
	if s := l.sockets.find(r); s != nil {
		s.handler = h
		l.Again(r)
	}
}

// Again has Ready called once more in the next pass, after all other sockets that have something to do: for who has more to do
// than one turn should take.
func (l *Loop) Again(r Ref) {
	if s := l.sockets.find(r); s != nil && !s.queued {
		s.queued = true
		l.again = append(l.again, r)
	}
}

// Timer returns a Ref without a socket, for deadlines of what has none of its own: SetDeadline has its Handler's Expired called,
// Close ends it. Ready is called only where Again asks for it; Recv and Send are Failed.
func (l *Loop) Timer(h Handler) Ref { return l.sockets.add(-1, h) }

// Each calls f for every socket, timers and listening ones left out. f may close any; whether it is called for one that it opens is
// open.
func (l *Loop) Each(f func(r Ref, h Handler)) {
	for i := uint32(1); i < l.sockets.rows.len(); i++ {
		if s := l.sockets.rows.at(i); s.handler != nil && s.fd >= 0 {
			f(Ref{i, s.generation}, s.handler)
		}
	}
}

// Stands reports whether a Ref names a socket that has not been closed.
func (l *Loop) Stands(r Ref) bool { return l.sockets.socket(r) != nil }

// Sockets is how many sockets there are, timers and listening ones not counted.
func (l *Loop) Sockets() int { return l.sockets.used }
