package beside

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// patience bounds what is expected to happen.
const patience = 10 * time.Second

// server is one behind a balancer. It keeps what it was asked, and answers as its exam says.
type server struct {
	name     string
	listener net.Listener
	all      sync.WaitGroup
	asked    chan struct{} // a word for each request that is whole: sent by serve, received by scripts; what has no room is dropped

	mu    sync.Mutex
	conns []net.Conn // guarded by mu
	got   []heard    // guarded by mu
	sick  int        // guarded by mu: the status of answers to probes; 0: 200
	busy  int        // guarded by mu: requests that came in part, or are not answered
}

// heard is a request that came, or bytes.
type heard struct {
	message
	conn int // of the server's connections, from 1 on
}

// visit is one connection of a server.
type visit struct {
	net.Conn
	s *server
	r *bufio.Reader
	n int
}

// reply answers a request, or does not, and reports whether the connection goes on.
type reply func(v *visit, m *message) bool

func newServer(name string, answer func(v *visit)) (*server, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return serveOn(name, l, answer), nil
}

func serveOn(name string, l net.Listener, answer func(v *visit)) *server {
	s := &server{name: name, listener: l, asked: make(chan struct{}, 64)}
	s.all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, conn)
			v := &visit{Conn: conn, s: s, r: bufio.NewReader(conn), n: len(s.conns)}
			s.mu.Unlock()
			s.all.Go(func() {
				defer conn.Close()
				answer(v)
			})
		}
	})
	return s
}

func (s *server) close() {
	_ = s.listener.Close()
	s.mu.Lock()
	for _, c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.all.Wait()
}

func (s *server) hear(h heard) {
	s.mu.Lock()
	s.got = append(s.got, h)
	s.mu.Unlock()
	select {
	case s.asked <- struct{}{}:
	default:
	}
}

// requests are those that came so far.
func (s *server) requests() []heard {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]heard(nil), s.got...)
}

func itoa(n int) string { return strconv.Itoa(n) }

// unheard are paths that are nothing of a script: the question whether a connection still serves, and health checks.
func unheard(target string) bool { return target == again || strings.HasPrefix(target, "/check") }

// serving answers each request of a connection as reply says.
func serving(answer reply) func(v *visit) {
	return func(v *visit) {
		for {
			if _, err := v.r.Peek(1); err != nil {
				return
			}
			if !v.one(answer) {
				return
			}
		}
	}
}

// one hears a request and answers it.
func (v *visit) one(answer reply) bool {
	v.s.works(1)
	defer v.s.works(-1)
	m := readHead(v.r)
	if m.broken != "" {
		return false
	}
	if unheard(m.word(1)) {
		m.readBody(v.r, "")
		v.say("HTTP/1.1 " + v.s.health(m.word(1)) + " So\r\nContent-Length: 0\r\n\r\n")
		return true
	}
	if m.has("Expect", "100-continue") {
		v.say("HTTP/1.1 100 Continue\r\n\r\n")
	}
	m.readBody(v.r, "")
	v.s.hear(heard{m, v.n})
	return m.broken == "" && answer(v, &m)
}

// health is the status of the answer to a probe: what its path says, or what the script does.
func (s *server) health(target string) string {
	if status, ok := strings.CutPrefix(target, "/check/"); ok {
		return status
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return itoa(cmp.Or(s.sick, 200))
}

// wasAsked reports whether a request is under way here, or has been.
func (s *server) wasAsked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.busy > 0 || len(s.got) > 0
}

func (s *server) works(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy += n
}

// settles waits until nothing is under way.
func (s *server) settles() {
	for quiet, end := 0, time.Now().Add(patience); quiet < 3 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		s.mu.Lock()
		if quiet++; s.busy > 0 {
			quiet = 0
		}
		s.mu.Unlock()
	}
}

func (v *visit) say(text string) { _, _ = io.WriteString(v.Conn, text) } // who is gone shows at the client

// crlf joins the lines of a head, and what follows them.
func crlf(lines ...string) string { return strings.Join(lines, "\r\n") }

// ok is the answer of who is told nothing else.
func ok(v *visit, m *message) bool {
	body := "ok"
	if m.word(0) == "HEAD" {
		body = ""
	}
	v.say(crlf("HTTP/1.1 200 OK", "X-Server: "+v.s.name, "Content-Length: 2", "", body))
	return !m.has("Connection", "close")
}

// says answers with lines, the connection goes on.
func says(lines ...string) reply {
	return func(v *visit, m *message) bool {
		v.say(crlf(lines...))
		return !m.has("Connection", "close")
	}
}

// ends answers with lines, and closes.
func ends(lines ...string) reply {
	return func(v *visit, _ *message) bool {
		v.say(crlf(lines...))
		return false
	}
}

// resets answers with lines, and resets the connection when they have been taken.
func resets(lines ...string) reply {
	return func(v *visit, _ *message) bool {
		v.say(crlf(lines...))
		_ = v.Conn.(*net.TCPConn).SetLinger(0)
		return false
	}
}

// stalls answers with lines, and then with nothing more.
func stalls(lines ...string) reply {
	return func(v *visit, _ *message) bool {
		v.say(crlf(lines...))
		_, _ = io.Copy(io.Discard, v.r) // until the other side has had enough
		return false
	}
}

// pauses answers after a while, unless the other side has had enough before.
func pauses(d time.Duration, answer reply) reply {
	return func(v *visit, m *message) bool {
		_ = v.SetReadDeadline(time.Now().Add(d))
		_, err := v.r.Peek(1)
		_ = v.SetReadDeadline(time.Time{})
		return errors.Is(err, os.ErrDeadlineExceeded) && answer(v, m)
	}
}

// inTurn answers the first request by the first reply, and so on; the last one stays.
func inTurn(replies ...reply) reply {
	return func(v *visit, m *message) bool { return replies[min(len(v.s.requests()), len(replies))-1](v, m) }
}

// full is an address that takes no connection any more: its queue is full.
func full() (l net.Listener, filled []net.Conn, err error) {
	if l, err = listenShort(); err != nil {
		return nil, nil, err
	}
	for range 8 {
		c, err := net.DialTimeout("tcp4", l.Addr().String(), 100*time.Millisecond)
		if err != nil {
			return l, filled, nil
		}
		filled = append(filled, c)
	}
	return l, filled, fmt.Errorf("%v takes ever more connections", l.Addr())
}

// byPath answers by the target, or with ok.
func byPath(paths map[string]reply) reply {
	return func(v *visit, m *message) bool {
		if r := paths[m.word(1)]; r != nil {
			return r(v, m)
		}
		return ok(v, m)
	}
}
