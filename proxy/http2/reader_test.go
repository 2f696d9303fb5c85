package http2

import (
	"bytes"
	"strings"
	"testing"
)

// frame writes a frame of any content.
func frame(t Type, flags Flags, stream uint32, payload string) string {
	return string(AppendFrameHeader(nil, len(payload), t, flags, stream)) + payload
}

// settings is the first frame that everybody sends.
var settings = frame(SettingsType, 0, 0, "")

func rep(n int) string { return strings.Repeat("\x00", n) }

var refusedFrames = []struct {
	name, frames string
	why          Reason
}{
	// RFC 9113 section 3.4: "the server connection preface consists of a potentially empty SETTINGS frame"
	{"3.4 PING first", frame(Ping, 0, 0, rep(8)), BadPreface},
	{"3.4 acknowledgement first", frame(SettingsType, Ack, 0, ""), BadPreface},
	{"3.4 unknown type first", frame(0xfa, 0, 0, ""), BadPreface},

	// section 4.2: "MUST send an error code of FRAME_SIZE_ERROR if a frame exceeds the size defined in SETTINGS_MAX_FRAME_SIZE"
	{"4.2 DATA of 16385", settings + frame(Data, 0, 1, rep(16385)), FrameTooLarge},
	{"4.2 HEADERS of 16385", settings + frame(Headers, 0, 1, rep(16385)), FrameTooLarge},
	{"4.2 unknown type of 16385", settings + frame(0xfa, 0, 1, rep(16385)), FrameTooLarge},
	{"4.2 the header alone", settings + frame(Data, 0, 1, rep(16385))[:9], FrameTooLarge},

	// section 4.3: "with no interleaved frames of any other type or from any other stream"
	{"4.3 DATA in a block", settings + frame(Headers, 0, 1, "a") + frame(Data, 0, 1, ""), BlockInterrupted},
	{"4.3 HEADERS in a block", settings + frame(Headers, 0, 1, "a") + frame(Headers, 0, 3, ""), BlockInterrupted},
	{"4.3 CONTINUATION of another", settings + frame(Headers, 0, 1, "a") + frame(Continuation, 0, 3, ""), BlockInterrupted},
	{"5.5 unknown type in a block", settings + frame(Headers, 0, 1, "a") + frame(0xfa, 0, 0, ""), BlockInterrupted},

	// section 6.1
	{"6.1 DATA on stream 0", settings + frame(Data, 0, 0, "a"), BadFrameStream},
	{"6.1 padding as long as the payload", settings + frame(Data, Padded, 1, "\x05abcd"), BadPadding},
	{"6.1 padding of 255", settings + frame(Data, Padded, 1, "\xff"), BadPadding},
	{"6.1 no length of the padding", settings + frame(Data, Padded, 1, ""), BadFrameSize},

	// section 6.2
	{"6.2 HEADERS on stream 0", settings + frame(Headers, EndHeaders, 0, "a"), BadFrameStream},
	{"6.2 padding as long as the payload", settings + frame(Headers, Padded|EndHeaders, 1, "\x05abcd"), BadPadding},
	{"6.2 padding over the priority", settings + frame(Headers, Padded|WithPriority, 1, "\x01"+rep(5)), BadPadding},
	{"6.2 priority cut short", settings + frame(Headers, WithPriority, 1, rep(4)), BadFrameSize},

	// section 6.3
	{"6.3 PRIORITY on stream 0", settings + frame(Priority, 0, 0, rep(5)), BadFrameStream},

	// section 6.4
	{"6.4 RST_STREAM on stream 0", settings + frame(RSTStream, 0, 0, rep(4)), BadFrameStream},
	{"6.4 RST_STREAM of 3", settings + frame(RSTStream, 0, 1, rep(3)), BadFrameSize},
	{"6.4 RST_STREAM of 5", settings + frame(RSTStream, 0, 1, rep(5)), BadFrameSize},

	// section 6.5
	{"6.5 SETTINGS on stream 1", settings + frame(SettingsType, 0, 1, ""), BadFrameStream},
	{"6.5 SETTINGS of 5", settings + frame(SettingsType, 0, 0, rep(5)), BadFrameSize},
	{"6.5 acknowledgement of 6", settings + frame(SettingsType, Ack, 0, rep(6)), BadFrameSize},

	// section 6.6: "MUST treat the receipt of a PUSH_PROMISE frame as a connection error"
	{"6.6 PUSH_PROMISE", settings + frame(PushPromise, EndHeaders, 1, rep(4)), PushRefused},

	// section 6.7
	{"6.7 PING on stream 1", settings + frame(Ping, 0, 1, rep(8)), BadFrameStream},
	{"6.7 PING of 7", settings + frame(Ping, 0, 0, rep(7)), BadFrameSize},
	{"6.7 PING of 9", settings + frame(Ping, 0, 0, rep(9)), BadFrameSize},

	// section 6.8
	{"6.8 GOAWAY on stream 1", settings + frame(GoAway, 0, 1, rep(8)), BadFrameStream},
	{"6.8 GOAWAY of 7", settings + frame(GoAway, 0, 0, rep(7)), BadFrameSize},

	// section 6.9
	{"6.9 WINDOW_UPDATE of 3", settings + frame(WindowUpdate, 0, 0, rep(3)), BadFrameSize},
	{"6.9 WINDOW_UPDATE of 5", settings + frame(WindowUpdate, 0, 1, rep(5)), BadFrameSize},
	{"6.9 by nothing", settings + frame(WindowUpdate, 0, 0, rep(4)), ZeroIncrement},
	{"6.9 by the reserved bit", settings + frame(WindowUpdate, 0, 0, "\x80\x00\x00\x00"), ZeroIncrement},

	// section 6.10
	{"6.10 CONTINUATION first", settings + frame(Continuation, EndHeaders, 1, "a"), StrayContinuation},
	{"6.10 CONTINUATION after the end", settings + frame(Headers, EndHeaders, 1, "a") + frame(Continuation, 0, 1, ""), StrayContinuation},
	{"6.10 CONTINUATION on stream 0", settings + frame(Headers, 0, 1, "a") + frame(Continuation, 0, 0, ""), BlockInterrupted},

	// section 10.5.1: no block without bounds
	{"10.5 nine CONTINUATION", settings + frame(Headers, 0, 1, "") + strings.Repeat(frame(Continuation, 0, 1, ""), 9), BlockTooSplit},
	{"10.5 block of 73729", settings + frame(Headers, 0, 1, rep(16384)) + strings.Repeat(frame(Continuation, 0, 1, rep(16384)), 3) +
		frame(Continuation, EndHeaders, 1, rep(8193)), BlockTooLarge},
}

// read parses frames that arrive in pieces of size octets, and returns the last error.
func read(frames string, size int, each func(*Frame)) (int, error) {
	var r Reader
	lim := DefaultLimits()
	at, buf := 0, []byte(frames)
	for end := 0; end < len(frames); {
		end = min(end+size, len(frames))
		for {
			var f Frame
			n, err := r.Parse(buf[at:end], &lim, &f)
			if err != nil {
				return at, err
			}
			if n == 0 {
				break
			}
			at += n
			each(&f)
		}
	}
	return at, nil
}

func TestFramesRefused(t *testing.T) {
	for _, tt := range refusedFrames {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{1, 7, 4096, len(tt.frames)} {
				if _, err := read(tt.frames, size, func(*Frame) {}); err != tt.why {
					t.Errorf("in pieces of %d: got %v, want %v", size, err, tt.why)
				}
			}
			if tt.why.Stream() {
				t.Errorf("%v is of a stream, and the connection has to end", tt.why)
			}
		})
	}
}

func TestFramesOfFaultyStreams(t *testing.T) {
	tests := []struct {
		name, frame string
		want        Reason
	}{
		{"6.3 PRIORITY of 4", frame(Priority, 0, 1, rep(4)), BadPriority},
		{"6.3 PRIORITY of 6", frame(Priority, 0, 1, rep(6)), BadPriority},
		{"5.3.1 PRIORITY on itself", frame(Priority, 0, 1, "\x00\x00\x00\x01\x10"), SelfDependency},
		{"5.3.1 exclusively on itself", frame(Priority, 0, 1, "\x80\x00\x00\x01\x10"), SelfDependency},
		{"5.3.1 HEADERS on itself", frame(Headers, EndHeaders|WithPriority, 1, "\x00\x00\x00\x01\x10a"), SelfDependency},
		{"6.9 WINDOW_UPDATE by nothing", frame(WindowUpdate, 0, 1, rep(4)), ZeroStreamUpdate},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []Reason
			n, err := read(settings+tt.frame, 1, func(f *Frame) { got = append(got, f.Fault) })
			if n != len(settings+tt.frame) || err != nil {
				t.Fatalf("got %d octets, %v, want all", n, err)
			}
			if got[1] != tt.want || !tt.want.Stream() {
				t.Errorf("got fault %v, want %v", got[1], tt.want)
			}
		})
	}
}

func TestFramesTaken(t *testing.T) {
	tests := []struct {
		name, frame string
		want        Frame
	}{
		{"DATA", frame(Data, EndStream, 1, "abc"), Frame{Type: Data, Flags: EndStream, Stream: 1, Length: 3, Payload: []byte("abc")}},
		{"DATA padded", frame(Data, Padded, 1, "\x02abc\x00\x00"), Frame{Type: Data, Flags: Padded, Stream: 1, Length: 6, Payload: []byte("abc")}},
		{"DATA of padding", frame(Data, Padded, 1, "\x02\x00\x00"), Frame{Type: Data, Flags: Padded, Stream: 1, Length: 3}},
		{"reserved bit", frame(Data, 0, 1<<31|1, "a"), Frame{Type: Data, Stream: 1, Length: 1, Payload: []byte("a")}},
		{"undefined flags", frame(Data, 0xf6, 1, "a"), Frame{Type: Data, Flags: 0xf6, Stream: 1, Length: 1, Payload: []byte("a")}},
		{"HEADERS with all", frame(Headers, EndHeaders|Padded|WithPriority, 3, "\x01\x80\x00\x00\x01\x10ab\x00"),
			Frame{Type: Headers, Flags: EndHeaders | Padded | WithPriority, Stream: 3, Length: 9, Payload: []byte("ab")}},
		{"unknown type", frame(0xfa, 0xff, 0, "abc"), Frame{Type: 0xfa, Flags: 0xff, Length: 3, Payload: []byte("abc")}},
		{"GOAWAY with more", frame(GoAway, 0, 0, rep(8)+"why"), Frame{Type: GoAway, Length: 11, Payload: []byte(rep(8) + "why")}},
		{"the longest", frame(Data, 0, 1, rep(16384)), Frame{Type: Data, Stream: 1, Length: 16384, Payload: []byte(rep(16384))}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := settings + tt.frame
			for size := 1; size <= len(text); size += 1 + size/40 {
				var got Frame
				n, err := read(text, size, func(f *Frame) { got = *f; got.Payload = bytes.Clone(f.Payload) })
				if err != nil || n != len(text) {
					t.Fatalf("in pieces of %d: got %d octets, %v", size, n, err)
				}
				if got.Type != tt.want.Type || got.Flags != tt.want.Flags || got.Stream != tt.want.Stream || got.Length != tt.want.Length ||
					got.Fault != 0 || !bytes.Equal(got.Payload, tt.want.Payload) {
					t.Fatalf("in pieces of %d: got %+v, want %+v", size, got, tt.want)
				}
			}
		})
	}
}

func TestBlockOpenUntilEndHeaders(t *testing.T) {
	var r Reader
	var f Frame
	lim := DefaultLimits()
	for i, step := range []struct {
		frame string
		open  bool
	}{
		{settings, false}, {frame(Headers, 0, 1, "a"), true}, {frame(Continuation, 0, 1, "b"), true},
		{frame(Continuation, EndHeaders, 1, "c"), false}, {frame(Headers, EndHeaders, 3, "a"), false},
	} {
		if _, err := r.Parse([]byte(step.frame), &lim, &f); err != nil {
			t.Fatal(err)
		}
		if r.BlockOpen() != step.open {
			t.Errorf("frame %d: got open %v, want %v", i, r.BlockOpen(), step.open)
		}
	}
}

func TestPreface(t *testing.T) {
	for n := range len(Preface) + 1 {
		want := 0
		if n == len(Preface) {
			want = n
		}
		if got, err := ParsePreface([]byte(Preface[:n])); got != want || err != nil {
			t.Errorf("%d octets: got %d, %v, want %d", n, got, err, want)
		}
	}
	for _, text := range []string{"G", "PRI * HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r", "\x16\x03\x01", "PRI / HTTP/2.0"} {
		if got, err := ParsePreface([]byte(text)); got != 0 || err != BadPreface {
			t.Errorf("%q: got %d, %v, want %v", text, got, err, BadPreface)
		}
	}
	if n, err := ParsePreface([]byte(Preface + settings)); n != 24 || err != nil {
		t.Errorf("with more behind it: got %d, %v", n, err)
	}
}

func TestSettings(t *testing.T) {
	tests := []struct {
		name string
		set  []Setting
		why  error
		want func(*Settings)
	}{
		{"none", nil, nil, func(*Settings) {}},
		{"all", []Setting{{HeaderTableSize, 1}, {EnablePush, 0}, {MaxConcurrentStreams, 3}, {InitialWindowSize, 4}, {MaxFrameSize, 1 << 15}, {MaxHeaderListSize, 6}}, nil,
			func(s *Settings) { *s = Settings{1, false, 3, 4, 1 << 15, 6} }},
		{"the last of one counts", []Setting{{InitialWindowSize, 4}, {InitialWindowSize, 5}}, nil, func(s *Settings) { s.InitialWindowSize = 5 }},
		{"unknown", []Setting{{0, 1}, {7, 1}, {0xffff, 1}}, nil, func(*Settings) {}},
		{"push 1", []Setting{{EnablePush, 1}}, nil, func(*Settings) {}},
		{"push 2", []Setting{{HeaderTableSize, 1}, {EnablePush, 2}}, BadSetting, func(*Settings) {}},
		{"widest window", []Setting{{InitialWindowSize, 1<<31 - 1}}, nil, func(s *Settings) { s.InitialWindowSize = 1<<31 - 1 }},
		{"window too wide", []Setting{{InitialWindowSize, 1 << 31}}, BadWindowSetting, func(*Settings) {}},
		{"smallest frame", []Setting{{MaxFrameSize, 1 << 14}}, nil, func(*Settings) {}},
		{"frame too small", []Setting{{MaxFrameSize, 1<<14 - 1}}, BadSetting, func(*Settings) {}},
		{"largest frame", []Setting{{MaxFrameSize, 1<<24 - 1}}, nil, func(s *Settings) { s.MaxFrameSize = 1<<24 - 1 }},
		{"frame too large", []Setting{{MaxFrameSize, 1 << 24}}, BadSetting, func(*Settings) {}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, want := InitialSettings(), InitialSettings()
			tt.want(&want)
			if err := got.Update(AppendSettings(nil, tt.set...)[HeaderLen:]); err != tt.why {
				t.Errorf("got %v, want %v", err, tt.why)
			}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestReasons(t *testing.T) {
	labels := map[string]bool{}
	for _, r := range Reasons() {
		if r.Label() == "" || r.Error() == "" || labels[r.Label()] {
			t.Errorf("reason %d: label %q, text %q", r, r.Label(), r.Error())
		}
		if r.Status() != 0 && !r.Stream() {
			t.Errorf("%v ends the connection and would answer with %d", r, r.Status())
		}
		labels[r.Label()] = true
	}
}
