package upstream

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Passive is how servers are judged by the requests that they get. It is never written.
type Passive struct {
	// MaxFails is how many failures in a row eject a server, if no more than FailTimeout passes between the first and the last; above 0.
	MaxFails    int
	FailTimeout time.Duration // how long it is ejected at first, and in which failures count
	// ErrorRatio is what share of a server's requests, in percent, may fail within FailTimeout; 0: any. Where there are fewer than
	// MinRequests it says nothing.
	ErrorRatio  int
	MinRequests int

	statuses [10]uint64 // those that are failures; bits
}

// maxDoublings bounds how often the time doubles for which a server is ejected that fails again when it is tried.
const maxDoublings = 4

// Count makes the statuses from the first to the last failures.
func (p *Passive) Count(first, last int) {
	for status := max(first, 0); status <= last && status < 64*len(p.statuses); status++ {
		p.statuses[status/64] |= 1 << (status % 64)
	}
}

// Fails reports whether a status is a failure of the server.
func (p *Passive) Fails(status int) bool {
	return 0 <= status && status < 64*len(p.statuses) && p.statuses[status/64]&(1<<(status%64)) != 0
}

// ejection is where a server is on its way out and back.
type ejection uint8

const (
	included ejection = iota
	out               // until the time has passed, and who knows more agrees
	ajar              // the next request decides
	trying            // that is under way
)

// outlier is what a server's requests say of it. A good request costs a look at notable, while nothing is the matter.
type outlier struct {
	notable atomic.Bool // a good request is worth telling

	mu       sync.Mutex // guards what follows
	state    ejection
	row      int       // failures in a row
	first    time.Time // of the row
	window   time.Time // in which failures are counted beside good requests
	asked    int64     // requests of the server before the window
	failed   int       // in the window
	until    time.Time // of being out
	doubling int       // how often that was doubled
	count    int64     // how often it was ejected in all
}

// fails counts a failure, and returns why the server is to be ejected for it; empty: it is not. requests are the server's in all.
func (o *outlier) fails(now time.Time, p *Passive, requests int64, what string) (why string) {
	if o.row == 0 || now.Sub(o.first) > p.FailTimeout {
		o.row, o.first = 0, now
	}
	if o.row++; o.row >= p.MaxFails {
		return fmt.Sprintf("%d failures in a row, the last one: %s", o.row, what)
	}
	if p.ErrorRatio == 0 {
		return ""
	}
	if now.Sub(o.window) > p.FailTimeout {
		o.window, o.asked, o.failed = now, requests-1, 0
	}
	o.failed++
	if all := requests - o.asked; all >= int64(p.MinRequests) && int64(o.failed)*100 >= int64(p.ErrorRatio)*all {
		return fmt.Sprintf("%d of %d requests failed, the last one: %s", o.failed, all, what)
	}
	return ""
}

// eject begins a time out.
func (o *outlier) eject(now time.Time, p *Passive) {
	o.state, o.row, o.window = out, 0, time.Time{}
	o.until = now.Add(p.FailTimeout << o.doubling)
	o.count++
}

// Failed notes a failure of a request that the server was given; trial says that Try has made it the one that decides.
func (s *Server) Failed(now time.Time, p *Passive, trial bool, what string) {
	o := &s.outlier
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notable.Store(true)
	why := ""
	switch {
	case trial && o.state == trying:
		o.doubling = min(o.doubling+1, maxDoublings)
		why = "it was tried again and failed: " + what
	case o.state == included:
		why = o.fails(now, p, s.requests.Load(), what)
	}
	if why == "" {
		return
	}
	o.eject(now, p)
	s.hold(ejected)
	if s.watcher != nil {
		s.watcher.Ejected(s, why)
	}
}

// Succeeded notes a good response, as Failed.
func (s *Server) Succeeded(trial bool) {
	o := &s.outlier
	if !o.notable.Load() { // as nearly always
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case trial && o.state == trying:
		s.include()
		if s.watcher != nil {
			s.watcher.Reinstated(s)
		}
	case o.state == included:
		o.row = 0
		o.notable.Store(false)
	}
}

// include ends an ejection. outlier.mu is held.
func (s *Server) include() {
	o := &s.outlier
	o.state, o.row, o.doubling, o.until = included, 0, 0, time.Time{}
	o.notable.Store(false)
	s.lift(ejected)
}

// Try reports whether the request that was just given to the server is the one that decides whether it comes back. Who is told so calls
// Failed or Succeeded with that, or Untried.
func (s *Server) Try() bool {
	o := &s.outlier
	if !o.notable.Load() {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.state != ajar {
		return false
	}
	o.state = trying
	s.hold(ejected)
	return true
}

// Untried says that nothing came of it: the client has gone before.
func (s *Server) Untried() {
	o := &s.outlier
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.state == trying {
		o.state = ajar
		s.lift(ejected)
	}
}

// Reopen lets the next request decide, if the server is ejected and its time is over; it reports whether that is so.
func (s *Server) Reopen(now time.Time) bool {
	o := &s.outlier
	if !o.notable.Load() {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.state != out || now.Before(o.until) {
		return false
	}
	o.state = ajar
	s.lift(ejected)
	return true
}

// Pardon forgets all that was held against the server.
func (s *Server) Pardon() {
	if !s.outlier.notable.Load() {
		return
	}
	s.outlier.mu.Lock()
	defer s.outlier.mu.Unlock()
	s.include()
}

// Ejection is what requests have made of a server.
type Ejection struct {
	Ejected  bool      // it gets nothing while enough others can
	HalfOpen bool      // the next request, or one that is under way, decides whether it comes back
	Until    time.Time // of Ejected: the end of its time
	Count    int64     // how often it was ejected
}

// Ejection returns the present state.
func (s *Server) Ejection() Ejection {
	o := &s.outlier
	o.mu.Lock()
	defer o.mu.Unlock()
	return Ejection{Ejected: o.state == out, HalfOpen: o.state == ajar || o.state == trying, Until: o.until, Count: o.count}
}
