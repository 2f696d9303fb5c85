package http2

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestOwners(t *testing.T) {
	p := newPeer(t, nil)
	p.send(req(1, 0), req(3, 0), req(5, 0), req(7, 0))
	p.happened()
	for _, id := range []uint32{1, 3, 5, 7, 9} {
		p.c.SetOwner(id, fmt.Sprint("owner of ", id))
	}
	if got := p.c.Owner(5); got != "owner of 5" {
		t.Errorf("got %v, want that of 5", got)
	}
	if got := p.c.Owner(9); got != nil {
		t.Errorf("got %v of a stream that is not open, want none", got)
	}
	for _, frames := range []string{
		frame(Data, 0, 1, "ab"),
		frame(Headers, EndHeaders|EndStream, 3, string(block("x: y"))),
		frame(WindowUpdate, 0, 5, "\x00\x00\x00\x01"),
		frame(RSTStream, 0, 5, rep(4)),
		frame(WindowUpdate, 0, 7, rep(4)), // a fault
	} {
		n, ev, _ := p.c.Receive(p.now, []byte(frames), nil)
		if want := fmt.Sprint("owner of ", ev.Stream); n == 0 || ev.Owner != want {
			t.Errorf("kind %d: got owner %v, want %q", ev.Kind, ev.Owner, want)
		}
	}
	var left []string
	for id, owner := range p.c.All() {
		left = append(left, fmt.Sprint(id, " ", owner))
		p.out = p.c.Reset(p.out, id, Cancel)
	}
	if want := []string{"1 owner of 1", "3 owner of 3"}; !slices.Equal(left, want) || p.c.Streams() != 0 {
		t.Errorf("got %q, %d left, want %q, none", left, p.c.Streams(), want)
	}
}

// Streams of which the windows took less than there was are told when there is room again, in turn.
func TestReady(t *testing.T) {
	p := newPeer(t, nil)
	p.send(string(AppendSettings(nil, Setting{InitialWindowSize, 60000})), req(1, EndStream), req(3, EndStream), req(5, EndStream), req(7, EndStream))
	body := make([]byte, 100000)
	ready := func(after uint32) string {
		var ids []string
		for id, owner := p.c.Ready(after); id != 0; id, owner = p.c.Ready(after) {
			if owner != p.c.Owner(id) {
				t.Errorf("stream %d: got owner %v", id, owner)
			}
			ids = append(ids, fmt.Sprint(id))
			after = id
		}
		return strings.Join(ids, " ")
	}
	want := func(when string, after uint32, want string) {
		t.Helper()
		if got := ready(after); got != want {
			t.Errorf("%s, after %d: got %q, want %q", when, after, got, want)
		}
	}
	send := func(id uint32, octets int) {
		_, p.out = p.c.SendData(p.out, id, body[:octets], false)
	}
	p.c.SetOwner(5, "five")
	send(1, 1)
	send(3, 60001) // its own window
	send(5, 5535)  // that of the connection, which has one less
	send(7, 1)
	want("no room on the connection", 0, "")
	p.send(string(AppendWindowUpdate(nil, 3, 1)))
	want("the stream's alone", 0, "")
	p.send(string(AppendWindowUpdate(nil, 0, 10)))
	p.c.Wait(1)
	want("the connection's", 3, "5 7 1 3")
	want("told already", 0, "")

	p.c.Wait(3)
	p.c.Wait(9) // never opened
	p.c.Wait(5)
	send(5, 1)
	want("one was served", 0, "3")
	p.c.Wait(3)
	p.out = p.c.Reset(p.out, 3, Cancel)
	want("one is gone", 0, "")
	send(7, 59999)
	p.send(string(AppendWindowUpdate(nil, 0, 1<<20)))
	p.send(string(AppendSettings(nil, Setting{InitialWindowSize, 0})))
	want("windows below 0", 0, "")
	p.send(string(AppendSettings(nil, Setting{InitialWindowSize, 60001})))
	want("SETTINGS give room", 0, "7")
	if p.c.streams.waiting != 0 {
		t.Errorf("%d are counted as waiting", p.c.streams.waiting)
	}
}

// The header of DATA alone, for data that its owner sends from where it is.
func TestBeginData(t *testing.T) {
	p := newPeer(t, nil)
	p.send(req(1, EndStream), req(3, EndStream))
	p.sent()
	step := func(id uint32, size int, end bool, want int, wantSent string) {
		t.Helper()
		n, out := p.c.BeginData(p.out, id, size, end)
		p.out = append(out, make([]byte, n)...)
		if got := p.sent(); n != want || got != wantSent {
			t.Errorf("got %d, %q, want %d, %q", n, got, want, wantSent)
		}
	}
	step(1, 100000, true, 16384, "DATA 1 16384")
	step(1, 40000, true, 16384, "DATA 1 16384")
	step(1, 16384, false, 16384, "DATA 1 16384")
	if p.c.streams.waiting != 0 {
		t.Error("a stream waits that has room")
	}
	step(1, 20000, true, 16383, "DATA 1 16383")
	step(1, 3617, true, 0, "")
	step(3, 0, false, 0, "")
	step(3, 1, true, 0, "")
	if p.c.streams.waiting != 2 {
		t.Errorf("%d wait, want both", p.c.streams.waiting)
	}
	step(3, 0, true, 0, "DATA 3 +1 0")
	step(3, 0, true, 0, "")
	p.send(string(AppendWindowUpdate(nil, 0, 5000)), string(AppendWindowUpdate(nil, 1, 5000)))
	step(1, 3617, true, 3617, "DATA 1 +1 3617")
	if p.c.Streams() != 0 || p.c.streams.waiting != 0 {
		t.Errorf("%d streams are open, %d wait", p.c.Streams(), p.c.streams.waiting)
	}
}

// An interim response is not yet the answer that makes a reset harmless.
func TestResetsAfterInterimResponses(t *testing.T) {
	p := newPeer(t, nil)
	for i := range 201 {
		id := uint32(2*i + 1)
		p.send(req(id, 0, "expect: 100-continue"))
		e := p.c.Encoder()
		p.out = p.c.SendInterim(p.out, id, e.Status(e.Begin(nil), 100))
		p.send(frame(RSTStream, 0, id, rep(4)))
	}
	if p.c.ended != ResetFlood {
		t.Errorf("got %v, want %v", p.c.ended, ResetFlood)
	}
}
