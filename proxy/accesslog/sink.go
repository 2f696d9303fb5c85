package accesslog

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	// gather is how long lines wait for others, so that one write takes many. Who follows a log hardly notices.
	gather = 50 * time.Millisecond
	// batch is how many octets do not wait any longer.
	batch = 64 << 10
	// maxWaiting bounds the octets that wait for an output which is slow: half a second of lines of a busy loop. What is beyond
	// is lost, for no request waits for its line.
	maxWaiting = 4 << 20
	// maxSpare bounds the memory that is kept for the next lines.
	maxSpare = 256 << 10
	// quiet is how long no line must have been lost until the operator is told that all is well.
	quiet = 10 * time.Second
)

// destination is where a Sink's lines end. Its methods are called by one goroutine, write with whole lines.
type destination interface {
	// write blocks until lines are written, lost, or ctx has ended and half a second more. It returns how many were lost, and
	// why.
	write(ctx context.Context, lines []byte) (lost int, err error)
	reopen() error
	close()
}

// Sink hands lines from many goroutines to one that writes. No caller of put ever waits for it.
type Sink struct {
	output Output
	log    hclog.Logger
	to     destination
	end    context.CancelFunc // of run

	ready   chan struct{} // capacity 1, never closed: sent to by put when lines wait
	plenty  chan struct{} // capacity 1, never closed: sent to by put when they are a batch
	renewal chan struct{} // capacity 1, never closed: sent to by Outputs.Reopen

	mu      sync.Mutex // guards what follows
	waiting []byte
	closed  bool
	lines   int64 // that were taken
	lost    int64 // that were not, or could not be written
	err     error // of the last write or reopen that failed

	// Of the writing goroutine alone.
	spare  []byte
	told   int64 // how many lost lines the operator has been told of
	before int64 // how many were lost when the present loss began
	losing bool
	lossAt time.Time // lines were last found lost
}

func newSink(o Output, to destination, log hclog.Logger) *Sink {
	return &Sink{
		output: o, to: to, log: log.With("output", o.String()),
		ready: make(chan struct{}, 1), plenty: make(chan struct{}, 1), renewal: make(chan struct{}, 1),
	}
}

// put takes a line, unless there is no room for it.
func (s *Sink) put(line []byte) {
	s.mu.Lock()
	n := len(s.waiting)
	if s.closed || n+len(line)+1 > maxWaiting {
		s.lost++
		s.mu.Unlock()
		return
	}
	s.waiting = append(append(s.waiting, line...), '\n')
	s.lines++
	crossed := n < batch && len(s.waiting) >= batch
	s.mu.Unlock()
	if n == 0 {
		signal(s.ready)
	}
	if crossed {
		signal(s.plenty)
	}
}

// signal wakes whoever receives; one signal that waits is as good as many.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run writes until ctx ends, and what waits then.
func (s *Sink) run(ctx context.Context) {
	timer := time.NewTimer(gather)
	defer timer.Stop()
	for {
		select {
		case <-s.ready:
			timer.Reset(gather)
			select {
			case <-timer.C:
			case <-s.plenty:
			case <-ctx.Done():
			}
			s.write(ctx)
		case <-s.renewal:
			s.write(ctx) // what was logged before belongs where it was to go
			if err := s.to.reopen(); err != nil {
				s.failed(err)
				s.log.Error("reopen the access log: the old file is written on", "err", err)
			}
		case <-ctx.Done():
			s.mu.Lock()
			s.closed = true
			s.mu.Unlock()
			s.write(ctx)
			s.to.close()
			return
		}
	}
}

// retire ends a sink, whether it runs or never has.
func (s *Sink) retire() {
	if s.end != nil {
		s.end()
		return
	}
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.to.close()
}

// write writes what waits.
func (s *Sink) write(ctx context.Context) {
	s.mu.Lock()
	lines := s.waiting
	s.waiting = s.spare[:0]
	s.mu.Unlock()
	lost, err := 0, error(nil)
	if len(lines) > 0 {
		lost, err = s.to.write(ctx, lines)
	}
	if s.spare = lines[:0]; cap(lines) > maxSpare {
		s.spare = nil
	}
	s.mu.Lock()
	s.lost += int64(lost)
	total := s.lost
	if err != nil {
		s.err = err
	}
	s.mu.Unlock()
	s.tell(total, err, time.Now())
}

// tell logs that lines are lost, once, and that none is any more.
func (s *Sink) tell(total int64, err error, now time.Time) {
	switch {
	case total > s.told:
		if !s.losing {
			s.losing, s.before = true, s.told
			s.log.Warn("lines of the access log are lost", "lines", total-s.told, "err", reason(err))
		}
		s.lossAt, s.told = now, total
	case s.losing && now.Sub(s.lossAt) >= quiet:
		s.losing = false
		s.log.Info("the access log is whole again", "lost", total-s.before)
	}
}

// reason is why lines were lost.
func reason(err error) any {
	if err == nil {
		return "the output is too slow"
	}
	return err
}

func (s *Sink) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// Status is an output at one moment.
type Status struct {
	Output Output
	Lines  int64 // that were taken since it was first configured
	Lost   int64 // that there was no room for, or that could not be written
	Err    error // the last thing that failed; nil: nothing has
}

func (s *Sink) status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Status{Output: s.output, Lines: s.lines, Lost: s.lost, Err: s.err}
}

// count is how many lines there are.
func count(lines []byte) int { return bytes.Count(lines, []byte{'\n'}) }
