package engine_test

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/loop/looptest"
)

// talk is what a client and a server say to each other through the balancer, step by step.
type talk struct {
	name    string
	steps   []step
	records []string // as accounts has them
	idle    int      // connections to the server that are kept
	warm    bool     // it begins with a connection to the server that has carried a request before
	large   bool     // it is too long for every way to cut it
	tcp     bool     // it is a session of TCP mode
	until   bool     // the response ends when the server closes
}

// step is what one of them does, or has to find.
type step struct {
	who  side
	does deed
	text string
}

type side uint8

const (
	client side = iota
	server
)

func (s side) String() string { return [...]string{"client", "server"}[s] }

type deed uint8

const (
	says   deed = iota // and it arrives
	hears              // all that has come until now, in the form of normal
	ends               // sends nothing more
	closes             // neither receives
	resets
	seesEnd      // an orderly one
	seesReset    // of what it has to take for broken
	seesGone     // either
	waits        // for the duration in text
	takes        // that many octets more
	takesAtFirst // as the server of the next connection
	cannot       // be connected to, four times, for want of descriptors here
)

func (s side) says(text string) step           { return step{s, says, text} }
func (s side) hears(text string) step          { return step{s, hears, text} }
func (s side) ends() step                      { return step{s, ends, ""} }
func (s side) closes() step                    { return step{s, closes, ""} }
func (s side) resets() step                    { return step{s, resets, ""} }
func (s side) seesEnd() step                   { return step{s, seesEnd, ""} }
func (s side) seesReset() step                 { return step{s, seesReset, ""} }
func (s side) seesGone() step                  { return step{s, seesGone, ""} }
func (s side) takesAtFirst(octets string) step { return step{s, takesAtFirst, octets} }
func (s side) cannot() step                    { return step{s, cannot, ""} }

// party is an end of a connection of the balancer: a *looptest.Peer, or one with TLS.
type party interface {
	Say(text string)
	Received() []byte
	Ended() bool
	WasReset() bool
	Closed() bool
	Window(octets int)
	CloseWrite()
	Close()
	Reset()
}

var _ party = (*looptest.Peer)(nil)

// stage is where a talk is given.
type stage struct {
	*world
	peers  [2]party
	want   [2]strings.Builder // what each should have heard
	from   [2]int             // octets that it had received before
	cut    func(step int) []int
	slow   side // who takes only so many octets more after each that it was to hear; window 0: nobody
	window int
}

// give plays a talk. cut says where what is said in a step is to be cut, in rising order; nil: nowhere.
func (w *world) give(t *talk, cut func(step int) []int) *stage {
	w.Helper()
	st := &stage{world: w, cut: cut}
	st.give(t)
	return st
}

// giveSlowly plays a talk of which one side takes so many octets at first and after each that it was to hear, and the others later.
func (w *world) giveSlowly(t *talk, who side, window int) {
	w.Helper()
	st := &stage{world: w, slow: who, window: window}
	st.give(t)
}

func (st *stage) give(t *talk) {
	st.Helper()
	w := st.world
	w.bind.TCP = t.tcp || w.bind.TCP
	if t.warm {
		st.warm()
	}
	if st.slow == server {
		w.server.Window = st.window
	}
	st.peers[client] = w.dial()
	st.narrow()
	for i := range t.steps {
		st.play(i, &t.steps[i])
		if w.Failed() {
			w.Logf("talk %q, step %d", t.name, i)
			return
		}
	}
	w.step()
	w.wantAccounts(t.records...)
	if got := w.engine.Idle(); got != t.idle {
		w.Errorf("%d connections to the server are kept, want %d", got, t.idle)
	}
	if got, open := int(w.app.Stats().InFlight), w.app.Stats().Requests; got != 0 && int(open) == len(w.records) {
		w.Errorf("%d requests hold a slot of the server", got)
	}
	st.peers[client].Close()
}

// narrow and widen have who is slow take little, and all.
func (st *stage) narrow() { st.take(st.window) }
func (st *stage) widen()  { st.take(-1) }

func (st *stage) take(octets int) {
	if p := st.peers[st.slow]; p != nil && st.window > 0 {
		p.Window(octets)
	}
}

// warm has a connection to the server carry a request, and forgets that.
func (st *stage) warm() {
	st.Helper()
	c := st.dial()
	c.Say("GET /warm HTTP/1.1\r\nHost: a\r\n\r\n")
	st.step()
	s := st.server.Accept()
	s.Say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	st.step()
	c.Close()
	st.step()
	st.peers[server], st.from[server] = s, len(s.Received())
	if len(st.records) != 1 || st.engine.Idle() != 1 {
		st.Fatalf("warming up: records %v, %d idle connections", st.accounts(), st.engine.Idle())
	}
	st.records = nil
}

func (st *stage) play(i int, s *step) {
	st.Helper()
	p := st.peers[s.who]
	switch s.does {
	case says:
		st.say(p, i, s.text)
	case hears:
		st.step()
		if st.window > 0 {
			st.accept()
			st.widen()
			st.step()
		}
		st.hear(s.who, s.text)
		st.narrow()
	case waits:
		d, err := time.ParseDuration(s.text)
		if err != nil {
			st.Fatal(err)
		}
		st.step()
		st.advance(d)
	case takes:
		octets, err := strconv.Atoi(s.text)
		if err != nil {
			st.Fatal(err)
		}
		p.Window(octets)
	case takesAtFirst:
		octets, err := strconv.Atoi(s.text)
		if err != nil {
			st.Fatal(err)
		}
		st.server.Window = octets
	case cannot:
		st.net.Fail(looptest.OpConnect, slices.Repeat([]error{syscall.EMFILE}, 1+retries)...)
	case ends:
		p.CloseWrite()
	case closes:
		p.Close()
	case resets:
		p.Reset()
	case seesEnd, seesReset, seesGone:
		st.widen()
		st.step()
		if !p.Ended() || s.does != seesGone && p.WasReset() != (s.does == seesReset) {
			st.Errorf("the %v sees its connection ended %v, reset %v", s.who, p.Ended(), p.WasReset())
		}
	}
}

// say sends a text, in pieces.
func (st *stage) say(p party, i int, text string) {
	st.Helper()
	at := 0
	if st.cut != nil {
		for _, next := range st.cut(i) {
			p.Say(text[at:next]) // what becomes of it shows
			st.step()
			at = next
		}
	}
	if at < len(text) {
		p.Say(text[at:])
	}
}

// accept takes up the connection that the server has got last.
func (st *stage) accept() {
	for p := st.server.Accept(); p != nil; p = st.server.Accept() {
		st.want[server].Reset()
		st.peers[server], st.from[server] = p, 0
	}
}

// hear compares what has come.
func (st *stage) hear(who side, text string) {
	st.Helper()
	st.accept()
	p := st.peers[who]
	if p == nil {
		st.Fatal("the server has no connection")
	}
	st.want[who].WriteString(text)
	got, want := normal(p.Received()[st.from[who]:]), normal([]byte(st.want[who].String()))
	if got != want {
		st.Errorf("the %v has heard\n%s\nwant\n%s", who, brief(got), brief(want))
	}
}

// brief is a text that can be looked at.
func brief(text string) string {
	const most = 400
	if len(text) > most {
		return strconv.Quote(text[:most]) + "... of " + strconv.Itoa(len(text))
	}
	return strconv.Quote(text)
}

// normal is what came in a form that does not show how bodies were cut into chunks: the data of chunks stand side by side, and
// their end as "<end>". Of a chunk that has not all come, its data are there as far as they have.
func normal(b []byte) string {
	var all strings.Builder
	for {
		i := bytes.Index(b, []byte("\r\n\r\n"))
		if i < 0 {
			all.Write(b)
			return all.String()
		}
		head := b[:i+4]
		b = b[i+4:]
		all.Write(head)
		if bytes.Contains(head, []byte("Transfer-Encoding: chunked\r\n")) {
			b = unchunk(&all, b)
		}
	}
}

// unchunk writes the data of a chunked body, and returns what follows them: the trailers first.
func unchunk(all *strings.Builder, b []byte) []byte {
	for {
		line, rest, found := bytes.Cut(b, []byte("\r\n"))
		size, err := strconv.ParseUint(string(line), 16, 32)
		if err != nil && found {
			return b // none: a response to HEAD
		}
		if err != nil || !found {
			return nil
		}
		if size == 0 {
			all.WriteString("<end>")
			return rest
		}
		n := min(int(size), len(rest))
		all.Write(rest[:n])
		if len(rest) < n+2 {
			return nil
		}
		b = rest[n+2:]
	}
}

// Chunks are joined, wherever they were cut, and all else stays.
func TestNormal(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, tt := range []struct{ name, text, want string }{
		{"one chunk", head + "5\r\nhello\r\n0\r\n\r\n", head + "hello<end>\r\n"},
		{"two chunks", head + "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", head + "hello<end>\r\n"},
		{"trailers", head + "a\r\n0123456789\r\n0\r\nA: 1\r\n\r\n", head + "0123456789<end>A: 1\r\n\r\n"},
		{"another message", head + "1\r\na\r\n0\r\n\r\n" + head + "1\r\nb\r\n0\r\n\r\n", head + "a<end>\r\n" + head + "b<end>\r\n"},
		{"a part of a chunk", head + "5\r\nhe", head + "he"},
		{"a part of a size", head + "5\r\nhello\r\n1", head + "hello"},
		{"to HEAD", head + "HTTP/1.1 204 No Content\r\n\r\n", head + "HTTP/1.1 204 No Content\r\n\r\n"},
		{"not chunked", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n3\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n3\r\n"},
	} {
		if got := normal([]byte(tt.text)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
