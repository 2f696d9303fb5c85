package health

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/http2"
)

// question2 is a request by HTTP/2.
type question2 struct {
	method, authority, path string
	https                   bool
	fields                  []Field // their names in lower case
	body                    []byte  // of a POST; small enough for the window that a connection begins with
}

// answer2 is what has come of an answer.
type answer2 struct {
	conn   *http2.ClientConn
	status int // 0: there is none
	body   []byte
	code   string // grpc-status; empty: none came
	words  string // grpc-message
	done   bool
	err    error
}

// ask2 asks an HTTP/2 server. The body is read up to maxBody; err says what reading the answer ended with.
func ask2(conn net.Conn, q question2) (*answer2, error) {
	cfg := http2.DefaultConfig()
	cfg.Limits.Head = maxHead
	a := &answer2{conn: http2.NewClientConn(&cfg)}
	out, err := a.question(q)
	if err != nil {
		return a, err
	}
	if _, err := conn.Write(out); err != nil {
		return a, err
	}
	buf := make([]byte, 0, maxHead+maxBody) // the most that is ever received
	for taken := 0; !a.done; {
		n, readErr := conn.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		m, out := a.take(buf[taken:])
		taken += m
		switch {
		case a.err != nil:
			return a, a.err
		case a.done:
		case errors.Is(readErr, io.EOF), len(buf) == cap(buf):
			return a, io.ErrUnexpectedEOF
		case readErr != nil:
			return a, readErr
		case len(out) > 0:
			_, _ = conn.Write(out) // what comes next tells
		}
	}
	return a, nil
}

// question returns all that is sent.
func (a *answer2) question(q question2) ([]byte, error) {
	e := a.conn.Encoder()
	out := a.conn.Start(nil)
	block := e.Request(e.Begin(nil), &http2.Target{Method: []byte(q.method), Authority: []byte(q.authority), Path: []byte(q.path), HTTPS: q.https})
	for _, f := range q.fields {
		block = e.Field(block, []byte(f.Name), []byte(f.Value), false)
	}
	id, out, err := a.conn.Open(out, block, http1.MethodOf([]byte(q.method)), q.body == nil)
	if err == nil && q.body != nil {
		_, out = a.conn.SendData(out, id, q.body, true)
	}
	return out, err
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
		a.note(ev.Head)
	case http2.Body:
		a.body = append(a.body, ev.Data...)
		a.done = ev.End || len(a.body) >= maxBody
	case http2.Trailing:
		a.done = true
		a.note(ev.Head)
	case http2.Reset:
		a.err = fmt.Errorf("request reset with code %d", ev.Code)
		if ev.Why != 0 {
			a.err = fmt.Errorf("malformed HTTP/2 response: %w", ev.Why)
		}
	case http2.Ended:
		a.err = fmt.Errorf("malformed HTTP/2: %w", ev.Why)
	}
}

// note keeps what gRPC says in a head or in trailers.
func (a *answer2) note(h *http2.Head) {
	for _, f := range h.Fields {
		switch name := string(f.Name.In(h.Buf)); {
		case strings.EqualFold(name, "grpc-status"):
			a.code = string(f.Value.In(h.Buf))
		case strings.EqualFold(name, "grpc-message"):
			a.words = string(f.Value.In(h.Buf))
		}
	}
}
