package beside

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"
)

// again is what is asked to see whether a connection still serves.
const again = "/again"

// talk is what a client does, and what it sees.
type talk struct {
	s      *stage
	p      players
	conn   net.Conn
	r      *bufio.Reader
	all    []net.Conn
	seen   []sight
	last   *message // the response that came last
	source string   // where connections come from; empty: wherever
	old    bool     // what was sent last is of HTTP/1.0
}

// sight is a response, or a remark.
type sight struct {
	*message
	remark string
}

// note puts a remark among what is seen.
func (t *talk) note(format string, a ...any) {
	t.seen = append(t.seen, sight{remark: fmt.Sprintf(format, a...)})
}

// get is a request without a body.
func get(target string, fields ...string) string {
	return crlf(append(append([]string{"GET " + target + " HTTP/1.1", "Host: a.test"}, fields...), "", "")...)
}

// dial opens a connection, which is what all else speaks on from then on.
func (t *talk) dial() {
	d := net.Dialer{Timeout: patience}
	if t.source != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(t.source)}
	}
	conn, err := d.Dial("tcp4", t.s.address)
	switch {
	case errors.Is(err, syscall.ECONNRESET): // it may have been quicker than the dialer
		conn = torn{}
	case err != nil:
		t.note("dial: %v", err)
		conn, _ = net.Pipe()
		_ = conn.Close()
	}
	t.use(conn)
}

// torn is a connection that has been reset.
type torn struct{ net.Conn }

func (torn) Read([]byte) (int, error)    { return 0, syscall.ECONNRESET }
func (torn) Write([]byte) (int, error)   { return 0, syscall.ECONNRESET }
func (torn) SetDeadline(time.Time) error { return nil }
func (torn) Close() error                { return nil }

func (t *talk) use(conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(patience))
	t.conn, t.r, t.last = conn, bufio.NewReader(conn), nil
	t.all = append(t.all, conn)
}

// secure begins TLS on the connection, and notes what is agreed on.
func (t *talk) secure(c *tls.Config) bool {
	c.InsecureSkipVerify = true //nolint:gosec // the certificate is nothing of the matter
	conn := tls.Client(t.conn, c)
	if err := conn.Handshake(); err != nil {
		t.note("no TLS")
		return false
	}
	t.note("TLS, protocol %q", conn.ConnectionState().NegotiatedProtocol)
	t.use(conn)
	return true
}

// http2 asks by HTTP/2, and notes the response.
func (t *talk) http2(method, path, body string, fields ...string) {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+t.s.address+path, strings.NewReader(body))
	if err != nil {
		t.note("%v", err)
		return
	}
	req.Host = "a.test"
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Add(name, value)
	}
	req.Header.Set("User-Agent", "exam")
	req.Header.Set("Accept-Encoding", "identity") // or it asks for gzip
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.note("no response")
		return
	}
	m := message{line: resp.Proto + " " + resp.Status[:3]}
	b, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if m.body = string(b); err != nil {
		m.broken = "broken off"
	}
	m.fields, m.trailers = listed(resp.Header), listed(resp.Trailer)
	t.seen = append(t.seen, sight{message: &m})
}

// listed are the fields of a header.
func listed(h http.Header) (all []field) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			all = append(all, field{name, value})
		}
	}
	return all
}

// pause is time for octets to arrive where they must not, or to be read where nobody tells of it.
func (t *talk) pause() { time.Sleep(50 * time.Millisecond) }

// asked notes whether a server has been asked.
func (t *talk) asked(name string) {
	s := t.p[name]
	t.note("%s has been asked: %t", name, s != nil && s.wasAsked())
}

// send writes.
func (t *talk) send(text string) {
	if t.conn == nil {
		t.dial()
	}
	t.old = strings.Contains(text, " HTTP/1.0\r\n")
	_, _ = io.WriteString(t.conn, text) // that it failed shows in what comes
}

// half says that nothing more will come.
func (t *talk) half() {
	if c, ok := t.conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite() // that it failed shows in what comes
	}
}

// reads reads a response to a method, and those before it.
func (t *talk) reads(method string) *message {
	for {
		m := readMessage(t.r, method)
		m.old = t.old
		t.last = &m
		t.seen = append(t.seen, sight{message: &m})
		if m.broken != "" || !strings.HasPrefix(m.word(1), "1") || m.word(1) == "101" {
			return &m
		}
	}
}

// asks sends a request and reads the response.
func (t *talk) asks(request string) *message {
	t.send(request)
	method, _, _ := strings.Cut(request, " ")
	return t.reads(method)
}

// until asks over connections of its own until the status of the answer is this one.
func (t *talk) until(request, status string) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp4", t.s.address)
		if err != nil {
			break
		}
		_ = conn.SetDeadline(end)
		_, _ = io.WriteString(conn, request) // that it failed shows in what comes
		m := readMessage(bufio.NewReader(conn), "GET")
		_ = conn.Close()
		if m.word(1) == status {
			return
		}
	}
	t.note("no %s comes", status)
}

// rest reads what comes until the end.
func (t *talk) rest() string {
	b, err := io.ReadAll(t.r)
	how := "closed"
	if err != nil {
		how = ending(err)
	}
	t.note("%s after %q", how, b)
	return string(b)
}

// octets reads so many.
func (t *talk) octets(n int) {
	b := make([]byte, n)
	n, err := io.ReadFull(t.r, b)
	if err != nil {
		t.note("%s after %q", ending(err), b[:n])
		return
	}
	t.note("%q", b)
}

// look sees whether the connection goes on.
func (t *talk) look() {
	if t.last == nil || t.last.broken != "" {
		return
	}
	if t.last.has("Connection", "close") || (t.old || strings.HasPrefix(t.last.line, "HTTP/1.0")) && !t.last.has("Connection", "keep-alive") {
		b, err := io.ReadAll(t.r)
		switch {
		case err != nil:
			t.note("%s", map[string]string{"silent": "open, though it said otherwise", "reset": "reset"}[ending(err)])
		case len(b) > 0:
			t.note("closed after %q", b)
		default:
			t.note("closed")
		}
		return
	}
	t.send(get(again))
	if m := readMessage(t.r, "GET"); m.broken == "" {
		t.note("open")
	} else {
		t.note("%s without a word", m.broken)
	}
}

// awaits waits until a server has been asked once more.
func (t *talk) awaits(server string) {
	s := t.p[server]
	if s == nil {
		t.note("no server %s", server)
		return
	}
	select {
	case <-s.asked:
	case <-time.After(patience):
		t.note("%s was not asked", server)
	}
}

// have has the client do what the exam says.
func (t *talk) have() {
	defer func() {
		for _, c := range t.all {
			_ = c.Close()
		}
	}()
	if t.s.do != nil {
		t.s.do(t)
		return
	}
	for _, request := range t.s.ask {
		t.asks(request)
	}
	t.look()
}
