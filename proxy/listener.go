package proxy

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// acceptPause is the wait after accepting failed, for want of descriptors or memory: time for some to be given back.
const acceptPause = 50 * time.Millisecond

// listener accepts connections on one socket for as long as any configuration has it.
type listener struct {
	tcp   *net.TCPListener
	conns *conns
	log   hclog.Logger
	gate  atomic.Pointer[Gate]  // never nil
	terms atomic.Pointer[terms] // for the connections that come; never nil
	done  chan struct{}         // closed by close; nobody sends
	once  sync.Once
}

// terms are what a configuration says about a listener's connections.
type terms struct {
	bind Bind
	tls  *tls.Config // nil: plain
	lane *lane
}

func newListener(tcp *net.TCPListener, c *conns, log hclog.Logger) *listener {
	return &listener{tcp: tcp, conns: c, log: log.With("address", tcp.Addr().String()), done: make(chan struct{})}
}

// address returns what the socket is bound to.
func (l *listener) address() netip.AddrPort { return l.tcp.Addr().(*net.TCPAddr).AddrPort() }

// setGate puts l under g.
func (l *listener) setGate(g *Gate) {
	if old := l.gate.Swap(g); old != nil && old != g {
		old.wake()
	}
}

// close closes the socket and ends accept.
func (l *listener) close() {
	l.once.Do(func() {
		close(l.done)
		_ = l.tcp.Close() // nothing is unsent on it
	})
}

// accept accepts connections while the gate is not closed, until close. When the gate closes it may already be waiting
// for a connection: that one waits here, as those after it do in the kernel.
func (l *listener) accept() {
	for l.await() {
		tcp, err := l.tcp.AcceptTCP()
		switch {
		case err == nil:
			l.handle(tcp)
		case errors.Is(err, net.ErrClosed):
		default:
			l.log.Warn("connections are not accepted", "err", err)
			l.pause()
		}
	}
}

// await returns true as soon as connections may be accepted, false after close.
func (l *listener) await() bool {
	for {
		gate := l.gate.Load()
		state, changed := gate.watch()
		switch {
		case l.isClosed():
			return false
		case l.gate.Load() != gate:
			continue // and nobody would close changed for l
		case state != Closed:
			return true
		}
		select {
		case <-changed:
		case <-l.done:
		}
	}
}

func (l *listener) isClosed() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// handle passes an accepted connection on, as soon as its gate admits it.
func (l *listener) handle(tcp *net.TCPConn) {
	for l.await() {
		t := l.terms.Load()
		c := &conn{TCPConn: tcp, set: l.conns, gate: l.gate.Load(), lane: t.lane}
		if !l.conns.admit(c) {
			continue
		}
		if t.tls != nil {
			t.lane.handle(tls.Server(c, t.tls))
		} else {
			t.lane.handle(c)
		}
		return
	}
	_ = tcp.Close() // the bind is gone, and nobody has read from it
}

func (l *listener) pause() {
	t := time.NewTimer(acceptPause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.done:
	}
}
