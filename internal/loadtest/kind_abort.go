package loadtest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http/httputil"
	"time"
)

// resetUpload crashes in the middle of its request's body.
func resetUpload(w *worker) {
	c := w.dial(nil)
	if c == nil {
		return
	}
	s := w.script()
	s.Up, s.Abort = 1+w.random.Int64N(1<<20), true
	o := options{chunked: w.chance(50)}
	began, local := time.Now(), c.LocalAddr().String()
	err := c.sendSome(s, o, w.random.Int64N(s.Up))
	c.reset()
	if err == nil {
		err = expected("the client resets its upload")
	}
	w.conclude(s, local, began, err)
}

// sendSome sends the head of a request, and so many octets of its body.
func (c *conn) sendSome(s script, o options, octets int64) error {
	_ = c.SetDeadline(time.Now().Add(patience)) // an error shows in what follows
	w := bufio.NewWriter(c)
	c.head(w, s, o)
	to := io.Writer(w)
	if o.chunked {
		to = httputil.NewChunkedWriter(w)
	}
	if err := send(to, body{s.up().seed, octets}, 0, w.Flush); err != nil {
		return err
	}
	return ended(w.Flush())
}

// resetDownload crashes in the middle of its response's body.
func resetDownload(w *worker) {
	c := w.dial(nil)
	if c == nil {
		return
	}
	s := w.exchange()
	s.Up, s.Down, s.Abort = -1, 64<<10+w.random.Int64N(4<<20), true
	began, local := time.Now(), c.LocalAddr().String()
	w.conclude(s, local, began, c.leaveAfter(s, w.random.Int64N(s.Down)))
	c.reset()
}

// leaveAfter reads so much of a response and judges that much.
func (c *conn) leaveAfter(s script, octets int64) error {
	_ = c.SetDeadline(time.Now().Add(patience)) // an error shows in what follows
	if err := c.send(s, options{}); err != nil {
		return err
	}
	resp, err := c.response("GET")
	if err != nil {
		return err
	}
	if err := s.wantHead(resp.StatusCode, resp.Header); err != nil {
		return err
	}
	if _, err := (body{s.down().seed, octets}).verify(io.LimitReader(resp.Body, octets)); err != nil {
		return err
	}
	return expected("the client resets its download")
}

func serverResets(w *worker) { w.broken(cutReset, "the server resets its body") }
func serverCloses(w *worker) { w.broken(cutClose, "the server ends its body early") }

// broken asks for a body that the server breaks off. The client must not take it for whole.
func (w *worker) broken(how, kind string) {
	c := w.dial(nil)
	if c == nil {
		return
	}
	defer c.Close()
	s := w.script()
	s.Frame = [...]string{byLength, byChunks}[w.random.IntN(2)]
	s.Down = 1 + w.random.Int64N(256<<10)
	s.Cut, s.CutAt = how, w.random.Int64N(s.Down)
	began := time.Now()
	err := c.exchange(s, options{})
	w.conclude(s, c.LocalAddr().String(), began, wantBroken(err, kind))
}

// wantBroken wants a body that broke off, or a 502 where the balancer has noticed in time.
func wantBroken(err error, kind string) error {
	switch {
	case err == nil:
		return errors.New("a body that the server broke off arrived whole")
	case gatewayFault(err):
		return expected(kind)
	default:
		return err
	}
}

// serverSilent has the server close the connection instead of a response. The request has a body, so the balancer cannot
// send it again, and says so.
func serverSilent(w *worker) {
	w.several(2, func(c *conn) {
		s := w.script()
		s.Up, s.Cut = w.random.Int64N(64<<10), cutHead
		began := time.Now()
		err := c.exchange(s, options{})
		var status statusError
		switch {
		case err == nil:
			err = fmt.Errorf("a response to a request that the server left alone")
		case errors.As(err, &status) && status == 502:
			err = expected("the server gives no response: 502")
		}
		w.conclude(s, c.LocalAddr().String(), began, err)
		c.spent = true
	})
}
