package loadtest

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// The frames of the floods are what they say, to another implementation's reader.
func TestFramesOfFloods(t *testing.T) {
	for _, c := range []struct {
		flood string
		more  map[http2.FrameType]int
	}{
		{"HTTP/2 rapid reset", map[http2.FrameType]int{http2.FrameHeaders: 50, http2.FrameRSTStream: 50}},
		{"HTTP/2 late reset", map[http2.FrameType]int{http2.FrameHeaders: 10, http2.FrameRSTStream: 10}},
		{"HTTP/2 CONTINUATION", map[http2.FrameType]int{http2.FrameContinuation: 40}},
		{"HTTP/2 PING", map[http2.FrameType]int{http2.FramePing: 100}},
		{"HTTP/2 SETTINGS", map[http2.FrameType]int{http2.FrameSettings: 100}},
		{"HTTP/2 empty DATA", map[http2.FrameType]int{http2.FrameData: 100}},
		{"HTTP/2 WINDOW_UPDATE", map[http2.FrameType]int{http2.FrameWindowUpdate: 500}},
		{"HTTP/2 HPACK", map[http2.FrameType]int{http2.FrameHeaders: 1}},
	} {
		t.Run(c.flood, func(t *testing.T) {
			f := floodOf(t, c.flood)
			a := &attacker{flood: f, stream: 1}
			opening, ok := bytes.CutPrefix(f.open(a), []byte(http2.ClientPreface))
			if !ok {
				t.Fatal("it does not begin with the preface")
			}
			more := f.more(a)
			if len(a.begun) > 0 { // the next piece belongs to it
				more = append(more, f.more(a)...)
			}
			r := http2.NewFramer(io.Discard, io.MultiReader(bytes.NewReader(opening), bytes.NewReader(more)))
			if frame, err := r.ReadFrame(); err != nil || frame.Header().Type != http2.FrameSettings {
				t.Fatalf("the first frame: %v, %v", frame, err)
			}
			got := map[http2.FrameType]int{}
			for {
				frame, err := r.ReadFrame()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				got[frame.Header().Type]++
			}
			if len(opening) > 9 { // it opens with a request, too
				got[http2.FrameHeaders]--
				maps.DeleteFunc(got, func(_ http2.FrameType, n int) bool { return n == 0 })
			}
			if !maps.Equal(got, c.more) {
				t.Errorf("got %v, want %v", got, c.more)
			}
		})
	}
}

func floodOf(t *testing.T, name string) Flood {
	t.Helper()
	for _, f := range Floods() {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no flood %s", name)
	return Flood{}
}

func TestFieldBombStandsForMuchMore(t *testing.T) {
	frame := fieldBombs(&attacker{stream: 1})
	fields, err := hpack.NewDecoder(4096, nil).DecodeFull(frame[9:])
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, f := range fields {
		size += int(f.Size())
	}
	if len(frame) > 15_000 || size < 40_000_000 {
		t.Errorf("%d octets stand for %d, want at most 15000 for 40 million", len(frame), size)
	}
}

// Endings of connections are told apart.
func TestEndings(t *testing.T) {
	calm := appendFrame(appendFrame(nil, typeSettings, 0, 0, nil), typeGoAway, 0, 0, []byte{0, 0, 0, 1, 0, 0, 0, 11, 'n', 'o'})
	for _, c := range []struct {
		name, flood string
		sends       string
		want        string
	}{
		{"nothing", "slow heads", "", "closed"},
		{"408", "slow heads", "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", "408"},
		{"half a body", "slow readers", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "200 broken off"},
		{"an alert", "half a ClientHello", "\x15\x03\x01\x00\x02\x02\x28", "closed"},
		{"GOAWAY", "HTTP/2 PING", string(calm), "GOAWAY ENHANCE_YOUR_CALM"},
		{"no GOAWAY", "HTTP/2 PING", string(calm[:9]), "closed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			here, there := net.Pipe()
			go func() {
				_, _ = io.Copy(there, strings.NewReader(c.sends)) // the reader takes all of it
				_ = there.Close()
			}()
			if got := floodOf(t, c.flood).ending(here); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A balancer that leaves connections open is found out, and one that ends them too early is kept busy.
func TestFloodsCountConnections(t *testing.T) {
	for _, c := range []struct {
		name  string
		serve func(net.Conn)
		check func(FloodResult) bool
	}{
		{"left open", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, func(r FloodResult) bool {
			return r.Opened == 3 && r.Endings[StillOpen] == 3 && r.Longest >= 500*time.Millisecond
		}},
		{"closed at once", func(net.Conn) {}, func(r FloodResult) bool {
			return r.Opened > 3 && r.Endings["closed"] == r.Opened
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			target := Target{Dial: func(context.Context, string, string) (net.Conn, error) {
				here, there := net.Pipe()
				go func() {
					c.serve(there)
					_ = there.Close()
				}()
				return here, nil
			}}
			ctx, cancel := context.WithTimeout(t.Context(), 350*time.Millisecond)
			defer cancel()
			if r := floodOf(t, "slow heads").Run(ctx, target, 3, 1, 200*time.Millisecond); !c.check(r) {
				t.Error(r)
			}
		})
	}
}
