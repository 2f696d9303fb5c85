package health

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/tandem-lb/tandem/proxy/proxyproto"
)

// place is where a probe connects to, and how.
type place struct {
	network   string // as net.Dial has it, like address
	address   string
	authority string // what it is called in questions
	proxy     proxyproto.Version
	secure    *tls.Config // nil: plain. Never written
	http2     bool        // over TLS it has to be agreed on
}

// newPlace returns the place of a probe with a port of its own, or of the server at 0. Whoever answers elsewhere need not be the server, nor
// have its certificate, nor speak as it does.
func newPlace(t Target, port uint16) place {
	p := place{network: "tcp", address: t.Address.String(), proxy: t.Proxy, secure: t.TLS, http2: t.HTTP2}
	if t.Path != "" {
		p.network, p.address, p.authority = "unix", t.Path, cmp.Or(t.Host, "localhost")
		return p
	}
	if port != 0 {
		p.proxy = 0
		p.address, p.http2 = netip.AddrPortFrom(t.Address.Addr(), port).String(), false
		if !t.OwnTLS {
			p.secure = nil
		}
	}
	p.authority = p.address
	if t.Host != "" {
		p.authority = net.JoinHostPort(t.Host, strconv.Itoa(int(cmp.Or(port, t.Address.Port()))))
	}
	return p
}

// offering returns the place with an offer of these protocols.
func (p place) offering(protocols ...string) place {
	if p.secure != nil {
		p.secure = p.secure.Clone()
		p.secure.NextProtos = protocols
	}
	return p
}

// link is a connection that a probe has made.
type link struct {
	net.Conn
	took time.Duration // until the connection stood, TLS aside
}

// dial connects from whatever address the kernel picks for the route, as any client on this node does. A virtual
// address is never that one: it is added after the node's own addresses, as a secondary one. at is the layer of an error. The connection's
// deadlines follow ctx until it is closed. TCP has no more than connect to come about.
func (p place) dial(ctx context.Context, connect time.Duration) (l link, at layer, err error) {
	d := net.Dialer{Timeout: connect}
	start := time.Now()
	conn, err := d.DialContext(ctx, p.network, p.address)
	if err != nil {
		return link{}, layer4, err
	}
	l = link{Conn: conn, took: time.Since(start)}
	if p.proxy != 0 {
		if _, err := conn.Write(proxyproto.AppendLocal(nil, p.proxy)); err != nil {
			_ = conn.Close() // the error is the one to tell
			return l, layer4, err
		}
	}
	if p.secure == nil {
		return l, layer4, nil
	}
	over := tls.Client(conn, p.secure)
	if err := over.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the error is the one to tell
		return l, layer6, err
	}
	if l.Conn = over; p.http2 && over.ConnectionState().NegotiatedProtocol != "h2" {
		_ = conn.Close()
		return l, layer6, errNoHTTP2
	}
	return l, layer6, nil
}

var errNoHTTP2 = errors.New("server does not say that it speaks h2")

// follow ends reads and writes when ctx ends, until stop is called.
func (l link) follow(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = l.SetDeadline(time.Unix(1, 0)) })
}

// layer says how far a probe came, in HAProxy's words.
type layer string

const (
	layer4 layer = "layer 4" // no connection
	layer6 layer = "layer 6" // no TLS on it
	layer7 layer = "layer 7" // no answer over it
)

// maxReason bounds the text of a failure, in bytes: some errors quote what the server sent.
const maxReason = 160

// failure puts the error of a probe into words: how far it came, and the kernel's reason without the addresses, which
// stand beside it wherever it is shown.
func failure(at layer, err error) string {
	reason := err.Error()
	var errno syscall.Errno
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		reason = "timeout"
	case at == layer6 && errors.Is(err, io.EOF):
		reason = "connection closed in the handshake"
	case errors.Is(err, io.ErrUnexpectedEOF):
		reason = "answer ended early"
	case errors.As(err, &errno):
		reason = errno.Error()
	}
	return string(at) + " " + reason[:min(len(reason), maxReason)]
}
