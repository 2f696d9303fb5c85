package load

import (
	"strings"
	"testing"
)

const okHead = "HTTP/1.1 200 OK\r\nServer: x\r\n"

// feedCut feeds text in two pieces, cut at one place.
func feedCut(r *response, text string, cut, length int) (done bool, err error) {
	r.begin()
	for _, b := range []string{text[:cut], text[cut:]} {
		if b == "" {
			continue
		}
		if done, err = r.feed([]byte(b), length); err != nil {
			return done, err
		}
	}
	return done, nil
}

func TestResponses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		length   int
		last     bool
	}{
		{"length", okHead + "Content-Length: 5\r\n\r\nhello", 5, false},
		{"small letters", okHead + "content-length:5\r\nconnection: Close\r\n\r\nhello", 5, true},
		{"chunks", okHead + "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", 5, false},
		{"a chunk of hexadecimal size", okHead + "transfer-encoding: chunked\r\n\r\n1A\r\n" + strings.Repeat("x", 26) + "\r\n0\r\n\r\n", 26, false},
		{"empty", okHead + "Content-Length: 0\r\n\r\n", 0, false},
	} {
		var r response
		for cut := range len(c.in) {
			if done, err := feedCut(&r, c.in, cut, c.length); !done || err != nil || r.last != c.last {
				t.Fatalf("%s, cut at %d: got done %v, %v, last %v, want true, <nil>, %v", c.name, cut, done, err, r.last, c.last)
			}
		}
		if done, err := r.cutShort(c.in, c.length); done || err != nil {
			t.Errorf("%s, without its last octet: got done %v, %v, want false, <nil>", c.name, done, err)
		}
	}
}

func (r *response) cutShort(in string, length int) (done bool, err error) {
	r.begin()
	return r.feed([]byte(in[:len(in)-1]), length)
}

func TestWrongResponses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"status", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nhello", `got "HTTP/1.1 503 Service Unavailable", want HTTP/1.1 200`},
		{"too short", okHead + "Content-Length: 4\r\n\r\nhell", "a Content-Length of 4, want 5"},
		{"no length", okHead + "\r\nhello", "a response without Content-Length or chunks"},
		{"not a length", okHead + "Content-Length: x\r\n\r\n", `content-length: strconv.ParseUint: parsing "x": invalid syntax`},
		{"more than the body", okHead + "Content-Length: 5\r\n\r\nhello!", errTooMuch.Error()},
		{"more than the chunks", okHead + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nX", errTooMuch.Error()},
		{"chunks of too little", okHead + "Transfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n0\r\n\r\n", "a body of 4 bytes, want 5"},
		{"a coding", okHead + "Transfer-Encoding: gzip\r\n\r\n", `transfer-encoding "gzip", want chunked`},
		{"no size", okHead + "Transfer-Encoding: chunked\r\n\r\n\r\n", `octet '\r' in the size of a chunk`},
		{"a size that is none", okHead + "Transfer-Encoding: chunked\r\n\r\n5;a=b\r\n", `octet ';' in the size of a chunk`},
		{"a chunk that is longer", okHead + "Transfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n", `octet 'o' between chunks, want '\r'`},
		{"a size too large", okHead + "Transfer-Encoding: chunked\r\n\r\n10000000\r\n", `octet '0' in the size of a chunk`},
		{"no end of the head", okHead + strings.Repeat("a", maxHead), errHead.Error()},
	} {
		var r response
		r.begin()
		if done, err := r.feed([]byte(c.in), 5); done || err == nil || err.Error() != c.want {
			t.Errorf("%s: got done %v, %v, want false, %s", c.name, done, err, c.want)
		}
	}
}
