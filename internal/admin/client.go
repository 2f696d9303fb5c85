package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
)

// maxReply bounds what a client reads: the status of a node with hundreds of instances and thousands of servers.
const maxReply = 64 << 20

// Call sends one command to the runtime socket at path and returns its answer without the closing empty line. An answer
// that is a Reply with an error becomes that error.
func Call(ctx context.Context, path, line string) ([]byte, error) {
	if strings.ContainsAny(line, "\n;") {
		return nil, fmt.Errorf("command %q: want one command", line)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, unreachable(path, err)
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if _, err := io.WriteString(conn, line+"\n"); err != nil {
		return nil, fmt.Errorf("send %q: %w", line, err)
	}
	text, err := io.ReadAll(io.LimitReader(conn, maxReply))
	if ctx.Err() != nil {
		return nil, fmt.Errorf("answer to %q: %w", line, ctx.Err())
	}
	if err != nil {
		return nil, fmt.Errorf("read the answer to %q: %w", line, err)
	}
	if len(text) == 0 {
		return nil, fmt.Errorf("answer to %q: %w", line, io.ErrUnexpectedEOF)
	}
	var reply Reply
	if json.Unmarshal(text, &reply) == nil && !reply.OK && reply.Error != "" {
		return nil, errors.New(reply.Error)
	}
	return []byte(strings.TrimSuffix(string(text), "\n")), nil
}

// unreachable says in words that help what keeps a client from the daemon.
func unreachable(path string, err error) error {
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		err = errno // what the dial adds, stands here
	}
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no daemon answers on %s: is it running, and is this its runtime socket? (%w)", path, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("the runtime socket %s is not for this user: ask as root, or join its group (%w)", path, err)
	}
	return fmt.Errorf("reach the daemon on %s: %w", path, err)
}
