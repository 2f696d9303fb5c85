package proxy

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandem-lb/tandem/proxy/stdhttp"
)

// lane leads the connections of a listener to an engine's server. To the server it is a net.Listener. A reload that
// changes what the server was made with gives the listener another lane; the connections of the old one live on.
type lane struct {
	frontend *frontend
	address  net.Addr
	timeouts laneTimeouts
	server   *stdhttp.Server
	open     atomic.Int64 // connections
	retired  bool         // guarded by Proxy.mu: it gets no more connections

	conns   chan net.Conn // from handle to Accept; never closed, see stopped; no capacity: one of the two has it
	stopped chan struct{} // closed by stop; nobody sends
	once    sync.Once
}

// laneTimeouts are what a server cannot change.
type laneTimeouts struct{ httpRequest, keepAlive time.Duration }

func newLane(e *stdhttp.Engine, f *frontend, l *listener, t laneTimeouts) *lane {
	return &lane{
		frontend: f,
		address:  l.tcp.Addr(),
		timeouts: t,
		server: e.NewServer(stdhttp.Bind{
			Frontend:    f.route.Load,
			Draining:    func() bool { return l.gate.Load().State() == Draining },
			Account:     f.account,
			HTTPRequest: t.httpRequest,
			KeepAlive:   t.keepAlive,
		}),
		conns:   make(chan net.Conn),
		stopped: make(chan struct{}),
	}
}

// serve returns after stop.
func (l *lane) serve() { l.server.Serve(l) }

// stop ends serve. The connections that are there live on.
func (l *lane) stop() { l.once.Do(func() { close(l.stopped) }) }

// handle passes a connection in.
func (l *lane) handle(c net.Conn) {
	select {
	case l.conns <- c:
	case <-l.stopped:
		_ = c.Close() // nobody is left to serve it
	}
}

// Accept implements net.Listener.
func (l *lane) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.stopped:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. The socket is not the lane's.
func (l *lane) Close() error { return nil }

// Addr implements net.Listener.
func (l *lane) Addr() net.Addr { return l.address }
