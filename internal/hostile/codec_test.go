package hostile

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// codec is a proxy without sockets: what proxy/http1 makes of the octets of one side is what it writes to the other.
type codec struct {
	in   []byte // that have not been dealt with
	have int    // of them, those that have arrived
	step int    // octets that arrive at once
	out  []byte
}

func newCodec(in string, step int) *codec {
	if step == 0 {
		step = max(len(in), 1)
	}
	return &codec{in: []byte(in), step: step}
}

// more lets more arrive; false: that was all.
func (p *codec) more() bool {
	before := p.have
	p.have = min(p.have+p.step, len(p.in))
	return p.have > before
}

// drop takes off what is dealt with.
func (p *codec) drop(n int) { p.in, p.have = p.in[n:], p.have-n }

// parse calls f with what has arrived until it is enough. late tells that it never was.
func (p *codec) parse(f func(buf []byte) (int, error)) (n int, late bool, err error) {
	for {
		if n, err = f(p.in[:p.have]); n > 0 || err != nil {
			return n, false, err
		}
		if !p.more() {
			return 0, true, nil
		}
	}
}

// statusOf is what a refusal is answered with.
func statusOf(err error) int {
	var why http1.Reason
	if errors.As(err, &why) {
		return why.Status()
	}
	return 400
}

// requests writes what a server would get, and returns the statuses: 200 for each request that went through whole.
func (p *codec) requests() (statuses []int) {
	for p.have > 0 || p.more() {
		status, last := p.request()
		statuses = append(statuses, status)
		if last || status != 200 {
			break
		}
	}
	return statuses
}

func (p *codec) request() (status int, last bool) {
	var r http1.Request
	lim := http1.DefaultLimits()
	n, late, err := p.parse(func(buf []byte) (int, error) { return r.Parse(buf, &lim) })
	switch {
	case err != nil:
		return statusOf(err), true
	case late:
		return 408, true
	case r.Method == http1.CONNECT || r.Method == http1.TRACE:
		return 501, true
	}
	head := p.in[:n]
	path := "*"
	if r.Form != http1.Asterisk {
		if path, err = rule.CanonicalPath(string(r.Path.In(head))); err != nil {
			return 400, true
		}
	}
	p.write(string(r.Name.In(head)), " ", path)
	p.out = http1.AppendQuery(p.out, r.Query.In(head))
	p.write(" HTTP/1.1\r\n")
	if !slices.ContainsFunc(r.Fields, func(f http1.Field) bool { return f.ID == http1.Host }) {
		p.out = http1.AppendField(p.out, "Host", string(r.Authority.In(head)))
	}
	p.out = http1.AppendFields(p.out, head, r.Fields, nil)
	if r.Length != 0 || strings.Contains(strings.ToLower(string(head)), "content-length") {
		p.out = http1.AppendFraming(p.out, r.Length)
	}
	p.write("\r\n")
	p.drop(n)
	if status := p.body(r.Length); status != 0 {
		return status, true
	}
	return 200, r.Close
}

func (p *codec) write(words ...string) {
	for _, w := range words {
		p.out = append(p.out, w...)
	}
}

// body writes a body; the status is 0 where it went through whole.
func (p *codec) body(length int64) (status int) {
	if length == http1.ChunkedLength {
		return p.chunks()
	}
	for length > 0 {
		if p.have == 0 && !p.more() {
			return 408
		}
		n := min(int(min(length, 1<<30)), p.have)
		p.out = append(p.out, p.in[:n]...)
		p.drop(n)
		length -= int64(n)
	}
	return 0
}

func (p *codec) chunks() (status int) {
	var c http1.Chunked
	for !c.Ended() {
		if p.have == 0 && !p.more() {
			return 408
		}
		data, n, err := c.Next(p.in[:p.have])
		if err != nil {
			return statusOf(err)
		}
		if len(data) > 0 {
			p.out = append(append(http1.AppendChunkHead(p.out, len(data)), data...), "\r\n"...)
		}
		p.drop(n)
	}
	var t http1.Trailers
	lim := http1.DefaultLimits()
	n, late, err := p.parse(func(buf []byte) (int, error) { return t.Parse(buf, &lim) })
	switch {
	case err != nil:
		return statusOf(err)
	case late:
		return 408
	}
	p.out = http1.AppendLastChunk(p.out)
	p.out = http1.AppendFields(p.out, p.in[:n], t.Fields, nil)
	p.write("\r\n")
	p.drop(n)
	return 0
}

// requestOutcome is what a client and a server would see.
func requestOutcome(text string, step int) outcome {
	p := newCodec(text, step)
	o := outcome{end: ended}
	for _, status := range p.requests() {
		o.finals = append(o.finals, message{status: status})
	}
	o.tapes = []string{string(p.out)}
	return o
}

// steps are how many octets arrive at once; 0: all.
func steps(text string) []int {
	if len(text) > 16<<10 {
		return []int{0, 4 << 10}
	}
	return []int{0, 1, 7}
}

// TestCodecRequests: proxy/http1 alone refuses what has to be refused, and brings the rest into order.
func TestCodecRequests(t *testing.T) {
	t.Parallel()
	for _, c := range requests() {
		for _, step := range steps(c.text) {
			o := requestOutcome(c.text, step)
			if fs := judgeRequest(c, o, true); fs.verdict() != Fine {
				t.Errorf("%s, %d octets at once: %s\n\t%s", c.name, step, fs, o.story(c.text))
				break
			}
		}
	}
}

// FuzzRequestsComeOutClean: whatever a client sends, what a server would get is in order.
func FuzzRequestsComeOutClean(f *testing.F) {
	for _, c := range requests() {
		if len(c.text) < 2000 {
			f.Add(c.text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		o := requestOutcome(text, 0)
		through := 0
		for _, m := range o.finals {
			if m.status == 200 {
				through++
			}
		}
		var fs faults
		if taken := o.requests(&fs); len(fs) > 0 || len(taken) != through {
			t.Errorf("%d went through, %d arrived: %s\n%s", through, len(taken), fs, o.story(text))
		}
	})
}
