package http1

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// unchunk takes a body apart that arrives in pieces of at most size octets, and returns its data and how many octets came
// before the trailers.
func unchunk(text string, size int) (data string, n int, err error) {
	var c Chunked
	var out bytes.Buffer
	for n < len(text) && !c.Ended() {
		piece := []byte(text[n:min(n+size, len(text))])
		for len(piece) > 0 && !c.Ended() {
			d, used, err := c.Next(piece)
			out.Write(d)
			n += used
			if err != nil {
				return out.String(), n, err
			}
			piece = piece[used:]
		}
	}
	return out.String(), n, nil
}

func TestChunked(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "0\r\n", ""},
		{"two chunks", "5\r\nhello\r\n6\r\n world\r\n0\r\n", "hello world"},
		{"upper and lower digits", "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n", "01234567890123456789"},
		{"leading zeros", "0005\r\nhello\r\n000\r\n", "hello"},
		{"extensions", "5;a=b;c=\"d;e\"\r\nhello\r\n0;last\r\n", "hello"},
		{"white space before an extension", "5 \t;a\r\nhello\r\n0\r\n", "hello"},
		{"data that looks like an end", "5\r\n\r\n0\r\n\r\n0\r\n", "\r\n0\r\n"},
	} {
		for size := 1; size <= len(tt.text); size++ {
			if data, n, err := unchunk(tt.text+"X: trailer\r\n", size); data != tt.want || n != len(tt.text) || err != nil {
				t.Errorf("%s in pieces of %d: got %q, %d, %v, want %q, %d", tt.name, size, data, n, err, tt.want, len(tt.text))
			}
		}
	}
}

func TestChunkedRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		why        Reason
	}{
		{"no size", "\r\n", BadChunk},
		{"sign", "+5\r\nhello\r\n", BadChunk},
		{"below 0", "-5\r\nhello\r\n", BadChunk},
		{"0x", "0x5\r\nhello\r\n", BadChunk},
		{"underscore", "1_0\r\n", BadChunk},
		{"no digit", "g\r\n", BadChunk},
		{"space first", " 5\r\nhello\r\n", BadChunk},
		{"space last", "5 \r\nhello\r\n", BadChunk},
		{"junk", "5junk\r\nhello\r\n", BadChunk},
		{"16 digits", "0000000000000005\r\nhello\r\n", BadChunk},
		{"overflow", "10000000000000005\r\nhello\r\n", BadChunk},
		{"LF after the size", "5\nhello\r\n", BadChunk},
		{"CR alone after the size", "5\rhello\r\n", BadChunk},
		{"NUL in an extension", "5;a\x00\r\nhello\r\n", ChunkExtension},
		{"LF in an extension", "5;a\nhello\r\n", ChunkExtension},
		{"CR alone in an extension", "5;a\rb\r\nhello\r\n", BadChunk},
		{"long extension", "5;" + strings.Repeat("a", 300) + "\r\nhello\r\n", ChunkExtension},
		{"much white space", "5" + strings.Repeat(" ", 300) + ";\r\nhello\r\n", ChunkExtension},
		{"more data than the size", "5\r\nhello!\r\n", BadChunkEnd},
		{"less data than the size", "6\r\nhello\r\n0\r\n", BadChunkEnd},
		{"LF after the data", "5\r\nhello\n0\r\n", BadChunkEnd},
		{"CR CR after the data", "5\r\nhello\r\r\n", BadChunkEnd},
		{"empty line between chunks", "5\r\nhello\r\n\r\n0\r\n", BadChunk},
	} {
		for _, size := range []int{1, 3, len(tt.text)} {
			if _, _, err := unchunk(tt.text, size); !errors.Is(err, tt.why) {
				t.Errorf("%s in pieces of %d: got %v, want %v", tt.name, size, err, tt.why)
			}
		}
	}
}

func TestTrailers(t *testing.T) {
	t.Parallel()
	lim := DefaultLimits()
	for _, tt := range []struct {
		name, text, want string
		why              Reason
	}{
		{name: "none", text: "\r\n"},
		{name: "two", text: crlf("grpc-status: 0", "Grpc-Message: "), want: "grpc-status: 0\r\nGrpc-Message: \r\n"},
		{name: "Content-Length", text: crlf("X: a", "Content-Length: 5"), why: ForbiddenTrailer},
		{name: "Transfer-Encoding", text: crlf("transfer-encoding: chunked"), why: ForbiddenTrailer},
		{name: "Host", text: crlf("Host: a"), why: ForbiddenTrailer},
		{name: "Authorization", text: crlf("Authorization: Basic x"), why: ForbiddenTrailer},
		{name: "Connection", text: crlf("Connection: close"), why: ForbiddenTrailer},
		{name: "Trailer", text: crlf("Trailer: X"), why: ForbiddenTrailer},
		{name: "Set-Cookie", text: crlf("Set-Cookie: a=b"), why: ForbiddenTrailer},
		{name: "X-Forwarded-For", text: crlf("X-Forwarded-For: 10.0.0.1"), why: ForbiddenTrailer},
		{name: "no colon", text: crlf("X"), why: BadName},
		{name: "bare LF", text: "X: a\n\r\n", why: BareLF},
		{name: "a request", text: "GET / HTTP/1.1\r\n", why: BadName},
	} {
		var tr Trailers
		n, why := 0, error(nil)
		for at := 1; at <= len(tt.text) && n == 0 && why == nil; at++ {
			n, why = tr.Parse([]byte(tt.text[:at]), &lim)
		}
		switch {
		case tt.why != 0:
			if !errors.Is(why, tt.why) {
				t.Errorf("%s: got %v, want %v", tt.name, why, tt.why)
			}
		case n != len(tt.text) || why != nil:
			t.Errorf("%s: got %d, %v, want %d", tt.name, n, why, len(tt.text))
		default:
			if got := string(AppendFields(nil, []byte(tt.text), tr.Fields, nil)); got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
			}
		}
	}
}
