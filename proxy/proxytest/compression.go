package proxytest

import (
	"bufio"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/compress"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// compressed is a site that compresses text.
func compressed(servers ...*server) proxy.Config {
	c := site(servers...)
	c.Frontends[0].Compression = &compress.Config{Codings: []compress.Coding{compress.Zstd, compress.Gzip}, Types: []string{"text/*"}, MinSize: 20}
	return c
}

// decoder reads a body in its coding.
func decoder(t *testing.T, coding string, from io.Reader) io.Reader {
	t.Helper()
	var r io.Reader
	var err error
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(from)
	case "zstd":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(from, zstd.WithDecoderConcurrency(1)); err == nil {
			t.Cleanup(z.Close)
		}
		r = z
	default:
		r = from
	}
	if err != nil {
		t.Fatalf("%s: %v", coding, err)
	}
	return r
}

// decoded is a response's body as it was before it was compressed.
func decoded(t *testing.T, r response) string {
	t.Helper()
	b, err := io.ReadAll(decoder(t, r.header.Get("Content-Encoding"), strings.NewReader(r.body)))
	if err != nil || r.err != nil {
		t.Fatalf("%s: got %d octets, %v, %v", r.header.Get("Content-Encoding"), len(b), err, r.err)
	}
	return string(b)
}

// prose is text of a length that is worth compressing, and not the same everywhere.
func prose(octets int) string {
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for b.Len() < octets {
		b.WriteString(words[random.IntN(len(words))])
	}
	return b.String()[:octets]
}

var words = [...]string{"a server ", "answers ", "the client ", "with ", "a page ", "and ", "another one ", "of text, ", "which ", "goes on. ", "1", "2", "3"}

// compresses is about whether a response is compressed, and what its head says then.
func compresses(t *testing.T, start Start) {
	page := prose(4000)
	app := serve(t, "app1", func(c *call) {
		head := "Content-Type: text/html\r\nETag: \"1\"\r\nAccept-Ranges: bytes\r\n"
		switch c.req.URL.Path {
		case "/picture":
			head = "Content-Type: image/png\r\n"
		case "/encoded":
			head += "Content-Encoding: br\r\n"
		case "/short":
			c.write("HTTP/1.1 200 OK\r\n" + head + "Content-Length: 5\r\n\r\nshort")
			return
		case "/chunked":
			c.write("HTTP/1.1 200 OK\r\n" + head + "Transfer-Encoding: chunked\r\n\r\n" + hexLen(page) + "\r\n" + page + "\r\n0\r\nX-Trailer: end\r\n\r\n")
			return
		case "/close":
			c.write("HTTP/1.1 200 OK\r\n" + head + "\r\n" + page)
			_ = c.conn.Close()
			return
		case "/304":
			c.write("HTTP/1.1 304 Not Modified\r\n" + head + "\r\n")
			return
		}
		c.write("HTTP/1.1 200 OK\r\n" + head + "Content-Length: " + itoa(len(page)) + "\r\n\r\n")
		if c.req.Method != "HEAD" {
			c.write(page)
		}
	})
	c := compressed(app)
	c.Frontends[0].Rules = []rule.Rule{
		{Match: rule.Match{Path: "/asis"}, Backend: "app", AsItIs: true},
		{Match: rule.Match{Path: "/own"}, Respond: &rule.Respond{Status: 200, ContentType: "text/html", Body: page}},
	}
	client := dial(t, web(t, start(t, c))) // all on one connection: each response ends where it should
	for _, tt := range []struct {
		method, path, accept string
		coding, vary, etag   string
		length               bool
	}{
		{"GET", "/", "gzip", "gzip", "Accept-Encoding", `W/"1"`, false},
		{"GET", "/", "gzip, zstd", "zstd", "Accept-Encoding", `W/"1"`, false},
		{"GET", "/", "", "", "Accept-Encoding", `"1"`, true},
		{"GET", "/", "br", "", "Accept-Encoding", `"1"`, true},
		{"GET", "/chunked", "gzip", "gzip", "Accept-Encoding", `W/"1"`, false},
		{"HEAD", "/", "gzip", "", "", `"1"`, true},
		{"GET", "/304", "gzip", "", "", `"1"`, false},
		{"GET", "/picture", "gzip", "", "", "", true},
		{"GET", "/encoded", "gzip", "br", "", `"1"`, true},
		{"GET", "/short", "gzip", "", "", `"1"`, true},
		{"GET", "/asis", "gzip", "", "", `"1"`, true},
		{"GET", "/own", "gzip", "", "", "", true},
		{"GET", "/close", "gzip", "gzip", "Accept-Encoding", `W/"1"`, false},
	} {
		name := tt.method + " " + tt.path + " for " + tt.accept
		client.send(tt.method + " " + tt.path + " HTTP/1.1\r\nHost: a\r\nAccept-Encoding: " + tt.accept + "\r\n\r\n")
		r := client.receive(tt.method)
		h := r.header
		if h.Get("Content-Encoding") != tt.coding || strings.Join(h["Vary"], "|") != tt.vary || h.Get("ETag") != tt.etag || (h.Get("Content-Length") != "") != tt.length {
			t.Errorf("%s: got %q", name, r.head)
		}
		if kept := h.Get("Accept-Ranges") != ""; kept != (tt.etag == `"1"`) {
			t.Errorf("%s: Accept-Ranges is there: %t", name, kept)
		}
		if got := decoded(t, r); tt.coding != "br" && len(r.body) > 5 && got != page || tt.method == "HEAD" && got != "" {
			t.Errorf("%s: got %d octets that are not the page", name, len(got))
		}
		if tt.path == "/chunked" && r.trailer.Get("X-Trailer") != "end" {
			t.Errorf("%s: got the trailers %v", name, r.trailer)
		}
	}
}

// compressesOld leaves responses to HTTP/1.0, which has no chunks, as they are, so that a client can keep its connection.
func compressesOld(t *testing.T, start Start) {
	page := prose(100_000)
	c := dial(t, web(t, start(t, compressed(serve(t, "app1", says(page))))))
	for range 2 {
		c.send("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nAccept-Encoding: gzip\r\n\r\n")
		r := c.receive("GET")
		if wantBody(t, r, page); connection(r) != "keep-alive" || r.header.Get("Content-Encoding") != "" || r.header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("got %q", r.head)
		}
	}
	c.send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
	if r := c.receive("GET"); decoded(t, r) != page || r.header.Get("Content-Encoding") != "gzip" {
		t.Errorf("got %q with %d octets", r.head, len(r.body))
	}
}

// compressesStreams holds nothing back: each event comes before the server sends the next one.
func compressesStreams(t *testing.T, start Start) {
	for _, coding := range []string{"gzip", "zstd"} {
		t.Run(coding, func(t *testing.T) {
			t.Parallel()
			next := make(chan struct{}) // from the test: it has what was sent
			large := "data: " + prose(40_000) + "\n"
			app := serve(t, "app1", func(c *call) {
				c.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
				await(next)
				for _, event := range []string{"data: first\n\n", large + "\n"} {
					c.write(hexLen(event) + "\r\n" + event + "\r\n")
					await(next)
				}
				c.write("0\r\n\r\n")
			})
			c := dial(t, web(t, start(t, compressed(app))))
			c.send("GET /events HTTP/1.1\r\nHost: a\r\nAccept-Encoding: " + coding + "\r\n\r\n")
			_, resp, err := c.receiveHead("GET")
			if err != nil {
				t.Fatal(err)
			}
			next <- struct{}{}
			body := bufio.NewReader(decoder(t, coding, resp.Body))
			wantEvents(t, body, next, "data: first\n", "\n", large, "\n")
		})
	}
}

// compressesMuch goes no faster than the client takes it, and loses nothing.
func compressesMuch(t *testing.T, start Start) {
	page := prose(2 << 20)
	app := serve(t, "app1", func(c *call) {
		c.write("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + itoa(len(page)) + "\r\n\r\n" + page)
	})
	b := start(t, compressed(app))
	c := dial(t, web(t, b))
	c.send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
	_, resp, err := c.receiveHead("GET")
	if err != nil {
		t.Fatal(err)
	}
	body := decoder(t, "gzip", resp.Body)
	got := make([]byte, 0, len(page))
	for p := make([]byte, 256<<10); ; {
		n, err := io.ReadFull(body, p)
		if got = append(got, p[:n]...); err != nil {
			break
		}
		time.Sleep(moment / 50) // the client is slow
	}
	if string(got) != page {
		t.Errorf("got %d octets, want the %d that were sent", len(got), len(page))
	}
	eventually(t, "it is counted", func() bool {
		f := b.Snapshot().Frontends[0]
		return f.Responses[1] == 1 && f.BytesOut < int64(len(page)) && f.Faults == 0
	})
}

// compressesNothingMore ends with what ends the response.
func compressesNothingMore(t *testing.T, start Start) {
	app := serve(t, "app1", func(c *call) {
		c.write("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100000000\r\n\r\n" + prose(100_000))
		if c.req.URL.Path == "/leaves" {
			hangs(c)
			return
		}
		_ = c.conn.Close()
	})
	b := start(t, compressed(app))
	const head = " HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n"
	if r := ask(t, web(t, b), "GET /breaks"+head); r.status != 200 || r.err == nil {
		t.Errorf("a server that breaks off: got %d, %v, want 200 and no clean end", r.status, r.err)
	}
	c := dial(t, web(t, b))
	c.send("GET /leaves" + head)
	if _, _, err := c.receiveHead("GET"); err != nil {
		t.Fatal(err)
	}
	_ = c.conn.Close()
	eventually(t, "both are over", func() bool {
		f, s := b.Snapshot().Frontends[0], b.Snapshot().Backends[0].Servers[0]
		return f.Faults == 2 && f.Internal == 0 && f.Connections == 0 && s.InFlight == 0
	})
}

// h2Compresses is about clients of HTTP/2, many requests at once.
func h2Compresses(t *testing.T, s *http2Site) {
	pages := map[string]string{"/a": prose(300), "/b": prose(70_000), "/c": prose(300_000)}
	app := serve(t, "app1", func(c *call) { says(pages[c.req.URL.Path])(c) })
	client := s.client(t, web(t, s.serve(t, compressed(app))))
	type result struct {
		path string
		response
	}
	done := make(chan result, 24)
	for i := range cap(done) {
		path := "/" + string("abc"[i%3])
		go func() {
			r, err := s.try(t, client, "GET", path, nil, http.Header{"Accept-Encoding": {[]string{"gzip", "zstd"}[i%2]}})
			if err != nil {
				r.err = err
			}
			done <- result{path, r}
		}()
	}
	for range cap(done) {
		r := <-done
		if r.err != nil || r.header.Get("Content-Encoding") == "" || r.header.Get("Vary") != "Accept-Encoding" || r.header.Get("Content-Length") != "" {
			t.Errorf("%s: got %v, %v", r.path, r.header, r.err)
		} else if decoded(t, r.response) != pages[r.path] {
			t.Errorf("%s: got another body", r.path)
		}
	}
}

// up2Compresses is about servers of HTTP/2.
func up2Compresses(t *testing.T, s *upsite) {
	page := prose(200_000)
	app := s.serve(t, "app1", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Trailer", "X-Trailer")
		_, _ = io.WriteString(w, page) // the client tells
		w.Header().Set("X-Trailer", "end")
	})
	c := s.site(app)
	c.Frontends[0].Compression = compressed().Frontends[0].Compression
	for name, client := range s.askers(t, web(t, s.start(t, c))) {
		r := client.do("GET", "/", nil, http.Header{"Accept-Encoding": {"zstd"}})
		if decoded(t, r) != page || r.header.Get("Content-Encoding") != "zstd" || !slices.Equal(r.trailer["X-Trailer"], []string{"end"}) {
			t.Errorf("%s: got %v with %d octets and the trailers %v", name, r.header, len(r.body), r.trailer)
		}
	}
}
