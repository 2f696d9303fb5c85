package http2

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/proxy/http1"
)

// FuzzClientConn does for a client's side what FuzzConn does for a server's.
func FuzzClientConn(f *testing.F) {
	f.Add([]byte{0x00, 1, 0x11, 9, 0x21, 200, 0x31, 4}, 5, uint16(30000))
	f.Add([]byte{0x42, 3, 0x02, 0, 0x52, 1, 0x42, 0, 0xe0, 2, 0x11, 0}, 1, uint16(9))
	f.Fuzz(func(t *testing.T, script []byte, size int, answer uint16) {
		sameClientPieces(t, script, size, int(answer))
	})
}

// The same with scripts made at random, the same ones each time.
func TestClientConnectionsAtRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	kinds := map[Kind]int{}
	for range 500 {
		script := make([]byte, 2*r.IntN(60))
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		for kind, n := range sameClientPieces(t, script, 1+r.IntN(3000), r.IntN(70000)) {
			kinds[kind] += n
		}
	}
	for _, kind := range []Kind{ResponseHead, Interim, Body, Trailing, Reset, Window, PeerLeaves, Ended} {
		if kinds[kind] < 5 {
			t.Errorf("%d events of kind %d: the scripts have become too dull", kinds[kind], kind)
		}
	}
}

func sameClientPieces(t *testing.T, script []byte, size, body int) map[Kind]int {
	t.Helper()
	text := scriptedServer(script)
	whole, events, kinds := playClient(t, text, len(text)+1, body)
	pieces, again, _ := playClient(t, text, max(size&0x3fff, 1), body)
	if events != again || !bytes.Equal(whole, pieces) {
		t.Fatalf("%q:\nevents %s, sent %q,\nand in pieces of %d\nevents %s, sent %q", text, events, whole, size, again, pieces)
	}
	return kinds
}

// scriptedServer makes a server's frames of a script, as scripted does a client's.
func scriptedServer(script []byte) string {
	var b strings.Builder
	for script = script[:min(len(script), 400)]; len(script) >= 2; script = script[2:] {
		id, n := uint32(script[0]&3)*2+1, int(script[1])
		switch script[0] >> 4 {
		case 0, 1, 2, 3:
			b.WriteString(frame(Headers, EndHeaders|Flags(n&1), id, answered(n)))
		case 4, 5, 6:
			b.WriteString(frame(Data, Flags(n&1), id, rep(n/2*64)))
		case 7:
			b.WriteString(frame(Data, Padded|Flags(n&1), id, "\x07"+rep(n+7)))
		case 8, 9:
			b.WriteString(string(AppendWindowUpdate(nil, id, uint32(n*n*n))))
		case 10:
			b.WriteString(string(AppendWindowUpdate(nil, 0, uint32(1<<(n&31))&^(1<<31))))
		case 11:
			b.WriteString(string(AppendSettings(nil, Setting{InitialWindowSize, uint32(n * n * (n & 15))}, Setting{MaxConcurrentStreams, uint32(n)})))
		case 12:
			b.WriteString(string(AppendRSTStream(nil, id, Code(n&15))))
		case 13:
			b.WriteString(string(AppendGoAway(nil, id+uint32(n&4), Code(n&15), "")))
		case 14:
			b.WriteString(frame(Headers, 0, id, answered(n)[:1]) + frame(Continuation, EndHeaders, id, answered(n)[1:]))
		case 15:
			b.WriteString(frame(Type(n&15), Flags(n), id, rep(n>>4)))
		}
	}
	return b.String()
}

// answered is a field block that leaves the table alone: of a response, one with a length, an interim one, a malformed one, or
// trailers.
func answered(n int) string {
	var e Encoder
	if n&6 == 6 {
		return string(e.Field(nil, []byte("x"), []byte("y"), false))
	}
	b := e.Status(nil, []int{200, 200, 103, 304}[n>>4&3])
	if n&8 != 0 {
		b = e.Field(b, []byte("content-length"), strconv.AppendInt(nil, int64(n/2*64), 10), false)
	}
	if n&88 == 88 {
		b = e.Field(b, []byte("connection"), []byte("x"), false)
	}
	return string(b)
}

// playClient asks seven times, lets text arrive in pieces, sends bodies of that length as far as there is room, opens a stream for
// each that ends, and checks the windows.
func playClient(t *testing.T, text string, size, length int) (sent []byte, events string, kinds map[Kind]int) {
	b := newBackend(t, nil)
	c, body := b.c, make([]byte, length)
	cfg := DefaultConfig()
	in := ledger{conn: int64(cfg.ConnWindow), streams: map[uint32]int64{}}
	out := ledger{conn: firstWindow, streams: map[uint32]int64{}}
	kinds = map[Kind]int{}
	for i := range 7 {
		id := b.ask([]http1.Method{http1.GET, http1.POST, http1.HEAD}[i%3], i%3 != 1)
		_, b.out = c.SendData(b.out, id, body, i > 3)
	}
	sent = b.out
	in.byUs(t, sent, &out)
	initial := int64(firstWindow)
	lim := DefaultLimits()
	var reader Reader
	reader.begun = true // newBackend has sent the first
	buf := []byte(text)
	at, seen := 0, len(sent)
	for end := 0; end < len(buf) && c.ended == 0; {
		end = min(end+size, len(buf))
		for c.ended == 0 {
			n, ev, all := c.Receive(b.now, buf[at:end], sent)
			sent = all
			kinds[ev.Kind]++
			if ev.Kind != Nothing {
				events += b.tell(&ev) + "; "
			} else if n == 0 {
				break
			}
			if n > 0 {
				var f Frame
				if _, err := reader.Parse(buf[at:at+n], &lim, &f); err != nil {
					t.Fatalf("%q: taken, and not to be taken: %v", text, err)
				}
				at += n
				if c.ended != 0 {
					break
				}
				initial = out.byPeer(&f, initial, &c.endpoint)
				if f.Type == Data {
					in.conn -= int64(f.Length)
				}
			}
			sent = proceed(b, &ev, sent, body)
			in.byUs(t, sent[seen:], &out)
			seen = len(sent)
			if c.ended == 0 {
				check(t, &c.endpoint, &in, &out, initial)
			}
		}
	}
	return sent, events, kinds
}

// proceed does what an owner does.
func proceed(b *backend, ev *Event, sent, body []byte) []byte {
	c := b.c
	switch ev.Kind {
	case Body:
		sent = c.Consumed(sent, ev.Stream, len(ev.Data))
	case Window:
		for id, _ := c.Ready(0); id != 0; id, _ = c.Ready(id) {
			_, sent = c.SendData(sent, id, body[:len(body)/2], false)
		}
	case Reset:
		if c.Openable() > 0 {
			b.out = sent
			b.ask(http1.GET, true)
			sent = b.out
		}
	}
	return sent
}
