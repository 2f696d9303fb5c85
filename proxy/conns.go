package proxy

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
)

// conns is the set of connections that clients have open.
type conns struct {
	mu      sync.Mutex
	open    map[*conn]struct{} // guarded by mu
	removed chan struct{}      // guarded by mu; closed and replaced whenever open shrinks; nobody sends
}

func newConns() *conns {
	return &conns{open: map[*conn]struct{}{}, removed: make(chan struct{})}
}

// conn is one connection of a client.
type conn struct {
	*net.TCPConn
	set   *conns
	gate  *Gate // that let it in
	lane  *lane
	heard atomic.Bool // something came from the client
}

// admit adds c unless its gate is closed. That is asked under the lock: whoever closes a gate and then ends the
// connections has ended them all.
func (s *conns) admit(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.gate.State() == Closed {
		return false
	}
	s.open[c] = struct{}{}
	c.lane.frontend.opened()
	c.lane.open.Add(1)
	return true
}

func (s *conns) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.open[c]; !ok {
		return
	}
	delete(s.open, c)
	c.lane.frontend.closed()
	c.lane.open.Add(-1)
	close(s.removed)
	s.removed = make(chan struct{})
}

// end ends the connections that which chooses, and counts them.
func (s *conns) end(which func(*conn) bool) int {
	s.mu.Lock()
	var chosen []*conn
	for c := range s.open {
		if which(c) {
			chosen = append(chosen, c)
		}
	}
	s.mu.Unlock()
	for _, c := range chosen {
		c.reset()
	}
	return len(chosen)
}

// drained returns when no connection is open or ctx has ended.
func (s *conns) drained(ctx context.Context) {
	for {
		s.mu.Lock()
		n, removed := len(s.open), s.removed
		s.mu.Unlock()
		if n == 0 {
			return
		}
		select {
		case <-removed:
		case <-ctx.Done():
			return
		}
	}
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	if n > 0 && !c.heard.Load() {
		c.heard.Store(true)
	}
	return n, err
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.set.remove(c)
	return c.TCPConn.Close()
}

// reset closes c so that what is unsent is dropped and the client learns it at once, where it can be reached.
func (c *conn) reset() {
	_ = c.SetLinger(0) // an error means that it is closed
	_ = c.Close()
}
