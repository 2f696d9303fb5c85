package upstream

import (
	"crypto/tls"
	"maps"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/balance"
	"github.com/tandem-lb/tandem/proxy/proxyproto"
)

// Key is the identity of a server.
type Key struct {
	Backend string
	Name    string
	Address netip.AddrPort // invalid: nobody knows it yet
	Path    string         // in its place, of a Unix socket: absolute, or @ and a name
}

// Link is how a server is spoken to.
type Link struct {
	TLS   *tls.Config        // nil: plain. Its sessions are those with this server alone
	Proxy proxyproto.Version // what it is told of clients first, on connections of their own; 0: nothing
	HTTP2 bool               // over TLS agreed on by ALPN, else known beforehand (RFC 9113 section 3.3)
}

// Health is what the checks of a server have found.
type Health struct {
	Status hysteresis.Status // Up for a server that is not checked
	Text   string            // what the last check saw, for people
	Code   int               // what its answer was, by number: the status of HTTP or gRPC, or a script's; 0: there is none
	Took   time.Duration     // how long it took
	At     time.Time         // when it ended; zero: none has
	Since  time.Time         // when Status became what it is; zero while nothing was found yet
}

// findings are the health of a server, and what follows from the one before.
type findings struct {
	Health
	risen time.Time // as Server.Risen returns it
}

// Server is one member of a backend. It is safe for concurrent use.
type Server struct {
	key    Key
	link   Link
	health atomic.Pointer[findings] // never nil
	seat   atomic.Pointer[seat]     // in the pool that is attached; nil: none is
	holds  atomic.Uint32            // why it is held back

	patience atomic.Int64 // nanoseconds
	watcher  Watcher      // nil: nobody is told
	missed   atomic.Pointer[func()]
	outlier  outlier

	inFlight  atomic.Int64
	requests  atomic.Int64
	connect   atomic.Int64
	responses atomic.Int64

	failing    atomic.Bool // the last TLS handshake failed
	mu         sync.Mutex
	handshakes map[string]int64 // guarded by mu: TLS handshakes that failed, by reason
	reason     string           // guarded by mu: of the last one that failed, since one succeeded
	latency    balance.Latency  // guarded by mu: unless no pool was interested
}

// NewServer returns a server whose health is unknown.
func NewServer(key Key, link Link) *Server {
	s := &Server{key: key, link: link}
	s.SetHealth(Health{})
	return s
}

// Key returns the identity of the server.
func (s *Server) Key() Key { return s.key }

// Link returns how the server is spoken to.
func (s *Server) Link() Link { return s.link }

// Health returns what the checks have found.
func (s *Server) Health() Health { return s.health.Load().Health }

// Risen returns when the server came back after checks had found it down; zero where it has not, or is down.
func (s *Server) Risen() time.Time { return s.health.Load().risen }

// SetHealth replaces what the checks have found. One caller at a time.
func (s *Server) SetHealth(h Health) {
	found := &findings{Health: h}
	if old := s.health.Load(); old != nil && h.Status == hysteresis.Up {
		switch old.Status {
		case hysteresis.Up:
			found.risen = old.risen
		case hysteresis.Down:
			if !old.Since.IsZero() { // else it was only taken for down, before its first check
				found.risen = h.Since
			}
		}
	}
	s.health.Store(found)
	s.tellChanged()
}

// tellChanged tells the pool that is attached that the server may be used for something else.
func (s *Server) tellChanged() {
	if at := s.seat.Load(); at != nil {
		at.pool.changed(at.i)
	}
}

// acquire takes a slot; Release gives it back.
func (s *Server) acquire() {
	s.inFlight.Add(1)
	s.requests.Add(1)
}

// Release gives back the slot that Pool.Pick took. Whoever waits for one may get it.
func (s *Server) Release() {
	s.inFlight.Add(-1)
	if p := s.tellLoad(); p != nil && p.queue != nil {
		p.queue.freed(s)
	}
}

// tellLoad tells the pool that is attached of another number of requests in flight, and returns it; nil: it does not go by that.
func (s *Server) tellLoad() *Pool {
	at := s.seat.Load()
	if at == nil || !at.counts {
		return nil
	}
	at.pool.counted(at.i)
	return at.pool
}

// Answered notes how long the server took for the first byte of its response, or that it gave none, or one that says it cannot. It does
// nothing where the pool that is attached has no use for that.
func (s *Server) Answered(now time.Time, took time.Duration, failed bool) {
	if at := s.seat.Load(); at != nil && at.times {
		s.mu.Lock()
		s.latency = s.latency.After(now, took, failed)
		l := s.latency
		s.mu.Unlock()
		at.pool.timedAs(at.i, l)
	}
}

func (s *Server) lastLatency() balance.Latency {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.latency
}

// ConnectFailed counts a connection attempt that came to nothing.
func (s *Server) ConnectFailed() {
	s.connect.Add(1)
	s.Missed()
}

// OnMiss has f called whenever the server is not where it should be; nil: nobody is told. It must not block.
func (s *Server) OnMiss(f func()) {
	if f == nil {
		s.missed.Store(nil)
	} else {
		s.missed.Store(&f)
	}
}

// Missed says that the server is not where it should be, or not as it should be there.
func (s *Server) Missed() {
	if f := s.missed.Load(); f != nil {
		(*f)()
	}
}

// InFlight is how many requests hold a slot now.
func (s *Server) InFlight() int64 { return s.inFlight.Load() }

// HandshakeFailed counts a TLS handshake that failed, by its reason, one of a few; ConnectFailed is to be called too. It reports
// whether that is news: the one before did not fail, or not for this reason.
func (s *Server) HandshakeFailed(reason string) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handshakes == nil {
		s.handshakes = map[string]int64{}
	}
	s.handshakes[reason]++
	news = s.reason != reason
	s.reason = reason
	s.failing.Store(true)
	return news
}

// HandshakeDone notes a TLS handshake that succeeded.
func (s *Server) HandshakeDone() {
	if !s.failing.Load() { // as nearly always
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reason = ""
	s.failing.Store(false)
}

// HandshakeFailures returns how many TLS handshakes have failed, by reason; nil: none has.
func (s *Server) HandshakeFailures() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.handshakes)
}

// ResponseFailed counts a response that did not come, came broken, or stopped half-way.
func (s *Server) ResponseFailed() { s.responses.Add(1) }

// Stats are the counters of a server at one moment.
type Stats struct {
	InFlight         int64 // requests that hold a slot now
	Requests         int64 // slots given out, retries included
	ConnectFailures  int64 // TLS included
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
