package loop

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxEvents = 256 // of one Wait
	// scratchSize is what one Recv can take at most: reads of 64 KB are near the best for large bodies, and one of that size comes
	// with its head in one piece.
	scratchSize = 96 << 10
	// yieldAfter is how long the Loop runs before other goroutines get the processor. It gives way also when it has waited in the
	// kernel meanwhile: the Go runtime takes the processor from who has it for 10 ms, and its monitor, once it had to, looks
	// for the next one every 20 us, which cost 4 % of the time of a busy core.
	yieldAfter = 5 * time.Millisecond
	// expireBudget is how many deadlines are seen to in a pass: closing thousands at once would keep everybody else waiting.
	expireBudget = 256
)

// Loop serves sockets in one goroutine.
type Loop struct {
	kernel    Kernel
	sockets   table
	wheel     *wheel
	now       time.Duration // by the kernel's clock, as of this pass
	events    [maxEvents]Event
	again     []Ref       // whose Handlers are called in the next pass
	turn      []Ref       // those of this pass
	settle    []Ref       // who settles at the end of the pass
	unwatched []unwatched // in the order in which their moments pass
	pipes     pipes
	listen    map[uint32]*listener
	pausing   bool // one of those does
	shares    bool // those with other Loops
	scratch   []byte
	yielded   time.Duration // when others could last have the processor
	calls     int           // of Handlers and others in this pass
	after     func(*Loop)   // each of those; nil: nothing
	lag       lag
	taken     []func(*Loop) // memory for the next posts

	posted atomic.Bool // there is something in post
	mu     sync.Mutex
	post   []func(*Loop) // guarded by mu
	dead   bool          // guarded by mu: Run has ended
}

// New returns a Loop that serves nothing yet. The Kernel is its own from then on.
func New(k Kernel) *Loop {
	now := k.Now()
	return &Loop{kernel: k, sockets: newTable(), wheel: &wheel{at: ticks(now)}, now: now, listen: map[uint32]*listener{},
		scratch: make([]byte, scratchSize)}
}

// AfterEach has f called after each call of a Handler and of what was posted: a test can spoil there what nobody may rely on any
// more.
func (l *Loop) AfterEach(f func(*Loop)) { l.after = f }

// called counts a call that has returned.
func (l *Loop) called() {
	l.calls++
	if l.after != nil {
		l.after(l)
	}
}

// Run serves until ctx ends, and closes what is left then. An error says that the kernel refused to say what happens.
//
// Its goroutine is not locked to a thread: giving way would take two more threads then, 22 us each time.
func (l *Loop) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, l.kernel.Wake)
	defer stop()
	defer l.End()
	for ctx.Err() == nil {
		if err := l.Pass(); err != nil {
			return err
		}
	}
	return nil
}

// Pass waits for something to do and does it. Run does so again and again; this is for who turns a Loop by hand, in tests.
func (l *Loop) Pass() error {
	n, err := l.wait()
	if err != nil {
		return fmt.Errorf("wait for sockets: %w", err)
	}
	// First what the kernel said of all, so that whoever asks for the state of another socket than its own knows it.
	for i := range l.events[:n] {
		if s := l.sockets.find(refOf(l.events[i].Key)); s != nil {
			s.ready |= l.events[i].What
		}
	}
	for i := range l.events[:n] {
		l.happened(l.events[i].Key)
	}
	l.turns()
	l.expire()
	if l.posted.Load() {
		l.callPosted()
	}
	l.settleAll()
	return nil
}

// wait asks the kernel what has happened, and blocks only where there is nothing else to do. A pass ends with its first look, so that the
// clock is read once in each while there is no rest.
func (l *Loop) wait() (n int, err error) {
	n, err = l.kernel.Wait(l.events[:], 0)
	now := l.kernel.Now()
	l.lag.note(now-l.now, l.calls)
	l.now, l.calls = now, 0
	due := sooner(l.resume(), l.watchLate()) // in busy passes too
	timeout := time.Duration(0)
	if n == 0 && err == nil {
		timeout = l.rest(due)
	}
	if timeout != 0 {
		n, err = l.kernel.Wait(l.events[:], timeout)
		l.now = l.kernel.Now()
	}
	if l.now-l.yielded > yieldAfter {
		runtime.Gosched()
		l.yielded = l.now
	}
	if err == interrupt {
		return 0, nil
	}
	return n, err
}

// rest is how long there is nothing to do unless something happens, and nothing but deadlines is due for so long; below 0: for ever.
func (l *Loop) rest(due time.Duration) time.Duration {
	if len(l.again) > 0 || len(l.settle) > 0 {
		return 0
	}
	return sooner(due, l.wheel.rest(l.now))
}

// sooner returns the shorter time; those below 0 are for ever.
func sooner(a, b time.Duration) time.Duration {
	if a < 0 || b >= 0 && b < a {
		return b
	}
	return a
}

// happened tells the Handler of a socket, or the listening socket, of which the kernel said something.
func (l *Loop) happened(key uint64) {
	r := refOf(key)
	if r.generation == 0 {
		if li := l.listen[r.index]; li != nil {
			li.clients(l)
		}
		return
	}
	s := l.sockets.find(r)
	if s == nil {
		return // closed in this very pass
	}
	s.queued = false
	s.handler.Ready(l, r)
	l.called()
}

// turns calls those who asked for another turn.
func (l *Loop) turns() {
	l.turn, l.again = l.again, l.turn[:0]
	for _, r := range l.turn {
		if s := l.sockets.find(r); s != nil && s.queued {
			s.queued = false
			s.handler.Ready(l, r)
			l.called()
		}
	}
}

// expire tells of deadlines that have passed.
func (l *Loop) expire() {
	for range expireBudget {
		i := l.wheel.due(&l.sockets.links, uint64(l.now/tick))
		if i == 0 {
			return
		}
		s := l.sockets.rows.at(i)
		s.handler.Expired(l, Ref{i, s.generation})
		l.called()
	}
}

// Post has f called by the Loop's goroutine, soon. Any goroutine may call it; f must not block. It reports false when the Loop
// has ended, and f is not called then.
func (l *Loop) Post(f func(*Loop)) bool {
	l.mu.Lock()
	dead, first := l.dead, len(l.post) == 0
	if !dead {
		l.post = append(l.post, f)
		l.posted.Store(true)
	}
	l.mu.Unlock()
	if !dead && first {
		l.kernel.Wake()
	}
	return !dead
}

func (l *Loop) callPosted() {
	l.mu.Lock()
	all := l.post
	l.post = l.taken[:0]
	l.posted.Store(false)
	l.mu.Unlock()
	for _, f := range all {
		f(l)
		l.called()
	}
	clear(all) // what they refer to may go
	l.taken = all
}

// Now is the Loop's clock, which stands still while a Handler runs.
func (l *Loop) Now() time.Duration { return l.now }

// Scratch is memory that whoever runs on the Loop may use until it returns.
func (l *Loop) Scratch() []byte { return l.scratch }

// End closes everything, as Run does when it ends. What was posted before is still called, for others may wait for it.
func (l *Loop) End() {
	l.mu.Lock()
	l.dead = true
	l.mu.Unlock()
	l.callPosted()
	for i := range l.sockets.rows.len() {
		if s := l.sockets.rows.at(i); s.handler != nil {
			l.Close(Ref{i, s.generation}, false)
		}
	}
	for len(l.pipes.open) > 0 {
		l.endPipe(l.pipes.open[0])
	}
	for _, li := range l.listen {
		li.stop(l)
	}
	_ = l.kernel.CloseAll() // the sockets are closed; nothing is left to be lost
}
