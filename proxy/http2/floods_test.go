package http2

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestFloods(t *testing.T) {
	opened := func(n int, more func(id uint32) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(req(uint32(2*i+1), EndStream) + more(uint32(2*i+1)))
		}
		return b.String()
	}
	reset := func(id uint32) string { return frame(RSTStream, 0, id, rep(4)) }
	tests := []struct {
		name   string
		limit  int
		frames func(n int) string
		want   Reason
	}{
		{"rapid reset", 200, func(n int) string { return opened(n, reset) }, ResetFlood},
		{"SETTINGS", 31, func(n int) string { return strings.Repeat(settings, n) }, SettingsFlood},
		{"acknowledgements", 31, func(n int) string { return strings.Repeat(frame(SettingsType, Ack, 0, ""), n) }, SettingsFlood},
		{"PING", 100, func(n int) string { return strings.Repeat(frame(Ping, 0, 0, rep(8)), n) }, PingFlood},
		{"empty DATA", 100, func(n int) string { return req(1, 0) + strings.Repeat(frame(Data, 0, 1, ""), n) }, EmptyFlood},
		{"padding alone", 100, func(n int) string { return req(1, 0) + strings.Repeat(frame(Data, Padded, 1, "\x01\x00"), n) }, EmptyFlood},
		{"WINDOW_UPDATE", 2000, func(n int) string { return strings.Repeat(frame(WindowUpdate, 0, 0, "\x00\x00\x00\x01"), n) }, UpdateFlood},
		{"PRIORITY", 2000, func(n int) string { return strings.Repeat(frame(Priority, 0, 1, rep(5)), n) }, UpdateFlood},
		{"unknown types", 2000, func(n int) string { return strings.Repeat(frame(0xfa, 0, 1, ""), n) }, UpdateFlood},
		{"faults on streams", 100, func(n int) string {
			return opened(n, func(id uint32) string { return frame(WindowUpdate, 0, id, rep(4)) })
		}, FaultFlood},
		{"malformed requests", 100, func(n int) string {
			var b strings.Builder
			for i := range n {
				b.WriteString(req(uint32(2*i+1), EndStream, "X: y"))
			}
			return b.String()
		}, FaultFlood},
		{"streams above the limit", 200, func(n int) string { return opened(n, func(uint32) string { return "" }) }, FaultFlood},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPeer(t, nil)
			p.send(tt.frames(tt.limit))
			if p.c.ended != 0 {
				t.Fatalf("after %d: ended for %v", tt.limit, p.c.ended)
			}
			p = newPeer(t, nil)
			p.send(tt.frames(tt.limit + 1))
			if p.c.ended != tt.want || !strings.Contains(p.sent(), "ENHANCE_YOUR_CALM") {
				t.Fatalf("after %d: got %v, want %v", tt.limit+1, p.c.ended, tt.want)
			}
		})
	}
}

// As many again are allowed after some time, and PINGs that come as answers to data at once.
func TestFloodsAreForgotten(t *testing.T) {
	pings := strings.Repeat(frame(Ping, 0, 0, rep(8)), 100)
	p := newPeer(t, nil)
	p.send(pings)
	p.now = p.now.Add(10 * time.Second)
	p.send(pings)
	p.send(string(AppendSettings(nil, Setting{InitialWindowSize, 1 << 20})), req(1, EndStream))
	for range 100 {
		_, p.out = p.c.SendData(p.out, 1, []byte("a"), false)
		p.send(frame(Ping, 0, 0, rep(8)), frame(Ping, 0, 0, rep(8)))
	}
	if p.c.ended != 0 {
		t.Errorf("got %v, want none", p.c.ended)
	}
}

// A client that has been answered resets what it likes.
func TestResetsAfterAnswers(t *testing.T) {
	p := newPeer(t, nil)
	for i := range 1000 {
		id := uint32(2*i + 1)
		p.send(req(id, EndStream))
		p.out = p.c.SendHead(p.out, id, ok(p.c), false)
		p.send(frame(RSTStream, 0, id, rep(4)))
	}
	if p.c.ended != 0 || p.c.Streams() != 0 {
		t.Errorf("got %v, %d open, want none", p.c.ended, p.c.Streams())
	}
}

func TestUnfinishedBlock(t *testing.T) {
	half := string(block(get()...))
	tests := []struct {
		name   string
		pieces []string // one a second
		late   bool     // ten seconds after the first of them
	}{
		{"CONTINUATION missing", []string{frame(Headers, EndStream, 1, half[:3])}, true},
		{"HEADERS cut short", []string{frame(Headers, EndStream, 1, half)[:20]}, true},
		{"header cut short", []string{frame(Headers, EndStream, 1, half)[:3]}, true},
		{"drop by drop", []string{frame(Headers, EndStream, 1, half)[:20], frame(Headers, EndStream, 1, half)[20:21]}, true},
		{"CONTINUATION again and again", []string{frame(Headers, EndStream, 1, half[:3]), frame(Continuation, 0, 1, half[3:4])}, true},
		{"the next one has a time of its own", []string{req(1, EndStream)[:20], req(1, EndStream)[20:] + req(3, EndStream)[:20]}, false},
		{"DATA cut short", []string{req(1, 0) + frame(Data, 0, 1, "abc")[:10]}, false},
		{"nothing", []string{""}, false},
		{"all in time", []string{frame(Headers, EndStream, 1, half[:3]), frame(Continuation, EndHeaders, 1, half[3:])}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPeer(t, nil)
			for _, piece := range tt.pieces {
				p.send(piece)
				p.now = p.now.Add(time.Second)
			}
			if want := start.Add(10 * time.Second); p.c.Deadline().Equal(want) != tt.late {
				t.Errorf("got deadline %v, want that of 10 s: %v", p.c.Deadline(), tt.late)
			}
			p.now = start.Add(10*time.Second - 1)
			p.send("")
			if p.c.ended != 0 {
				t.Errorf("before the deadline: %v", p.c.ended)
			}
			p.now = start.Add(10 * time.Second)
			p.send("")
			if (p.c.ended == BlockTooSlow) != tt.late {
				t.Errorf("got %v, want %v: %v", p.c.ended, BlockTooSlow, tt.late)
			}
		})
	}
}

// TestLargeHeadsAreAFloodSoon: five are borne with, for a client may learn what it can send; the sixth ends the connection.
func TestLargeHeadsAreAFloodSoon(t *testing.T) {
	p := newPeer(t, nil)
	large := "x-long: " + strings.Repeat("~", 4000)
	var fields []string
	for range 17 {
		fields = append(fields, large)
	}
	for n := range uint32(6) {
		p.send(blockFrames(1+2*n, block(get(fields...)...))...)
		want := fmt.Sprintf("fault %d: head_too_large end", 1+2*n)
		if n == 5 {
			want = "ended: " + FaultFlood.Label()
		}
		if got := p.happened(); got != want {
			t.Fatalf("head %d: got %q, want %q", n+1, got, want)
		}
	}
}

// blockFrames are the frames of a request whose fields are b.
func blockFrames(id uint32, b []byte) (all []string) {
	kind, flags := Headers, EndStream
	for ; len(b) > minFrameSize; b = b[minFrameSize:] {
		all = append(all, frame(kind, flags, id, string(b[:minFrameSize])))
		kind, flags = Continuation, 0
	}
	return append(all, frame(kind, flags|EndHeaders, id, string(b)))
}
