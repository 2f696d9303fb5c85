package hostile

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// client is the other end of a proxied way.
type client struct {
	conn    net.Conn
	limit   time.Duration // for an answer
	stream  string        // all that came
	end     ending
	sending sync.WaitGroup
}

// ending is how a stream ended.
type ending int

const (
	open  ending = iota
	ended        // cleanly
	torn         // by a reset
)

func (e ending) String() string { return [...]string{"open", "ended", "reset"}[e] }

// settled is how long nothing may come before all has.
const settled = 30 * time.Millisecond

// endless is more than any case has to bring.
const endless = 4 << 20

func newClient(conn net.Conn, limit time.Duration) *client {
	_ = conn.SetWriteDeadline(time.Now().Add(limit)) // a failed write shows in what comes
	return &client{conn: conn, limit: limit}
}

func (c *client) close() {
	_ = c.conn.Close()
	c.sending.Wait()
}

// send writes text meanwhile.
func (c *client) send(text string) {
	c.sending.Go(func() { _, _ = io.WriteString(c.conn, text) }) // that it failed shows in what comes
}

// sendRequest writes a request meanwhile, in the pieces that it says.
func (c *client) sendRequest(r request) {
	cut := r.cut
	if cut == 0 {
		cut = max(len(r.text), 1)
	}
	c.sending.Go(func() {
		for rest := r.text; rest != ""; {
			n := min(cut, len(rest))
			if _, err := io.WriteString(c.conn, rest[:n]); err != nil {
				return
			}
			if rest = rest[n:]; rest != "" {
				time.Sleep(max(r.pace, 200*time.Microsecond)) // a piece of its own
			}
		}
		if half, ok := c.conn.(interface{ CloseWrite() error }); ok && r.halfClose {
			_ = half.CloseWrite()
		}
	})
}

// until reads until enough of the stream is there, and reports whether it was before its end and the deadline.
func (c *client) until(limit time.Duration, enough func() bool) bool {
	deadline := time.Now().Add(limit)
	_ = c.conn.SetReadDeadline(deadline)
	buf := make([]byte, 64<<10)
	for c.end == open && len(c.stream) < endless && !enough() {
		n, err := c.conn.Read(buf)
		c.stream += string(buf[:n])
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			return false
		case errors.Is(err, io.EOF):
			c.end = ended
		default:
			c.end = torn
		}
	}
	return enough()
}

// finals returns the final responses to requests of these methods that have come.
func (c *client) finals(methods ...string) []message {
	all, _ := readResponses(c.stream, c.end == ended, methods...)
	return finalsOf(all)
}

func finalsOf(all []message) []message {
	var final []message
	for _, m := range all {
		if m.complete && (m.status >= 200 || m.status == 101) {
			final = append(final, m)
		}
	}
	return final
}

// isEcho reports whether m is the origin's answer to a request for target.
func isEcho(m *message, target string) bool {
	return m.status == 200 && m.has("X-Origin") && m.body == target
}

func isFromOrigin(m *message) bool { return m.has("X-Origin") }

// repeated returns n times s.
func repeated(s string, n int) []string { return strings.Split(strings.Repeat(s+"\n", n), "\n")[:n] }
