package http2

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	other "golang.org/x/net/http2"
)

// ledger counts what two sides have granted and used, from the frames alone.
type ledger struct {
	conn    int64
	streams map[uint32]int64
}

// FuzzConn plays a whole connection. What arrives in pieces has the effect of what arrives at once; and a ledger kept from the
// frames that went over the wire, without a look at the Conn, agrees with its windows.
func FuzzConn(f *testing.F) {
	f.Add([]byte{0x00, 1, 0x11, 9, 0x21, 200, 0x31, 4}, 5, uint16(30000))
	f.Add([]byte{0x40, 3, 0x00, 0, 0x50, 1, 0x40, 0, 0x60, 2, 0x11, 0}, 1, uint16(9))
	f.Fuzz(func(t *testing.T, script []byte, size int, answer uint16) {
		samePieces(t, script, size, int(answer))
	})
}

// The same with scripts made at random, the same ones each time.
func TestConnectionsAtRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		script := make([]byte, 2*r.IntN(60))
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		samePieces(t, script, 1+r.IntN(3000), r.IntN(70000))
	}
}

func samePieces(t *testing.T, script []byte, size, answer int) {
	t.Helper()
	text := scripted(script)
	whole, events := play(t, text, len(text)+1, answer)
	pieces, again := play(t, text, max(size&0x3fff, 1), answer)
	if events != again || !bytes.Equal(whole, pieces) {
		t.Fatalf("%q:\nevents %s, sent %q,\nand in pieces of %d\nevents %s, sent %q", text, events, whole, size, again, pieces)
	}
}

// scripted makes frames of a script: of each two octets the first says what is sent and on which of eight streams, the second how much.
func scripted(script []byte) string {
	var b strings.Builder
	next := uint32(1)
	for script = script[:min(len(script), 400)]; len(script) >= 2; script = script[2:] {
		id, n := uint32(script[0]&7)*2+1, int(script[1])
		switch script[0] >> 4 {
		case 0, 1, 2: // mostly the next one
			b.WriteString(frame(Headers, EndHeaders|Flags(n&1), next, stateless(n)))
			next += 2
		case 3:
			b.WriteString(frame(Headers, EndHeaders|Flags(n&1), id, stateless(n)))
		case 4, 5, 6:
			b.WriteString(frame(Data, 0, id, rep(n*64)))
		case 7:
			b.WriteString(frame(Data, Padded|Flags(n&1), id, "\x07"+rep(n+7)))
		case 8, 9:
			b.WriteString(string(AppendWindowUpdate(nil, id, uint32(n*n*n))))
		case 10:
			b.WriteString(string(AppendWindowUpdate(nil, 0, uint32(1<<(n&31))&^(1<<31))))
		case 11, 12:
			b.WriteString(string(AppendSettings(nil, Setting{InitialWindowSize, uint32(n * n * (n & 15))})))
		case 13:
			b.WriteString(string(AppendRSTStream(nil, id, Cancel)))
		case 14:
			b.WriteString(frame(Headers, 0, next, stateless(n)[:1]) + frame(Continuation, EndHeaders, next, stateless(n)[1:]))
			next += 2
		case 15:
			b.WriteString(frame(Type(n&15), Flags(n), id, rep(n>>4)))
		}
	}
	return b.String()
}

// stateless is a field block that leaves the table alone: of a request, a malformed one, one with a length, or trailers.
func stateless(n int) string {
	var e Encoder
	if n&6 == 6 {
		return string(e.Field(nil, []byte("x"), []byte("y"), false))
	}
	b := []byte{0x82, 0x87, 0x84}
	b = e.literal(b, 1, ":authority", []byte("a"))
	if n&8 != 0 {
		b = e.Field(b, []byte("content-length"), strconv.AppendInt(nil, int64(n*64), 10), false)
	}
	if n&24 == 24 {
		b = e.Field(b, []byte("te"), []byte("gzip"), false)
	}
	return string(b)
}

// play lets text arrive in pieces, answers each request with a body of that length as far as there is room, and checks the windows.
func play(t *testing.T, text string, size, answer int) (sent []byte, events string) {
	p := newPeer(t, nil)
	cfg := DefaultConfig()
	in := ledger{conn: int64(cfg.ConnWindow), streams: map[uint32]int64{}}
	out := ledger{conn: firstWindow, streams: map[uint32]int64{}}
	initial, body := int64(firstWindow), make([]byte, answer)
	lim := DefaultLimits()
	var reader Reader
	reader.begun = true // newPeer has sent the first
	buf := []byte(text)
	at, seen := 0, 0
	for end := 0; end < len(buf) && p.c.ended == 0; {
		end = min(end+size, len(buf))
		for p.c.ended == 0 {
			n, ev, all := p.c.Receive(p.now, buf[at:end], sent)
			sent = all
			if ev.Kind != Nothing {
				events += p.tell(&ev) + "; "
			}
			if n == 0 {
				break
			}
			var f Frame
			if _, err := reader.Parse(buf[at:at+n], &lim, &f); err != nil {
				t.Fatalf("%q: taken, and not to be taken: %v", text, err)
			}
			at += n
			if p.c.ended != 0 {
				break
			}
			initial = out.byPeer(&f, initial, &p.c.endpoint)
			if f.Type == Data {
				in.conn -= int64(f.Length)
			}
			sent = respond(p, &ev, sent, body)
			in.byUs(t, sent[seen:], &out)
			seen = len(sent)
			check(t, &p.c.endpoint, &in, &out, initial)
		}
	}
	return sent, events
}

// respond does what an owner does.
func respond(p *peer, ev *Event, sent, body []byte) []byte {
	switch ev.Kind {
	case Body:
		sent = p.c.Consumed(sent, ev.Stream, len(ev.Data))
	case RequestFault:
		sent = p.c.Reset(sent, ev.Stream, ev.Why.Code())
	case RequestHead:
		sent = p.c.SendHead(sent, ev.Stream, ok(p.c), false)
		_, sent = p.c.SendData(sent, ev.Stream, body, len(body)%2 == 0)
	case Window:
		_, sent = p.c.SendData(sent, ev.Stream, body, false)
	}
	return sent
}

// byPeer counts what the peer's frames let us send.
func (l *ledger) byPeer(f *Frame, initial int64, c *endpoint) int64 {
	switch {
	case f.Type == WindowUpdate && f.Stream == 0:
		l.conn += int64(f.Increment())
	case f.Type == WindowUpdate && f.Fault == 0:
		l.streams[f.Stream] += int64(f.Increment())
	case f.Type == SettingsType && !f.Has(Ack):
		s := c.peer // the codec of settings has tests of its own
		return int64(s.InitialWindowSize)
	}
	return initial
}

// byUs counts what our frames let the peer send, and what data they are.
func (l *ledger) byUs(t *testing.T, sent []byte, out *ledger) {
	r := other.NewFramer(nil, bytes.NewReader(sent))
	for {
		f, err := r.ReadFrame()
		if err != nil {
			return
		}
		switch f := f.(type) {
		case *other.WindowUpdateFrame:
			if f.StreamID == 0 {
				l.conn += int64(f.Increment)
			}
		case *other.DataFrame:
			out.conn -= int64(f.Length)
			out.streams[f.StreamID] -= int64(f.Length)
			if f.Length > minFrameSize {
				t.Fatalf("a frame of %d was sent", f.Length)
			}
		}
	}
}

// check compares the windows with the ledgers.
func check(t *testing.T, c *endpoint, in, out *ledger, initial int64) {
	if c.inbound.window != in.conn || c.inbound.window+c.inbound.owed != c.inbound.size || c.inbound.window < 0 {
		t.Fatalf("the peer may send %d, %d are owed; the frames say %d", c.inbound.window, c.inbound.owed, in.conn)
	}
	if c.room != out.conn || c.room < 0 || c.room > maxWindow {
		t.Fatalf("we may send %d; the frames say %d", c.room, out.conn)
	}
	if len(c.streams.open) > c.cfg.Streams || len(c.streams.reset) > max(2*c.cfg.Streams, leastKept) {
		t.Fatalf("%d streams are open, %d were reset", len(c.streams.open), len(c.streams.reset))
	}
	for i := range c.streams.open {
		s := &c.streams.open[i]
		if i > 0 && s.id <= c.streams.open[i-1].id || s.localEnd && s.remoteEnd {
			t.Fatalf("stream %d is out of order, or has ended", s.id)
		}
		if want := initial + out.streams[s.id]; s.room != want || s.room > maxWindow {
			t.Fatalf("stream %d may get %d; the frames say %d", s.id, s.room, want)
		}
		if !s.deaf && !s.remoteEnd && s.inbound.window+s.inbound.owed != s.inbound.size {
			t.Fatalf("stream %d may send %d, %d are owed, of %d", s.id, s.inbound.window, s.inbound.owed, s.inbound.size)
		}
	}
}
