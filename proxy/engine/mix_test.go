package engine_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
)

// mix is many clients and servers at once, all of which do as they like. Each byte of a body says whose it is.
type mix struct {
	*world
	random  *rand.Rand
	chaos   bool // some break off, and servers misbehave
	clients []*visitor
	origins []*origin
	asked   map[string]bool // the requests of visitors, by path
	seen    map[string]int  // how often servers have got those that are not safe
}

// visitor is a client with its requests.
type visitor struct {
	m        *mix
	peer     *looptest.Peer
	requests []*http.Request
	unsaid   []byte
	gone     bool // it has broken off
	left     bool // and said so
}

// body is that of a message about a path.
func body(path string, octets int) string {
	return strings.Repeat(path+" ", octets/(len(path)+1)+1)[:octets]
}

// visit has a client come with some requests.
func (m *mix) visit() {
	v := &visitor{m: m}
	for n := 1 + m.random.IntN(4); n > 0; n-- {
		path := fmt.Sprintf("/%d/%d", len(m.clients), n)
		m.asked[path] = true
		v.ask(path)
	}
	v.peer = m.net.Dial(here)
	m.clients = append(m.clients, v)
}

func (v *visitor) ask(path string) {
	m := v.m
	method, head := "GET", ""
	octets := m.random.IntN([]int{10, 3000, 60_000}[m.random.IntN(3)])
	content := body(path, octets)
	switch m.random.IntN(6) {
	case 0:
		method, head = "POST", "Content-Length: "+strconv.Itoa(octets)+"\r\n"
	case 1:
		method, head = "PUT", "Transfer-Encoding: chunked\r\n"
		cut := m.random.IntN(octets + 1)
		var chunks strings.Builder
		for _, piece := range []string{content[:cut], content[cut:]} {
			if piece != "" {
				fmt.Fprintf(&chunks, "%x\r\n%s\r\n", len(piece), piece)
			}
		}
		content = chunks.String() + "0\r\n\r\n"
	case 2:
		method, content = "HEAD", ""
	default:
		content = ""
	}
	if m.random.IntN(10) == 0 {
		head += "Connection: close\r\n"
	}
	v.unsaid = fmt.Appendf(v.unsaid, "%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n%s", method, path, head, content)
	v.requests = append(v.requests, &http.Request{Method: method, RequestURI: path})
}

// turn has a visitor do something.
func (v *visitor) turn() {
	m := v.m
	n := min(len(v.unsaid), m.random.IntN([]int{2, 100, 100_000}[m.random.IntN(3)]))
	v.peer.Say(string(v.unsaid[:n]))
	v.unsaid = v.unsaid[n:]
	switch m.random.IntN(8) {
	case 0:
		v.peer.Window(m.random.IntN(20_000))
	case 1:
		v.peer.Window(-1)
	}
	if m.chaos && !v.left && m.random.IntN(150) == 0 {
		v.left, v.gone = true, true
		[]func(*looptest.Peer){(*looptest.Peer).Close, (*looptest.Peer).Reset, (*looptest.Peer).CloseWrite}[m.random.IntN(3)](v.peer)
	}
}

// finish has it take and say all that is left.
func (v *visitor) finish() {
	v.peer.Window(-1)
	v.peer.Say(string(v.unsaid))
	v.unsaid = nil
}

// judge looks at what a visitor has got: its own responses in their order, each whole, but for the last one of a connection that was
// broken.
func (v *visitor) judge() (responses int) {
	m := v.m
	got := v.peer.Received()
	r := bufio.NewReader(bytes.NewReader(got))
	whole := v.peer.Ended() && !v.peer.WasReset() && !v.gone
	for {
		if _, err := r.Peek(1); err != nil {
			return responses
		}
		if responses == len(v.requests) {
			m.Errorf("more responses than the %d requests: %s", responses, brief(string(got)))
			return responses
		}
		resp, err := http.ReadResponse(r, v.requests[responses])
		if err != nil {
			if whole {
				m.Errorf("response %d: %v", responses, err)
			}
			return responses
		}
		if resp.StatusCode < 200 {
			continue
		}
		b, err := io.ReadAll(resp.Body)
		if err != nil && whole {
			m.Errorf("response %d: %v", responses, err)
		}
		path := v.requests[responses].RequestURI
		if resp.StatusCode == 200 && (resp.Header.Get("X-Path") != path || string(b) != body(path, len(b))) {
			m.Errorf("the request for %s has got that for %s: %s", path, resp.Header.Get("X-Path"), brief(string(b)))
		}
		if bytes.IndexByte(b, 0xdb) >= 0 {
			m.Errorf("memory that was not to be looked at: %s", brief(string(b)))
		}
		responses++
		if err != nil {
			return responses
		}
	}
}

// origin is the server's end of a connection.
type origin struct {
	m      *mix
	peer   *looptest.Peer
	in     []byte
	unsaid []byte
	last   bool // it closes when all is said
	closed bool
}

func (m *mix) serve() {
	for p := m.server.Accept(); p != nil; p = m.server.Accept() {
		m.origins = append(m.origins, &origin{m: m, peer: p})
	}
	for _, o := range m.origins {
		o.turn()
	}
}

// turn has a server do something on a connection.
func (o *origin) turn() {
	m := o.m
	o.in = append(o.in, o.peer.Read()...)
	if o.closed {
		return
	}
	if len(o.unsaid) == 0 && !o.last {
		o.answer()
	}
	n := min(len(o.unsaid), m.random.IntN([]int{2, 100, 100_000}[m.random.IntN(3)]))
	o.peer.Say(string(o.unsaid[:n]))
	o.unsaid = o.unsaid[n:]
	if m.random.IntN(8) == 0 {
		o.peer.Window(m.random.IntN(3)*10_000 - 1)
	}
	if idle := len(o.unsaid) == 0 && len(o.in) == 0; idle && o.last || m.chaos && m.random.IntN(100) == 0 {
		o.closed = true
		if o.last || m.random.IntN(2) == 0 {
			o.peer.Close()
		} else {
			o.peer.Reset()
		}
	}
}

// answer answers the next request, if it is there.
func (o *origin) answer() {
	m := o.m
	r := bufio.NewReader(bytes.NewReader(o.in))
	q, err := http.ReadRequest(r)
	if err != nil {
		return // not all of it is there
	}
	b, err := io.ReadAll(q.Body)
	path := q.URL.Path
	if !m.asked[path] || string(b) != body(path, len(b)) {
		m.Errorf("a server has got %s with %s", path, brief(string(b)))
	}
	if err != nil {
		return
	}
	if q.Method == "POST" || q.Method == "PUT" {
		if m.seen[path]++; m.seen[path] > 1 {
			m.Errorf("servers have got %s %s %d times", q.Method, path, m.seen[path])
		}
	}
	rest, _ := io.ReadAll(r) // from memory
	o.in = rest
	content := body(path, m.random.IntN([]int{10, 3000, 200_000}[m.random.IntN(3)]))
	head := "HTTP/1.1 200 OK\r\nX-Path: " + path + "\r\n"
	kind := m.random.IntN(4)
	if kind == 0 && q.Method != "HEAD" {
		o.last = true
	} else if kind < 2 {
		head += "Transfer-Encoding: chunked\r\n"
		content = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", max(len(content), 1), content+strings.Repeat("/", max(1-len(content), 0)))
	} else {
		head += "Content-Length: " + strconv.Itoa(len(content)) + "\r\n"
	}
	if q.Method == "HEAD" {
		content = ""
	}
	if m.random.IntN(20) == 0 {
		head = "HTTP/1.1 103 Early\r\nX-Path: " + path + "\r\n\r\n" + head
	}
	if m.chaos && !o.last && m.random.IntN(30) == 0 {
		content += "nonsense"
	}
	o.unsaid = append(o.unsaid, head+"\r\n"+content...)
}

// finish has it take and answer all that is left.
func (m *mix) finish() {
	for range 200 {
		for _, v := range m.clients {
			v.finish()
		}
		m.step()
		m.serve()
		for _, o := range m.origins {
			o.peer.Window(-1)
		}
	}
}

// seeds is how many mixes are tried.
const seeds = 40 / every

// Whatever clients and servers do, and however unkind the kernel is: each gets what is its own and no part for the whole, nothing is sent
// twice that may not be, each request is accounted for, and nothing is left.
func TestMix(t *testing.T) {
	t.Parallel()
	for seed := uint64(1); seed <= seeds; seed++ {
		playMix(t, seed)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func playMix(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	m := &mix{random: random, chaos: seed%2 == 0, asked: map[string]bool{}, seen: map[string]int{}}
	m.world = newWorld(t, site{seed: seed * uint64(random.IntN(2)), loops: 1 + 3*random.IntN(2)})
	m.net.Split = []int{0, 0, 5000, 300}[random.IntN(4)]
	m.backend.Ahead = []int{0, 1, 30_000, largeHold}[random.IntN(4)]
	m.engine.SetReserve([]int64{0, 50_000}[random.IntN(2)])
	requests := 0
	for turn := range 150 {
		if turn < 60 && random.IntN(3) == 0 {
			m.visit()
			requests += len(m.clients[len(m.clients)-1].requests)
		}
		for _, v := range m.clients {
			v.turn()
		}
		m.step()
		m.serve()
		if random.IntN(4) == 0 {
			m.advance(time.Duration(random.IntN(100)) * time.Millisecond)
		}
	}
	m.finish()
	responses := 0
	for _, v := range m.clients {
		responses += v.judge()
	}
	m.ended()
	for i := range m.records {
		if r := &m.records[i]; r.Termination.Cause == exchange.Internal {
			t.Errorf("record %v", m.accounts()[i])
		}
	}
	if n := len(m.records); n < responses || n > requests {
		t.Errorf("%d records of %d requests, with %d responses", n, requests, responses)
	}
	if s := m.app.Stats(); !m.chaos && (s.ConnectFailures > 0 || s.ResponseFailures > 0) {
		t.Errorf("%d connects and %d responses failed", s.ConnectFailures, s.ResponseFailures)
	}
}
