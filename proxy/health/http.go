package health

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// maxBody bounds how much of an answer's body a probe reads, in bytes; HAProxy's bound for checks.
	maxBody = 16 << 10
	// maxHead bounds the head of the answer, in bytes. A health endpoint sends a few hundred.
	maxHead = 16 << 10
	// maxQuote bounds how much of a body the text of a failure shows, in bytes: enough for a reason, short enough for a
	// status line.
	maxQuote = 64
)

var _ Kind = (*HTTP)(nil)

// HTTP is a probe by one request, of HTTP/2 where the server speaks it, else of HTTP/1.1.
type HTTP struct {
	Method string   // empty: GET
	Path   string   // empty: /
	Host   string   // Host header; empty: the server's name where it has one, else its address, with the port
	Fields []Field  // further fields of the request
	Status []Status // that count as success; empty: 200 to 399
	Body   string   // that a body has to contain; empty: anything
	Regexp string   // that a body has to match (RE2); empty: anything
	Port   uint16   // 0: the server's own port; at another one there is no TLS but the check's own, and no HTTP/2
}

// Field is a field of a request's head.
type Field struct{ Name, Value string }

// Status is a range of statuses.
type Status struct{ From, To int }

// Fault implements Kind.
func (h *HTTP) Fault() error {
	_, err := regexp.Compile(h.Regexp)
	return err
}

// Same implements Kind.
func (h *HTTP) Same(o Kind) bool {
	other, ok := o.(*HTTP)
	return ok && h.Method == other.Method && h.Path == other.Path && h.Host == other.Host && slices.Equal(h.Fields, other.Fields) &&
		slices.Equal(h.Status, other.Status) && h.Body == other.Body && h.Regexp == other.Regexp && h.Port == other.Port
}

// userAgent is how probes name themselves in the logs of servers.
const userAgent = "tandem-check"

// httpProbe asks one question a connection.
type httpProbe struct {
	place
	request *http.Request // never written
	ask     question2     // the same, for HTTP/2
	expect  expectation
}

// newProbe returns the probe that succeeds where the answer to one request is as expected and arrives whole, up
// to maxBody bytes of it. Redirects are answers like any other: they are not followed.
func (h *HTTP) newProbe(t Target) probe {
	p := &httpProbe{place: newPlace(t, h.Port), expect: newExpectation(h)}
	if p.http2 {
		p.place = p.offering("h2")
	} else {
		p.place = p.offering("http/1.1")
	}
	method, path := cmp.Or(h.Method, http.MethodGet), cmp.Or(h.Path, "/")
	p.request = &http.Request{
		Method: method,
		// Opaque is sent as it is: the path is the operator's, byte for byte.
		URL:    &url.URL{Host: p.authority, Opaque: path},
		Host:   h.Host,
		Header: http.Header{"User-Agent": {userAgent}},
		Close:  true,
	}
	for _, f := range h.Fields {
		p.request.Header.Set(f.Name, f.Value)
	}
	p.ask = question2{method: method, authority: cmp.Or(h.Host, p.authority), path: path, https: p.secure != nil, fields: lower(h.Fields)}
	if !slices.ContainsFunc(p.ask.fields, func(f Field) bool { return f.Name == "user-agent" }) {
		p.ask.fields = append(p.ask.fields, Field{"user-agent", userAgent})
	}
	return p.probe
}

// probe speaks on a connection of its own. An http.Transport would do more than is wanted (proxies of the environment,
// retries, goroutines) and could not tell a server that is gone from one that is slow to answer.
func (p *httpProbe) probe(ctx context.Context, connect time.Duration) outcome {
	conn, at, err := p.dial(ctx, connect)
	if err != nil {
		return outcome{text: failure(at, err)}
	}
	defer func() { _ = conn.Close() }() // the verdict is made
	defer conn.follow(ctx)()
	status, body, err := p.answer(conn)
	if status == 0 {
		return outcome{text: failure(layer7, err), connect: conn.took}
	}
	found := p.expect.judge(status, body, err)
	found.connect = conn.took
	return found
}

// answer asks. err says what reading the answer ended with; status is 0 where there is none.
func (p *httpProbe) answer(conn net.Conn) (status int, body []byte, err error) {
	if p.http2 {
		a, err := ask2(conn, p.ask)
		return a.status, a.body, err
	}
	if err := p.request.Write(conn); err != nil {
		return 0, nil, err
	}
	res, err := readFinal(bufio.NewReader(io.LimitReader(conn, maxHead+maxBody)), p.request)
	if err != nil {
		return 0, nil, err
	}
	body, err = io.ReadAll(io.LimitReader(res.Body, maxBody))
	return res.StatusCode, body, err
}

// readFinal reads the answer that follows any number of interim ones (RFC 9110 section 15.2); r is bounded.
func readFinal(r *bufio.Reader, req *http.Request) (*http.Response, error) {
	for {
		res, err := http.ReadResponse(r, req)
		if err != nil || res.StatusCode >= 200 || res.StatusCode == http.StatusSwitchingProtocols {
			return res, err
		}
	}
}

// quote returns ": " and the start of a body, quoted; nothing where there is none. A body is the server's word: quoted
// it cannot forge a line of the log.
func quote(body []byte) string {
	text := strings.TrimSpace(string(body[:min(len(body), maxQuote)]))
	if text == "" {
		return ""
	}
	return ": " + strconv.QuoteToASCII(text)
}
