package health

import (
	"context"
	"time"
)

var _ Kind = (*TCP)(nil)

// TCP is a probe by a connection.
type TCP struct {
	Port uint16 // 0: the server's own port; at another one there is no TLS but the check's own
}

// Fault implements Kind.
func (*TCP) Fault() error { return nil }

// Same implements Kind.
func (k *TCP) Same(o Kind) bool {
	other, ok := o.(*TCP)
	return ok && *k == *other
}

// newProbe returns the probe that succeeds where a connection comes about, and TLS on it where the Target has it.
func (k *TCP) newProbe(t Target) probe {
	p := newPlace(t, k.Port)
	if t.OwnTLS { // nobody knows what is spoken there
		p = p.offering()
	}
	return func(ctx context.Context, connect time.Duration) outcome {
		conn, at, err := p.dial(ctx, connect)
		if err != nil {
			return outcome{text: failure(at, err)}
		}
		_ = conn.Close() // the server accepted; what it makes of the end is its business
		text := "layer 4 connection established"
		if p.secure != nil {
			text = "layer 6 TLS handshake complete"
		}
		return outcome{ok: true, text: text, connect: conn.took}
	}
}
