package health

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// newScript returns the probe that succeeds where a command ends with exit status 0. It is told of the server by its last two arguments,
// address and port, of a Unix socket path and 0, and by its environment.
func newScript(_ Check, t Target) probe {
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
