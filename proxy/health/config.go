package health

import (
	"context"
	"regexp"
	"slices"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
)

// Check says how the servers of a backend are probed. At most one of HTTP, GRPC and Script is there; without them a connection is the
// probe. TLS is the Target's.
type Check struct {
	HTTP   *HTTP
	GRPC   *GRPC
	Script *Script
	Port   uint16 // of a connection that is the probe; 0: the server's own

	Interval     time.Duration // between the starts of two probes of one server, jittered so that servers are not probed in step; 0: 2 s
	FastInterval time.Duration // the same, while the results contradict the status; 0: Interval
	DownInterval time.Duration // the same, of a server that is down; 0: Interval
	Timeout      time.Duration // for a whole probe; 0: Interval
	Rise         int           // successes in a row that make a server healthy, at least 1
	Fall         int           // failures in a row that make it unhealthy, at least 1
	Init         Init          // what a server is taken for before its first probe
}

// HTTP is a probe by one request, of HTTP/2 where the server speaks it, else of HTTP/1.1.
type HTTP struct {
	Method string   // empty: GET
	Path   string   // empty: /
	Host   string   // Host header; empty: the server's name where it has one, else its address, with the port
	Fields []Field  // further fields of the request
	Status []Status // that count as success; empty: 200 to 399
	Body   string   // that a body has to contain; empty: anything
	Regexp string   // that a body has to match (RE2); empty: anything
	Port   uint16   // 0: the server's own port; at another one there is no TLS but the check's own, and no HTTP/2
}

// Field is a field of a request's head.
type Field struct{ Name, Value string }

// Status is a range of statuses.
type Status struct{ From, To int }

// GRPC is a probe by grpc.health.v1.Health/Check over HTTP/2.
type GRPC struct {
	Service string // whose health is asked for; empty: that of the server as a whole
	Port    uint16 // 0: the server's own port; at another one there is no TLS but the check's own
}

// Script is a probe by a command.
type Script struct {
	Command []string // absolute path and arguments; the server's address and port follow them
	User    string   // whom it runs as; empty: the runner's default
}

// Runner runs the commands of the checked configuration.
type Runner interface {
	// Exec runs the command registered as id, with args after its own arguments and env added to its environment, and returns its exit
	// status and the start of its output when it has ended. When ctx ends Exec returns early, and what runs is killed.
	Exec(ctx context.Context, id string, args, env []string) (status int, output string, err error)
}

// CommandID is the id under which the Runner knows the script that probes a server. Each server has one of its own: runs of one command do
// not overlap.
func CommandID(backend, server string) string { return "check/" + backend + "/" + server }

// Same reports whether two checks do the same.
func (c *Check) Same(o *Check) bool {
	a, b := *c, *o
	same := both(a.HTTP, b.HTTP, func(x, y HTTP) bool {
		return x.Method == y.Method && x.Path == y.Path && x.Host == y.Host && slices.Equal(x.Fields, y.Fields) && slices.Equal(x.Status, y.Status) &&
			x.Body == y.Body && x.Regexp == y.Regexp && x.Port == y.Port
	}) && both(a.GRPC, b.GRPC, func(x, y GRPC) bool { return x == y }) && both(a.Script, b.Script, func(x, y Script) bool {
		return slices.Equal(x.Command, y.Command) && x.User == y.User
	})
	a.HTTP, b.HTTP, a.GRPC, b.GRPC, a.Script, b.Script = nil, nil, nil, nil, nil, nil
	return same && a == b
}

// both reports whether neither is there, or both are and are the same.
func both[T any](a, b *T, same func(x, y T) bool) bool {
	if a == nil || b == nil {
		return a == b
	}
	return same(*a, *b)
}

// Fault says what is wrong with a check that no probe can be made of; nil: nothing.
func (c *Check) Fault() error {
	if c.HTTP == nil {
		return nil
	}
	_, err := regexp.Compile(c.HTTP.Regexp)
	return err
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
