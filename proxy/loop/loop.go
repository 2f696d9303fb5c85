package loop

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
)

const (
	maxEvents = 256 // of one Wait
	// scratchSize is what one Recv can take at most: reads of 64 KB are near the best for large bodies.
	scratchSize = 64 << 10
	// yieldAfter is how long the Loop runs without a Wait that could block before other goroutines get the processor.
	yieldAfter = 5 * time.Millisecond
)

// Loop serves sockets on one thread.
type Loop struct {
	kernel  Kernel
	sockets table
	wheel   *wheel
	now     time.Duration // by the kernel's clock, as of this pass
	events  [maxEvents]Event
	again   []Ref // whose Handlers are called in the next pass
	turn    []Ref // those of this pass
	listen  map[uint32]*listener
	pausing bool // one of those does
	scratch []byte
	blocked time.Duration // when a Wait last could have blocked

	mu   sync.Mutex
	post []func(*Loop) // guarded by mu
	dead bool          // guarded by mu: Run has ended
}

// New returns a Loop that serves nothing yet. The Kernel is its own from then on.
func New(k Kernel) *Loop {
	return &Loop{kernel: k, sockets: newTable(), wheel: &wheel{}, listen: map[uint32]*listener{}, scratch: make([]byte, scratchSize)}
}

// Run serves until ctx ends, and closes what is left then. An error says that the kernel refused to say what happens.
func (l *Loop) Run(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	stop := context.AfterFunc(ctx, l.kernel.Wake)
	defer stop()
	l.now = l.kernel.Now()
	l.wheel.at = ticks(l.now)
	for ctx.Err() == nil {
		if err := l.pass(); err != nil {
			l.end()
			return fmt.Errorf("wait for sockets: %w", err)
		}
	}
	l.end()
	return nil
}

// pass waits for something to do and does it.
func (l *Loop) pass() error {
	n, err := l.wait()
	if err != nil {
		return err
	}
	for i := range l.events[:n] {
		l.happened(&l.events[i])
	}
	l.turn, l.again = l.again, l.turn[:0]
	for _, r := range l.turn {
		if s := l.sockets.find(r); s != nil && s.queued {
			s.queued = false
			s.handler.Ready(l, r)
		}
	}
	for now := uint64(l.now / tick); ; {
		i := l.wheel.due(l.sockets.links, now)
		if i == 0 {
			break
		}
		s := &l.sockets.rows[i]
		s.handler.Expired(l, Ref{i, s.generation})
	}
	l.posted()
	return nil
}

// wait asks the kernel what has happened, and blocks only where there is nothing else to do.
func (l *Loop) wait() (n int, err error) {
	timeout := time.Duration(0)
	if len(l.again) == 0 {
		timeout = l.wheel.rest(l.now)
	}
	if pause := l.resume(); pause >= 0 && timeout != 0 && (timeout < 0 || pause < timeout) {
		timeout = pause
	}
	if timeout == 0 {
		if l.now-l.blocked > yieldAfter {
			runtime.Gosched()
			l.blocked = l.now
		}
	}
	n, err = l.kernel.Wait(l.events[:], timeout)
	l.now = l.kernel.Now()
	if timeout != 0 {
		l.blocked = l.now
	}
	if err == interrupt {
		return 0, nil
	}
	return n, err
}

// happened passes on what the kernel said of a socket.
func (l *Loop) happened(e *Event) {
	r := refOf(e.Key)
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
	s.ready |= e.What
	s.queued = false
	s.handler.Ready(l, r)
}

// Post has f called by the Loop's goroutine, soon. Any goroutine may call it; f must not block. It reports false when the Loop
// has ended, and f is not called then.
func (l *Loop) Post(f func(*Loop)) bool {
	l.mu.Lock()
	dead, first := l.dead, len(l.post) == 0
	if !dead {
		l.post = append(l.post, f)
	}
	l.mu.Unlock()
	if !dead && first {
		l.kernel.Wake()
	}
	return !dead
}

func (l *Loop) posted() {
	l.mu.Lock()
	all := l.post
	l.post = nil
	l.mu.Unlock()
	for _, f := range all {
		f(l)
	}
}

// Now is the Loop's clock, which stands still while a Handler runs.
func (l *Loop) Now() time.Duration { return l.now }

// Scratch is memory that whoever runs on the Loop may use until it returns.
func (l *Loop) Scratch() []byte { return l.scratch }

// end closes everything. What was posted before is still called, for others may wait for it.
func (l *Loop) end() {
	l.mu.Lock()
	l.dead = true
	l.mu.Unlock()
	l.posted()
	for i := range l.sockets.rows {
		if s := &l.sockets.rows[i]; s.handler != nil {
			l.Close(Ref{uint32(i), s.generation}, false)
		}
	}
	for _, li := range l.listen {
		li.stop(l)
	}
	_ = l.kernel.CloseAll() // the sockets are closed; nothing is left to be lost
}
