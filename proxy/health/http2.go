package health

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/http2"
)

// ask2 asks an HTTP/2 server. The body is read up to maxBody, and err what reading it ended with; status is 0 where there is no answer.
func (p *httpProbe) ask2(conn net.Conn) (status int, body []byte, err error) {
	cfg := http2.DefaultConfig()
	cfg.Limits.Head = maxHead
	a := answer2{conn: http2.NewClientConn(&cfg)}
	e := a.conn.Encoder()
	out := a.conn.Start(nil)
	block := e.Request(e.Begin(nil), &http2.Target{
		Method: []byte(p.request.Method), Authority: []byte(p.host()), Path: []byte(p.request.URL.Opaque), HTTPS: p.secure != nil,
	})
	block = e.Field(block, []byte("user-agent"), []byte(userAgent), false)
	if _, out, err = a.conn.Open(out, block, http1.MethodOf([]byte(p.request.Method)), true); err != nil {
		return 0, nil, err
	}
	if _, err := conn.Write(out); err != nil {
		return 0, nil, err
	}
	buf := make([]byte, 0, maxHead+maxBody) // the most that is ever received
	for taken := 0; !a.done; {
		n, readErr := conn.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		m, out := a.take(buf[taken:])
		taken += m
		switch {
		case a.err != nil:
			return a.status, a.body, a.err
		case a.done:
		case errors.Is(readErr, io.EOF), len(buf) == cap(buf):
			return a.status, a.body, io.ErrUnexpectedEOF
		case readErr != nil:
			return a.status, a.body, readErr
		case len(out) > 0:
			_, _ = conn.Write(out) // what comes next tells
		}
	}
	return a.status, a.body, nil
}

// host is what is asked for.
func (p *httpProbe) host() string {
	if p.request.Host != "" {
		return p.request.Host
	}
	return p.address
}

// answer2 is what has come of an answer.
type answer2 struct {
	conn   *http2.ClientConn
	status int
	body   []byte
	done   bool
	err    error
}

// take takes in the frames that b begins with, and returns how long they were and what they are answered with. Deadlines are the
// probe's, so that the connection needs to know no time.
func (a *answer2) take(b []byte) (n int, out []byte) {
	for !a.done && a.err == nil {
		m, ev, o := a.conn.Receive(time.Time{}, b[n:], out)
		n, out = n+m, o
		if m == 0 && ev.Kind == http2.Nothing {
			break
		}
		a.happened(&ev)
	}
	return n, out
}

func (a *answer2) happened(ev *http2.Event) {
	switch ev.Kind {
	case http2.ResponseHead:
		a.status, a.done = ev.Response.Status, ev.End
	case http2.Body:
		a.body = append(a.body, ev.Data...)
		a.done = ev.End || len(a.body) >= maxBody
	case http2.Trailing:
		a.done = true
	case http2.Reset:
		a.err = fmt.Errorf("request reset with code %d", ev.Code)
		if ev.Why != 0 {
			a.err = fmt.Errorf("malformed HTTP/2 response: %w", ev.Why)
		}
	case http2.Ended:
		a.err = fmt.Errorf("malformed HTTP/2: %w", ev.Why)
	}
}
