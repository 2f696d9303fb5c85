package proxytest

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// server is a server on a raw socket.
type server struct {
	name     string
	address  netip.AddrPort
	listener net.Listener // nil: it refuses
	mu       sync.Mutex
	conns    map[net.Conn]bool // guarded by mu
	heads    []string          // guarded by mu: of the requests it got
}

// call is one request at a server.
type call struct {
	t    *testing.T
	head string // as it came, up to the blank line
	req  *http.Request
	conn net.Conn
	r    *bufio.Reader
}

// write answers with raw bytes.
func (c *call) write(s string) { _, _ = io.WriteString(c.conn, s) } // the proxy may be gone; that shows elsewhere

// body reads the request's body.
func (c *call) body() string {
	b, _ := io.ReadAll(c.req.Body) // what is missing shows in the result
	return string(b)
}

// says answers every request with 200 and a body.
func says(body string) func(*call) {
	return func(c *call) {
		_ = c.body()
		c.write("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + itoa(len(body)) + "\r\n\r\n")
		if c.req.Method != http.MethodHead {
			c.write(body)
		}
	}
}

// serve runs a server until the test ends. After answer the connection goes on, unless answer has closed it.
func serve(t *testing.T, name string, answer func(*call)) *server {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, name, l, answer)
}

func serveOn(t *testing.T, name string, l net.Listener, answer func(*call)) *server {
	return attend(t, name, l, func(s *server, conn net.Conn) { s.serve(t, conn, answer) })
}

// serveTCP runs a server that speaks whatever each connection's talk does.
func serveTCP(t *testing.T, name string, talk func(net.Conn)) *server {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return attend(t, name, l, func(_ *server, conn net.Conn) {
		defer conn.Close()
		talk(conn)
	})
}

// attend runs a server until the test ends.
func attend(t *testing.T, name string, l net.Listener, each func(*server, net.Conn)) *server {
	s := &server{name: name, address: l.Addr().(*net.TCPAddr).AddrPort(), listener: l, conns: map[net.Conn]bool{}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.track(conn)
			all.Go(func() { each(s, conn) })
		}
	})
	t.Cleanup(func() {
		s.stop()
		all.Wait()
	})
	return s
}

func (s *server) track(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = true
}

// stop ends the server as kill -9 does.
func (s *server) stop() {
	_ = s.listener.Close()
	s.closeConns()
}

func (s *server) closeConns() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
	}
}

func (s *server) serve(t *testing.T, conn net.Conn, answer func(*call)) {
	defer conn.Close()
	var seen bytes.Buffer
	r := bufio.NewReader(io.TeeReader(conn, &seen))
	for {
		seen.Next(seen.Len() - r.Buffered())
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		head, _, _ := strings.Cut(seen.String(), "\r\n\r\n")
		s.mu.Lock()
		s.heads = append(s.heads, head)
		s.mu.Unlock()
		answer(&call{t: t, head: head, req: req, conn: conn, r: r})
		_, _ = io.Copy(io.Discard, req.Body) // an error shows in the next request
	}
}

// calls counts the requests that came.
func (s *server) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.heads)
}

// lastHead returns the head of the last request.
func (s *server) lastHead(t *testing.T) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.heads) == 0 {
		t.Fatalf("server %s got no request", s.name)
	}
	return s.heads[len(s.heads)-1]
}

// fields returns the values of a field of a raw head, in order.
func fields(head, name string) []string {
	var values []string
	for _, line := range strings.Split(head, "\r\n")[1:] {
		n, v, _ := strings.Cut(line, ":")
		if strings.EqualFold(n, name) {
			values = append(values, strings.TrimSpace(v))
		}
	}
	return values
}

// bound returns a socket that is bound and does not listen: connecting to it is refused, and nobody else gets its port.
func bound(t *testing.T) (fd int, address netip.AddrPort) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	in4 := sa.(*unix.SockaddrInet4)
	return fd, netip.AddrPortFrom(netip.AddrFrom4(in4.Addr), uint16(in4.Port))
}

// Nobody returns an address that refuses, until the test ends.
func Nobody(t *testing.T) netip.AddrPort {
	t.Helper()
	_, address := bound(t)
	return address
}

// refusing returns a server that refuses connections.
func refusing(t *testing.T, name string) *server {
	t.Helper()
	_, address := bound(t)
	return &server{name: name, address: address}
}

// unreachable returns a server to which connecting takes for ever: its backlog is full, so that the kernel drops SYNs.
func unreachable(t *testing.T, name string) *server {
	t.Helper()
	fd, address := bound(t)
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	for {
		c, err := net.DialTimeout("tcp4", address.String(), moment)
		if err != nil {
			return &server{name: name, address: address}
		}
		t.Cleanup(func() { _ = c.Close() })
	}
}

// hangs reads and answers nothing until the other side has gone.
func hangs(c *call) {
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	_, _ = io.Copy(io.Discard, c.r) // ends when the other side does
	_ = c.conn.Close()
}

// await waits until c is closed, or the test has failed elsewhere.
func await(c <-chan struct{}) {
	select {
	case <-c:
	case <-time.After(patience):
	}
}
