package engine

import (
	"net/netip"
	"time"

	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/secure"
)

// handshakeTime is how long a client has for its TLS handshake.
const handshakeTime = 5 * time.Second

// greeting is a client's connection during its TLS handshake, after which it is handed on to who speaks the protocol that both agreed
// on.
type greeting struct {
	core *core
	bind *Bind
	wire wire
	from netip.AddrPort
	in   *queue // what has come before there was a handshake
	full bool   // nothing more is received before the handshake has gone on
	gone bool
}

// greeting returns who does the handshake of a client. in is what has come of it already; nil: nothing.
func (c *core) greeting(b *Bind, w wire, from netip.AddrPort, in *queue) *greeting {
	g := &greeting{core: c, bind: b, wire: w, from: from, in: in}
	g.wire.ref, g.wire.tls = loop.Ref{}, secure.Server(b.TLS, &c.ciphers)
	return g
}

// Ready implements loop.Handler.
func (g *greeting) Ready(l *loop.Loop, r loop.Ref) {
	defer g.rescue()
	if g.wire.ref != r {
		g.wire.ref = r
		l.SetDeadline(r, handshakeTime)
		g.wire.tls.Start(g.core.engine.handshaker, func() { l.Post(g.progress) })
		if g.in != nil {
			g.full = !g.wire.tls.Feed(g.in.bytes())
			g.in = g.core.spare.free(g.in)
		}
	}
	if g.wire.pending() && g.wire.push(g.core) == loop.Failed {
		g.close()
		return
	}
	g.receive()
}

func (g *greeting) rescue() {
	if what := recover(); what != nil {
		g.core.broken(what)
		g.close()
	}
}

func (g *greeting) receive() {
	for !g.full && !g.gone {
		n, st := g.core.loop.Recv(g.wire.ref, g.core.cipher)
		switch st {
		case loop.Done:
			g.full = !g.wire.tls.Feed(g.core.cipher[:n])
		case loop.Ended:
			g.wire.tls.End()
			return
		case loop.Failed:
			g.fail(&secure.Failure{Reason: secure.Gone})
			return
		default:
			return
		}
	}
}

// progress goes on when the handshake has: it has something to send, or is over.
func (g *greeting) progress(l *loop.Loop) {
	if g.gone {
		return
	}
	defer g.rescue()
	done, err := g.wire.tls.Poll()
	if g.wire.pending() {
		g.wire.push(g.core) // a failure shows at the next receive, or is one already
	}
	switch {
	case err != nil:
		g.fail(err.(*secure.Failure))
	case done:
		g.gone = true
		g.core.engine.handshakes.Add(1)
		g.core.welcome(g.bind, g.wire, g.from)
	default:
		g.full = false
		l.Again(g.wire.ref)
	}
}

// welcome hands a connection on to who speaks its protocol.
func (c *core) welcome(b *Bind, w wire, from netip.AddrPort) {
	w.more = true // data may have come with the end of the handshake
	if b.TCP {
		c.loop.SetHandler(w.ref, &c.newSession(b, w, from).client)
		return
	}
	info := w.tls.Info()
	if len(info.Peer) > 0 {
		w.show().peer = certs.PeerHeaders(info.Peer[0])
	}
	if info.ALPN == "h2" {
		c.loop.SetHandler(w.ref, newClient2(c, b, w, from, nil))
		return
	}
	c.loop.SetHandler(w.ref, &client1{core: c, bind: b, from: from, wire: w})
}

// Expired implements loop.Handler.
func (g *greeting) Expired(*loop.Loop, loop.Ref) { g.fail(&secure.Failure{Reason: secure.TimedOut}) }

// fail ends a handshake that has come to nothing.
func (g *greeting) fail(why *secure.Failure) {
	if log := g.core.log; log.IsDebug() {
		log.Debug("TLS handshake failed", "client", g.from, "err", why)
	}
	g.bind.Unshaken(why.Reason.Label())
	g.close()
}

func (g *greeting) close() {
	if g.gone {
		return
	}
	g.gone = true
	g.in = g.core.spare.free(g.in)
	g.wire.close(g.core, false)
	g.bind.closed(g.core, &g.wire, g.from)
}

var _ client = (*greeting)(nil)

func (g *greeting) owner() *Bind { return g.bind }
func (g *greeting) retire()      { g.close() }
func (g *greeting) kill()        { g.close() }
