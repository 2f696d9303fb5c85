package proxytest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func itoa(n int) string { return strconv.Itoa(n) }

// client is one connection to the balancer.
type client struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
	seen *bytes.Buffer // what came
}

// response is a response as it came.
type response struct {
	head    string // up to the blank line
	status  int
	header  http.Header
	body    string
	err     error // of the body
	trailer http.Header
}

func dial(t *testing.T, address string) *client {
	t.Helper()
	conn, err := net.DialTimeout("tcp4", address, patience)
	if err != nil {
		t.Fatal(err)
	}
	return clientOn(t, conn)
}

func clientOn(t *testing.T, conn net.Conn) *client {
	t.Helper()
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	seen := new(bytes.Buffer)
	return &client{t: t, conn: conn, r: bufio.NewReader(io.TeeReader(conn, seen)), seen: seen}
}

// send writes raw bytes.
func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, s); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// push writes raw bytes while the test reads what comes back, which shows whether they arrived.
func (c *client) push(s string) {
	go func() { _, _ = io.WriteString(c.conn, s) }()
}

// receive reads a response to a request of that method.
func (c *client) receive(method string) response {
	c.t.Helper()
	r, err := c.tryReceive(method)
	if err != nil {
		c.t.Fatalf("no response: %v; got %q", err, c.seen)
	}
	return r
}

func (c *client) tryReceive(method string) (response, error) {
	head, resp, err := c.receiveHead(method)
	if err != nil {
		return response{}, err
	}
	body, err := io.ReadAll(resp.Body)
	return response{
		head: head, status: resp.StatusCode, header: resp.Header, body: string(body), err: err, trailer: resp.Trailer,
	}, nil
}

// receiveHead reads a response head; the body is left to read.
func (c *client) receiveHead(method string) (string, *http.Response, error) {
	c.seen.Next(c.seen.Len() - c.r.Buffered())
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		return "", nil, err
	}
	head, _, _ := strings.Cut(c.seen.String(), "\r\n\r\n")
	return head, resp, nil
}

// closed waits until the balancer has closed the connection, cleanly or not, without sending anything.
func (c *client) closed() {
	c.t.Helper()
	b, err := c.r.ReadByte()
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("the connection is open: got %q, %v", b, err)
	}
}

// silent makes sure that the connection is open and nothing comes for a moment.
func (c *client) silent() {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(moment))
	b, err := c.r.Peek(1)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("the connection is not silent: got %q, %v", b, err)
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
}

// ask sends one request on a connection of its own.
func ask(t *testing.T, address, request string) response {
	t.Helper()
	c := dial(t, address)
	defer c.conn.Close()
	c.send(request)
	method, _, _ := strings.Cut(request, " ")
	return c.receive(method)
}

// get asks for a path.
func get(t *testing.T, address, path string) response {
	t.Helper()
	return ask(t, address, "GET "+path+" HTTP/1.1\r\nHost: example.com\r\n\r\n")
}

// wantBody checks a good response.
func wantBody(t *testing.T, r response, body string) {
	t.Helper()
	if r.status != 200 || r.body != body || r.err != nil {
		t.Fatalf("got %d %q, %v, want 200 %q", r.status, r.body, r.err, body)
	}
}

// connection returns the Connection field, which net/http takes out of the parsed header.
func connection(r response) string { return strings.Join(fields(r.head, "Connection"), ", ") }

// wantStatus checks a status.
func wantStatus(t *testing.T, r response, status int) {
	t.Helper()
	if r.status != status {
		t.Fatalf("got %d %q, want %d", r.status, r.body, status)
	}
}
