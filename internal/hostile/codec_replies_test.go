package hostile

import (
	"fmt"
	"testing"

	"github.com/tandem-lb/tandem/proxy/http1"
)

// responses writes what a client would get for an answer to a request of that method: interim responses, the response, or nothing
// more where the answer is refused or cut short. It reports whether the response came to its end.
func (p *codec) responses(method string, then then) (whole bool) {
	for {
		var r http1.Response
		lim := http1.DefaultLimits()
		n, late, err := p.parse(func(buf []byte) (int, error) { return r.Parse(buf, &lim) })
		if err != nil || late || r.Status == 101 {
			return false
		}
		head := p.in[:n]
		p.out = http1.AppendStatusLine(p.out, r.Status, string(r.Reason.In(head)))
		p.out = http1.AppendFields(p.out, head, r.Fields, nil)
		p.drop(n)
		if r.Status < 200 {
			p.write("\r\n")
			continue
		}
		return p.responseBody(&r, method, then)
	}
}

func (p *codec) responseBody(r *http1.Response, method string, then then) (whole bool) {
	length := r.Length(http1.MethodOf([]byte(method)))
	switch {
	case method == "HEAD" || r.Status == 204 || r.Status == 304:
		p.write("\r\n")
		return true
	case length == http1.UntilClose:
		p.write("Transfer-Encoding: chunked\r\n\r\n")
		for p.more() {
		}
		if p.have > 0 {
			p.write(fmt.Sprintf("%x\r\n", p.have), string(p.in[:p.have]), "\r\n")
		}
		if then != fin {
			return false
		}
		p.write("0\r\n\r\n")
		return true
	}
	p.out = http1.AppendFraming(p.out, length)
	p.write("\r\n")
	return p.body(length) == 0
}

// replyOutcome is what a client would see of a proxy that is made of the codec.
func replyOutcome(c reply, step int) outcome {
	p := newCodec(c.text, step)
	whole := p.responses(c.method(), c.then)
	o := outcome{client: string(p.out), end: torn}
	if whole {
		o.end = ended
	}
	o.finals = finalsOf(first(readResponses(o.client, whole, c.method())))
	return o
}

func first[A, B any](a A, _ B) A { return a }

// TestCodecResponses: proxy/http1 alone refuses what has to be refused, and brings the rest into order.
func TestCodecResponses(t *testing.T) {
	t.Parallel()
	for _, c := range replies() {
		if c.then == flood {
			continue // its limits are those of the cases that are large
		}
		for _, step := range steps(c.text) {
			o := replyOutcome(c, step)
			if fs := judgeReply(c, o, true); fs.verdict() != Fine {
				t.Errorf("%s, %d octets at once: %s\n\t%s", c.name, step, fs, o.story(c.text))
				break
			}
		}
	}
}

// FuzzResponsesComeOutClean: whatever a server sends, what a client would get is in order, and whole only where the server's is.
func FuzzResponsesComeOutClean(f *testing.F) {
	for _, c := range replies() {
		if len(c.text) < 2000 {
			f.Add(c.text, c.method() == "HEAD", c.then == fin)
		}
	}
	f.Fuzz(func(t *testing.T, text string, head, clean bool) {
		c := reply{text: text, then: rst}
		if head {
			c.ask = crlf("HEAD /x HTTP/1.1", "Host: a.example")
		}
		if clean {
			c.then = fin
		}
		o := replyOutcome(c, 0)
		all, rest := readResponses(o.client, o.end == ended, c.method())
		for _, m := range all {
			if len(m.faults) > 0 {
				t.Errorf("%s\n%s", m.faults, o.story(text))
			}
		}
		if whole := len(o.finals) == 1; whole != (o.end == ended) || rest != "" {
			t.Errorf("whole: %t, want %t; behind it: %q\n%s", whole, o.end == ended, rest, o.story(text))
		}
	})
}
