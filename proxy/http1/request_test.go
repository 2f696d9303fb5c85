package http1

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

// crlf writes a head with a line for each of lines, and the empty line.
func crlf(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n\r\n" }

// get is a request with these field lines after Host.
func get(fields ...string) string {
	return crlf(append([]string{"GET / HTTP/1.1", "Host: a.example"}, fields...)...)
}

var refusedRequests = []struct {
	name, text string
	why        Reason
}{
	// RFC 9112 section 3: "request-line = method SP request-target SP HTTP-version"
	{"HTTP/0.9", "GET /\r\n", BadRequestLine},
	{"two spaces", crlf("GET  / HTTP/1.1", "Host: a"), BadTarget},
	{"two spaces behind", crlf("GET /  HTTP/1.1", "Host: a"), BadTarget},
	{"tab for space", crlf("GET\t/ HTTP/1.1", "Host: a"), BadRequestLine},
	{"tab in the target", crlf("GET /\tx HTTP/1.1", "Host: a"), BadTarget},
	{"space in the target", crlf("GET /a b HTTP/1.1", "Host: a"), BadTarget},
	{"space first", crlf(" GET / HTTP/1.1", "Host: a"), BadRequestLine},
	{"space last", crlf("GET / HTTP/1.1 ", "Host: a"), BadRequestLine},
	{"nothing between the spaces", crlf("GET  HTTP/1.1", "Host: a"), BadRequestLine},
	{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", BadRequestLine},
	{"two empty lines first", "\r\n\r\n" + get(), BadRequestLine},
	{"CR alone first", "\rGET / HTTP/1.1\r\n", BadRequestLine},
	{"LF first", "\n" + get(), BadRequestLine},
	{"method with a bracket", crlf("G(T / HTTP/1.1", "Host: a"), BadMethod},
	{"method of 33 octets", crlf(strings.Repeat("A", 33)+" / HTTP/1.1", "Host: a"), BadMethod},
	{"no name in the version", crlf("GET / 1.1", "Host: a"), BadRequestLine},
	{"version in lower case", crlf("GET / http/1.1", "Host: a"), BadRequestLine},
	{"version with three digits", crlf("GET / HTTP/1.10", "Host: a"), BadRequestLine},
	{"version with a comma", crlf("GET / HTTP/1,1", "Host: a"), BadRequestLine},
	{"HTTP/1.2", crlf("GET / HTTP/1.2", "Host: a"), BadVersion},
	{"HTTP/0.9 spelled out", crlf("GET / HTTP/0.9", "Host: a"), BadVersion},
	{"HTTP/2.0", crlf("GET / HTTP/2.0", "Host: a"), BadVersion},
	{"preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Preface},

	// RFC 9112 section 3.2: the four forms
	{"no slash", crlf("GET a HTTP/1.1", "Host: a"), BadTarget},
	{"asterisk", crlf("GET * HTTP/1.1", "Host: a"), BadTarget},
	{"asterisk and more", crlf("OPTIONS *x HTTP/1.1", "Host: a"), BadTarget},
	{"authority", crlf("GET a:80 HTTP/1.1", "Host: a:80"), BadTarget},
	{"CONNECT to a path", crlf("CONNECT / HTTP/1.1", "Host: a"), BadTarget},
	{"CONNECT without a port", crlf("CONNECT a HTTP/1.1", "Host: a"), BadTarget},
	{"CONNECT to a URI", crlf("CONNECT http://a:80/ HTTP/1.1", "Host: a"), BadTarget},
	{"another scheme", crlf("GET ftp://a/ HTTP/1.1", "Host: a"), BadTarget},
	{"no authority", crlf("GET http:/// HTTP/1.1", "Host: a"), BadTarget},
	{"scheme alone", crlf("GET http:// HTTP/1.1", "Host: a"), BadTarget},
	{"userinfo in the target", crlf("GET http://u@a/ HTTP/1.1", "Host: a"), BadTarget},
	{"fragment", crlf("GET /a#b HTTP/1.1", "Host: a"), BadTarget},
	{"NUL in the target", crlf("GET /\x00 HTTP/1.1", "Host: a"), BadTarget},
	{"DEL in the target", crlf("GET /abcdefgh\x7f HTTP/1.1", "Host: a"), BadTarget},
	{"CR in the target", crlf("GET /\r HTTP/1.1", "Host: a"), BadTarget},

	// RFC 9112 section 2.2: bare CR and bare LF
	{"LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", BareLF},
	{"LF after a field", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", BareLF},
	{"LF for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", BareLF},
	{"CR in a value", get("X: a\rb"), BadValue},
	{"CR CR LF", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", BadValue},
	{"CR CR LF for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n", BadName},
	{"CR in a name", get("X\rY: b"), BadName},

	// RFC 9112 section 5: field lines
	{"no colon", get("X"), BadName},
	{"no name", get(": x"), BadName},
	{"space before the colon", get("X : y"), BadName},
	{"tab before the colon", get("X\t: y"), BadName},
	{"space in the name", get("X Y: z"), BadName},
	{"folded", get("X: a", " b"), Folded},
	{"folded by a tab", get("X: a", "\tb"), Folded},
	{"first field folded", crlf("GET / HTTP/1.1", " Host: a"), Folded},
	{"NUL in the name", get("X\x00: y"), BadName},
	{"high byte in the name", get("X\xff: y"), BadName},
	{"bracket in the name", get("X[0]: y"), BadName},
	{"NUL in the value", get("X: a\x00b"), BadValue},
	{"escape in the value", get("X: a\x1bb"), BadValue},
	{"DEL in the value", get("X: 0123456789\x7f0123456789"), BadValue},
	{"vertical tab in the value", get("X: a\vb"), BadValue},

	// RFC 9112 section 3.2: Host
	{"no Host", crlf("GET / HTTP/1.1"), HostMissing},
	{"no Host with an absolute target", crlf("GET http://a/ HTTP/1.1"), HostMissing},
	{"Host twice", get("Host: b"), HostTwice},
	{"Host twice the same", get("host: a.example"), HostTwice},
	{"Host twice in HTTP/1.0", crlf("GET / HTTP/1.0", "Host: a", "Host: b"), HostTwice},
	{"Host empty", crlf("GET / HTTP/1.1", "Host:"), BadHost},
	{"Host of a port", crlf("GET / HTTP/1.1", "Host: :80"), BadHost},
	{"Host with userinfo", crlf("GET / HTTP/1.1", "Host: u@a"), BadHost},
	{"Host with a slash", crlf("GET / HTTP/1.1", "Host: a/b"), BadHost},
	{"Host with a comma", crlf("GET / HTTP/1.1", "Host: a,b"), BadHost},
	{"Host with a space", crlf("GET / HTTP/1.1", "Host: a b"), BadHost},
	{"Host with a query", crlf("GET / HTTP/1.1", "Host: a?b"), BadHost},
	{"Host with a high byte", crlf("GET / HTTP/1.1", "Host: \xe4.example"), BadHost},
	{"port no number", crlf("GET / HTTP/1.1", "Host: a:http"), BadHost},
	{"port out of range", crlf("GET / HTTP/1.1", "Host: a:65536"), BadHost},
	{"port with a sign", crlf("GET / HTTP/1.1", "Host: a:+80"), BadHost},
	{"two ports", crlf("GET / HTTP/1.1", "Host: a:80:80"), BadHost},
	{"bracket open", crlf("GET / HTTP/1.1", "Host: [::1"), BadHost},
	{"IPv4 in brackets", crlf("GET / HTTP/1.1", "Host: [127.0.0.1]"), BadHost},
	{"zone", crlf("GET / HTTP/1.1", "Host: [fe80::1%25eth0]"), BadHost},
	{"text after the bracket", crlf("GET / HTTP/1.1", "Host: [::1]a"), BadHost},
	{"IPv6 without brackets", crlf("GET / HTTP/1.1", "Host: ::1"), BadHost},
	{"Host of another target", crlf("GET http://a/ HTTP/1.1", "Host: b"), HostDiffers},
	{"Host with another port", crlf("GET http://a:80/ HTTP/1.1", "Host: a"), HostDiffers},

	// RFC 9112 section 6: framing
	{"length twice", get("Content-Length: 5", "Content-Length: 6"), LengthTwice},
	{"length twice the same", get("Content-Length: 5", "content-length: 5"), LengthTwice},
	{"list of lengths", get("Content-Length: 5, 5"), BadLength},
	{"length with a sign", get("Content-Length: +5"), BadLength},
	{"length below 0", get("Content-Length: -5"), BadLength},
	{"length with a space", get("Content-Length: 5 5"), BadLength},
	{"length in hexadecimal", get("Content-Length: 0x5"), BadLength},
	{"length with an underscore", get("Content-Length: 1_0"), BadLength},
	{"length with a point", get("Content-Length: 5.0"), BadLength},
	{"length in quotes", get(`Content-Length: "5"`), BadLength},
	{"length empty", get("Content-Length:"), BadLength},
	{"length of 19 digits", get("Content-Length: 9223372036854775808"), BadLength},
	{"length in other digits", get("Content-Length: \xd9\xa5"), BadLength},
	{"length and coding", get("Content-Length: 5", "Transfer-Encoding: chunked"), LengthAndCoding},
	{"coding and length", get("Transfer-Encoding: chunked", "Content-Length: 5"), LengthAndCoding},
	{"coding in HTTP/1.0", crlf("POST / HTTP/1.0", "Host: a", "Transfer-Encoding: chunked"), CodingInOld},
	{"two codings", get("Transfer-Encoding: gzip, chunked"), UnknownCoding},
	{"chunked first", get("Transfer-Encoding: chunked, gzip"), UnknownCoding},
	{"chunked twice", get("Transfer-Encoding: chunked, chunked"), BadCoding},
	{"chunked in two fields", get("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), BadCoding},
	{"identity", get("Transfer-Encoding: identity"), UnknownCoding},
	{"another coding", get("Transfer-Encoding: xchunked"), UnknownCoding},
	{"comma behind", get("Transfer-Encoding: chunked,"), BadCoding},
	{"comma before", get("Transfer-Encoding: ,chunked"), BadCoding},
	{"coding empty", get("Transfer-Encoding:"), BadCoding},
	{"coding in quotes", get(`Transfer-Encoding: "chunked"`), BadCoding},
	{"coding with a parameter", get("Transfer-Encoding: chunked;q=1"), BadCoding},
	{"coding with a vertical tab", get("Transfer-Encoding: \vchunked"), BadValue},
	{"expectation", get("Expect: 200-ok"), BadExpect},

	// RFC 9110 section 7.6.1: Connection
	{"Connection names Host", get("Connection: close, host"), BadConnection},
	{"Connection names Content-Length", get("Content-Length: 3", "Connection: content-length"), BadConnection},
	{"Connection names Transfer-Encoding", get("Transfer-Encoding: chunked", "Connection: Transfer-Encoding"), BadConnection},
	{"option that is no token", get("Connection: a b"), BadConnection},
	{"17 options", get("Connection: " + strings.Repeat("a,", 16) + "a"), BadConnection},

	{"request line too long", "GET /" + strings.Repeat("a", 16<<10), TargetTooLong},
	{"request line too long by one", "GET /" + strings.Repeat("a", 16<<10-15) + " HTTP/1.1\r\n", TargetTooLong},
	{"field line too long", get("X: " + strings.Repeat("a", 32<<10)), LineTooLong},
	{"field line without an end", "GET / HTTP/1.1\r\nX: " + strings.Repeat("a", 32<<10), LineTooLong},
	{"head too large", get(slices.Repeat([]string{"X: " + strings.Repeat("a", 20<<10)}, 4)...), HeadTooLarge},
	{"too many fields", get(slices.Repeat([]string{"X: a"}, 128)...), HeadTooLarge},
}

func TestRequestRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range refusedRequests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			lim := DefaultLimits()
			var r Request
			n, err := r.Parse([]byte(tt.text), &lim)
			if n != 0 || !errors.Is(err, tt.why) {
				t.Errorf("got %d, %v, want %v", n, err, tt.why)
			}
		})
	}
}

// seen is what a parser found, in words.
type seen struct {
	method, target, authority, path, query, upgrade string
	minor                                           uint8
	length                                          int64
	close, expect                                   bool
	forwarded                                       string // the fields that go on
}

func sight(r *Request, buf []byte) seen {
	return seen{
		method: string(r.Name.In(buf)), target: string(r.Target.In(buf)), authority: string(r.Authority.In(buf)),
		path: string(r.Path.In(buf)), query: string(r.Query.In(buf)), upgrade: string(r.Upgrade.In(buf)),
		minor: r.Minor, length: r.Length, close: r.Close, expect: r.Continue,
		forwarded: string(AppendFields(nil, buf, r.Fields, nil)),
	}
}

var goodRequests = []struct {
	name, text string
	want       seen
}{
	{"the least", get(), seen{method: "GET", target: "/", authority: "a.example", path: "/", minor: 1, forwarded: "Host: a.example\r\n"}},
	{"HTTP/1.0", crlf("GET /x HTTP/1.0"), seen{method: "GET", target: "/x", path: "/x", close: true}},
	{"HTTP/1.0 that stays", crlf("GET / HTTP/1.0", "Connection: Keep-Alive"), seen{method: "GET", target: "/", path: "/"}},
	{"an empty line first", "\r\n" + crlf("GET / HTTP/1.0"), seen{method: "GET", target: "/", path: "/", close: true}},
	{"query", crlf("GET /a/b?c=d?e HTTP/1.0"), seen{method: "GET", target: "/a/b?c=d?e", path: "/a/b", query: "?c=d?e", close: true}},
	{"high bytes in the target", crlf("GET /\xc3\xa4?\xc3\xb6 HTTP/1.0"),
		seen{method: "GET", target: "/\xc3\xa4?\xc3\xb6", path: "/\xc3\xa4", query: "?\xc3\xb6", close: true}},
	{"absolute", crlf("GET http://A.example:8080?q HTTP/1.1", "Host: a.example:8080"),
		seen{method: "GET", target: "http://A.example:8080?q", authority: "A.example:8080", query: "?q", minor: 1, forwarded: "Host: a.example:8080\r\n"}},
	{"asterisk", crlf("OPTIONS * HTTP/1.1", "Host: a"), seen{method: "OPTIONS", target: "*", authority: "a", minor: 1, forwarded: "Host: a\r\n"}},
	{"CONNECT", crlf("CONNECT a:443 HTTP/1.1", "Host: a:443"), seen{method: "CONNECT", target: "a:443", authority: "a:443", minor: 1, forwarded: "Host: a:443\r\n"}},
	{"IPv6 host", crlf("GET / HTTP/1.1", "Host: [2001:db8::1]:8080"), seen{method: "GET", target: "/", path: "/", authority: "[2001:db8::1]:8080", minor: 1, forwarded: "Host: [2001:db8::1]:8080\r\n"}},
	{"empty port", crlf("GET / HTTP/1.1", "Host: a:"), seen{method: "GET", target: "/", path: "/", authority: "a:", minor: 1, forwarded: "Host: a:\r\n"}},
	{"method of one's own", crlf("M-SEARCH / HTTP/1.1", "Host: a"), seen{method: "M-SEARCH", target: "/", path: "/", authority: "a", minor: 1, forwarded: "Host: a\r\n"}},
	{"length", crlf("POST / HTTP/1.0", "Content-Length: 0042"), seen{method: "POST", target: "/", path: "/", length: 42, close: true}},
	{"chunked", get("TRANSFER-ENCODING:\tChunked "), seen{method: "GET", target: "/", authority: "a.example", path: "/", minor: 1, length: ChunkedLength, forwarded: "Host: a.example\r\n"}},
	{"close", get("Connection: foo, Close", "Foo: 1", "Bar: 2"), seen{method: "GET", target: "/", authority: "a.example", path: "/", minor: 1, close: true, forwarded: "Host: a.example\r\nBar: 2\r\n"}},
	{"empty options", get("Connection: ,, keep-alive ,"), seen{method: "GET", target: "/", authority: "a.example", path: "/", minor: 1, forwarded: "Host: a.example\r\n"}},
	{"Connection after what it names", get("X-a: 1", "x-A: 2", "Connection: X-A"), seen{method: "GET", target: "/", authority: "a.example", path: "/", minor: 1, forwarded: "Host: a.example\r\n"}},
	{"expectation", get("Expect: 100-Continue"), seen{method: "GET", target: "/", authority: "a.example", path: "/", minor: 1, expect: true, forwarded: "Host: a.example\r\nExpect: 100-Continue\r\n"}},
	{"expectation in HTTP/1.0", crlf("GET / HTTP/1.0", "Expect: 100-continue"), seen{method: "GET", target: "/", path: "/", close: true, forwarded: "Expect: 100-continue\r\n"}},
	{"upgrade", get("Connection: Upgrade", "Upgrade: websocket"), seen{method: "GET", target: "/", authority: "a.example", path: "/", minor: 1, upgrade: "websocket", forwarded: "Host: a.example\r\n"}},
	{"upgrade that Connection does not name", get("Upgrade: websocket"), seen{method: "GET", target: "/", authority: "a.example", path: "/", minor: 1, forwarded: "Host: a.example\r\n"}},
	{"two upgrades", get("Connection: upgrade", "Upgrade: websocket", "Upgrade: h2c"), seen{method: "GET", target: "/", authority: "a.example", path: "/", minor: 1, forwarded: "Host: a.example\r\n"}},
	{"HTTP/2 settings", get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"), seen{method: "GET", target: "/", authority: "a.example", path: "/", minor: 1, upgrade: "h2c", forwarded: "Host: a.example\r\n"}},
	{"values as they are", get("x-Odd_Name:  a\tb \xe4  ", "Empty:", "TE: trailers"), seen{method: "GET", target: "/", authority: "a.example", path: "/", minor: 1,
		forwarded: "Host: a.example\r\nx-Odd_Name: a\tb \xe4\r\nEmpty: \r\n"}},
}

func TestRequest(t *testing.T) {
	t.Parallel()
	for _, tt := range goodRequests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			lim := DefaultLimits()
			buf := []byte(tt.text + "what follows is none of it")
			var r Request
			n, err := r.Parse(buf, &lim)
			if n != len(tt.text) || err != nil {
				t.Fatalf("got %d, %v, want %d", n, err, len(tt.text))
			}
			if got := sight(&r, buf); got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// However the bytes arrive, and wherever they lie meanwhile, a request is the same one.
func TestRequestInPieces(t *testing.T) {
	t.Parallel()
	lim := DefaultLimits()
	texts := []string{sevenLines}
	for _, tt := range goodRequests {
		texts = append(texts, tt.text)
	}
	for _, tt := range refusedRequests {
		if len(tt.text) < 1000 {
			texts = append(texts, tt.text)
		}
	}
	for _, text := range texts {
		var whole, pieces Request
		wantN, wantErr := whole.Parse([]byte(text), &lim)
		for at := 1; ; at++ {
			buf := bytes.Clone([]byte(text[:at])) // somewhere else each time
			n, err := pieces.Parse(buf, &lim)
			if n == 0 && err == nil && at < len(text) {
				continue
			}
			if n != wantN || err != wantErr {
				t.Errorf("%q in pieces: got %d, %v after %d octets, want %d, %v", text, n, err, at, wantN, wantErr)
			} else if n > 0 && sight(&pieces, buf) != sight(&whole, []byte(text)) {
				t.Errorf("%q in pieces: got %+v, want %+v", text, sight(&pieces, buf), sight(&whole, []byte(text)))
			}
			break
		}
	}
}

func TestResetKeepsNothing(t *testing.T) {
	t.Parallel()
	lim := DefaultLimits()
	var used, fresh Request
	for _, tt := range goodRequests {
		buf := []byte(tt.text)
		used.Reset()
		fresh = Request{}
		if _, err := used.Parse(buf, &lim); err != nil {
			t.Fatal(err)
		}
		if _, err := fresh.Parse(buf, &lim); err != nil {
			t.Fatal(err)
		}
		if sight(&used, buf) != sight(&fresh, buf) {
			t.Errorf("%s: got %+v, want %+v", tt.name, sight(&used, buf), sight(&fresh, buf))
		}
	}
}

func TestNoAllocations(t *testing.T) {
	lim, buf, out := DefaultLimits(), []byte(sevenLines), make([]byte, 0, 2048)
	var r Request
	if n := testing.AllocsPerRun(100, func() {
		r.Reset()
		if _, err := r.Parse(buf, &lim); err != nil {
			t.Fatal(err)
		}
		out = AppendFields(out[:0], buf, r.Fields, nil)
	}); n != 0 {
		t.Errorf("got %v allocations for a request, want 0", n)
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	labels := map[string]bool{}
	for _, r := range Reasons() {
		if r.Error() == "" || r.Label() == "" || r.Status() < 400 || labels[r.Label()] {
			t.Errorf("reason %d: got %q, %q, %d", r, r.Error(), r.Label(), r.Status())
		}
		labels[r.Label()] = true
	}
}
