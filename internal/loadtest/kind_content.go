package loadtest

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/klauspost/compress/zstd"
)

// What a Report notes of responses that the balancer has changed.
const (
	NoteGzip   = "gzip" // and the next is the name of a content coding, too
	NoteZstd   = "zstd"
	NoteCookie = "cookie of the balancer's"
)

// compressed has responses that the balancer may compress, which the client would like.
func compressed(w *worker) {
	w.several(4, func(c *conn) {
		s := w.exchange()
		s.Up, s.Text, s.Trailer = -1, true, s.Frame == byChunks && w.chance(20)
		coding := NoteGzip
		if w.chance(50) {
			coding = NoteZstd
		}
		c.ask(s, options{fields: "Accept-Encoding: " + coding + "\r\nTE: trailers\r\n"})
	})
}

// plain is the body of a response without its coding.
func (c *conn) plain(resp *http.Response) (content io.Reader, err error) {
	coding := resp.Header.Get("Content-Encoding")
	switch coding {
	case "":
		return resp.Body, nil
	case NoteGzip:
		content, err = gzip.NewReader(resp.Body)
	case NoteZstd:
		content, err = zstd.NewReader(resp.Body, zstd.WithDecoderConcurrency(1))
	default:
		err = errors.New("nobody has asked for it")
	}
	if err != nil {
		return nil, lost{fmt.Errorf("a response in %s: %w", coding, err)}
	}
	c.w.Report.note(coding)
	return content, nil
}

// sticky sends back the cookie that the balancer sets.
func sticky(w *worker) {
	w.several(6, func(c *conn) {
		fields := "Cookie: session=0123456789abcdef\r\n"
		if c.jar != "" {
			fields = "Cookie: session=0123456789abcdef; " + c.jar + "\r\n"
		}
		c.ask(w.exchange(), options{fields: fields})
	})
}

// cookie is what a response sets, as it is sent back; empty: nothing.
func cookie(resp *http.Response) string {
	for _, c := range resp.Cookies() {
		if c.MaxAge >= 0 && c.Value != "" {
			return c.Name + "=" + c.Value
		}
	}
	return ""
}
