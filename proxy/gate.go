package proxy

import (
	"sync"
	"sync/atomic"

	"github.com/tandem-lb/tandem/proxy/engine"
)

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
	state atomic.Uint32 // a GateState; written with mu held, read by the loops for each response

	mu        sync.Mutex
	listeners map[*engine.Listener]struct{} // guarded by mu
}

func newGate(s GateState) *Gate {
	g := &Gate{listeners: map[*engine.Listener]struct{}{}}
	g.state.Store(uint32(s))
	return g
}

// Set changes the state. When it returns after Closed, no further connection is served, and Proxy.EndConnections finds
// all that are.
func (g *Gate) Set(s GateState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state.Store(uint32(s))
	for l := range g.listeners {
		g.apply(l)
	}
}

// State returns what Set has set.
func (g *Gate) State() GateState { return GateState(g.state.Load()) }

// apply brings a listener into the gate's state. mu is held.
func (g *Gate) apply(l *engine.Listener) {
	if g.State() == Closed {
		l.Pause()
	} else {
		l.Open()
	}
}

// add puts a listener under the gate.
func (g *Gate) add(l *engine.Listener) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.listeners[l] = struct{}{}
	g.apply(l)
}

// remove takes a listener from under the gate, as it is.
func (g *Gate) remove(l *engine.Listener) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.listeners, l)
}
