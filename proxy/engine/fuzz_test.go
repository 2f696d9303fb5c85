package engine_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
)

// FuzzClient: whatever a client sends, in two pieces, a server gets nothing but requests, the client nothing but responses, each of them is
// accounted for, no bug is met, and nothing is left.
func FuzzClient(f *testing.F) {
	for _, talk := range append(talks, faults...) {
		var said []byte
		for _, s := range talk.steps {
			if s.who == client && s.does == says && !talk.large {
				said = append(said, s.text...)
			}
		}
		f.Add(said, uint16(len(said)/2), false)
		f.Add(said, uint16(3), true)
	}
	f.Fuzz(func(t *testing.T, said []byte, cut uint16, h2c bool) {
		w := newWorld(t, site{})
		w.bind.H2C = h2c
		c := w.net.Dial(here)
		first := min(int(cut), len(said))
		_, _ = c.Write(said[:first]) // what becomes of it shows
		w.fixed()
		_, _ = c.Write(said[first:])
		w.fixed()
		c.CloseWrite()
		w.fixed()
		w.ended()
		for i := range w.records {
			if r := &w.records[i]; r.Termination.Cause == exchange.Internal {
				t.Errorf("record %s", w.accounts()[i])
			}
		}
		if h2c && bytes.HasPrefix(c.Received(), []byte{0, 0}) {
			return // frames
		}
		if n := responses(t, c.Received()); n > len(w.records) {
			t.Errorf("%d responses, and the records are %v", n, w.accounts())
		}
	})
}

// fixed steps until the server, which answers each request at once, has nothing to do.
func (w *world) fixed() {
	w.Helper()
	for busy := true; busy; {
		w.step()
		for p := w.server.Accept(); p != nil; p = w.server.Accept() {
			w.peers = append(w.peers, &fixedPeer{peer: p})
		}
		busy = false
		for _, p := range w.peers {
			for p.answer(w) {
				busy = true
			}
		}
	}
}

// fixedPeer is a server's end of a connection that answers whatever it is asked.
type fixedPeer struct {
	peer *looptest.Peer
	in   []byte
}

// answer answers one request, if it is there.
func (p *fixedPeer) answer(w *world) bool {
	w.Helper()
	p.in = append(p.in, p.peer.Read()...)
	if len(p.in) == 0 {
		return false
	}
	r := bufio.NewReader(bytes.NewReader(p.in))
	q, err := http.ReadRequest(r)
	if err == nil {
		_, err = io.Copy(io.Discard, q.Body)
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return false
	case err != nil:
		w.Fatalf("the server has got %s: %v", brief(string(p.in)), err)
	}
	p.in, _ = io.ReadAll(r) // from memory
	if q.Method == "HEAD" {
		p.peer.Say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
	} else {
		p.peer.Say(ok)
	}
	return true
}

// responses counts those that a client has got, as far as that can be told without its requests.
func responses(t *testing.T, got []byte) (n int) {
	r := bufio.NewReader(bytes.NewReader(got))
	for {
		if _, err := r.Peek(1); err != nil {
			return n
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("the client has got %s: %v", brief(string(got)), err)
		}
		if resp.StatusCode < 200 {
			continue
		}
		n++
		if next, _ := r.Peek(9); string(next) == "HTTP/1.1 " {
			continue // to HEAD
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("the client has got %s: %v", brief(string(got)), err)
		}
	}
}
