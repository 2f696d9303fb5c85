package proxy

import (
	"net/netip"
	"time"

	"github.com/tandem-lb/tandem/proxy/accesslog"
	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/persist"
	"github.com/tandem-lb/tandem/proxy/resolve"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// Snapshot is the balancer at one moment, in the order of the configuration. It shares nothing with the Proxy.
type Snapshot struct {
	Frontends []FrontendStatus
	Backends  []BackendStatus
	TLS       certs.Status
	Logs      []accesslog.Status
	Names     []NameStatus // those that servers are looked up by, each once
	Lookups   resolve.Counters
	Held      int64 // octets of memory that responses take which clients are slow to take
}

// NameStatus is what is known of a name.
type NameStatus struct {
	resolve.Query
	resolve.State
}

// FrontendStatus is one frontend.
type FrontendStatus struct {
	Name  string
	Binds []BindStatus
	Traffic
	Forgotten int64 // clients that there was no room for in the tables of what they have used up
}

// BindStatus is one listening address.
type BindStatus struct {
	Address netip.AddrPort // what the socket has; for a configured port 0 the port that the kernel chose
	Path    string         // of a Unix socket, which has no Address
	VIP     bool
	TLS     bool
	Gate    GateState // Open for an address that is no virtual one
}

// Traffic counts what went through a frontend since it was first configured.
type Traffic struct {
	Connections int64    // open now
	Accepted    int64    // connections in all
	Requests    int64    // exchanges that have ended; of TCP mode sessions
	Responses   [5]int64 // by class of status: 1xx (101) to 5xx
	Unanswered  int64    // exchanges that ended before the client was told a status
	Faults      int64    // exchanges that a client, a server or a refusal ended early
	Internal    int64    // exchanges that ended by a fault of the balancer itself; always 0, or there is a bug
	Retries     int64    // connection attempts after the first
	Redispatch  int64    // exchanges that a retry moved to another server
	BytesIn     int64    // of bodies, from clients
	BytesOut    int64    // of bodies, to clients
	Limited     int64    // requests of clients that asked too often
	TurnedAway  int64    // connections of clients that had too many, or made them too fast
	// Refusals counts what was no HTTP or TLS, of clients and of servers, by the label of the reason; those of TLS handshakes with
	// clients begin with tls_. nil: there was none.
	Refusals map[string]int64
}

// BackendStatus is one backend; Healthy, Total and Known as in Proxy.WatchBackend.
type BackendStatus struct {
	Name    string
	Healthy int
	Total   int
	Known   bool
	Waiting int64        // requests in its queue
	Table   *TableStatus // of who had which server; nil: there is none
	Servers []ServerStatus
}

// TableStatus is the table of who had which server.
type TableStatus struct {
	Size int // how many clients it has room for
	persist.SourcesStats
}

// ServerStatus is one server.
type ServerStatus struct {
	Name    string
	Lookup  string         // what its address is found by; empty: it has it from the configuration
	Address netip.AddrPort // not valid: it has none
	Path    string         // of a Unix socket
	Weight  int
	Backup  bool

	SlowStart time.Duration // in which its share grows to Weight; 0: at once
	Risen     time.Time     // when that began last; zero: it never has

	upstream.Health
	upstream.Ejection
	Doubted bool // it does not acknowledge what is sent to it, or has let a request wait for too long, and is being probed

	InFlight         int64 // requests now
	Requests         int64 // requests in all, retries included
	ConnectFailures  int64 // TLS included
	ResponseFailures int64

	HandshakeFailures map[string]int64 // TLS handshakes that failed, by reason; nil: none has
}

// Throttle returns how much of its weight the server has, in percent: less than 100 during a slow start.
func (s *ServerStatus) Throttle(now time.Time) int {
	return upstream.Throttle(now, s.Risen, s.SlowStart)
}

// Snapshot returns the present state.
func (p *Proxy) Snapshot() Snapshot {
	s := Snapshot{TLS: p.keychain.Status(), Logs: p.outputs.Status(), Lookups: p.names.Counters(), Held: p.engine.Reserved()}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.now.frontends {
		status := FrontendStatus{Name: f.live.name, Traffic: f.live.traffic(), Forgotten: f.bounds.forgotten()}
		for _, l := range f.listeners {
			bind := l.config
			status.Binds = append(status.Binds, BindStatus{
				Address: l.address(), Path: l.socket.unix.Path, VIP: bind.VIP, TLS: bind.TLS != nil, Gate: l.lane.gate.State(),
			})
		}
		s.Frontends = append(s.Frontends, status)
	}
	seen := map[resolve.Query]bool{}
	for _, b := range p.now.backends {
		s.Backends = append(s.Backends, backendStatus(b))
		for _, q := range queries([]Backend{b.config}) {
			if !seen[q] {
				seen[q] = true
				s.Names = append(s.Names, NameStatus{q, p.names.State(q)})
			}
		}
	}
	return s
}

func backendStatus(b *backend) BackendStatus {
	status := BackendStatus{Name: b.config.Name}
	status.Healthy, status.Total, status.Known = b.pool.Healthy()
	if q := b.pool.Queue(); q != nil {
		status.Waiting = q.Waiting()
	}
	if t := b.sources; t != nil {
		status.Table = &TableStatus{Size: t.Config().Size, SourcesStats: t.Stats()}
	}
	for i, m := range b.pool.Members() {
		if b.servers[i].spare {
			continue
		}
		health, stats := m.Health(), m.Stats()
		status.Servers = append(status.Servers, ServerStatus{
			Name: m.Key().Name, Lookup: b.servers[i].Lookup.Name, Address: m.Key().Address, Path: m.Key().Path, Weight: m.Weight, Backup: m.Backup, SlowStart: m.SlowStart, Risen: m.Risen(),
			Health: health, Ejection: m.Ejection(), Doubted: m.Doubted(),
			InFlight: stats.InFlight, Requests: stats.Requests,
			ConnectFailures: stats.ConnectFailures, ResponseFailures: stats.ResponseFailures,
			HandshakeFailures: m.HandshakeFailures(),
		})
	}
	return status
}
