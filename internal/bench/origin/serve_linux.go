package origin

import (
	"fmt"
	"net/netip"

	"github.com/tandem-lb/tandem/internal/bench/poll"
)

// scratch is how much is read at once: many requests' heads, and enough to throw a body away in few reads.
const scratch = 64 << 10

// Origins are servers on one Loop: they answer while it runs.
type Origins struct {
	addrs     []netip.AddrPort
	responses map[string][]byte
	scratch   []byte // of the connection that reads at the moment
	err       error
}

// Open opens so many of them. Closing the Loop ends them.
func Open(l *poll.Loop, n int) (*Origins, error) {
	o := &Origins{responses: responses(), scratch: make([]byte, scratch)}
	for range n {
		ln, err := poll.Listen()
		if err != nil {
			return nil, fmt.Errorf("listen: %w", err)
		}
		o.addrs = append(o.addrs, ln.Addr())
		l.Accept(ln, o.serve, func(err error) { o.err = fmt.Errorf("accept: %w", err) })
	}
	return o, nil
}

// Addrs are where they listen.
func (o *Origins) Addrs() []netip.AddrPort { return o.addrs }

// Err is why one of them accepts nobody any more.
func (o *Origins) Err() error { return o.err }

// serve answers a connection's requests until it ends. What goes wrong ends it, and whoever asked has the error.
func (o *Origins) serve(c *poll.Conn) {
	defer func() { _ = c.Close() }() // all that was sent is acknowledged or never will be
	var r requests
	for {
		n, err := c.Read(o.scratch)
		if err != nil {
			return
		}
		for b := o.scratch[:n]; len(b) > 0; {
			var path string
			if path, b, err = r.next(b); err != nil {
				return
			}
			if path == "" {
				break
			}
			if len(b) > 0 {
				b = append([]byte(nil), b...) // others read into the scratch while the response is written
			}
			if !o.answer(c, path) || r.last {
				return
			}
		}
	}
}

func (o *Origins) answer(c *poll.Conn, path string) bool {
	b, ok := o.responses[path]
	if !ok {
		b = o.responses[""]
	}
	_, err := c.Write(b)
	return err == nil
}
