package engine

import (
	"net/netip"

	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/proxyproto"
)

// preface is a client's connection that another proxy has made for it, as long as the header is on its way in which that says who the
// client is. It is handed on to who speaks the protocol then.
type preface struct {
	core *core
	bind *Bind
	wire wire
	from netip.AddrPort
	in   *queue // what has come of the header
	gone bool
}

// Why a proxy is refused, beside what is wrong with its header.
const (
	untrusted  = "proxy_untrusted"
	proxyLate  = "proxy_timeout"
	proxyEnded = "proxy_ended"
)

// introduced takes a connection of which a header of the PROXY protocol is to come first. Who may not claim to be a proxy is refused: what it
// says would be taken for the truth by everybody behind this balancer.
func (c *core) introduced(b *Bind, from loop.Client) {
	p := &preface{core: c, bind: b, from: from.From}
	if !b.Proxies(from.From.Addr()) {
		p.gone = true
		b.Refused(untrusted)
		c.loop.Refuse(from)
		b.closed(c, &p.wire, p.from)
		return
	}
	c.loop.Adopt(from, p)
}

// Ready implements loop.Handler.
func (p *preface) Ready(l *loop.Loop, r loop.Ref) {
	defer p.rescue()
	if p.wire.ref != r {
		p.wire.ref = r
		l.SetDeadline(r, p.bind.Frontend().HTTPRequest)
	}
	for {
		n, st := l.Recv(r, l.Scratch()[:proxyproto.Most-len(p.in.bytes())])
		switch st {
		case loop.Blocked:
			return
		case loop.Ended, loop.Failed:
			if p.in == nil { // it has said nothing, as probes of connections do
				p.close(false)
				return
			}
			p.refuse(proxyEnded)
			return
		}
		p.in = p.core.spare.put(p.in, l.Scratch()[:n])
		h, n, err := proxyproto.Parse(p.in.bytes())
		switch {
		case err != nil:
			p.refuse(err.(proxyproto.Reason).Label())
			return
		case n > 0:
			p.pass(h, n)
			return
		}
	}
}

// pass hands the connection on to who speaks its protocol, unless its client has too many. What has come behind the header, of n octets, goes
// along. A connection that a proxy makes for itself is of no client.
func (p *preface) pass(h proxyproto.Header, n int) {
	c := p.core
	if h.Source.IsValid() {
		p.from, p.wire.show().local = h.Source, h.Destination
		if p.bind.Clients != nil && !p.bind.enters(c, &p.wire, p.from) {
			p.close(true)
			return
		}
	}
	in := c.spare.drop(p.in, n)
	p.in, p.gone = nil, true
	c.loop.SetDeadline(p.wire.ref, -1)
	c.loop.SetHandler(p.wire.ref, c.handler(p.bind, p.wire, p.from, in))
}

// handler returns who serves a connection in its first protocol. in is what has come of it already; nil: nothing.
func (c *core) handler(b *Bind, w wire, from netip.AddrPort, in *queue) loop.Handler {
	switch {
	case b.TLS != nil:
		return c.greeting(b, w, from, in)
	case b.TCP:
		s := c.newSession(b, w, from)
		s.early = in
		return &s.client
	}
	return &client1{core: c, bind: b, from: from, wire: w, in: in, heard: in != nil}
}

// Expired implements loop.Handler.
func (p *preface) Expired(*loop.Loop, loop.Ref) { p.refuse(proxyLate) }

func (p *preface) rescue() {
	if what := recover(); what != nil {
		p.core.broken(what)
		p.close(true)
	}
}

// refuse ends a connection whose client nobody knows.
func (p *preface) refuse(why string) {
	p.bind.Refused(why)
	p.close(true)
}

func (p *preface) close(reset bool) {
	if p.gone {
		return
	}
	p.gone = true
	p.in = p.core.spare.free(p.in)
	p.wire.close(p.core, reset)
	p.bind.closed(p.core, &p.wire, p.from)
}

var _ client = (*preface)(nil)

func (p *preface) owner() *Bind { return p.bind }
func (p *preface) retire()      { p.close(false) }
func (p *preface) kill()        { p.close(true) }
