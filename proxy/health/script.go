package health

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

var _ Kind = (*Script)(nil)

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

// Fault implements Kind.
func (*Script) Fault() error { return nil }

// Same implements Kind.
func (s *Script) Same(o Kind) bool {
	other, ok := o.(*Script)
	return ok && slices.Equal(s.Command, other.Command) && s.User == other.User
}

// newProbe returns the probe that succeeds where a command ends with exit status 0. It is told of the server by its last two arguments,
// address and port, of a Unix socket path and 0, and by its environment.
func (s *Script) newProbe(t Target) probe {
	id := CommandID(t.Backend, t.Server)
	address, port := t.Address.Addr().String(), strconv.Itoa(int(t.Address.Port()))
	if t.Path != "" {
		address = t.Path
	}
	args := []string{address, port}
	env := []string{"TANDEM_BACKEND=" + t.Backend, "TANDEM_SERVER=" + t.Server, "TANDEM_ADDRESS=" + address, "TANDEM_PORT=" + port}
	return func(ctx context.Context, _ time.Duration) outcome {
		if t.Runner == nil {
			return outcome{text: "cannot run: nothing runs scripts here"}
		}
		status, output, err := t.Runner.Exec(ctx, id, args, env)
		switch {
		case err != nil && ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded):
			return outcome{text: "script timeout" + quote([]byte(output))}
		case err != nil:
			text := "cannot run: " + strings.ToValidUTF8(err.Error(), "?")
			return outcome{text: text[:min(len(text), maxReason)]}
		}
		return outcome{ok: status == 0, code: status, text: fmt.Sprintf("script exit status %d", status) + quote([]byte(output))}
	}
}
