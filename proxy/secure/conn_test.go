package secure

import (
	"bytes"
	"crypto/tls"
	"io"
	"strings"
	"testing"
)

func TestHandshakeTellsWhatWasAgreed(t *testing.T) {
	server, client := configs(t)
	for name, version := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			client := client.Clone()
			client.MaxVersion = version
			s, c := pair(t, server, client)
			got := s.Info()
			if got.Version != version || got.ALPN != "http/1.1" || got.ServerName != "a.test" || got.Resumed || len(got.Peer) != 0 {
				t.Errorf("server: got %+v", got)
			}
			if got := c.Info(); got.Version != version || got.ALPN != "http/1.1" || len(got.Peer) != 1 {
				t.Errorf("client: got %+v", got)
			}
		})
	}
}

func TestCiphertextMayBeCutAnywhere(t *testing.T) {
	server, client := configs(t)
	for name, version := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			client := client.Clone()
			client.MaxVersion = version
			s, c := start(t, Server(server, &FreeList{})), start(t, Client(client, &FreeList{}))
			shake(s, c, 1)
			if s.err != nil || c.err != nil || !s.done || !c.done {
				t.Fatalf("byte by byte: server %v, client %v", s.err, c.err)
			}
			for _, want := range []string{"one", "two"} { // two records in what is cut
				if _, err := c.Write([]byte(want)); err != nil {
					t.Fatal(err)
				}
			}
			sent := c.take()
			for cut := range len(sent) {
				if cut > 0 {
					for _, want := range []string{"one", "two"} {
						c.Write([]byte(want))
					}
					sent = c.take()
				}
				s.Feed(sent[:cut])
				first, err := readAll(s, make([]byte, 100))
				if err != ErrAgain {
					t.Fatalf("cut at %d: got %v, want ErrAgain", cut, err)
				}
				s.Feed(sent[cut:])
				second, err := readAll(s, make([]byte, 2))
				if got := string(first) + string(second); got != "onetwo" || err != ErrAgain {
					t.Fatalf("cut at %d: got %q, %v", cut, got, err)
				}
			}
		})
	}
}

func TestBytesGoBothWays(t *testing.T) {
	server, client := configs(t)
	for name, size := range map[string]int{"empty": 0, "one": 1, "record": 16 << 10, "more": 16<<10 + 1, "much": 300 << 10} {
		t.Run(name, func(t *testing.T) {
			s, c := pair(t, server, client)
			want := bytes.Repeat([]byte("abcdefg"), size/7+1)[:size]
			for range 2 {
				for _, way := range [][2]*side{{s, c}, {c, s}} {
					if n, err := way[0].Write(want); n != size || err != nil {
						t.Fatalf("write: got %d, %v", n, err)
					}
					if got := send(t, way[0], way[1]); !bytes.Equal(got, want) {
						t.Fatalf("got %d bytes, want %d", len(got), size)
					}
				}
			}
		})
	}
}

func TestWritesLeaveInOneBuffer(t *testing.T) {
	server, client := configs(t)
	s, c := pair(t, server, client)
	for range 9 {
		if _, err := s.Write([]byte("frame ")); err != nil {
			t.Fatal(err)
		}
	}
	first := append([]byte(nil), s.Out()[:7]...) // the socket took no more
	s.Sent(7)
	if _, err := s.Write(make([]byte, 100<<10)); err != nil { // the buffer has to grow
		t.Fatal(err)
	}
	c.Feed(append(first, s.take()...))
	got, err := readAll(c, make([]byte, 200))
	if want := strings.Repeat("frame ", 9) + string(make([]byte, 100<<10)); string(got) != want || err != ErrAgain {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, len(want))
	}
}

func TestCloseNotifyEndsOneWayAlone(t *testing.T) {
	server, client := configs(t)
	s, c := pair(t, server, client)
	c.Write([]byte("last"))
	if err := c.CloseNotify(); err != nil {
		t.Fatal(err)
	}
	s.Feed(c.take())
	if got, err := readAll(s, make([]byte, 100)); string(got) != "last" || err != io.EOF {
		t.Fatalf("got %q, %v, want an end", got, err)
	}
	if _, err := s.Write([]byte("answer")); err != nil {
		t.Fatalf("write the other way: %v", err)
	}
	if got := send(t, s, c); string(got) != "answer" {
		t.Fatalf("got %q", got)
	}
	if _, err := c.Write([]byte("more")); err == nil {
		t.Error("write after close_notify: no error")
	}
	if c.wire.out != nil {
		t.Error("memory is held for nothing")
	}
}

func TestTruncationIsNotAnEnd(t *testing.T) {
	server, client := configs(t)
	for _, tt := range []struct {
		name string
		cut  int // bytes that are missing
	}{{"between records", 0}, {"in a record", 1}, {"in a header", 25 - 3}} {
		t.Run(tt.name, func(t *testing.T) {
			s, c := pair(t, server, client)
			c.Write([]byte("abc"))
			sent := c.take()
			s.Feed(sent[:len(sent)-tt.cut])
			s.End()
			if _, err := readAll(s, make([]byte, 100)); err != ErrTruncated {
				t.Errorf("got %v, want ErrTruncated", err)
			}
			if _, err := s.Read(make([]byte, 1)); err != ErrTruncated {
				t.Errorf("again: got %v, want ErrTruncated", err)
			}
		})
	}
}

// An owner whose other side takes no more keeps what came, reads a little, and gets more.
func TestKeepHoldsWhatWasNotRead(t *testing.T) {
	server, client := configs(t)
	for name, blind := range map[string]bool{"": false, "blind": true} {
		t.Run(name, func(t *testing.T) {
			s, c := pair(t, server, client)
			if blind {
				s.inside = inside{}
			}
			var want, got []byte
			p := make([]byte, 700)
			for i := range 60 {
				b := bytes.Repeat([]byte{byte(i)}, 1000)
				want = append(want, b...)
				c.Write(b)
				sent := c.take()
				cut := len(sent) * i / 60
				for _, part := range [][]byte{sent[:cut], sent[cut:]} {
					s.Feed(part)
					n, err := s.Read(p[:min(i*20+1, len(p))])
					if err != nil && err != ErrAgain {
						t.Fatal(err)
					}
					got = append(got, p[:n]...)
					s.Keep()
					clear(part)
				}
			}
			rest, err := readAll(s, p)
			if got = append(got, rest...); !bytes.Equal(got, want) || err != ErrAgain {
				t.Errorf("got %d bytes, %v, want %d", len(got), err, len(want))
			}
			if s.wire.kept != nil || s.plain != nil {
				t.Error("memory is held though all is read")
			}
		})
	}
}
