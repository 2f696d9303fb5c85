package http2

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/http1"
)

// backend is what a test says for a server, to a ClientConn: what was sent, and what happened.
type backend struct {
	t      testing.TB
	c      *ClientConn
	now    time.Time
	buf    []byte
	out    []byte
	events []string
}

func newBackend(t testing.TB, change func(*Config)) *backend {
	cfg := DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	b := &backend{t: t, c: NewClientConn(&cfg), now: start}
	b.send(settings)
	b.out = nil
	return b
}

// ask opens a stream; its owner is its own number.
func (b *backend) ask(m http1.Method, end bool) uint32 {
	e := b.c.Encoder()
	block := e.Request(e.Begin(nil), &Target{Method: []byte("GET"), Authority: []byte("a.example"), Path: []byte("/"), HTTPS: true})
	id, out, err := b.c.Open(b.out, block, m, end)
	if err != nil {
		b.t.Fatal(err)
	}
	b.out = out
	b.c.SetOwner(id, id)
	return id
}

// send lets frames arrive.
func (b *backend) send(frames ...string) {
	b.buf = append(b.buf, strings.Join(frames, "")...)
	for {
		n, ev, out := b.c.Receive(b.now, b.buf, b.out)
		b.out, b.buf = out, b.buf[n:]
		if ev.Kind != Nothing {
			b.events = append(b.events, b.tell(&ev))
		}
		if ev.Kind == Body {
			b.out = b.c.Consumed(b.out, ev.Stream, len(ev.Data))
		}
		if n == 0 && ev.Kind == Nothing || ev.Kind == Ended {
			return
		}
	}
}

func (b *backend) tell(ev *Event) string {
	if ev.Stream != 0 && ev.Owner != ev.Stream {
		b.t.Errorf("stream %d: got owner %v", ev.Stream, ev.Owner)
	}
	end := ""
	if ev.End {
		end = " end"
	}
	switch ev.Kind {
	case ResponseHead:
		return fmt.Sprintf("response %d: %d%s", ev.Stream, ev.Response.Status, end)
	case Interim:
		return fmt.Sprintf("interim %d: %d", ev.Stream, ev.Response.Status)
	case Alive:
		return "alive"
	case Reset:
		if ev.Unprocessed {
			return fmt.Sprintf("reset %d: %d unprocessed", ev.Stream, ev.Code)
		}
	}
	return (&peer{}).tell(ev)
}

func (b *backend) sent() string {
	p := peer{out: b.out}
	b.out = nil
	return p.sent()
}

func (b *backend) happened() string {
	s := strings.Join(b.events, "; ")
	b.events = nil
	return s
}

// resp is a head of a response in one frame.
func resp(id uint32, flags Flags, status int, fields ...string) string {
	return frame(Headers, EndHeaders|flags, id, string(block(append([]string{fmt.Sprintf(":status: %d", status)}, fields...)...)))
}

// What a server says to a request on stream 1 that is whole, and to one on stream 3 that is not.
func TestClientConn(t *testing.T) {
	trailers := frame(Headers, EndHeaders|EndStream, 1, string(block("x: y")))
	tests := []struct {
		name           string
		method         http1.Method // of both
		frames         []string
		happened, sent string
	}{
		{"response", http1.GET, []string{resp(1, EndStream, 200)}, "response 1: 200 end", ""},
		{"data", http1.GET, []string{resp(1, 0, 200, "content-length: 3"), frame(Data, 0, 1, "ab"), frame(Data, EndStream, 1, "c")},
			`response 1: 200; body 1 "ab"; body 1 "c" end`, ""},
		{"8.1 trailers", http1.GET, []string{resp(1, 0, 200), frame(Data, 0, 1, "ab"), trailers}, `response 1: 200; body 1 "ab"; trailers 1 of 1`, ""},
		{"8.1 trailers alone, as gRPC has them", http1.GET, []string{resp(1, EndStream, 200, "grpc-status: 5")}, `response 1: 200 end`, ""},
		{"8.1 interim responses", http1.GET, []string{resp(1, 0, 103), resp(1, 0, 100), resp(1, EndStream, 200)}, "interim 1: 103; interim 1: 100; response 1: 200 end", ""},
		{"8.1 interim response that ends", http1.GET, []string{resp(1, EndStream, 103)}, "reset 1: 1 interim_ends", "RST_STREAM 1 PROTOCOL_ERROR"},
		{"8.6 101", http1.GET, []string{resp(1, 0, 101)}, "reset 1: 1 status", "RST_STREAM 1 PROTOCOL_ERROR"},
		{"16 interim responses", http1.GET, []string{strings.Repeat(resp(1, 0, 103), 16), resp(1, EndStream, 200)},
			strings.Repeat("interim 1: 103; ", 16) + "response 1: 200 end", ""},
		{"17 interim responses", http1.GET, []string{strings.Repeat(resp(1, 0, 103), 17)},
			strings.Repeat("interim 1: 103; ", 16) + "reset 1: 11 too_many_interims", "RST_STREAM 1 ENHANCE_YOUR_CALM"},
		{"8.1 interim response after the head", http1.GET, []string{resp(1, 0, 200), resp(1, 0, 103)}, "response 1: 200; reset 1: 1 trailers_unended", "RST_STREAM 1 PROTOCOL_ERROR"},
		{"8.1 second head", http1.GET, []string{resp(1, 0, 200), resp(1, EndStream, 200)}, "response 1: 200; reset 1: 1 pseudo_in_trailers", "RST_STREAM 1 PROTOCOL_ERROR"},
		{"8.1 data before the head", http1.GET, []string{frame(Data, 0, 1, "a")}, "reset 1: 1 data_before_head", "RST_STREAM 1 PROTOCOL_ERROR"},
		{"8.1 data before the head, after another", http1.GET, []string{resp(1, 0, 103), frame(Data, EndStream, 1, "a")},
			"interim 1: 103; reset 1: 1 data_before_head", "RST_STREAM 1 PROTOCOL_ERROR"},
		{"8.1.1 malformed", http1.GET, []string{resp(1, EndStream, 200, "X: y"), resp(3, EndStream, 200)}, "reset 1: 1 field_name; response 3: 200 end", "RST_STREAM 1 PROTOCOL_ERROR"},
		{"5.3.1 on itself", http1.GET, []string{frame(Headers, EndHeaders|EndStream|WithPriority, 1, "\x00\x00\x00\x01\x10\x88")},
			"reset 1: 1 self_dependency", "RST_STREAM 1 PROTOCOL_ERROR"},

		{"8.1.1 less", http1.GET, []string{resp(1, 0, 200, "content-length: 3"), frame(Data, EndStream, 1, "ab")}, "response 1: 200; reset 1: 1 length_differs", "RST_STREAM 1 PROTOCOL_ERROR"},
		{"8.1.1 more", http1.GET, []string{resp(1, 0, 200, "content-length: 3"), frame(Data, 0, 1, "abcd")}, "response 1: 200; reset 1: 1 length_differs", "RST_STREAM 1 PROTOCOL_ERROR"},
		{"8.1.1 none", http1.GET, []string{resp(1, EndStream, 200, "content-length: 3")}, "reset 1: 1 length_differs", "RST_STREAM 1 PROTOCOL_ERROR"},
		{"8.1.1 less with trailers", http1.GET, []string{resp(1, 0, 200, "content-length: 3"), trailers}, "response 1: 200; reset 1: 1 length_differs", "RST_STREAM 1 PROTOCOL_ERROR"},
		{"HEAD", http1.HEAD, []string{resp(1, EndStream, 200, "content-length: 3")}, "response 1: 200 end", ""},
		{"HEAD, with an end of its own", http1.HEAD, []string{resp(1, 0, 200, "content-length: 3"), frame(Data, EndStream, 1, "")}, `response 1: 200; body 1 "" end`, ""},
		{"HEAD with trailers", http1.HEAD, []string{resp(1, 0, 200, "content-length: 3"), trailers}, "response 1: 200; trailers 1 of 1", ""},
		{"HEAD with data", http1.HEAD, []string{resp(1, 0, 200, "content-length: 3"), frame(Data, EndStream, 1, "abc")},
			"response 1: 200; reset 1: 1 body_where_none", "RST_STREAM 1 PROTOCOL_ERROR"},
		{"204 with data", http1.GET, []string{resp(1, 0, 204), frame(Data, EndStream, 1, "abc")}, "response 1: 204; reset 1: 1 body_where_none", "RST_STREAM 1 PROTOCOL_ERROR"},
		{"304 of a length", http1.GET, []string{resp(1, EndStream, 304, "content-length: 3")}, "response 1: 304 end", ""},
		{"304 with data", http1.GET, []string{resp(1, 0, 304, "content-length: 3"), frame(Data, EndStream, 1, "abc")},
			"response 1: 304; reset 1: 1 body_where_none", "RST_STREAM 1 PROTOCOL_ERROR"},
		{"after the end", http1.GET, []string{resp(3, EndStream, 200), frame(Data, 0, 3, "a")}, "response 3: 200 end; reset 3: 5 half_closed", "RST_STREAM 3 STREAM_CLOSED"},

		{"8.1 response before the request's end", http1.POST, []string{resp(3, EndStream, 403), frame(RSTStream, 0, 3, rep(4))}, "response 3: 403 end; reset 3: 0 ", ""},
		{"8.7 refused", http1.POST, []string{frame(RSTStream, 0, 1, "\x00\x00\x00\x07"), frame(RSTStream, 0, 3, "\x00\x00\x00\x07")},
			"reset 1: 7 unprocessed; reset 3: 7 unprocessed", ""},
		{"refused after an answer", http1.POST, []string{resp(1, 0, 103), resp(3, 0, 200), frame(RSTStream, 0, 1, "\x00\x00\x00\x07"), frame(RSTStream, 0, 3, "\x00\x00\x00\x07")},
			"interim 1: 103; response 3: 200; reset 1: 7 ; reset 3: 7 ", ""},
		{"reset for another reason", http1.GET, []string{frame(RSTStream, 0, 1, "\x00\x00\x00\x02")}, "reset 1: 2 ", ""},
		{"6.8 GOAWAY", http1.GET, []string{string(AppendGoAway(nil, 1, NoError, "")), resp(1, EndStream, 200)},
			"leaves: 0; reset 3: 7 unprocessed; response 1: 200 end", ""},
		{"6.8 GOAWAY twice", http1.GET, []string{string(AppendGoAway(nil, maxStream, NoError, "")), string(AppendGoAway(nil, 0, InternalError, ""))},
			"leaves: 0; leaves: 2; reset 3: 7 unprocessed; reset 1: 7 unprocessed", ""},
		{"6.8 GOAWAY that takes more", http1.GET, []string{string(AppendGoAway(nil, 1, NoError, "")), string(AppendGoAway(nil, 3, NoError, ""))},
			"leaves: 0; reset 3: 7 unprocessed; leaves: 0", ""},
		{"6.8 GOAWAY below an answer", http1.GET, []string{resp(3, 0, 200), string(AppendGoAway(nil, 1, NoError, ""))}, "response 3: 200; leaves: 0; reset 3: 7 ", ""},

		{"6.6 PUSH_PROMISE", http1.GET, []string{frame(PushPromise, EndHeaders, 1, "\x00\x00\x00\x02")}, "ended: push", "GOAWAY 0 0 PROTOCOL_ERROR PUSH_PROMISE that nobody has allowed"},
		{"6.5.2 push allowed", http1.GET, []string{string(AppendSettings(nil, Setting{EnablePush, 1}))}, "ended: setting", "GOAWAY 0 0 PROTOCOL_ERROR setting out of bounds"},
		{"6.5.2 push not allowed", http1.GET, []string{string(AppendSettings(nil, Setting{EnablePush, 0}))}, "", "SETTINGS 0 +1"},
		{"5.1 HEADERS on a stream that was not opened", http1.GET, []string{resp(5, EndStream, 200)}, "ended: idle_stream", "GOAWAY 0 0 PROTOCOL_ERROR frame on an idle stream"},
		{"5.1 HEADERS on a stream that was not pushed", http1.GET, []string{resp(2, EndStream, 200)}, "ended: idle_stream", "GOAWAY 0 0 PROTOCOL_ERROR frame on an idle stream"},
		{"5.1 DATA on a stream that was not opened", http1.GET, []string{frame(Data, 0, 5, "a")}, "ended: idle_stream", "GOAWAY 0 0 PROTOCOL_ERROR frame on an idle stream"},
		{"5.1 closed: HEADERS", http1.GET, []string{resp(1, EndStream, 200), resp(1, EndStream, 200)}, "response 1: 200 end; ended: closed_stream",
			"GOAWAY 0 0 STREAM_CLOSED frame on a closed stream"},
		{"5.1 closed: DATA", http1.GET, []string{resp(1, EndStream, 200), frame(Data, 0, 1, "a")}, "response 1: 200 end; ended: closed_stream",
			"GOAWAY 0 0 STREAM_CLOSED frame on a closed stream"},
		{"5.1 reset by us: what was on its way", http1.GET, []string{resp(1, 0, 99), resp(1, 0, 200), frame(Data, 0, 1, "a"), frame(RSTStream, 0, 1, rep(4)), trailers},
			"reset 1: 1 status", "RST_STREAM 1 PROTOCOL_ERROR"},
		{"4.3 not HPACK", http1.GET, []string{frame(Headers, EndHeaders, 1, "\xbf")}, "ended: compression", "GOAWAY 0 0 COMPRESSION_ERROR malformed HPACK"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			all := strings.Join(tt.frames, "")
			for size := len(all); size >= 1; size-- {
				b := newBackend(t, nil)
				b.ask(tt.method, true)
				b.ask(tt.method, false)
				if got, want := b.sent(), "HEADERS 1 +5; HEADERS 3 +4"; got != want {
					t.Fatalf("asked with %q, want %q", got, want)
				}
				for at := 0; at < len(all) && b.c.ended == 0; at += size {
					b.send(all[at:min(at+size, len(all))])
				}
				if got := b.happened(); got != tt.happened {
					t.Fatalf("in pieces of %d: got %q, want %q", size, got, tt.happened)
				}
				if got := b.sent(); got != tt.sent {
					t.Fatalf("in pieces of %d: sent %q, want %q", size, got, tt.sent)
				}
			}
		})
	}
}

func TestClientStart(t *testing.T) {
	b := newBackend(t, nil)
	out := b.c.Start(nil)
	n, err := ParsePreface(out)
	if n == 0 || err != nil {
		t.Fatalf("got %q, %v, want the preface", out, err)
	}
	b.out = out[n:]
	if got, want := b.sent(), "SETTINGS 0; WINDOW_UPDATE 0 983041"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if want := string(AppendSettings(nil, Setting{EnablePush, 0})[HeaderLen:]); string(out[n+HeaderLen:][:len(want)]) != want {
		t.Errorf("got %q, want that no push is allowed", out[n:])
	}
}

func TestOpenable(t *testing.T) {
	b := newBackend(t, func(c *Config) { c.Streams = 4 })
	want := func(when string, want int, closing bool) {
		t.Helper()
		if got := b.c.Openable(); got != want || b.c.Closing() != closing {
			t.Errorf("%s: got %d, closing %v, want %d, %v", when, got, b.c.Closing(), want, closing)
		}
		if _, out, err := b.c.Open(nil, nil, http1.GET, true); want == 0 && (err != error(TooManyStreams) || len(out) > 0) {
			t.Errorf("%s: opened: %v, %q", when, err, out)
		}
	}
	want("what the Config allows", 4, false)
	b = newBackend(t, func(c *Config) { c.Streams = 4 })
	b.ask(http1.GET, true)
	b.ask(http1.GET, true)
	b.send(string(AppendSettings(nil, Setting{MaxConcurrentStreams, 2})))
	want("what the server allows", 0, false)
	b.send(string(AppendSettings(nil, Setting{MaxConcurrentStreams, 1})), resp(1, EndStream, 200))
	want("less than are open", 0, false)
	b.send(resp(3, EndStream, 200))
	b.c.last = maxStream - 4
	b.send(string(AppendSettings(nil, Setting{MaxConcurrentStreams, 9})))
	if got := b.c.Openable(); got != 2 {
		t.Errorf("two identifiers left: got %d", got)
	}
	b.ask(http1.GET, true)
	if id := b.ask(http1.GET, true); id != maxStream {
		t.Errorf("got %d as the last one, want 2^31-1", id)
	}
	want("no identifiers left", 0, true)
	if b.c.Drained() {
		t.Error("drained while streams are open")
	}
	b.send(resp(maxStream-2, EndStream, 200), resp(maxStream, EndStream, 200))
	if !b.c.Drained() {
		t.Error("not drained")
	}

	b = newBackend(t, nil)
	b.out = b.c.Leave(b.c.Leave(nil))
	if got, want := b.sent(), "GOAWAY 0 0 NO_ERROR "; got != want || !b.c.Drained() {
		t.Errorf("got %q, drained %v, want %q", got, b.c.Drained(), want)
	}
	want("we have left", 0, true)
	b = newBackend(t, nil)
	b.send(string(AppendGoAway(nil, maxStream, NoError, "")))
	want("the server leaves", 0, true)
	b = newBackend(t, nil)
	b.send(frame(PushPromise, EndHeaders, 1, "\x00\x00\x00\x02"))
	want("the connection has ended", 0, true)
}

// RFC 9113 section 10.5.1: a server "that receives a larger field section" may refuse it; it is not even sent.
func TestHeadAboveTheServersLimit(t *testing.T) {
	for _, tt := range []struct {
		limit uint32
		want  error
	}{{257, nil}, {256, HeadTooLarge}} {
		b := newBackend(t, nil)
		b.ask(http1.GET, true) // what came before does not count
		b.send(string(AppendSettings(nil, Setting{MaxHeaderListSize, tt.limit})))
		e := b.c.Encoder()
		block := e.Request(e.Begin(nil), &Target{Method: []byte("PUT"), Authority: []byte("a"), Path: []byte("/x"), HTTPS: true}) // 42 + 44 + 39 + 43
		block = e.Field(block, []byte("X"), []byte("y"), false)                                                                   // 34
		block = e.Length(block, 123456789)                                                                                        // 55
		id, _, err := b.c.Open(nil, block, http1.PUT, true)
		if err != tt.want || (id == 0) != (err != nil) {
			t.Errorf("with %d octets: got %d, %v, want %v", tt.limit, id, err, tt.want)
		}
	}
}

// A server may reset as many streams as it is asked to open: that is no flood.
func TestServerResetsEveryStream(t *testing.T) {
	b := newBackend(t, nil)
	for range 1000 {
		b.send(frame(RSTStream, 0, b.ask(http1.GET, true), rep(4)))
	}
	if b.c.ended != 0 || b.c.Streams() != 0 {
		t.Errorf("got %v, %d open, want none", b.c.ended, b.c.Streams())
	}
	b.send(strings.Repeat(frame(RSTStream, 0, 1, rep(4)), 200))
	if b.c.ended != 0 {
		t.Errorf("200 of closed streams: got %v", b.c.ended)
	}
	b.send(frame(RSTStream, 0, 1, rep(4)))
	if b.c.ended != ResetFlood {
		t.Errorf("201 of closed streams: got %v, want %v", b.c.ended, ResetFlood)
	}
}

func TestProbe(t *testing.T) {
	b := newBackend(t, nil)
	b.out = b.c.Probe(b.c.Probe(b.out))
	if got, want := b.sent(), "PING 0"; got != want || !b.c.Probed() {
		t.Errorf("sent %q, owed %v, want %q", got, b.c.Probed(), want)
	}
	b.send(frame(Ping, Ack, 0, rep(8)))
	if got := b.happened(); got != "" || !b.c.Probed() {
		t.Errorf("another's answer: got %q", got)
	}
	b.send(frame(Ping, Ack, 0, string(probePing[:])))
	b.send(frame(Ping, Ack, 0, string(probePing[:])))
	if got := b.happened(); got != "alive" || b.c.Probed() {
		t.Errorf("got %q, owed %v, want one sign of life", got, b.c.Probed())
	}
}
