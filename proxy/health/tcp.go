package health

import (
	"context"
	"time"
)

// newTCP returns the probe that succeeds where a connection comes about, and TLS on it where the Target has it.
func newTCP(c Check, t Target) probe {
	p := newPlace(t, c.Port)
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
