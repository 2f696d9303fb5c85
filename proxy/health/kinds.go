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

// Kind is a way to probe, with what it has to know.
type Kind interface {
	// Fault says what is wrong with it that no probe can be made of; nil: nothing.
	Fault() error
	// Same reports whether another one does the same.
	Same(Kind) bool
	// newProbe returns the probe of a server.
	newProbe(Target) probe
}
