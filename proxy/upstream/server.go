package upstream

import (
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
)

// Key is the identity of a server.
type Key struct {
	Backend string
	Name    string
	Address netip.AddrPort
}

// Health is what the checks of a server have found.
type Health struct {
	Status hysteresis.Status // Up for a server that is not checked
	Text   string            // what the last check saw, for people
	Since  time.Time         // when Status became what it is; zero while nothing was found yet
}

// Server is one member of a backend. It is safe for concurrent use.
type Server struct {
	key    Key
	health atomic.Pointer[Health] // never nil

	inFlight  atomic.Int64
	requests  atomic.Int64
	connect   atomic.Int64
	responses atomic.Int64
}

// NewServer returns a server whose health is unknown.
func NewServer(key Key) *Server {
	s := &Server{key: key}
	s.SetHealth(Health{})
	return s
}

// Key returns the identity of the server.
func (s *Server) Key() Key { return s.key }

// Health returns what the checks have found.
func (s *Server) Health() Health { return *s.health.Load() }

// SetHealth replaces what the checks have found. One caller at a time.
func (s *Server) SetHealth(h Health) { s.health.Store(&h) }

// acquire takes a slot; Release gives it back.
func (s *Server) acquire() {
	s.inFlight.Add(1)
	s.requests.Add(1)
}

// Release gives back the slot that Pool.Pick took.
func (s *Server) Release() { s.inFlight.Add(-1) }

// ConnectFailed counts a connection attempt that came to nothing.
func (s *Server) ConnectFailed() { s.connect.Add(1) }

// ResponseFailed counts a response that did not come, came broken, or stopped half-way.
func (s *Server) ResponseFailed() { s.responses.Add(1) }

// Stats are the counters of a server at one moment.
type Stats struct {
	InFlight         int64 // requests that hold a slot now
	Requests         int64 // slots given out, retries included
	ConnectFailures  int64
	ResponseFailures int64
}

// Stats reads the counters.
func (s *Server) Stats() Stats {
	return Stats{
		InFlight:         s.inFlight.Load(),
		Requests:         s.requests.Load(),
		ConnectFailures:  s.connect.Load(),
		ResponseFailures: s.responses.Load(),
	}
}
