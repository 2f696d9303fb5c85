package engine

import (
	"errors"
	"net/netip"

	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/proxyproto"
	"github.com/tandem-lb/tandem/proxy/secure"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// dialing is a connection to a server on its way: TCP, and TLS where the server has it.
type dialing struct {
	core *core
	to   *upstream.Server
	wire *wire  // of whoever is to speak on the connection
	head []byte // what the server gets before everything else, and has not got yet

	moved bool // the handshake has something to say
	full  bool // nothing more is received before the handshake has gone on
}

// open begins to connect; h is whose calls of Ready are to call step.
func (d *dialing) open(h loop.Handler) error {
	var err error
	if key := d.to.Key(); key.Path != "" {
		d.wire.ref, err = d.core.loop.ConnectUnix(key.Path, h)
	} else {
		d.wire.ref, err = d.core.loop.Connect(key.Address, h)
	}
	return err
}

// step goes on, and reports whether the connection is still on its way, or why it failed.
func (d *dialing) step() (pending bool, err error) {
	if d.wire.tls == nil {
		pending, err = d.core.loop.Connected(d.wire.ref)
		if pending || err != nil {
			return pending, err
		}
		if len(d.head) > 0 {
			if pending, err = d.introduce(); pending || err != nil {
				return pending, err
			}
		}
		if d.to.Link().TLS == nil {
			return false, nil
		}
		d.greet()
	}
	return d.shake()
}

// introduction is what a server is told of the client by the PROXY protocol before everything else; nil: nothing.
func (c *core) introduction(to *upstream.Server, from netip.AddrPort, client *wire) []byte {
	v := to.Link().Proxy
	if v == 0 {
		return nil
	}
	return proxyproto.Append(nil, v, from, c.local(client))
}

// local is what a client has connected to.
func (c *core) local(client *wire) netip.AddrPort {
	if s := client.shown; s != nil && s.local.IsValid() {
		return s.local
	}
	return c.loop.Local(client.ref)
}

// introduce says who the client is.
func (d *dialing) introduce() (pending bool, err error) {
	n, st := d.core.loop.Send(d.wire.ref, d.head)
	d.head = d.head[n:]
	if st == loop.Failed {
		return false, errBroken
	}
	return st == loop.Blocked, nil
}

var errBroken = errors.New("the connection broke off")

// greet begins the TLS handshake.
func (d *dialing) greet() {
	c, ref := d.core, d.wire.ref
	d.wire.tls = secure.Client(d.to.Link().TLS, &c.ciphers)
	d.wire.tls.Start(c.engine.dialer, func() {
		c.loop.Post(func(l *loop.Loop) {
			d.moved = true
			l.Again(ref) // of no consequence when it has been closed
		})
	})
}

// shake goes on with the handshake.
func (d *dialing) shake() (pending bool, err error) {
	done := false
	if d.moved {
		d.moved, d.full = false, false
		done, err = d.wire.tls.Poll()
	}
	if d.wire.pending() && d.wire.push(d.core) == loop.Failed && err == nil {
		err = &secure.Failure{Reason: secure.Gone}
	}
	switch {
	case err != nil:
		return false, err
	case !done:
		return d.listen()
	case d.to.Link().HTTP2 && d.wire.tls.Info().ALPN != "h2":
		return false, &secure.Failure{Reason: secure.UnknownALPN, Err: errNoHTTP2}
	}
	d.to.HandshakeDone()
	d.wire.more = true // data may have come with the end of the handshake
	d.core.loop.Again(d.wire.ref)
	return false, nil
}

var errNoHTTP2 = errors.New("the server does not say that it speaks h2")

// listen takes in what the server sends in the handshake.
func (d *dialing) listen() (pending bool, err error) {
	for !d.full {
		n, st := d.core.loop.Recv(d.wire.ref, d.core.cipher)
		switch st {
		case loop.Done:
			d.full = !d.wire.tls.Feed(d.core.cipher[:n])
		case loop.Ended:
			d.wire.tls.End()
			d.full = true
		case loop.Failed:
			return false, &secure.Failure{Reason: secure.Gone}
		default:
			return true, nil
		}
	}
	return true, nil
}

// failed counts a handshake that came to nothing. The operator is told of the first one, and of each other reason.
func (d *dialing) failed(err error) {
	var f *secure.Failure
	if !errors.As(err, &f) {
		return // it did not come to that
	}
	if d.to.HandshakeFailed(f.Reason.Label()) {
		d.core.log.Warn("TLS handshake with a server failed", "backend", d.to.Key().Backend, "server", d.to.Key().Name, "err", err)
	}
}

// late counts a connection that did not come within its time.
func (d *dialing) late() {
	if d.wire.tls != nil {
		d.failed(&secure.Failure{Reason: secure.TimedOut})
	}
}
