package loop

import "net/netip"

// State says what became of a Recv or Send.
type State uint8

// The states.
const (
	Done    State = iota // all of it, or as much as there was; there may be more
	Blocked              // Ready will be called when it can go on
	Ended                // the other side sends nothing more: the end of its bytes
	Failed               // the connection is broken, or the socket closed
)

// Recv reads into b, which is not empty. n is above 0 with Done alone.
func (l *Loop) Recv(r Ref, b []byte) (n int, st State) {
	s := l.sockets.socket(r)
	if s == nil {
		return 0, Failed
	}
	if s.ready&(Readable|HungUp) == 0 {
		return 0, l.block(s, r)
	}
	for {
		n, err := l.kernel.Recv(int(s.fd), b)
		switch {
		case err == interrupt:
			continue
		case err == again:
			s.ready &^= Readable
			return 0, l.block(s, r)
		case err != nil:
			return 0, Failed
		case n == 0:
			s.ended = true
			return 0, Ended
		}
		if n < len(b) { // drained: a further read would find nothing, but for an end, of which HungUp tells
			s.ready &^= Readable
		}
		return n, Done
	}
}

// Send writes what it can of b. n may be above 0 with Blocked too.
func (l *Loop) Send(r Ref, b []byte) (n int, st State) { return l.Send2(r, b, nil) }

// Send2 writes what it can of a and then of b, as if they stood in one piece: a head and the body after it leave together. n counts
// over both.
func (l *Loop) Send2(r Ref, a, b []byte) (n int, st State) {
	s := l.sockets.socket(r)
	if s == nil {
		return 0, Failed
	}
	if s.ready&Writable == 0 {
		return 0, l.block(s, r)
	}
	for whole := len(a) + len(b); n < whole; {
		m, err := l.send(s, a, b, n)
		switch {
		case err == interrupt:
			continue
		case err == again:
			s.ready &^= Writable
			return n, l.block(s, r)
		case err != nil:
			return n, Failed
		}
		if n += m; n < whole { // epoll(7): a short write has used up the room, so that another would find none
			s.ready &^= Writable
			return n, l.block(s, r)
		}
	}
	return n, Done
}

// send writes what follows the first n octets of a and b.
func (l *Loop) send(s *socket, a, b []byte, n int) (int, error) {
	switch fd := int(s.fd); {
	case n >= len(a):
		return l.kernel.Send(fd, b[n-len(a):], s.corked)
	case len(b) == 0:
		return l.kernel.Send(fd, a[n:], s.corked)
	default:
		return l.kernel.Send2(fd, a[n:], b, s.corked)
	}
}

// Cork has the last segment of what is sent from now on wait for CloseWrite or Close, which have to come soon: it takes the end
// along, and the other side gets one packet instead of two.
func (l *Loop) Cork(r Ref) {
	if s := l.sockets.socket(r); s != nil {
		s.corked = true
	}
}

// CanRecv reports whether a Recv may find something: bytes, the end or an error.
func (l *Loop) CanRecv(r Ref) bool {
	s := l.sockets.socket(r)
	return s != nil && s.ready&(Readable|HungUp) != 0
}

// HungUp reports whether the other side has ended, though there may be bytes left to receive.
func (l *Loop) HungUp(r Ref) bool {
	s := l.sockets.socket(r)
	return s == nil || s.ready&HungUp != 0
}

// Idle reports whether a connection that should have nothing to say says nothing: it stands, the other side has not ended, and there are
// no bytes that nobody asked for. It knows all that the kernel had said when the pass began. A Recv that fills its buffer leaves open
// whether there is more, so Idle is false until the next is Blocked.
func (l *Loop) Idle(r Ref) bool {
	s := l.sockets.socket(r)
	return s != nil && !s.connecting && s.ready&(Readable|HungUp) == 0
}

// Local returns the address that a socket has on this side; zero: it has none.
func (l *Loop) Local(r Ref) netip.AddrPort {
	s := l.sockets.socket(r)
	if s == nil {
		return netip.AddrPort{}
	}
	return l.kernel.Local(int(s.fd))
}

// Unacked returns how many of the octets that were sent can't have reached the other side: whoever sent a request into a
// connection that was just being closed may send it again if that is all of it. An end that the other side has sent tells what it had
// received until then, and it takes nothing more for its own after a close. Nothing else proves anything: a reset does not say what
// came before it, and without either the other side may have taken what it has not acknowledged yet. So known is true only when a Recv
// or SpliceIn has Ended, and CloseWrite was not called.
func (l *Loop) Unacked(r Ref) (octets int, known bool) {
	s := l.sockets.socket(r)
	if s == nil || !s.ended || s.shut {
		return 0, false
	}
	octets, _, err := l.kernel.Unacked(int(s.fd))
	if err != nil {
		return 0, false
	}
	return octets, true
}

// Outstanding returns how many of the octets that were sent the other side's kernel has not acknowledged, as far as is known, and how many of
// these have not left. The others are on their way: on a connection that stands soon none, even where the other side reads nothing.
func (l *Loop) Outstanding(r Ref) (octets, unsent int) {
	s := l.sockets.socket(r)
	if s == nil {
		return 0, 0
	}
	octets, unsent, err := l.kernel.Unacked(int(s.fd))
	if err != nil {
		return 0, 0
	}
	return octets, unsent
}

// CloseWrite tells the other side that nothing more will be sent.
func (l *Loop) CloseWrite(r Ref) {
	if s := l.sockets.socket(r); s != nil {
		s.shut = true
		_ = l.kernel.CloseWrite(int(s.fd)) // a connection that is broken says so at the next Recv
	}
}

// Close closes a socket. With reset the other side gets a reset, so that it takes nothing for whole, and bytes that wait to be sent are
// dropped. What is closed already stays so.
func (l *Loop) Close(r Ref, reset bool) {
	s := l.sockets.find(r)
	if s == nil {
		return
	}
	l.wheel.clear(&l.sockets.links, r.index)
	fd := int(s.fd)
	l.sockets.remove(r.index)
	if fd >= 0 {
		_ = l.kernel.Close(fd, reset) // the descriptor is gone whatever it says
	}
}
