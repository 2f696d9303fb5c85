package proxytest

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// noise returns n bytes that no two places share.
func noise(n int) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b) // never fails
	return string(b)
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func bodies(t *testing.T, start Start) {
	// It answers with the digest of what it got in a field, and sends it back.
	app := serve(t, "app1", func(c *call) {
		b := c.body()
		c.write("HTTP/1.1 200 OK\r\nContent-Length: " + itoa(len(b)) + "\r\nX-Digest: " + digest(b) + "\r\n\r\n" + b)
	})
	at := web(t, start(t, site(app)))
	for _, size := range []int{0, 1, 4095, 4096, 32 << 10, 32<<10 + 1, 1 << 20, 8<<20 + 7} {
		c, sent := dial(t, at), noise(size)
		done := make(chan response)
		go func() { // a response must not wait for the writer
			r, err := c.tryReceive("POST")
			if err != nil {
				r.err = err
			}
			done <- r
		}()
		c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + itoa(size) + "\r\n\r\n" + sent)
		r := <-done
		if r.status != 200 || r.err != nil || r.header.Get("X-Digest") != digest(sent) || digest(r.body) != digest(sent) {
			t.Errorf("%d bytes: got %d, %v, %d bytes back", size, r.status, r.err, len(r.body))
		}
	}
}

func chunked(t *testing.T, start Start) {
	got := make(chan http.Header, 1) // from the server, once
	app := serve(t, "app1", func(c *call) {
		b := c.body()
		got <- c.req.Trailer
		c.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
		for _, part := range []string{b[:1], b[1:]} {
			c.write(hexLen(part) + "\r\n" + part + "\r\n")
		}
		c.write("0\r\nX-Sum: " + digest(b) + "\r\n\r\n")
	})
	at := web(t, start(t, site(app)))
	c, sent := dial(t, at), noise(100_000)
	c.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Client\r\n\r\n")
	for part := range slices.Chunk([]byte(sent), 10_000) {
		c.send(hexLen(string(part)) + "\r\n" + string(part) + "\r\n")
	}
	c.send("0\r\nX-Client: end\r\n\r\n")
	r := c.receive("POST")
	if r.status != 200 || r.err != nil || digest(r.body) != digest(sent) {
		t.Errorf("got %d, %v, %d bytes", r.status, r.err, len(r.body))
	}
	if r.trailer.Get("X-Sum") != digest(sent) {
		t.Errorf("got the trailers %v, want the server's X-Sum", r.trailer)
	}
	if trailer := <-got; trailer.Get("X-Client") != "end" {
		t.Errorf("the server got the trailers %v, want the client's X-Client", trailer)
	}
}

func hexLen(s string) string {
	const digits = "0123456789abcdef"
	out := ""
	for n := len(s); n > 0 || out == ""; n /= 16 {
		out = digits[n%16:n%16+1] + out
	}
	return out
}

func uploadStreams(t *testing.T, start Start) {
	first := make(chan string) // from the server: what came before the client went on
	app := serve(t, "app1", func(c *call) {
		b := make([]byte, 5)
		_, _ = io.ReadFull(c.req.Body, b) // a short read shows in first
		first <- string(b)
		says(c.body())(c)
	})
	c := dial(t, web(t, start(t, site(app))))
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nearly")
	if got := <-first; got != "early" {
		t.Fatalf("the server got %q first", got)
	}
	c.send("later")
	wantBody(t, c.receive("POST"), "later")
}

func downloadStreams(t *testing.T, start Start) {
	for name, head := range map[string]string{
		"chunked":     "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n",
		"until close": "Content-Type: text/event-stream\r\nConnection: close\r\n",
		"with length": "Content-Length: 26\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next := make(chan struct{}) // from the test: it has what was sent
			app := serve(t, "app1", func(c *call) {
				frame := func(s string) string { return s }
				if name == "chunked" {
					frame = func(s string) string { return hexLen(s) + "\r\n" + s + "\r\n" }
				}
				c.write("HTTP/1.1 200 OK\r\n" + head + "\r\n")
				if name != "with length" { // where a body may never come the head must not wait for it
					await(next)
				}
				for _, event := range []string{"data: first\n\n", "data: other\n\n"} {
					c.write(frame(event))
					await(next)
				}
				if name == "chunked" {
					c.write("0\r\n\r\n")
				}
				_ = c.conn.Close()
			})
			c := dial(t, web(t, start(t, site(app))))
			c.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
			_, resp, err := c.receiveHead("GET")
			if err != nil {
				t.Fatal(err)
			}
			if name != "with length" {
				next <- struct{}{}
			}
			body := bufio.NewReader(resp.Body)
			wantEvents(t, body, next, "data: first\n", "\n", "data: other\n", "\n")
		})
	}
}

// wantEvents reads lines as they come, up to the end, and has the server go on after each that is empty.
func wantEvents(t *testing.T, body *bufio.Reader, next chan<- struct{}, lines ...string) {
	t.Helper()
	for _, want := range lines {
		line, err := body.ReadString('\n')
		if line != want || err != nil {
			t.Fatalf("got %q, %v, want %q", line, err, want)
		}
		if line == "\n" {
			next <- struct{}{}
		}
	}
	if rest, err := io.ReadAll(body); len(rest) != 0 || err != nil {
		t.Fatalf("after the end: got %q, %v", rest, err)
	}
}

// earlyResponse: the server answers, and closes, before it has the whole request.
func earlyResponse(t *testing.T, start Start) {
	app := serve(t, "app1", func(c *call) {
		c.write("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
		hangs(c)
	})
	at := web(t, start(t, site(app)))
	for _, length := range []int{2000, 1_000_000} {
		c := dial(t, at)
		c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + itoa(length) + "\r\n\r\n" + strings.Repeat("x", 1000))
		r := c.receive("POST")
		if r.status != 413 || r.body != "big" || r.err != nil || connection(r) != "close" {
			t.Errorf("got %q %q, %v, want the 413 and Connection: close", r.head, r.body, r.err)
		}
		_ = c.conn.Close()
	}
}

func bodiless(t *testing.T, start Start) {
	app := serve(t, "app1", func(c *call) {
		switch c.req.URL.Path {
		case "/204":
			c.write("HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n")
		case "/304":
			c.write("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n")
		default:
			c.write("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nContent-Type: text/css\r\n\r\n")
		}
	})
	c := dial(t, web(t, start(t, site(app)))) // one connection: a body too much would break what follows
	for _, tt := range []struct {
		method, path string
		status       int
		length       []string
	}{
		{"HEAD", "/", 200, []string{"1234"}}, {"GET", "/204", 204, nil}, {"GET", "/304", 304, nil}, {"HEAD", "/", 200, []string{"1234"}},
	} {
		c.send(tt.method + " " + tt.path + " HTTP/1.1\r\nHost: a\r\n\r\n")
		r := c.receive(tt.method)
		if r.status != tt.status || r.body != "" || r.err != nil || !slices.Equal(fields(r.head, "Content-Length"), tt.length) {
			t.Errorf("%s %s: got %q %q, %v", tt.method, tt.path, r.head, r.body, r.err)
		}
	}
	c.silent()
}

func expectContinue(t *testing.T, start Start) {
	app := serve(t, "app1", func(c *call) {
		if c.req.URL.Path == "/no" {
			c.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
			_ = c.conn.Close()
			return
		}
		c.write("HTTP/1.1 100 Continue\r\n\r\n")
		says(c.body())(c)
	})
	at := web(t, start(t, site(app)))
	c := dial(t, at)
	c.send("POST /yes HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
	if r := c.receive("POST"); r.status != 100 {
		t.Fatalf("got %q, want 100", r.head)
	}
	c.send("body")
	for { // more than one 100 is allowed (RFC 9110 section 15.2)
		if r := c.receive("POST"); r.status != 100 {
			wantBody(t, r, "body")
			break
		}
	}
	c = dial(t, at)
	c.send("POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
	wantStatus(t, c.receive("POST"), 403)
}

func keepAlive(t *testing.T, start Start) {
	app := serve(t, "app1", says("ok"))
	c := site(app)
	c.Frontends[0].Timeouts.KeepAlive = 10 * moment
	b := start(t, c)
	client := dial(t, web(t, b))
	for range 5 {
		client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		wantBody(t, client.receive("GET"), "ok")
	}
	client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n") // pipelined
	wantBody(t, client.receive("GET"), "ok")
	wantBody(t, client.receive("GET"), "ok")
	if n := b.Snapshot().Frontends[0].Accepted; n != 1 {
		t.Errorf("got %d connections, want 1", n)
	}
	client.closed() // after its idle time
	r := ask(t, web(t, b), "GET / HTTP/1.0\r\n\r\n")
	wantBody(t, r, "ok")
	c2 := dial(t, web(t, b))
	c2.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	wantBody(t, c2.receive("GET"), "ok")
	c2.closed()
}

// refusedBody: of a request that is refused in the midst of its body nothing gets into anybody else's.
func refusedBody(t *testing.T, start Start) {
	app := serve(t, "app1", func(c *call) { says(c.req.Method + " " + c.body())(c) })
	at := web(t, start(t, site(app)))
	keeper := dial(t, at)
	for range 3 {
		r := ask(t, at, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\nno chunk\r\n")
		wantStatus(t, r, 400)
		keeper.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		wantBody(t, keeper.receive("GET"), "GET ")
		wantBody(t, get(t, at, "/"), "GET ")
	}
}
