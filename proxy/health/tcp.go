package health

import (
	"context"
	"errors"
	"slices"
	"time"
)

var _ Kind = (*TCP)(nil)

// TCP is a probe by a connection, and by what is said on it.
type TCP struct {
	Port  uint16 // 0: the server's own port; at another one there is no TLS but the check's own
	Steps []Step // in their order; none: that the connection comes about is enough
}

// Fault implements Kind.
func (k *TCP) Fault() error {
	var faults []error
	for i := range k.Steps {
		faults = append(faults, k.Steps[i].fault())
	}
	return errors.Join(faults...)
}

// Same implements Kind.
func (k *TCP) Same(o Kind) bool {
	other, ok := o.(*TCP)
	return ok && k.Port == other.Port && slices.Equal(k.Steps, other.Steps)
}

// newProbe returns the probe that succeeds where a connection comes about, TLS on it where the Target has it, and all steps
// go well.
func (k *TCP) newProbe(t Target) probe {
	p := newPlace(t, k.Port)
	if t.OwnTLS { // nobody knows what is spoken there
		p = p.offering()
	}
	talk := newTalk(k.Steps)
	return func(ctx context.Context, connect time.Duration) outcome {
		conn, at, err := p.dial(ctx, connect)
		if err != nil {
			return outcome{text: failure(at, err)}
		}
		defer func() { _ = conn.Close() }() // what the server makes of the end is its business
		if len(k.Steps) > 0 {
			return talk.probe(ctx, conn)
		}
		text := "layer 4 connection established"
		if p.secure != nil {
			text = "layer 6 TLS handshake complete"
		}
		return outcome{ok: true, text: text, connect: conn.took}
	}
}
