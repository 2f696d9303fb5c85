package health

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
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

// userAgent is how probes name themselves in the logs of servers.
const userAgent = "tandem-check"

// httpProbe asks one question a connection.
type httpProbe struct {
	address string
	secure  *tls.Config // nil: plain
	http2   bool
	request *http.Request // never written
	expect  []int         // empty: 200 to 399
	want    string        // expect in words
}

// newHTTP returns the probe that succeeds where the answer to one request has an expected status and arrives whole, up
// to maxBody bytes of it. Redirects are answers like any other: they are not followed.
func newHTTP(c Check, t Target) probe {
	address, secure, http2 := t.Address, t.TLS, t.HTTP2
	if c.HTTP.Port != 0 {
		// Whoever answers elsewhere need not be the server, nor have its certificate, nor speak as it does.
		secure, http2 = nil, false
		address = netip.AddrPortFrom(address.Addr(), c.HTTP.Port)
	}
	p := &httpProbe{
		address: address.String(),
		secure:  secure,
		http2:   http2,
		request: &http.Request{
			Method: cmp.Or(c.HTTP.Method, http.MethodGet),
			// Opaque is sent as it is: the path is the operator's, byte for byte.
			URL:    &url.URL{Host: address.String(), Opaque: cmp.Or(c.HTTP.Path, "/")},
			Host:   c.HTTP.Host,
			Header: http.Header{"User-Agent": {userAgent}},
			Close:  true,
		},
		expect: c.HTTP.ExpectStatus,
		want:   wanted(c.HTTP.ExpectStatus),
	}
	return p.probe
}

// probe speaks on a connection of its own. An http.Transport would do more than is wanted (proxies of the environment,
// retries, goroutines) and could not tell a server that is gone from one that is slow to answer.
func (p *httpProbe) probe(ctx context.Context) outcome {
	conn, at, err := dial(ctx, p.address, p.secure, p.http2)
	if err != nil {
		return outcome{text: failure(at, err)}
	}
	defer func() { _ = conn.Close() }() // the verdict is made
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if p.http2 {
		status, body, err := p.ask2(conn)
		if status == 0 {
			return outcome{text: failure(layer7, err)}
		}
		return p.judge(status, body, err)
	}
	if err := p.request.Write(conn); err != nil {
		return outcome{text: failure(layer7, err)}
	}
	res, err := readFinal(bufio.NewReader(io.LimitReader(conn, maxHead+maxBody)), p.request)
	if err != nil {
		return outcome{text: failure(layer7, err)}
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	return p.judge(res.StatusCode, body, err)
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

// judge turns an answer into an outcome; err is what reading its body ended with.
func (p *httpProbe) judge(status int, body []byte, err error) outcome {
	text := fmt.Sprintf("HTTP status %d", status)
	switch {
	case !p.expects(status):
		return outcome{code: status, text: text + ", want " + p.want + quote(body)}
	case err != nil:
		return outcome{code: status, text: text + ", body: " + failure(layer7, err)}
	}
	return outcome{ok: true, code: status, text: text}
}

func (p *httpProbe) expects(status int) bool {
	if len(p.expect) == 0 {
		return 200 <= status && status < 400
	}
	return slices.Contains(p.expect, status)
}

// wanted puts the expected statuses into words.
func wanted(statuses []int) string {
	if len(statuses) == 0 {
		return "200 to 399"
	}
	words := make([]string, len(statuses))
	for i, s := range statuses {
		words[i] = strconv.Itoa(s)
	}
	return strings.Join(words, " or ")
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
