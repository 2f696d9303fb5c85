package looptest

import (
	"net/netip"
	"syscall"
)

// listener is a listening socket, which several Loops may have.
type listener struct {
	backlog []*conn
	watches []*watch
}

// Listen returns the descriptor of a listening socket, for the Loops to Listen on.
func (n *Net) Listen(address netip.AddrPort) (fd int) {
	li := &listener{}
	n.listeners[address] = li
	return n.open(li)
}

// client is the address of clients, and local that of the Loops when they connect.
const (
	client = "192.0.2.1"
	local  = "192.0.2.2"
)

// Dial connects a client to a listening socket. It can send at once, and waits in the backlog until a Loop accepts it. Nobody
// listening there is a mistake of the test.
func (n *Net) Dial(to netip.AddrPort) *Peer {
	li := n.listeners[to]
	if li == nil {
		panic("looptest: nobody listens on " + to.String())
	}
	n.port++
	p := &Peer{addr: netip.AddrPortFrom(netip.MustParseAddr(client), n.port)}
	p.conn = &conn{net: n, peer: p, window: -1, local: to}
	li.backlog = append(li.backlog, p.conn)
	for _, w := range li.watches { // epoll(7), EPOLLEXCLUSIVE: they look in their queue's order, and the first that waits is woken
		w.list()
		if w.kernel.resting {
			w.kernel.resting = false
			break
		}
	}
	return p
}

// Backlog is how many clients wait to be accepted.
func (n *Net) Backlog(address netip.AddrPort) int { return len(n.listeners[address].backlog) }

// Server is what Loops connect to.
type Server struct {
	// Err is what a connect comes to; nil: a connection.
	Err error
	// Silent connects come to nothing at all.
	Silent bool
	// Window is how many octets its connections take at first, until Peer.Window says otherwise; 0: any number.
	Window int

	waiting []*Peer
}

// Serve returns the server at an address. Where there is none, connects are refused.
func (n *Net) Serve(address netip.AddrPort) *Server {
	s := &Server{}
	n.servers[address] = s
	return s
}

// Accept returns the server's end of the first connection that it has not returned yet; nil: there is none.
func (s *Server) Accept() *Peer {
	if len(s.waiting) == 0 {
		return nil
	}
	p := s.waiting[0]
	s.waiting = s.waiting[1:]
	return p
}

// connect is a Loop's connect, whose end shows at the next Wait.
func (n *Net) connect(to netip.AddrPort) *conn {
	p := &Peer{addr: to}
	p.conn = &conn{net: n, peer: p, window: -1}
	switch s := n.servers[to]; {
	case s == nil:
		p.conn.breaks(syscall.ECONNREFUSED)
	case s.Silent:
		p.conn.connecting = true
	case s.Err != nil:
		p.conn.breaks(s.Err)
	default:
		if s.Window > 0 {
			p.conn.window = s.Window
		}
		s.waiting = append(s.waiting, p)
	}
	return p.conn
}
