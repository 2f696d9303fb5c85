package loop

import (
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// fake is a Kernel in memory that is as unkind as the real one may be: it gives a descriptor again at once, reads come short, writes
// are partial, and what was received into is poisoned when the next call comes. It has no time of its own.
type fake struct {
	t       *testing.T
	now     time.Duration
	conns   map[int]*conn
	free    []int
	last    int
	waiting []*conn // clients that nobody has accepted
	backlog uint64  // key of the listening socket; 0: none
	events  []Event
	lacking int // how often Accept finds no descriptor
	asked   int // how often Accept was called
	sends   int // how often Send or Send2 was called
	waits   int // how often Wait was called
	pipes   map[int]*pipe
	grant   int // octets that a new pipe holds; 0: as many as are asked for
	step    int // at most so many octets at a time; 0: as many as there are
	onIdle  func() bool
	woken   atomic.Bool // by whoever ends the loop too
}

// conn is one end that the Loop has; the test has the other.
type conn struct {
	fd      int
	key     uint64 // 0: not watched
	in, out []byte
	room    int // octets that may be sent until the test makes more
	ended   bool
	reset   bool
	closed  bool
	byReset bool
	refused error
}

func newFake(t *testing.T) *fake {
	return &fake{t: t, conns: map[int]*conn{}, last: 100}
}

// dial is a client that has sent something already.
func (f *fake) dial(sent string) *conn {
	c := &conn{in: []byte(sent), room: 1 << 20}
	f.waiting = append(f.waiting, c)
	f.tell(f.backlog, Readable)
	return c
}

// send has the client send more; an empty text ends its side.
func (f *fake) send(c *conn, text string) {
	what := Readable
	c.in = append(c.in, text...)
	if text == "" {
		c.ended = true
		what |= HungUp
	}
	f.tell(c.key, what)
}

func (f *fake) makeRoom(c *conn, n int) {
	c.room += n
	f.tell(c.key, Writable)
}

func (f *fake) tell(key uint64, w What) {
	if key != 0 {
		f.events = append(f.events, Event{Key: key, What: w})
	}
}

func (f *fake) open(c *conn) int {
	if n := len(f.free); n > 0 {
		c.fd, f.free = f.free[n-1], f.free[:n-1]
	} else {
		f.last++
		c.fd = f.last
	}
	f.conns[c.fd] = c
	return c.fd
}

func (f *fake) at(fd int) *conn {
	c := f.conns[fd]
	if c == nil {
		f.t.Fatalf("the loop used descriptor %d, which is closed", fd)
	}
	return c
}

func (f *fake) Wait(events []Event, timeout time.Duration) (int, error) {
	f.waits++
	if len(f.events) == 0 && !f.woken.Load() && timeout != 0 && !f.onIdle() {
		f.woken.Store(true)
	}
	if len(f.events) == 0 && !f.woken.Load() && timeout > 0 {
		f.now += timeout
	}
	if f.woken.Swap(false) {
		f.tell(Woken, 0)
	}
	n := copy(events, f.events)
	f.events = slices.Clone(f.events[n:])
	return n, nil
}

func (f *fake) Wake() { f.woken.Store(true) }

func (f *fake) Watch(fd int, key uint64) error {
	c := f.at(fd)
	c.key = key
	w := What(0)
	if len(c.in) > 0 {
		w |= Readable
	}
	if c.ended {
		w |= Readable | HungUp
	}
	if c.room > 0 {
		w |= Writable
	}
	f.tell(key, w)
	return nil
}

func (f *fake) Listen(_ int, key uint64) error {
	f.backlog = key
	if len(f.waiting) > 0 {
		f.tell(key, Readable)
	}
	return nil
}
func (f *fake) Forget(int) error { f.backlog = 0; return nil }

func (f *fake) Accept(int) (int, netip.AddrPort, error) {
	f.asked++
	if len(f.waiting) == 0 {
		return 0, netip.AddrPort{}, again
	}
	if f.lacking > 0 {
		f.lacking--
		return 0, netip.AddrPort{}, syscall.EMFILE
	}
	c := f.waiting[0]
	f.waiting = f.waiting[1:]
	return f.open(c), netip.MustParseAddrPort("192.0.2.1:1234"), nil
}

func (f *fake) Connect(netip.AddrPort) (int, error) {
	c := &conn{room: 1 << 20}
	return f.open(c), nil
}

func (f *fake) Error(fd int) error { return f.at(fd).refused }

func (f *fake) limit(n int) int {
	if f.step > 0 {
		return min(n, f.step)
	}
	return n
}

func (f *fake) Recv(fd int, b []byte) (int, error) {
	c := f.at(fd)
	for i := range b {
		b[i] = '!' // whoever kept a former piece sees it spoilt
	}
	switch {
	case c.reset:
		return 0, syscall.ECONNRESET
	case len(c.in) > 0:
		n := copy(b[:f.limit(len(b))], c.in)
		c.in = c.in[n:]
		if len(c.in) > 0 && n < len(b) { // the rest comes as if it had arrived later
			f.tell(c.key, Readable)
		}
		return n, nil
	case c.ended:
		return 0, nil
	}
	return 0, again
}

func (f *fake) Send(fd int, b []byte) (int, error) {
	c := f.at(fd)
	f.sends++
	if c.reset {
		return 0, syscall.EPIPE
	}
	n := min(f.limit(len(b)), c.room)
	if n == 0 {
		return 0, again
	}
	c.out = append(c.out, b[:n]...)
	c.room -= n
	return n, nil
}

func (f *fake) Send2(fd int, a, b []byte) (int, error) {
	return f.Send(fd, slices.Concat(a, b))
}

func (f *fake) CloseWrite(int) error { return nil }

func (f *fake) Unacked(int) (int, error) { return 0, nil }

// pipe is both ends of one, of which each takes a place for itself however few octets a Splice moves.
type pipe struct {
	pieces [][]byte
	places int
}

func (f *fake) Pipe(size int) (read, write, granted int, err error) {
	if f.lacking > 0 {
		f.lacking--
		return 0, 0, 0, syscall.EMFILE
	}
	if f.grant > 0 {
		size = f.grant
	}
	p := &pipe{places: size >> 12}
	for _, fd := range []*int{&read, &write} {
		*fd = f.open(&conn{})
		if f.pipes == nil {
			f.pipes = map[int]*pipe{}
		}
		f.pipes[*fd] = p
	}
	return read, write, size, nil
}

func (f *fake) Splice(from, to, most int) (int, error) {
	f.at(from)
	f.at(to)
	if p := f.pipes[to]; p != nil {
		if len(p.pieces) == p.places {
			return 0, again
		}
		piece := make([]byte, min(most, 4096))
		n, err := f.Recv(from, piece)
		if n > 0 {
			p.pieces = append(p.pieces, piece[:n])
		}
		return n, err
	}
	p := f.pipes[from]
	if len(p.pieces) == 0 {
		return 0, again
	}
	n, err := f.Send(to, p.pieces[0][:min(most, len(p.pieces[0]))])
	if p.pieces[0] = p.pieces[0][n:]; len(p.pieces[0]) == 0 {
		p.pieces = p.pieces[1:]
	}
	return n, err
}

func (f *fake) Close(fd int, reset bool) error {
	c := f.at(fd)
	c.closed, c.byReset = true, reset
	delete(f.conns, fd)
	delete(f.pipes, fd)
	f.free = append(f.free, fd)
	return nil
}

func (f *fake) Now() time.Duration { return f.now }
func (f *fake) CloseAll() error    { return nil }
