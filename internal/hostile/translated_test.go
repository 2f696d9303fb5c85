package hostile

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// wire is what a client sends for a case, on that stream.
func (c stream) wire(id uint32) string {
	var b strings.Builder
	more := len(c.data) > 0 || len(c.trailers) > 0 || c.open
	b.WriteString(headers(id, c.fields, !more))
	for i, d := range c.data {
		flags := byte(0)
		if i == len(c.data)-1 && len(c.trailers) == 0 && !c.open {
			flags = flagEnd
		}
		b.WriteString(frame(frameData, flags, id, d))
	}
	if len(c.trailers) > 0 {
		b.WriteString(headers(id, c.trailers, true))
	}
	return b.String()
}

// begin is what every client sends first.
var begin = preface + frame(frameSettings, 0, 0, "")

// request is the case as the judge of requests sees it.
func (c stream) request() request {
	return request{
		name: c.name, rfc: c.rfc, want: c.want, most: c.most, method: c.method, target: c.target, body: c.body, kept: c.kept, gone: c.gone, host: c.host,
		status: []int{400, 405, 413, 414, 417, 431, 501},
	}
}

// runStream sends a case, then asks once more on the same connection, then on another one.
func runStream(s subject, l *lane, c stream) finding {
	l.origin.begin(answer, false)
	o := sendStream(l, c)
	o.askStream(l)
	o.tapes = l.origin.take()
	return finding{c.name, judgeRequest(c.request(), o, s.strict), o.story(fmt.Sprint(c.fields, c.data, c.trailers))}
}

func sendStream(l *lane, c stream) (o outcome) {
	conn, err := l.dialH2()
	if err != nil {
		return outcome{client: err.Error(), hung: true}
	}
	cl := newClient(conn, l.limit)
	defer cl.close()
	p := newPeer(conn, true)
	cl.send(begin + c.wire(1))
	m, err := p.response(1, l.limit)
	o.client = fmt.Sprint(m.fields, m.body, err)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		o.hung = true
		return o
	case err != nil:
		o.refused, o.end = true, ended
	default:
		o.finals = []message{m}
		o.refused = m.status >= 400
	}
	p.write(headers(3, ask(field{":path", "/probe"}), true))
	m, err = p.response(3, l.limit)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		o.probe = noAnswer
	case err == nil && isFromOrigin(&m) && !isEcho(&m, "/probe"):
		o.probe = fmt.Sprint(m.fields, m.body)
	}
	return o
}

// askStream is askAfter over HTTP/2.
func (o *outcome) askStream(l *lane) {
	conn, err := l.dialH2()
	if err != nil {
		o.after, o.none = err.Error(), true
		return
	}
	defer conn.Close()
	p := newPeer(conn, true)
	p.write(begin + headers(1, ask(field{":path", "/after"}), true))
	if m, err := p.response(1, l.limit); err != nil || !isEcho(&m, "/after") {
		o.after, o.none = fmt.Sprint(m.fields, m.body, err), !isFromOrigin(&m)
	}
}
