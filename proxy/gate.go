package proxy

import "sync"

// GateState says what a virtual address does with connections.
type GateState uint8

// The states of a gate.
const (
	Closed   GateState = iota // nobody is accepted; the sockets stay open, and connections wait in the kernel
	Open                      // connections are accepted
	Draining                  // late ones are still accepted; responses say Connection: close
)

// String returns "closed", "open" or "draining".
func (s GateState) String() string {
	switch s {
	case Open:
		return "open"
	case Draining:
		return "draining"
	default:
		return "closed"
	}
}

// MarshalText writes the state as String does, for JSON.
func (s GateState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Gate decides for one address whether connections are accepted. It is safe for concurrent use.
type Gate struct {
	mu      sync.Mutex
	state   GateState     // guarded by mu
	changed chan struct{} // guarded by mu; closed and replaced by wakeLocked; nobody sends
}

func newGate(s GateState) *Gate {
	return &Gate{state: s, changed: make(chan struct{})}
}

// Set changes the state. When it returns after Closed, no further connection is served, and Proxy.EndConnections finds
// all that are.
func (g *Gate) Set(s GateState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state != s {
		g.state = s
		g.wakeLocked()
	}
}

// State returns what Set has set.
func (g *Gate) State() GateState {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state
}

// watch returns the state, and a channel that is closed when it may have changed.
func (g *Gate) watch() (GateState, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state, g.changed
}

// wake makes those who watch look again.
func (g *Gate) wake() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wakeLocked()
}

// wakeLocked is wake with mu held.
func (g *Gate) wakeLocked() {
	close(g.changed)
	g.changed = make(chan struct{})
}
