package hostile

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/http2"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// translator is a proxy without sockets: what proxy/http2 makes of a client's frames is written by proxy/http1.
type translator struct {
	conn    *http2.Conn
	out     []byte
	held    []byte // what would make the request whole before it is known that it is
	framed  bool   // by Content-Length, or without a body
	left    int64  // octets of the body
	refused bool
}

// take takes in all that a client sends.
func (p *translator) take(in string) {
	cfg := http2.DefaultConfig()
	p.conn = http2.NewConn(&cfg)
	buf, now := []byte(in), time.Unix(1_000_000, 0)
	var reply []byte
	for !p.refused {
		n, ev, out := p.conn.Receive(now, buf, reply[:0])
		reply, buf = out, buf[n:]
		if n == 0 && ev.Kind == http2.Nothing {
			return
		}
		p.event(&ev)
	}
}

func (p *translator) event(ev *http2.Event) {
	switch ev.Kind {
	case http2.RequestHead:
		p.head(ev)
	case http2.Body:
		p.data(ev.Data, ev.End)
	case http2.Trailing:
		p.end(ev.Head.Buf, ev.Head.Fields)
	case http2.RequestFault, http2.Reset, http2.Ended:
		p.refused = true
	}
}

func (p *translator) head(ev *http2.Event) {
	r, buf := &ev.Request, ev.Head.Buf
	path := "*"
	if r.Form == http1.Origin {
		var err error
		if path, err = rule.CanonicalPath(string(r.Path.In(buf))); err != nil {
			p.refused = true
			return
		}
	}
	if r.Method == http1.CONNECT || r.Method == http1.TRACE {
		p.refused = true
		return
	}
	p.out = append(append(append(p.out, r.Name.In(buf)...), ' '), path...)
	p.out = append(http1.AppendQuery(p.out, r.Query.In(buf)), " HTTP/1.1\r\n"...)
	if !slices.ContainsFunc(ev.Head.Fields, func(f http1.Field) bool { return f.ID == http1.Host }) {
		p.out = http1.AppendField(p.out, "host", string(r.Authority.In(buf)))
	}
	p.out = http1.AppendFields(p.out, buf, ev.Head.Fields, nil)
	p.framed = r.Length >= 0 || ev.End
	switch {
	case r.Length >= 0:
		p.out = http1.AppendFraming(p.out, r.Length)
	case !ev.End:
		p.out = http1.AppendFraming(p.out, http1.ChunkedLength)
	}
	p.out = append(p.out, "\r\n"...)
	if p.left = r.Length; p.left == 0 && !ev.End {
		p.out, p.held = nil, p.out
	}
}

// data writes a piece of the body. The piece that would make the request whole waits for the end of the stream: there may be
// more, and then the request is malformed, and "intermediaries ... MUST NOT forward a malformed request" (RFC 9113 section 8.1.1).
func (p *translator) data(b []byte, end bool) {
	p.left -= int64(len(b))
	switch {
	case len(b) == 0:
	case p.framed && p.left == 0:
		p.held = append(p.held, b...)
	case p.framed:
		p.out = append(p.out, b...)
	default:
		p.out = append(append(http1.AppendChunkHead(p.out, len(b)), b...), "\r\n"...)
	}
	if end {
		p.end(nil, nil)
	}
}

func (p *translator) end(buf []byte, trailers []http1.Field) {
	if p.framed {
		p.out = append(p.out, p.held...)
		return
	}
	p.out = http1.AppendLastChunk(p.out)
	p.out = append(http1.AppendFields(p.out, buf, trailers, nil), "\r\n"...)
}

// streamOutcome is what a client and a server would see.
func streamOutcome(wire string) outcome {
	var p translator
	p.take(frame(frameSettings, 0, 0, "") + wire)
	return outcome{tapes: []string{string(p.out)}, refused: p.refused}
}

// TestCodecStreams: proxy/http2 and proxy/http1 alone refuse what has to be refused, and translate the rest rightly.
func TestCodecStreams(t *testing.T) {
	t.Parallel()
	for _, c := range streamCases() {
		o := streamOutcome(c.wire(1))
		if fs := judgeRequest(c.request(), o, true); fs.verdict() != Fine {
			t.Errorf("%s: %s\n\t%s", c.name, fs, o.story(fmt.Sprint(c.fields, c.data, c.trailers)))
		}
	}
}

// FuzzStreamsComeOutClean: whatever a client sends in a stream, what a server would get is in order.
func FuzzStreamsComeOutClean(f *testing.F) {
	for _, c := range streamCases() {
		if w := c.wire(1); len(w) < 2000 {
			f.Add(w)
		}
	}
	f.Fuzz(func(t *testing.T, wire string) {
		o := streamOutcome(wire)
		var fs faults
		if o.requests(&fs); len(fs) > 0 {
			t.Errorf("%s\n%s", fs, o.story(wire))
		}
	})
}
