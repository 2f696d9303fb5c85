package engine

import (
	"bytes"
	"testing"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/http2"
)

// The heads of a request for / and of one with a body.
const (
	getRoot  = "\x82\x86\x84\x01\x01a"
	postRoot = "\x83\x86\x84\x01\x01a"
)

// A rapid reset (CVE-2023-44487) was a connection to the server for each request, opened and closed, and others waited for that.
func TestClient2TakenBackInTheSameReadCostsNoServer(t *testing.T) {
	t.Parallel()
	const pairs = 30
	m := newMemory(t, 0)
	peer := m.net.Dial(bindAddress)
	b := http2.AppendSettings([]byte(http2.Preface))
	id := uint32(1)
	for i := range pairs {
		if i%2 == 0 {
			b = http2.AppendHeaders(b, id, []byte(getRoot), true, 1<<14)
		} else {
			b = http2.AppendHeaders(b, id, []byte(postRoot), false, 1<<14)
			b = http2.AppendData(b, id, make([]byte, 100), i%3 == 0, 1<<14)
		}
		b = http2.AppendRSTStream(b, id, http2.Cancel)
		id += 2
	}
	b = http2.AppendHeaders(b, id, []byte(getRoot), true, 1<<14) // one that is meant
	_, _ = peer.Write(b)                                         // it arrives at once
	for range 4 {
		m.step()
	}
	if len(m.origins) != 1 || m.origins[0].answered != 1 {
		t.Errorf("the server got %d connections, want 1 with 1 request", len(m.origins))
	}
	if len(m.records) != pairs+1 {
		t.Fatalf("%d records, want %d", len(m.records), pairs+1)
	}
	for i, r := range m.records[:pairs] {
		if r.Termination.Cause != exchange.ByClient {
			t.Errorf("request %d: %v, want that its client ended it", i+1, r.Termination)
		}
	}
	if r := m.records[pairs]; r.Status != 200 {
		t.Errorf("the last request: status %d, %v, want 200", r.Status, r.Termination)
	}
	m.end()
}

// Bodies that come in one read with their heads are whole, whichever part of them waits for a server.
func TestClient2BodyBehindItsHead(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, maxHeld, maxHeld + 1, 50_000} {
		m := newMemory(t, 0)
		var got []byte
		m.answer = func(o *origin, _ *http1.Request, _, body []byte) {
			got = bytes.Clone(body)
			o.peer.Say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
		body := noise(uint64(size), size)
		b := http2.AppendHeaders(http2.AppendSettings([]byte(http2.Preface)), 1, []byte(postRoot), false, 1<<14)
		b = http2.AppendData(b, 1, body, true, 1<<14)
		_, _ = m.net.Dial(bindAddress).Write(b) // as above
		for range 4 {
			m.step()
		}
		if !bytes.Equal(got, body) {
			t.Errorf("the server got %d octets, want the %d that were sent", len(got), size)
		}
		m.end()
	}
}
