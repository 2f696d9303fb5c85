package health

import (
	"context"
	"time"
)

// probe looks at a server once. It ends, with whatever it found, when ctx does, and where it connects, in vain when that takes longer than
// connect. The loop calls it, never twice at once.
type probe func(ctx context.Context, connect time.Duration) outcome

// outcome is what one probe found.
type outcome struct {
	ok      bool
	text    string        // for people
	code    int           // status of the server's answer; 0: there was none, or the kind knows no such thing
	connect time.Duration // until the connection stood; 0: the kind knows no such thing, or nothing of it
}

// kind is a way to probe.
type kind struct {
	asked func(Check) bool // whether the check wants this kind
	new   func(Check, Target) probe
}

// kinds is the one table of kinds; never written. The first one that is asked for is it.
var kinds = []kind{
	{asked: func(c Check) bool { return c.HTTP != nil }, new: newHTTP},
	{asked: func(c Check) bool { return c.GRPC != nil }, new: newGRPC},
	{asked: func(c Check) bool { return c.Script != nil }, new: newScript},
	{asked: func(Check) bool { return true }, new: newTCP},
}

// newProbe returns the probe that a check asks for.
func newProbe(c Check, t Target) probe {
	for _, k := range kinds {
		if k.asked(c) {
			return k.new(c, t)
		}
	}
	panic("health: the last kind is always asked for")
}
