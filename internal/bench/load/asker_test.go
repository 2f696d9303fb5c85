package load

import (
	"bytes"
	"encoding/binary"
	"testing"

	"golang.org/x/net/http2/hpack"
)

var h2 = Config{Path: "/1k", Length: 5, Streams: 2, TLS: true}

// block encodes a response's head without indexing.
func block(status string) []byte {
	var b sink
	e := hpack.NewEncoder(&b)
	_ = e.WriteField(hpack.HeaderField{Name: ":status", Value: status, Sensitive: true})
	_ = e.WriteField(hpack.HeaderField{Name: "server", Value: "x", Sensitive: true})
	return b
}

func TestFrames(t *testing.T) {
	t.Parallel()
	want := frame{kind: frameData, flags: flagEnd, stream: 3, payload: []byte("hello")}
	b := appendFrame(nil, want)
	for cut := range len(b) {
		if _, rest, ok, err := cutFrame(b[:cut]); ok || err != nil || len(rest) != cut {
			t.Errorf("the first %d octets: got ok %v, %v, %d octets left, want false, <nil>, all", cut, ok, err, len(rest))
		}
	}
	got, rest, ok, err := cutFrame(append(b, 'x'))
	if !ok || err != nil || got.kind != want.kind || got.flags != want.flags || got.stream != want.stream || !bytes.Equal(got.payload, want.payload) || string(rest) != "x" {
		t.Errorf("got %+v, %q, %v, %v, want %+v", got, rest, ok, err, want)
	}
	if _, _, _, err := cutFrame([]byte{1, 0, 0, 0, 0, 0, 0, 0, 1}); err != errFrame {
		t.Errorf("got %v, want %v", err, errFrame)
	}
}

// The server's decoder finds the whole request in the first header block and in every later one.
func TestRequestsOfHTTP2(t *testing.T) {
	t.Parallel()
	a := newAsker(h2)
	var got []hpack.HeaderField
	d := hpack.NewDecoder(4096, func(f hpack.HeaderField) { got = append(got, f) })
	for i := range 4 {
		f, rest, ok, err := cutFrame(a.ask(nil))
		if !ok || err != nil || len(rest) > 0 || f.kind != frameHeaders || f.flags != flagEnd|flagHeaders || f.stream != uint32(2*i+1) {
			t.Fatalf("request %d: got %+v, %v, %v", i, f, ok, err)
		}
		got = nil
		if _, err := d.Write(f.payload); err != nil {
			t.Fatal(err)
		}
		if len(got) != 4+len(fields) || got[3].Value != "/1k" || got[2].Value != host || got[4].Name != "user-agent" {
			t.Errorf("request %d: got %v", i, got)
		}
		if i > 0 && len(f.payload) != 4+len(fields) {
			t.Errorf("request %d: got %d octets, want one for each field", i, len(f.payload))
		}
	}
}

func TestAnswersOfHTTP2(t *testing.T) {
	t.Parallel()
	a := newAsker(h2)
	a.ask(a.ask(nil))
	padded := append([]byte{3}, "llo\x00\x00\x00"...)
	weighted := append([]byte{0, 0, 0, 0, 1}, block("200")...)
	for i, c := range []struct {
		f        frame
		reply    []byte
		answered bool
	}{
		{f: frame{kind: frameSettings}, reply: appendFrame(nil, frame{kind: frameSettings, flags: flagAck})},
		{f: frame{kind: frameSettings, flags: flagAck}},
		{f: frame{kind: framePing, payload: []byte("12345678")}, reply: appendFrame(nil, frame{kind: framePing, flags: flagAck, payload: []byte("12345678")})},
		{f: frame{kind: frameHeaders, flags: flagHeaders | flagWeight, stream: 3, payload: weighted}},
		{f: frame{kind: frameHeaders, flags: flagHeaders, stream: 1, payload: block("200")}},
		{f: frame{kind: frameData, stream: 1, payload: []byte("he")}},
		{f: frame{kind: frameData, flags: flagEnd, stream: 3, payload: []byte("hello")}, answered: true},
		{f: frame{kind: frameData, flags: flagEnd | flagPadded, stream: 1, payload: padded}, answered: true},
		{f: frame{kind: frameWindowUpdate, payload: []byte{0, 0, 0, 1}}},
		{f: frame{kind: 0x42, payload: []byte("unknown")}},
	} {
		reply, answered, err := a.take(c.f, nil)
		if err != nil || answered != c.answered || !bytes.Equal(reply, c.reply) {
			t.Errorf("frame %d: got reply %x, answered %v, %v, want %x, %v", i, reply, answered, err, c.reply, c.answered)
		}
	}
}

// The window of the connection is opened again long before it is used up.
func TestWindow(t *testing.T) {
	t.Parallel()
	c := h2
	c.Length = 1 << 40
	a := newAsker(c)
	a.ask(nil)
	if _, _, err := a.take(frame{kind: frameHeaders, flags: flagHeaders, stream: 1, payload: block("200")}, nil); err != nil {
		t.Fatal(err)
	}
	data, opened := make([]byte, maxFrame), 0
	for range window / maxFrame {
		reply, _, err := a.take(frame{kind: frameData, stream: 1, payload: data}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(reply) > 0 {
			opened += int(binary.BigEndian.Uint32(reply[frameHead:]))
		}
	}
	if opened != window {
		t.Errorf("the window was opened by %d, want %d", opened, window)
	}
}

func TestWrongAnswersOfHTTP2(t *testing.T) {
	t.Parallel()
	head := frame{kind: frameHeaders, flags: flagHeaders, stream: 1, payload: block("200")}
	for _, c := range []struct {
		name   string
		frames []frame
		want   string
	}{
		{"status", []frame{{kind: frameHeaders, flags: flagHeaders, stream: 1, payload: block("502")}}, `got status "502", want 200`},
		{"too short", []frame{head, {kind: frameData, flags: flagEnd, stream: 1, payload: []byte("hell")}}, "a body of 4 bytes, want 5"},
		{"no body", []frame{{kind: frameHeaders, flags: flagHeaders | flagEnd, stream: 1, payload: block("200")}}, "a body of 0 bytes, want 5"},
		{"data before the head", []frame{{kind: frameData, stream: 1, payload: []byte("hello")}}, "DATA on stream 1, which waits for none"},
		{"data of nobody", []frame{{kind: frameData, stream: 5}}, "DATA on stream 5, which waits for none"},
		{"two heads", []frame{head, head}, "HEADERS on stream 1, which waits for none"},
		{"a head in pieces", []frame{{kind: frameHeaders, stream: 1, payload: block("200")}}, "a head in several frames"},
		{"padding", []frame{head, {kind: frameData, flags: flagPadded, stream: 1, payload: []byte{9, 'a'}}}, errPadding.Error()},
		{"priority", []frame{{kind: frameHeaders, flags: flagHeaders | flagWeight, stream: 1, payload: []byte{1}}}, errPriority.Error()},
		{"reset", []frame{{kind: frameReset, stream: 1, payload: []byte{0, 0, 0, 7}}}, "stream 1 was reset: 00000007"},
		{"going away", []frame{{kind: frameGoAway, payload: append([]byte{0, 0, 0, 1, 0, 0, 0, 11}, "calm"...)}}, `GOAWAY: 000000010000000b "calm"`},
	} {
		a := newAsker(h2)
		a.ask(nil)
		var err error
		for _, f := range c.frames {
			if _, _, err = a.take(f, nil); err != nil {
				break
			}
		}
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}
