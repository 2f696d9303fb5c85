package health

import (
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
)

// Check says how the servers of a backend are probed. TLS is the Target's.
type Check struct {
	Kind Kind // nil: TCP

	Interval     time.Duration // between the starts of two probes of one server, jittered so that servers are not probed in step; 0: 2 s
	FastInterval time.Duration // the same, while the results contradict the status; 0: Interval
	DownInterval time.Duration // the same, of a server that is down; 0: Interval
	Timeout      time.Duration // for a whole probe; 0: Interval
	Rise         int           // successes in a row that make a server healthy, at least 1
	Fall         int           // failures in a row that make it unhealthy, at least 1
	Init         Init          // what a server is taken for before its first probe
}

// Same reports whether two checks do the same.
func (c *Check) Same(o *Check) bool {
	a, b := *c, *o
	a.Kind, b.Kind = nil, nil
	return a == b && c.kind().Same(o.kind())
}

// Fault says what is wrong with a check that no probe can be made of; nil: nothing.
func (c *Check) Fault() error { return c.kind().Fault() }

// kind is how it probes.
func (c *Check) kind() Kind {
	if c.Kind == nil {
		return &TCP{}
	}
	return c.Kind
}

// Init is what a server is taken for before its first probe. The words are those of HAProxy's init-state, but for the first.
type Init uint8

// The choices.
const (
	InitUnknown   Init = iota // neither: the first probe decides, and until then it is a last resort
	InitUp                    // up, and one failure makes it down
	InitDown                  // down, and one success makes it up
	InitFullyUp               // up, and Fall failures make it down
	InitFullyDown             // down, and Rise successes make it up
)

// Inits are the words for them, in their order; never written.
var Inits = [...]string{"unknown", "up", "down", "fully-up", "fully-down"}

// Status is what a server counts for until its first probe has ended.
func (i Init) Status() hysteresis.Status {
	switch i {
	case InitUp, InitFullyUp:
		return hysteresis.Up
	case InitDown, InitFullyDown:
		return hysteresis.Down
	default:
		return hysteresis.Unknown
	}
}

// counter returns a counter that begins so.
func (i Init) counter(rise, fall int) hysteresis.Counter {
	left := 1
	if i == InitFullyUp || i == InitFullyDown {
		left = max(rise, fall)
	}
	return hysteresis.Start(rise, fall, i.Status(), left)
}
