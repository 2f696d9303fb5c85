package health

import (
	"context"
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
		conn, err := dial(ctx, address)
		if err != nil {
			return outcome{text: failure(layer4, err)}
		}
		_ = conn.Close() // the server accepted; what it makes of the end is its business
		return outcome{ok: true, text: "layer 4 connection established"}
	}
}

// dial connects from whatever address the kernel picks for the route, as any client on this node does. A virtual
// address is never that one: it is added after the node's own addresses, as a secondary one.
func dial(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", address)
}

// layer says how far a probe came, in HAProxy's words.
type layer string

const (
	layer4 layer = "layer 4" // no connection
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
	case errors.Is(err, io.ErrUnexpectedEOF):
		reason = "answer ended early"
	case errors.As(err, &errno):
		reason = errno.Error()
	}
	return string(at) + " " + reason[:min(len(reason), maxReason)]
}
