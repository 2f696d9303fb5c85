package secure

import (
	"context"
	"sync"
)

// Limits bound a Handshaker.
type Limits struct {
	Workers int // handshakes that use a processor at once; below 1: 1
	Open    int // handshakes begun and not over, with about 20 KB each; below 1: 1
}

// Handshaker runs the handshakes of many Conns. Its methods may be called from any goroutine.
//
// A handshake of a server begins when the client's hello is there as a whole, so that who connects and says nothing costs no more than
// the socket. Handshakes that the other side has answered go before those that have not begun, and among themselves each kind goes
// first come, first served. Where as many as may be are open, the one that has waited longest for the other side makes room: who sends
// a hello and no more cannot keep others out. So Open is best what the workers can begin in a time that no client needs to answer,
// say 1000 for each of them, which is half a second's.
type Handshaker struct {
	limits Limits

	mu      sync.Mutex
	work    sync.Cond               // of mu: there may be something to do
	answers queue                   // guarded by mu: handshakes that can go on
	starts  queue                   // guarded by mu: handshakes that can begin
	parked  queue                   // guarded by mu: handshakes that wait for the other side
	live    map[*handshake]struct{} // guarded by mu: all that are not over
	open    int                     // guarded by mu: of these, those with a coroutine
	stopped bool                    // guarded by mu
}

// NewHandshaker returns a Handshaker that does nothing before Run.
func NewHandshaker(l Limits) *Handshaker {
	s := &Handshaker{limits: Limits{Workers: max(l.Workers, 1), Open: max(l.Open, 1)}, live: map[*handshake]struct{}{}}
	s.work.L = &s.mu
	return s
}

// Run works until ctx ends. Handshakes that are not over by then fail with Stopped, and so do later ones.
func (s *Handshaker) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, s.stop)
	defer stop()
	var workers sync.WaitGroup
	for range s.limits.Workers {
		workers.Go(s.worker)
	}
	workers.Wait()
	s.end()
	return nil
}

// Counts are how many handshakes there are.
type Counts struct {
	Open    int // begun and not over
	Waiting int // for their turn to begin
}

// Counts tells how many handshakes there are at this moment.
func (s *Handshaker) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Counts{Open: s.open, Waiting: s.starts.n}
}

func (s *Handshaker) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	s.work.Broadcast()
}

// end ends the handshakes that are left when no worker runs any more.
func (s *Handshaker) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for h := range s.live {
		s.mu.Unlock()
		if h.stop != nil {
			h.stop()
		}
		s.mu.Lock()
		s.conclude(h, &Failure{Reason: Stopped})
	}
}

// worker does what there is to do until the Handshaker is stopped.
func (s *Handshaker) worker() {
	s.mu.Lock()
	for !s.stopped {
		if h := s.next(); h != nil {
			s.serve(h)
		} else {
			s.work.Wait()
		}
	}
	s.mu.Unlock()
}

// next takes the handshake whose turn it is; nil: there is none. mu is held.
func (s *Handshaker) next() *handshake {
	if h := s.answers.pop(); h != nil {
		return h
	}
	if s.open < s.limits.Open {
		return s.starts.pop()
	}
	if s.starts.n == 0 {
		return nil
	}
	h := s.parked.pop()
	if h != nil {
		h.crowded = true
	}
	return h
}

// serve lets a handshake go on. mu is held, but not while it does.
func (s *Handshaker) serve(h *handshake) {
	if !h.started {
		h.started = true
		s.open++
	}
	h.stage = running
	h.take()
	end := h.aborted || h.crowded
	s.mu.Unlock()
	done := !end && h.step()
	s.mu.Lock()
	h.gather()
	switch {
	case done:
		s.conclude(h, h.outcome())
	case end, h.aborted: // before, or while it ran
		s.mu.Unlock()
		h.stop()
		s.mu.Lock()
		s.conclude(h, &Failure{Reason: Crowded})
	default:
		h.stage = idle
		h.taken = nil // all of it is read
		s.parked.push(h)
		s.enqueue(h)
		if len(h.out) > 0 {
			s.tell(h)
		}
	}
}

// conclude notes that a handshake is over. mu is held, but not while the owner is told.
func (s *Handshaker) conclude(h *handshake, err error) {
	h.leave()
	delete(s.live, h)
	if h.started {
		s.open--
		s.work.Signal() // another one can begin
	}
	h.stage = over
	if !h.aborted {
		h.err = err
		s.tell(h)
	}
}

// tell lets the owner know that there is something new, unless it knows. mu is held, but not while it does.
func (s *Handshaker) tell(h *handshake) {
	if h.told {
		return
	}
	h.told = true
	s.mu.Unlock()
	h.notify()
	s.mu.Lock()
}

// enqueue lines a handshake up when there is something to do for it. mu is held.
func (s *Handshaker) enqueue(h *handshake) {
	if h.stage != idle || !h.due() {
		return
	}
	h.stage = queued
	h.leave()
	if h.started {
		s.answers.push(h)
	} else {
		s.starts.push(h)
	}
	s.work.Signal()
}

// start takes up a handshake. Where the Handshaker was stopped, notify is called at once.
func (s *Handshaker) start(h *handshake) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		s.conclude(h, &Failure{Reason: Stopped})
		return
	}
	s.live[h] = struct{}{}
	s.enqueue(h)
}

// refuse ends a handshake that has not begun, and has notify called.
func (s *Handshaker) refuse(h *handshake, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conclude(h, err)
}

// feed adds what came, and reports whether more is wanted.
func (s *Handshaker) feed(h *handshake, b []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.in = append(h.in, b...)
	s.enqueue(h)
	return len(h.in) <= maxAhead
}

// finish notes that the other side sends nothing more.
func (s *Handshaker) finish(h *handshake) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.ended = true
	if !h.started && h.stage != over {
		s.conclude(h, &Failure{Reason: Gone})
		return
	}
	s.enqueue(h)
}

// poll hands out what a handshake has made, and when it is over what came after it.
func (s *Handshaker) poll(h *handshake, w *wire) (done bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.told = false
	w.reserve(len(h.out))
	w.out = append(w.out, h.out...)
	h.out = nil
	if h.stage != over {
		return false, nil
	}
	w.hs, w.ended = nil, h.ended
	for _, b := range [][]byte{h.taken, h.in} {
		if len(b) > 0 {
			w.keep(b, 0)
		}
	}
	return true, h.err
}

// abort ends a handshake that nobody waits for.
func (s *Handshaker) abort(h *handshake) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.aborted = true
	switch {
	case h.stage == over:
	case h.stage == running: // the worker looks when it comes back
	case !h.started:
		s.conclude(h, nil)
	default:
		h.leave()
		h.stage = queued
		s.answers.push(h)
		s.work.Signal()
	}
}
