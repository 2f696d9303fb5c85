package engine

import (
	"io"
	"net/netip"

	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/secure"
)

// wire is the bytes of a connection: a socket of the loop, with TLS on it or not.
type wire struct {
	ref   loop.Ref
	tls   *secure.Conn // nil: plain
	shown *shown       // what is known of the client beyond that; nil: nothing that has been asked for

	sent   uint32 // octets that the socket has taken; it begins anew after 4 GiB
	more   bool   // of TLS: there may be plaintext though nothing more comes
	ending bool   // of TLS: the socket is to be told that nothing more will be sent when it has taken everything
	leaves bool   // of a client: Bind.Clients is to be told of the end
}

// shown is what a client has shown in its TLS handshake, or another proxy has told of it.
type shown struct {
	peer  []certs.Header // what servers are told of its certificate; nil: nothing
	info  *secure.Info   // nil: not looked up yet, or no TLS
	local netip.AddrPort // what it has connected to, as another proxy says; zero: what the socket says
}

// show makes room for what is known of a client.
func (w *wire) show() *shown {
	if w.shown == nil {
		w.shown = &shown{}
	}
	return w.shown
}

// handshake returns what a client's handshake has come to. Most connections are never asked.
func (w *wire) handshake() *secure.Info {
	s := w.show()
	if s.info == nil {
		info := w.tls.Info()
		info.Peer = nil // they would be kept for nothing
		s.info = &info
	}
	return s.info
}

// recv reads what has come into b, which is not the core's cipher.
func (w *wire) recv(c *core, b []byte) (n int, st loop.State) {
	if w.tls == nil {
		return c.loop.Recv(w.ref, b)
	}
	n, st = w.decrypt(c, b)
	if len(w.tls.Out()) > 0 { // TLS answers some messages by itself
		if sent := w.push(c); sent == loop.Failed {
			st = loop.Failed
		}
	}
	return n, st
}

// decrypt fills b with plaintext, as far as it goes.
func (w *wire) decrypt(c *core, b []byte) (n int, st loop.State) {
	for {
		for n < len(b) {
			m, err := w.tls.Read(b[n:])
			n += m
			switch {
			case err == nil:
				continue
			case err == secure.ErrAgain && n > 0:
				w.more = false
				return n, loop.Done
			case err == secure.ErrAgain:
			case n > 0: // the error lasts
				w.more = true
				return n, loop.Done
			case err == io.EOF:
				return 0, loop.Ended
			default:
				return 0, loop.Failed
			}
			break
		}
		if n == len(b) {
			w.tls.Keep()
			w.more = true
			return n, loop.Done
		}
		m, st := c.loop.Recv(w.ref, c.cipher)
		switch st {
		case loop.Done:
			w.tls.Feed(c.cipher[:m])
		case loop.Ended:
			w.tls.End()
		default:
			w.more = false
			return 0, st
		}
	}
}

// canRecv reports whether recv may find something.
func (w *wire) canRecv(c *core) bool { return w.more || c.loop.CanRecv(w.ref) }

// send writes head and then rest. What of the two was not taken, n octets of both together were, is the caller's to keep. TLS takes all;
// Blocked says then that nothing more should be written before pending is false.
func (w *wire) send(c *core, head, rest []byte) (n int, st loop.State) {
	switch {
	case w.tls != nil:
		return len(head) + len(rest), w.encrypt(c, head, rest)
	case len(rest) == 0:
		n, st = c.loop.Send(w.ref, head)
	case len(head) == 0:
		n, st = c.loop.Send(w.ref, rest)
	default:
		n, st = c.loop.Send2(w.ref, head, rest)
	}
	w.sent += uint32(n)
	return n, st
}

func (w *wire) encrypt(c *core, head, rest []byte) loop.State {
	for _, b := range [...][]byte{head, rest} {
		if len(b) == 0 {
			continue
		}
		if _, err := w.tls.Write(b); err != nil {
			return loop.Failed
		}
	}
	return w.push(c)
}

// push sends ciphertext.
func (w *wire) push(c *core) loop.State {
	n, st := c.loop.Send(w.ref, w.tls.Out())
	w.tls.Sent(n)
	w.sent += uint32(n)
	if w.ending && len(w.tls.Out()) == 0 {
		w.ending = false
		c.loop.CloseWrite(w.ref)
	}
	return st
}

// pending reports whether the socket has not taken all ciphertext yet.
func (w *wire) pending() bool { return w.tls != nil && len(w.tls.Out()) > 0 }

// closeWrite tells the other side that nothing more will be sent. TLS says so itself, and the socket may not take that at once: it is
// pending then.
func (w *wire) closeWrite(c *core) {
	if w.tls == nil {
		c.loop.CloseWrite(w.ref)
		return
	}
	_ = w.tls.CloseNotify() // a connection that is broken says so at the next recv
	w.ending = true
	w.push(c)
}

// farewell has TLS say that nothing more will be sent, and reports whether the connection can be closed without that being lost.
func (w *wire) farewell(c *core) bool {
	if w.tls == nil {
		return true
	}
	return w.tls.CloseNotify() != nil || w.push(c) != loop.Blocked
}

// close closes the connection. An orderly end of TLS says so.
func (w *wire) close(c *core, reset bool) {
	if w.tls != nil {
		if !reset && w.tls.CloseNotify() == nil {
			w.push(c)
		}
		w.tls.Close()
	}
	c.loop.Close(w.ref, reset)
}

// secure reports whether it is TLS.
func (w *wire) secure() bool { return w.tls != nil }
