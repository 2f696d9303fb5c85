package hostile

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// timeout is how long proxies wait for a client or a server: long enough that a busy machine is not taken for a silent one.
	timeout = 2 * time.Second
	// patience bounds an answer: what takes longer hangs.
	patience = 5 * timeout
)

// origin is the server behind a proxy. It records every octet, connection by connection, and keeps connections for the next
// case as long as what came over them is in order.
type origin struct {
	listener net.Listener
	all      sync.WaitGroup

	mu      sync.Mutex
	tapes   []*tape // guarded by mu: those that are open, or have not been taken
	respond respond // guarded by mu
	early   bool    // guarded by mu: respond is called when the head is there, and not again for the rest
}

// respond answers a request that has arrived whole, and reports whether the connection goes on.
type respond func(*tape, *message) bool

// tape is a connection and what came over it.
type tape struct {
	conn net.Conn

	mu    sync.Mutex
	got   []byte // guarded by mu
	taken int    // guarded by mu: octets that take has told
	over  bool   // guarded by mu: nobody reads any more

	read      int  // by its own goroutine alone: octets of requests that have been answered
	continued bool // likewise: a 100 has been sent for the one that is arriving
	told      bool // likewise: that one has been answered already
}

func newOrigin(t *testing.T) *origin {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &origin{listener: l, respond: answer}
	o.all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			tape := &tape{conn: conn}
			o.mu.Lock()
			o.tapes = append(o.tapes, tape)
			o.mu.Unlock()
			o.all.Go(func() { o.serve(tape) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		o.mu.Lock()
		for _, t := range o.tapes {
			_ = t.conn.Close()
		}
		o.mu.Unlock()
		o.all.Wait()
	})
	return o
}

func (o *origin) address() string { return o.listener.Addr().String() }

// begin says how requests are answered from now on.
func (o *origin) begin(r respond, early bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.respond, o.early = r, early
}

func (o *origin) script() (r respond, early bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.respond, o.early
}

func (o *origin) serve(t *tape) {
	defer t.end()
	for {
		all, ok := t.more()
		for _, m := range readRequests(all[t.read:]) {
			respond, early := o.script()
			if m.complete || early && m.headed && !t.told {
				told := t.told
				t.told = !m.complete
				if !told && !respond(t, &m) {
					return
				}
			}
			if m.complete {
				t.read += len(m.raw)
				t.continued = false
			} else if !t.wait(&m) {
				return
			}
		}
		if !ok {
			return
		}
	}
}

// take returns what came over each connection since the last take, and ends those on which more than whole requests did.
func (o *origin) take() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []string
	var kept []*tape
	for _, t := range o.tapes {
		piece, keep := t.take()
		if piece != "" {
			all = append(all, piece)
		}
		if keep {
			kept = append(kept, t)
		} else {
			_ = t.conn.Close()
		}
	}
	o.tapes = kept
	return all
}

func (t *tape) take() (piece string, keep bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	piece = string(t.got[t.taken:])
	t.taken = len(t.got)
	if t.over {
		return piece, false
	}
	for _, m := range readRequests(piece) {
		if !m.complete || m.faults.verdict() == Dangerous {
			return piece, false
		}
	}
	return piece, true
}

// more waits for more and returns all that came, false when nothing will come any more.
func (t *tape) more() (all string, ok bool) {
	buf := make([]byte, 64<<10)
	n, err := t.conn.Read(buf)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.got = append(t.got, buf[:n]...)
	return string(t.got), err == nil
}

func (t *tape) end() {
	_ = t.conn.Close()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
}

func (t *tape) write(s string) { _, _ = t.conn.Write([]byte(s)) } // a proxy that is gone shows at the client

// wait does what is due for a request that is not complete, and reports whether the connection goes on.
func (t *tape) wait(m *message) bool {
	switch {
	case m.faults.verdict() == Dangerous: // it may never end
		t.write(crlf("HTTP/1.1 400 Bad Request", fromOrigin, "Content-Length: 0", "Connection: close"))
		return false
	case m.headed && !t.continued && strings.EqualFold(strings.Join(m.values("Expect"), ","), "100-continue"):
		t.continued = true
		t.write(crlf("HTTP/1.1 100 Continue"))
	}
	return true
}

// fromOrigin marks answers that no proxy has made up.
const fromOrigin = "X-Origin: yes"

// answer answers a request with its target.
func answer(t *tape, m *message) bool {
	head := []string{"HTTP/1.1 200 OK", fromOrigin, "Content-Length: " + itoa(len(m.target))}
	if closes(m) {
		head = append(head, "Connection: close")
	}
	body := m.target
	if m.method == "HEAD" {
		body = ""
	}
	t.write(crlf(head...) + body)
	return !closes(m)
}

// closes reports whether a message says that its connection ends.
func closes(m *message) bool {
	options := strings.ToLower(strings.Join(m.values("Connection"), ","))
	return strings.Contains(options, "close") || m.minor == 0 && !strings.Contains(options, "keep-alive")
}
