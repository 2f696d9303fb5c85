package loop

import "slices"

const (
	// pipeSize is what a pipe should hold: large bodies need few calls then. The kernel grants a user without privileges 128 of them.
	pipeSize = 512 << 10
	// leastPipe is what it has to hold to be worth more than reads and writes through the scratch memory.
	leastPipe = 64 << 10
	// maxPipes is how many a Loop has open; who comes when all are taken copies.
	maxPipes = 128
	// sparePipes is how many of those are kept though nobody needs them just now.
	sparePipes = 16
)

// Pipe is room in the kernel for bytes on their way from one socket to another, which need not be copied then.
type Pipe struct {
	read, write int // descriptors
	held        int // octets in it
}

// Held is how many octets are in the pipe.
func (p *Pipe) Held() int { return p.held }

// pipes is those of a Loop.
type pipes struct {
	open  []*Pipe
	spare []*Pipe // those of open that nobody has
}

// Pipe returns an empty pipe; nil: there is none to be had, or the kernel grants none of any use, and the bytes are to be copied. It
// is given back by ClosePipe.
func (l *Loop) Pipe() *Pipe {
	ps := &l.pipes
	if n := len(ps.spare); n > 0 {
		p := ps.spare[n-1]
		ps.spare = ps.spare[:n-1]
		return p
	}
	if len(ps.open) == maxPipes {
		return nil
	}
	read, write, granted, err := l.kernel.Pipe(pipeSize)
	if err != nil {
		return nil // for want of descriptors
	}
	p := &Pipe{read: read, write: write}
	ps.open = append(ps.open, p)
	if granted < leastPipe {
		l.endPipe(p)
		return nil
	}
	return p
}

// ClosePipe gives a pipe back. One that is not empty is of no use to anybody else. The caller forgets it.
func (l *Loop) ClosePipe(p *Pipe) {
	if p.held > 0 || len(l.pipes.spare) == sparePipes {
		l.endPipe(p)
		return
	}
	l.pipes.spare = append(l.pipes.spare, p)
}

func (l *Loop) endPipe(p *Pipe) {
	_, _ = l.kernel.Close(p.read, false), l.kernel.Close(p.write, false) // the descriptors are gone whatever it says
	if i := slices.Index(l.pipes.open, p); i >= 0 {
		l.pipes.open = slices.Delete(l.pipes.open, i, i+1)
	}
}

// SpliceIn moves at most so many octets, above 0, from a socket into a pipe. n is above 0 with Done alone. Blocked means that the
// socket has none, and Ready is called when it has, only where the pipe is empty: one that holds something may be full,
// whatever it holds, and is to be emptied by SpliceOut before SpliceIn is tried again.
func (l *Loop) SpliceIn(r Ref, p *Pipe, most int) (n int, st State) {
	s := l.sockets.socket(r)
	if s == nil {
		return 0, Failed
	}
	if s.ready&(Readable|HungUp) == 0 {
		return 0, l.block(s, r)
	}
	for {
		n, err := l.kernel.Splice(int(s.fd), p.write, most)
		switch {
		case err == interrupt:
			continue
		case err == again:
			if p.held == 0 {
				s.ready &^= Readable
			}
			return 0, l.block(s, r)
		case err != nil:
			return 0, Failed
		case n == 0:
			s.ended = true
			return 0, Ended
		}
		p.held += n // that it is less than could be says nothing of the socket
		return n, Done
	}
}

// SpliceOut moves what a pipe holds to a socket. n may be above 0 with Blocked too; Done: the pipe is empty.
func (l *Loop) SpliceOut(r Ref, p *Pipe) (n int, st State) {
	s := l.sockets.socket(r)
	if s == nil {
		return 0, Failed
	}
	if s.ready&Writable == 0 {
		return 0, l.block(s, r)
	}
	for p.held > 0 {
		m, err := l.kernel.Splice(p.read, int(s.fd), p.held)
		switch {
		case err == interrupt:
			continue
		case err == again: // of a pipe that holds something
			s.ready &^= Writable
			return n, l.block(s, r)
		case err != nil || m == 0:
			return n, Failed
		}
		n += m
		p.held -= m
	}
	return n, Done
}
