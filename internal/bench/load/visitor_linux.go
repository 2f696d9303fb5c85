package load

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/tandem-lb/tandem/internal/bench/poll"
)

// sources is how many addresses clients come from that open a connection for each request: an address has some 28,000
// ports, and each is taken for a minute after its connection.
const sources = 64

// visitor is one client.
type visitor struct {
	*run
	task     *poll.Task
	number   int
	opened   int // connections
	answers  int
	response response
	tickets  *tickets // with TLS

	// In an open loop.
	waits  bool      // it stands in the run's idle
	asking bool      // it has taken a request that is not answered
	due    time.Time // when that fell due
}

func newVisitor(r *run, number int) *visitor {
	v := &visitor{run: r, number: number}
	if r.TLS {
		v.tickets = &tickets{}
	}
	return v
}

// live is the client's life.
func (v *visitor) live(t *poll.Task) {
	for {
		err := v.connection()
		if errors.Is(err, poll.ErrStopped) {
			return
		}
		if err != nil {
			v.fault(err)
		}
		t.Wake() // the others' turn, and the end where that was too many errors
		if t.Park() != nil {
			return
		}
	}
}

// connection is one of its connections, from the first request to the last.
func (v *visitor) connection() error {
	if err := v.await(); err != nil {
		return err
	}
	c, err := v.dial()
	if err != nil {
		return err
	}
	defer c.close()
	if v.Streams > 0 {
		return v.converse(c)
	}
	for {
		if err := v.exchange(c); err != nil {
			return err
		}
		v.done()
		if v.PerRequest || v.response.last {
			return nil
		}
		if err := v.await(); err != nil {
			return err
		}
	}
}

// await waits for the client's next request: in an open loop until one falls due that no other client has taken.
func (v *visitor) await() error {
	if v.pace == nil {
		return nil
	}
	for v.pace.due(time.Now()) <= 0 {
		if !v.waits { // else it was news of its socket that ended the wait
			v.waits, v.idle = true, append(v.idle, v)
		}
		if err := v.task.Park(); err != nil {
			return err
		}
	}
	v.due, v.asking = v.pace.take(), true
	return nil
}

// channel is a connection, with TLS on it or not.
type channel struct {
	io.ReadWriter
	plain *poll.Conn
	tls   bool
}

func (c channel) close() { _ = c.plain.Close() } // the answers have come, or an error that says more

func (v *visitor) dial() (channel, error) {
	v.opened++
	var from netip.Addr
	if v.PerRequest || v.Connections > 20000 {
		from = netip.AddrFrom4([4]byte{127, 0, 0, byte(2 + (v.number+v.opened)%sources)})
	}
	c, err := v.task.Dial(v.To, from)
	if err != nil {
		return channel{}, err
	}
	if !v.TLS {
		return channel{ReadWriter: c, plain: c}, nil
	}
	secure, err := v.handshake(c)
	if err != nil {
		_ = c.Close() // the first error is the one to tell
		return channel{}, fmt.Errorf("handshake: %w", err)
	}
	return channel{ReadWriter: secure, plain: c, tls: true}, nil
}

// exchange asks and reads the answer.
func (v *visitor) exchange(c channel) error {
	if _, err := c.Write(v.asked); err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	v.response.begin()
	for done := false; !done; {
		if n := v.response.left; n > 0 && !c.tls {
			n, err := c.plain.Discard(n)
			if err != nil {
				return fmt.Errorf("read a body, %d bytes of %d missing: %w", v.response.left, v.Length, err)
			}
			v.response.left -= n
			done = v.response.left == 0
			continue
		}
		n, err := c.Read(v.scratch)
		if err != nil {
			return fmt.Errorf("read an answer: %w", err)
		}
		if done, err = v.response.feed(v.scratch[:n], v.Length); err != nil {
			return err
		}
	}
	return nil
}
