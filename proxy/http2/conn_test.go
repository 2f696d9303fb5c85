package http2

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	other "golang.org/x/net/http2"
)

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// peer is a connection with what was sent and what happened on it.
type peer struct {
	t      testing.TB
	c      *Conn
	now    time.Time
	buf    []byte
	out    []byte
	events []string
	keep   bool // data is not consumed
}

func newPeer(t testing.TB, change func(*Config)) *peer {
	cfg := DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	p := &peer{t: t, c: NewConn(&cfg), now: start}
	p.send(settings)
	p.out, p.events = nil, nil
	return p
}

// send lets frames arrive.
func (p *peer) send(frames ...string) {
	p.buf = append(p.buf, strings.Join(frames, "")...)
	for {
		var n int
		var ev Event
		n, ev, p.out = p.c.Receive(p.now, p.buf, p.out)
		p.buf = p.buf[n:]
		if ev.Kind != Nothing {
			p.events = append(p.events, p.tell(&ev))
		}
		if ev.Kind == Body && !p.keep {
			p.out = p.c.Consumed(p.out, ev.Stream, len(ev.Data))
		}
		if n == 0 || ev.Kind == Ended {
			return
		}
	}
}

func (p *peer) tell(ev *Event) string {
	end := ""
	if ev.End {
		end = " end"
	}
	switch ev.Kind {
	case RequestHead:
		return fmt.Sprintf("request %d %s%s", ev.Stream, ev.Request.Path.In(ev.Head.Buf), end)
	case RequestFault:
		return fmt.Sprintf("fault %d: %s%s", ev.Stream, ev.Why.Label(), end)
	case Body:
		return fmt.Sprintf("body %d %q%s", ev.Stream, ev.Data[:min(9, len(ev.Data))], end)
	case Trailing:
		return fmt.Sprintf("trailers %d of %d", ev.Stream, len(ev.Head.Fields))
	case Reset:
		return fmt.Sprintf("reset %d: %d %s", ev.Stream, ev.Code, ev.Why.Label())
	case Window:
		return fmt.Sprintf("window %d", ev.Stream)
	case PeerLeaves:
		return fmt.Sprintf("leaves: %d", ev.Code)
	}
	return "ended: " + ev.Why.Label()
}

// ok is the head of a response.
func ok(c *Conn) []byte { return c.Encoder().Status(c.Encoder().Begin(nil), 200) }

// sent is what was sent, as another implementation reads it, since the last call.
func (p *peer) sent() string {
	r := other.NewFramer(nil, bytes.NewReader(p.out))
	p.out = p.out[:0]
	var all []string
	for {
		f, err := r.ReadFrame()
		if err != nil {
			return strings.Join(all, "; ")
		}
		h := f.Header()
		s := fmt.Sprintf("%v %d", h.Type, h.StreamID)
		if h.Flags != 0 {
			s += fmt.Sprintf(" +%x", uint8(h.Flags))
		}
		switch f.(type) {
		case *other.RSTStreamFrame, *other.GoAwayFrame, *other.WindowUpdateFrame:
			s += " " + content(f)
		case *other.DataFrame:
			s += fmt.Sprintf(" %d", h.Length)
		}
		all = append(all, s)
	}
}

func (p *peer) happened() string {
	s := strings.Join(p.events, "; ")
	p.events = nil
	return s
}

// req is a request with all in one frame.
func req(id uint32, flags Flags, fields ...string) string {
	return frame(Headers, EndHeaders|flags, id, string(block(get(fields...)...)))
}

func TestConnection(t *testing.T) {
	fields := string(block("x: y"))
	tests := []struct {
		name           string
		frames         []string
		happened, sent string
	}{
		{"6.5.3 SETTINGS", []string{settings}, "", "SETTINGS 0 +1"},
		{"6.5.2 bad window", []string{string(AppendSettings(nil, Setting{InitialWindowSize, 1 << 31}))}, "ended: window_setting",
			"GOAWAY 0 0 FLOW_CONTROL_ERROR initial window size out of bounds"},
		{"6.7 PING", []string{frame(Ping, 0, 0, rep(8))}, "", "PING 0 +1"},
		{"6.7 answer that nobody asked for", []string{frame(Ping, Ack, 0, rep(8))}, "", ""},
		{"6.8 GOAWAY", []string{string(AppendGoAway(nil, 0, Cancel, ""))}, "leaves: 8", ""},
		{"5.5 unknown type", []string{frame(0xfa, 0, 7, "abc")}, "", ""},

		{"request", []string{req(1, EndStream)}, "request 1 / end", ""},
		{"8.1 request with data", []string{req(1, 0), frame(Data, 0, 1, "ab"), frame(Data, EndStream, 1, "c")},
			`request 1 /; body 1 "ab"; body 1 "c" end`, ""},
		{"8.1 trailers", []string{req(1, 0), frame(Data, 0, 1, "ab"), frame(Headers, EndHeaders|EndStream, 1, fields)},
			`request 1 /; body 1 "ab"; trailers 1 of 1`, ""},
		{"8.1 trailers in two frames", []string{req(1, 0), frame(Headers, EndStream, 1, fields[:1]), frame(Continuation, EndHeaders, 1, fields[1:])},
			`request 1 /; trailers 1 of 1`, ""},
		{"8.1 trailers without an end", []string{req(1, 0), frame(Headers, EndHeaders, 1, fields)}, "request 1 /; reset 1: 1 trailers_unended", "RST_STREAM 1 PROTOCOL_ERROR"},
		{"8.1 pseudo-field in trailers", []string{req(1, 0), req(1, EndStream)}, "request 1 /; reset 1: 1 pseudo_in_trailers", "RST_STREAM 1 PROTOCOL_ERROR"},
		{"8.2 malformed", []string{req(1, EndStream, "X: y")}, "fault 1: field_name end", ""},
		{"8.2 malformed with data", []string{req(1, 0, "X: y"), frame(Data, EndStream, 1, "abc")}, "fault 1: field_name", ""},

		{"8.1.1 length as told", []string{req(1, 0, "content-length: 3"), frame(Data, 0, 1, "ab"), frame(Data, EndStream|Padded, 1, "\x01c\x00")},
			`request 1 /; body 1 "ab"; body 1 "c" end`, ""},
		{"8.1.1 less", []string{req(1, 0, "content-length: 3"), frame(Data, EndStream, 1, "ab")}, "request 1 /; reset 1: 1 length_differs", "RST_STREAM 1 PROTOCOL_ERROR"},
		{"8.1.1 more", []string{req(1, 0, "content-length: 3"), frame(Data, 0, 1, "abcd")}, "request 1 /; reset 1: 1 length_differs", "RST_STREAM 1 PROTOCOL_ERROR"},
		{"8.1.1 none", []string{req(1, EndStream, "content-length: 3")}, "fault 1: length_differs end", ""},
		{"8.1.1 less with trailers", []string{req(1, 0, "content-length: 3"), frame(Headers, EndHeaders|EndStream, 1, fields)},
			"request 1 /; reset 1: 1 length_differs", "RST_STREAM 1 PROTOCOL_ERROR"},

		{"5.1 idle: DATA", []string{frame(Data, 0, 1, "a")}, "ended: idle_stream", "GOAWAY 0 0 PROTOCOL_ERROR frame on an idle stream"},
		{"5.1 idle: RST_STREAM", []string{frame(RSTStream, 0, 1, rep(4))}, "ended: idle_stream", "GOAWAY 0 0 PROTOCOL_ERROR frame on an idle stream"},
		{"5.1 idle: WINDOW_UPDATE", []string{frame(WindowUpdate, 0, 1, "\x00\x00\x00\x01")}, "ended: idle_stream", "GOAWAY 0 0 PROTOCOL_ERROR frame on an idle stream"},
		{"5.1 idle: PRIORITY", []string{frame(Priority, 0, 1, rep(5))}, "", ""},
		{"5.1 half-closed: DATA", []string{req(1, EndStream), frame(Data, 0, 1, "a")}, "request 1 / end; reset 1: 5 half_closed", "RST_STREAM 1 STREAM_CLOSED"},
		{"5.1 half-closed: HEADERS", []string{req(1, EndStream), req(1, EndStream)}, "request 1 / end; reset 1: 5 half_closed", "RST_STREAM 1 STREAM_CLOSED"},
		{"5.1 half-closed: WINDOW_UPDATE", []string{req(1, EndStream), frame(WindowUpdate, 0, 1, "\x00\x00\x00\x01")}, "request 1 / end; window 1", ""},
		{"5.1 closed by RST_STREAM: DATA", []string{req(1, 0), frame(RSTStream, 0, 1, "\x00\x00\x00\x08"), frame(Data, 0, 1, "a")},
			"request 1 /; reset 1: 8 ; ended: closed_stream", "GOAWAY 0 1 STREAM_CLOSED frame on a closed stream"},
		{"5.1 closed by RST_STREAM: HEADERS", []string{req(1, 0), frame(RSTStream, 0, 1, "\x00\x00\x00\x08"), req(1, EndStream)},
			"request 1 /; reset 1: 8 ; ended: closed_stream", "GOAWAY 0 1 STREAM_CLOSED frame on a closed stream"},
		{"5.1 closed: RST_STREAM, WINDOW_UPDATE, PRIORITY", []string{req(1, 0), frame(RSTStream, 0, 1, rep(4)), frame(RSTStream, 0, 1, rep(4)),
			frame(WindowUpdate, 0, 1, "\x00\x00\x00\x01"), frame(Priority, 0, 1, rep(5))}, "request 1 /; reset 1: 0 ", ""},
		{"5.1 reset by us: what was on its way", []string{req(1, 0, "content-length: 1"), frame(Data, 0, 1, "ab"), frame(Data, 0, 1, "cd"),
			frame(WindowUpdate, 0, 1, "\x00\x00\x00\x01"), frame(Headers, EndHeaders|EndStream, 1, fields), frame(RSTStream, 0, 1, rep(4)), req(3, EndStream)},
			"request 1 /; reset 1: 1 length_differs; request 3 / end", "RST_STREAM 1 PROTOCOL_ERROR"},

		{"5.1.1 even", []string{req(2, EndStream)}, "ended: stream_id", "GOAWAY 0 0 PROTOCOL_ERROR stream identifier out of order"},
		{"5.1.1 left out before", []string{req(5, EndStream), req(3, EndStream)}, "request 5 / end; ended: stream_id", "GOAWAY 0 5 PROTOCOL_ERROR stream identifier out of order"},
		{"5.3.1 on itself", []string{frame(Headers, EndHeaders|EndStream|WithPriority, 1, "\x00\x00\x00\x01\x10"+string(block(get()...)))},
			"reset 1: 1 self_dependency", "RST_STREAM 1 PROTOCOL_ERROR"},
		{"6.3 malformed on an idle stream", []string{frame(Priority, 0, 1, rep(4))}, "ended: priority", "GOAWAY 0 0 FRAME_SIZE_ERROR malformed priority"},
		{"6.3 malformed", []string{req(1, 0), frame(Priority, 0, 1, rep(4))}, "request 1 /; reset 1: 6 priority", "RST_STREAM 1 FRAME_SIZE_ERROR"},
		{"6.3 malformed on a closed stream", []string{req(1, 0), frame(RSTStream, 0, 1, rep(4)), frame(Priority, 0, 1, rep(4))},
			"request 1 /; reset 1: 0 ", "RST_STREAM 1 FRAME_SIZE_ERROR"},
		{"6.3 malformed on a stream that was reset by us", []string{req(1, EndStream), frame(Data, 0, 1, "a"), frame(Priority, 0, 1, rep(4))},
			"request 1 / end; reset 1: 5 half_closed", "RST_STREAM 1 STREAM_CLOSED"},
		{"6.9 by nothing", []string{req(1, 0), frame(WindowUpdate, 0, 1, rep(4))}, "request 1 /; reset 1: 1 zero_stream_update", "RST_STREAM 1 PROTOCOL_ERROR"},
		{"6.9.1 stream overflows", []string{req(1, 0), frame(WindowUpdate, 0, 1, "\x7f\xff\xff\xff")}, "request 1 /; reset 1: 3 stream_overflow", "RST_STREAM 1 FLOW_CONTROL_ERROR"},
		{"6.9.1 connection overflows", []string{frame(WindowUpdate, 0, 0, "\x7f\xff\xff\xff")}, "ended: window_overflow",
			"GOAWAY 0 0 FLOW_CONTROL_ERROR window of the connection above 2^31-1"},
		{"6.9.2 initial size overflows", []string{req(1, 0), frame(WindowUpdate, 0, 1, "\x00\x01\x00\x00"), string(AppendSettings(nil, Setting{InitialWindowSize, 1<<31 - 1}))},
			"request 1 /; window 1; ended: window_setting", "GOAWAY 0 1 FLOW_CONTROL_ERROR initial window size out of bounds"},
		{"4.3 not HPACK", []string{frame(Headers, EndHeaders, 1, "\x80")}, "ended: compression", "GOAWAY 0 1 COMPRESSION_ERROR malformed HPACK"},
		{"4.3 cut short", []string{frame(Headers, EndHeaders, 1, "\x40")}, "ended: compression", "GOAWAY 0 1 COMPRESSION_ERROR malformed HPACK"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			all := strings.Join(tt.frames, "")
			for size := len(all); size >= 1; size-- {
				p := newPeer(t, nil)
				for at := 0; at < len(all); at += size {
					p.send(all[at:min(at+size, len(all))])
					if p.c.ended != 0 {
						break
					}
				}
				if got := p.happened(); got != tt.happened {
					t.Fatalf("in pieces of %d: got %q, want %q", size, got, tt.happened)
				}
				if got := p.sent(); got != tt.sent {
					t.Fatalf("in pieces of %d: sent %q, want %q", size, got, tt.sent)
				}
			}
		})
	}
}

func TestStart(t *testing.T) {
	p := newPeer(t, nil)
	p.out = p.c.Start(nil)
	if got, want := p.sent(), "SETTINGS 0; WINDOW_UPDATE 0 983041"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// RFC 9113 section 5.1.2: more streams than SETTINGS_MAX_CONCURRENT_STREAMS are refused, and one that ends makes room.
func TestStreamsAreBounded(t *testing.T) {
	p := newPeer(t, func(c *Config) { c.Streams = 2 })
	p.send(req(1, EndStream), req(3, 0), req(5, 0), frame(Data, EndStream, 5, "abc"))
	if got, want := p.sent(), "RST_STREAM 5 REFUSED_STREAM"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	p.out = p.c.SendHead(p.out, 1, ok(p.c), true)
	p.send(req(7, EndStream))
	if got, want := p.happened(), "request 1 / end; request 3 /; request 7 / end"; got != want || p.c.Streams() != 2 {
		t.Errorf("got %q, %d open, want %q, 2", got, p.c.Streams(), want)
	}
}

// A client that has not seen SETTINGS yet may open more streams than it may, with data: each is refused, and the connection goes on.
func TestStreamsBeforeTheirBoundIsKnown(t *testing.T) {
	p := newPeer(t, func(c *Config) { c.Streams = 1 })
	for i := range 100 {
		p.send(req(uint32(2*i+1), 0))
	}
	for i := range 100 {
		p.send(frame(Data, EndStream, uint32(2*i+1), "abc"))
	}
	if p.c.ended != 0 || p.c.Streams() != 1 {
		t.Errorf("got %v, %d open, want none, 1", p.c.ended, p.c.Streams())
	}
}

// RFC 9113 section 6.9: what is sent stays within both windows, whatever SETTINGS does to them meanwhile.
func TestSendingWithinWindows(t *testing.T) {
	p := newPeer(t, nil)
	body := make([]byte, 100000)
	p.send(string(AppendSettings(nil, Setting{InitialWindowSize, 20000})), req(1, EndStream), req(3, EndStream))
	p.sent()
	step := func(id uint32, want int, wantSent string) {
		t.Helper()
		var n int
		n, p.out = p.c.SendData(p.out, id, body, true)
		if got := p.sent(); n != want || got != wantSent {
			t.Errorf("sent %d, %q, want %d, %q", n, got, want, wantSent)
		}
	}
	step(1, 20000, "DATA 1 16384; DATA 1 3616")
	step(1, 0, "")
	p.send(string(AppendSettings(nil, Setting{InitialWindowSize, 5000}))) // the window of stream 1 is now -15000
	p.send(string(AppendWindowUpdate(nil, 1, 15000)))
	p.sent()
	if room := p.c.Room(1); room != 0 {
		t.Errorf("a window of 0 has room for %d", room)
	}
	p.send(string(AppendWindowUpdate(nil, 1, 1)))
	step(1, 1, "DATA 1 1")
	step(3, 5000, "DATA 3 5000")
	p.send(string(AppendSettings(nil, Setting{InitialWindowSize, 1000000})))
	p.sent()
	step(3, 65535-25001, "DATA 3 16384; DATA 3 16384; DATA 3 7766") // what the connection has left
	p.send(string(AppendWindowUpdate(nil, 0, 1000000)))
	p.happened()
	step(3, 100000, "DATA 3 16384; DATA 3 16384; DATA 3 16384; DATA 3 16384; DATA 3 16384; DATA 3 16384; DATA 3 +1 1696")
	step(3, 0, "") // gone
	if room := p.c.Room(3); room != 0 || p.c.Streams() != 1 {
		t.Errorf("a stream that ended has room for %d, %d are open", room, p.c.Streams())
	}
}

// RFC 9113 section 6.9.1: data above a window ends what it belongs to.
func TestReceivingWithinWindows(t *testing.T) {
	chunk := frame(Data, 0, 1, rep(16384))
	p := newPeer(t, nil)
	p.keep = true
	p.send(req(1, 0), chunk, chunk, chunk, frame(Data, Padded, 1, "\xff"+rep(16382)))
	p.happened()
	p.send(frame(Data, 0, 1, "a"))
	if got, want := p.happened(), "reset 1: 3 stream_exceeded"; got != want {
		t.Errorf("one octet above the stream's window: got %q, want %q", got, want)
	}
	p = newPeer(t, func(c *Config) { c.ConnWindow = 65535 })
	p.keep = true
	p.send(req(1, 0), chunk, chunk, req(3, 0), strings.ReplaceAll(chunk+chunk, chunk, frame(Data, 0, 3, rep(16383))))
	p.happened()
	p.send(frame(Data, 0, 3, "ab"))
	if got, want := p.happened(), "ended: window_exceeded"; got != want {
		t.Errorf("two octets above the connection's window: got %q, want %q", got, want)
	}
}

// A window is granted again once half of it was consumed, padding and what nobody wants included.
func TestWindowsAreGrantedAgain(t *testing.T) {
	p := newPeer(t, func(c *Config) { c.ConnWindow = 65535 })
	chunk := frame(Data, 0, 1, rep(16384))
	p.send(req(1, 0), chunk)
	if got := p.sent(); got != "" {
		t.Errorf("a quarter consumed: sent %q, want nothing", got)
	}
	p.send(chunk)
	if got, want := p.sent(), "WINDOW_UPDATE 1 32768; WINDOW_UPDATE 0 32768"; got != want {
		t.Errorf("half consumed: sent %q, want %q", got, want)
	}
	p.out = p.c.Reset(nil, 1, Cancel)
	p.send(chunk, chunk)
	if got, want := p.sent(), "RST_STREAM 1 CANCEL; WINDOW_UPDATE 0 32768"; got != want {
		t.Errorf("of a stream that is gone: sent %q, want %q", got, want)
	}
}

// The data of a request that was malformed is nobody's, and counts in the connection's window all the same.
func TestWindowOfMalformedRequests(t *testing.T) {
	p := newPeer(t, func(c *Config) { c.ConnWindow = 65535 })
	p.send(req(1, 0, "X: y"), frame(Data, 0, 1, rep(16384)), frame(Data, EndStream, 1, rep(16384)))
	if got, want := p.sent(), "WINDOW_UPDATE 0 32768"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
}

// RFC 9113 section 6.8
func TestDrain(t *testing.T) {
	p := newPeer(t, nil)
	if p.c.Drained() {
		t.Error("drained before anybody asked for it")
	}
	p.send(req(1, EndStream))
	p.out = p.c.Drain(p.c.Drain(p.out))
	if got, want := p.sent(), "GOAWAY 0 2147483647 NO_ERROR ; PING 0"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	p.send(req(3, EndStream), frame(Ping, Ack, 0, rep(8)))
	if got := p.sent(); got != "" {
		t.Errorf("after another's answer: sent %q, want nothing", got)
	}
	p.send(frame(Ping, Ack, 0, string(drainPing[:])))
	if got, want := p.sent(), "GOAWAY 0 3 NO_ERROR "; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	p.send(req(5, 0), frame(Data, EndStream, 5, "abc"))
	if got, want := p.happened(), "request 1 / end; request 3 / end"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	p.out = p.c.SendHead(p.out, 1, ok(p.c), true)
	if p.c.Drained() {
		t.Error("drained while a stream is open")
	}
	p.out = p.c.SendHead(p.c.Leave(p.out), 3, ok(p.c), true)
	if got, want := p.sent(), "HEADERS 1 +5; HEADERS 3 +5"; got != want || !p.c.Drained() {
		t.Errorf("sent %q, drained %v, want %q, true", got, p.c.Drained(), want)
	}
	p.send(frame(Data, 0, 7, "a"))
	if got, want := p.sent(), "GOAWAY 0 3 PROTOCOL_ERROR frame on an idle stream"; got != want {
		t.Errorf("sent %q, want %q, since what GOAWAY says never grows", got, want)
	}
}

// What a request costs the connection besides its fields.
func TestConnectionAllocations(t *testing.T) {
	p := newPeer(t, nil)
	first, next := blocks()
	p.send(string(AppendHeaders(nil, 1, first, true, minFrameSize)))
	p.out = p.c.SendHead(p.out, 1, ok(p.c), true)
	id, body := uint32(1), make([]byte, 1024)
	var buf, block []byte
	out := make([]byte, 0, 4096)
	e, in := p.c.Encoder(), parsed(t)
	one := func() {
		id += 2
		buf = AppendHeaders(buf[:0], id, next, true, minFrameSize)
		_, ev, _ := p.c.Receive(start, buf, out[:0])
		if ev.Kind != RequestHead {
			t.Fatal(p.tell(&ev))
		}
		block = e.Fields(e.Status(e.Begin(block[:0]), in.Status), []byte(response), in.Fields, nil)
		out = p.c.SendHead(out[:0], id, block, false)
		if p.c.Room(id) < len(body) {
			p.c.room = firstWindow
		}
		_, out = p.c.SendData(out, id, body, true)
	}
	for range 4 { // until the table has what repeats
		one()
	}
	if n := testing.AllocsPerRun(100, one); n != 0 || p.c.Streams() != 0 {
		t.Errorf("got %v allocations, %d streams open, want none", n, p.c.Streams())
	}
}

// TestTrimInTheMidstOfABlock: a head that comes in several parts keeps what its first ones have said.
func TestTrimInTheMidstOfABlock(t *testing.T) {
	p := newPeer(t, nil)
	b := string(block(get("x-long: "+strings.Repeat("~", 2*keptHead), "x-last: 1")...))
	cut := len(b) - 4
	p.send(frame(Headers, EndStream, 1, b[:cut]))
	p.c.Trim()
	p.send(frame(Continuation, EndHeaders, 1, b[cut:]))
	if got := p.happened(); got != "request 1 / end" {
		t.Errorf("got %q, want the request", got)
	}
}
