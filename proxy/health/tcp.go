package health

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// newTCP returns the probe that succeeds where a connection comes about.
func newTCP(_ Check, t Target) probe {
	address := t.Address.String()
	return func(ctx context.Context) outcome {
		conn, at, err := dial(ctx, address, t.TLS, t.HTTP2)
		if err != nil {
			return outcome{text: failure(at, err)}
		}
		_ = conn.Close() // the server accepted; what it makes of the end is its business
		text := "layer 4 connection established"
		if t.TLS != nil {
			text = "layer 6 TLS handshake complete"
		}
		return outcome{ok: true, text: text}
	}
}

// dial connects from whatever address the kernel picks for the route, as any client on this node does. A virtual
// address is never that one: it is added after the node's own addresses, as a secondary one. at is the layer of an error.
func dial(ctx context.Context, address string, secure *tls.Config, http2 bool) (conn net.Conn, at layer, err error) {
	var d net.Dialer
	conn, err = d.DialContext(ctx, "tcp", address)
	if err != nil || secure == nil {
		return conn, layer4, err
	}
	over := tls.Client(conn, secure)
	if err := over.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the error is the one to tell
		return nil, layer6, err
	}
	if http2 && over.ConnectionState().NegotiatedProtocol != "h2" {
		_ = conn.Close()
		return nil, layer6, errNoHTTP2
	}
	return over, layer6, nil
}

var errNoHTTP2 = errors.New("server does not say that it speaks h2")

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
