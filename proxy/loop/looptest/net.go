package looptest

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/tandem-lb/tandem/proxy/loop"
)

// Net is a network in memory, the descriptors of the process whose Loops are on it, and the clock of both. It is used by one
// goroutine, the one that turns the Loops too.
type Net struct {
	// Split is how many octets one call moves at most; 0: as many as it can.
	Split int
	// PipeSize is how many octets a pipe holds; 0: as many as are asked for.
	PipeSize int
	// Calls counts what the Loops have asked the kernel for.
	Calls map[Op]int

	random    *rand.Rand // nil: the kernel is kind
	now       time.Duration
	files     []any // by descriptor: *conn, *listener, *pipe; nil: closed
	kernels   []*kernel
	loops     []*loop.Loop
	listeners map[netip.AddrPort]*listener
	servers   map[netip.AddrPort]*Server
	fail      map[Op][]error
	port      uint16        // of the client that came last
	passes    int           // that a Step may take
	woken     chan struct{} // capacity 1: somebody has called Wake since it was last received; sent to by any goroutine
}

// New returns a network. With seed 0 its kernel is kind: a call does what it can. Another seed makes it do less at random, the
// same each time: reads come short, writes are partial, both find nothing or no room though there is, calls are interrupted,
// events come in any order and without need.
func New(seed uint64) *Net {
	n := &Net{Calls: map[Op]int{}, files: make([]any, 3), listeners: map[netip.AddrPort]*listener{}, servers: map[netip.AddrPort]*Server{},
		fail: map[Op][]error{}, port: 1023, passes: maxPasses, woken: make(chan struct{}, 1)}
	for i := range n.files {
		n.files[i] = n // the standard ones are never given
	}
	if seed != 0 {
		n.random = rand.New(rand.NewPCG(seed, 0))
	}
	return n
}

// Loop returns a new Loop on the network, which Step turns. What its scratch memory holds is spoilt after each call.
func (n *Net) Loop() *loop.Loop {
	k := &kernel{net: n}
	l := loop.New(k)
	l.AfterEach(func(l *loop.Loop) { spoil(l.Scratch()) })
	n.kernels = append(n.kernels, k)
	n.loops = append(n.loops, l)
	return l
}

// Kernel returns a kernel without a Loop.
func (n *Net) Kernel() loop.Kernel { return &kernel{net: n} }

// maxPasses is how many passes a Step may take: Loops that have not come to rest by then never do.
const maxPasses = 1 << 18

// Step turns all Loops until none has anything to do. It does not wait: deadlines pass by Advance.
func (n *Net) Step() {
	for range n.passes {
		busy := false
		for i, l := range n.loops {
			if err := l.Pass(); err != nil {
				panic(fmt.Sprintf("looptest: %v", err)) // no kernel here says so
			}
			busy = busy || !n.kernels[i].resting
		}
		if !busy {
			return
		}
	}
	panic("looptest: the loops do not come to rest")
}

// Advance moves the clock on, and turns the Loops whenever one wants to wake meanwhile.
func (n *Net) Advance(d time.Duration) {
	for until := n.now + d; ; {
		n.Step()
		if n.now == until {
			return
		}
		next := until
		for _, k := range n.kernels {
			if k.timed && k.wakeAt < next {
				next = k.wakeAt
			}
		}
		n.now = next
	}
}

// Take moves the clock on without turning anything, as if a call had taken so long.
func (n *Net) Take(d time.Duration) { n.now += d }

// Now is the network's clock. It begins at 0.
func (n *Net) Now() time.Duration { return n.now }

// patience is how long Await waits for goroutines.
const patience = 10 * time.Second

// Await steps until a condition holds, and waits for other goroutines to Post in between. False: it does not hold, and nobody has
// posted anything for ten seconds.
func (n *Net) Await(holds func() bool) bool {
	for {
		n.Step()
		if holds() {
			return true
		}
		timeout := time.NewTimer(patience)
		select {
		case <-n.woken:
			timeout.Stop()
		case <-timeout.C:
			return false
		}
	}
}

// End ends all Loops, and reports how many descriptors are open then that they had opened or accepted: there should be none.
func (n *Net) End() (left int) {
	for _, l := range n.loops {
		l.End()
	}
	n.loops, n.kernels = nil, nil
	return n.Open()
}

// Open is how many descriptors of connections and pipes the Loops have.
func (n *Net) Open() (open int) {
	for _, f := range n.files[3:] {
		if _, own := f.(*listener); f != nil && !own {
			open++
		}
	}
	return open
}

// open gives a file the lowest descriptor that is free, as the kernel does.
func (n *Net) open(file any) int {
	for fd, f := range n.files {
		if f == nil {
			n.files[fd] = file
			return fd
		}
	}
	n.files = append(n.files, file)
	return len(n.files) - 1
}

// file returns what a descriptor stands for; nil: nothing.
func (n *Net) file(fd int) any {
	if fd < 3 || fd >= len(n.files) {
		return nil
	}
	return n.files[fd]
}

// at returns what a descriptor stands for. That it has another kind, or is closed, is the Loop's mistake.
func at[file any](n *Net, op Op, fd int) file {
	if f, ok := n.file(fd).(file); ok {
		return f
	}
	panic(fmt.Sprintf("looptest: %v of descriptor %d, which is closed or of another kind", op, fd))
}

// poison is what memory holds that nobody may look at: no text has it.
const poison = 0xdb

func spoil(b []byte) {
	if len(b) == 0 {
		return
	}
	b[0] = poison
	for n := 1; n < len(b); n *= 2 { // by copies, for it is done often
		copy(b[n:], b[:n])
	}
}
