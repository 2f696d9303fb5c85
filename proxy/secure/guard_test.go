package secure

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"strings"
	"testing"
)

// The tests of this file hold what the package rests on in crypto/tls, most of which its documentation does not promise.

const (
	data    = 23
	message = 22
	alert   = 21
	ccs     = 20
)

// keyUpdate is RFC 8446 section 4.6.3.
func keyUpdate(requested byte) []byte { return []byte{24, 0, 0, 1, requested} }

// everyPeer runs a test for both roles, with and without a look inside crypto/tls.
func everyPeer(t *testing.T, version uint16, f func(t *testing.T, s *side, from, to *raw)) {
	for name, server := range map[string]bool{"server": true, "client": false} {
		for how, blind := range map[string]bool{"": false, " blind": true} {
			t.Run(name+how, func(t *testing.T) {
				s, from, to := rawPeer(t, version, server, blind)
				if !blind && !s.inside.known() {
					t.Fatal("crypto/tls of this release is not known inside: what it keeps in memory is not given back")
				}
				f(t, s, from, to)
			})
		}
	}
}

// wantRead feeds b and says what has to come of it.
func wantRead(t *testing.T, s *side, b []byte, want string, wantErr error) {
	t.Helper()
	s.Feed(bytes.Clone(b))
	got, err := readAll(s, make([]byte, 16<<10))
	if string(got) != want || err != wantErr {
		t.Fatalf("got %q, %v, want %q, %v", got, err, want, wantErr)
	}
}

func join(b ...[]byte) []byte { return bytes.Join(b, nil) }

func TestKeyUpdateOfThePeer(t *testing.T) {
	everyPeer(t, tls.VersionTLS13, func(t *testing.T, s *side, from, to *raw) {
		for range 3 {
			b := join(to.seal(data, []byte("old ")), to.seal(message, keyUpdate(0)))
			to.update(t)
			wantRead(t, s, join(b, to.seal(data, []byte("new"))), "old new", ErrAgain)
			if len(s.Out()) > 0 {
				t.Error("an answer that nobody asked for")
			}
		}
	})
}

func TestKeyUpdateIsAnswered(t *testing.T) {
	everyPeer(t, tls.VersionTLS13, func(t *testing.T, s *side, from, to *raw) {
		update := to.seal(message, keyUpdate(1))
		to.update(t)
		wantRead(t, s, join(update, to.seal(data, []byte("x"))), "x", ErrAgain)
		s.Write([]byte("after"))
		typ, got, rest := from.open(t, s.take())
		if typ != message || !bytes.Equal(got, keyUpdate(0)) {
			t.Fatalf("got type %d, %x, want a KeyUpdate", typ, got)
		}
		from.update(t)
		if typ, got, _ := from.open(t, rest); typ != data || string(got) != "after" {
			t.Fatalf("got type %d, %q", typ, got)
		}
	})
}

func TestMessagesInPieces(t *testing.T) {
	everyPeer(t, tls.VersionTLS13, func(t *testing.T, s *side, from, to *raw) {
		first, second := to.seal(message, keyUpdate(0)[:2]), to.seal(message, keyUpdate(0)[2:])
		to.update(t)
		b := join(first, second, to.seal(data, []byte("x")))
		for i := range b[:len(b)-1] {
			wantRead(t, s, b[i:i+1], "", ErrAgain)
		}
		wantRead(t, s, b[len(b)-1:], "x", ErrAgain)
	})
}

func TestBytesThatAreOnlyForTLSAreBounded(t *testing.T) {
	everyPeer(t, tls.VersionTLS13, func(t *testing.T, s *side, from, to *raw) {
		for range 16 {
			wantRead(t, s, to.seal(data, nil), "", ErrAgain)
		}
		s.Feed(to.seal(data, nil))
		if _, err := readAll(s, make([]byte, 100)); err == nil || err == ErrAgain || !strings.Contains(err.Error(), "too many ignored records") {
			t.Errorf("got %v, want an end to it", err)
		}
	})
}

func TestChangeCipherSpecIsIgnored(t *testing.T) {
	everyPeer(t, tls.VersionTLS13, func(t *testing.T, s *side, from, to *raw) {
		wantRead(t, s, join([]byte{ccs, 3, 3, 0, 1, 1}, to.seal(data, []byte("x"))), "x", ErrAgain)
	})
}

func TestBrokenStreams(t *testing.T) {
	header := func(n int) []byte { return binary.BigEndian.AppendUint16([]byte{data, 3, 3}, uint16(n)) }
	for _, tt := range []struct {
		name  string
		bytes func(to *raw) []byte
		want  string // of the error
		alert byte   // that is sent; 0: none
	}{
		{"bad tag", func(to *raw) []byte {
			b := to.seal(data, []byte("abc"))
			b[len(b)-1] ^= 1
			return b
		}, "bad record MAC", 20},
		{"sent twice", func(to *raw) []byte {
			b := to.seal(data, []byte("abc"))
			return append(b, b...)
		}, "bad record MAC", 20},
		{"record above 2^14+256", func(*raw) []byte { return append(header(16<<10+257), make([]byte, 16<<10+257)...) }, "oversized record", 22},
		{"record above any limit", func(*raw) []byte { return header(0xffff) }, "oversized record", 22},
		{"plaintext above 2^14", func(to *raw) []byte { return to.seal(data, make([]byte, 16<<10+1)) }, "record overflow", 22},
		{"no type of record", func(*raw) []byte { return append([]byte{99, 3, 3, 0, 17}, make([]byte, 17)...) }, "bad record MAC", 20},
		{"another version", func(*raw) []byte { return append([]byte{data, 3, 1, 0, 17}, make([]byte, 17)...) }, "version 301", 70},
		{"not TLS any more", func(*raw) []byte { return []byte("GET / HTTP/1.1\r\n") }, "version 4554", 70},
		{"in the clear", func(*raw) []byte { return []byte{message, 3, 3, 0, 5, 24, 0, 0, 1, 0} }, "MAC", 20},
		{"unknown type inside", func(to *raw) []byte { return to.seal(99, []byte("abc")) }, "unexpected message", 10},
		{"no type inside", func(to *raw) []byte { return to.seal(0, make([]byte, 3)) }, "unexpected message", 10},
		{"data within a message", func(to *raw) []byte {
			return append(to.seal(message, keyUpdate(0)[:2]), to.seal(data, []byte("x"))...)
		}, "unexpected message", 10},
		{"message of a handshake", func(to *raw) []byte { return to.seal(message, []byte{1, 0, 0, 0}) }, "", 0},
		{"message out of place", func(to *raw) []byte { return to.seal(message, append([]byte{20, 0, 0, 32}, make([]byte, 32)...)) }, "unexpected handshake message", 10},
		{"message without end", func(to *raw) []byte { return to.seal(message, []byte{24, 255, 255, 255}) }, "exceeds maximum", 0},
		{"bad KeyUpdate", func(to *raw) []byte { return to.seal(message, keyUpdate(7)) }, "error decoding message", 50},
		{"data under the old key", func(to *raw) []byte {
			return append(to.seal(message, keyUpdate(0)), to.seal(data, []byte("x"))...)
		}, "bad record MAC", 20},
		{"alert", func(to *raw) []byte { return to.seal(alert, []byte{2, 40}) }, "remote error: tls: handshake failure", 0},
		{"alert too long", func(to *raw) []byte { return to.seal(alert, []byte{2, 40, 0}) }, "unexpected message", 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			everyPeer(t, tls.VersionTLS13, func(t *testing.T, s *side, from, to *raw) {
				s.Feed(tt.bytes(to))
				_, err := readAll(s, make([]byte, 16<<10))
				if err == ErrAgain || err == io.EOF || !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("got %v, want %q", err, tt.want)
				}
				s.Feed(to.seal(data, []byte("more")))
				if n, again := s.Read(make([]byte, 100)); n != 0 || again != err {
					t.Errorf("afterwards: got %d bytes, %v, want the same error", n, again)
				}
				out := s.take()
				if tt.alert == 0 {
					return
				}
				if typ, got, _ := from.open(t, out); typ != alert || !bytes.Equal(got, []byte{2, tt.alert}) {
					t.Errorf("got type %d, %v, want alert %d", typ, got, tt.alert)
				}
			})
		})
	}
}

func TestCloseNotifyLasts(t *testing.T) {
	everyPeer(t, tls.VersionTLS13, func(t *testing.T, s *side, from, to *raw) {
		b := join(to.seal(data, []byte("x")), to.seal(alert, []byte{1, 0}), to.seal(data, []byte("more")))
		wantRead(t, s, b, "x", io.EOF)
		wantRead(t, s, to.seal(data, []byte("more")), "", io.EOF)
	})
}

// Who asks for a renegotiation gets an alert, and the connection ends.
func TestRenegotiationIsRefused(t *testing.T) {
	hello := append([]byte{1, 0, 0, 41, 3, 3}, make([]byte, 39)...) // a ClientHello: version, random, and the least of all else
	copy(hello[38:], []byte{0, 0, 2, 0xc0, 0x2b, 1, 0})
	for name, server := range map[string]bool{"by a server": true, "by a client": false} {
		for how, blind := range map[string]bool{"": false, " blind": true} {
			t.Run(name+how, func(t *testing.T) {
				s, _, to := rawPeer(t, tls.VersionTLS12, server, blind)
				wantRead(t, s, to.seal(data, []byte("x")), "x", ErrAgain) // the keys are right
				asked := []byte{0, 0, 0, 0}                               // HelloRequest
				if server {
					asked = hello
				}
				s.Feed(to.seal(message, asked))
				if _, err := readAll(s, make([]byte, 100)); err == nil || err == ErrAgain || err == io.EOF {
					t.Errorf("got %v, want an error", err)
				}
				if out := s.take(); len(out) == 0 || out[0] != alert {
					t.Errorf("got %x, want an alert", out)
				}
			})
		}
	}
}

func TestEarlyDataIsRefused(t *testing.T) {
	server, client := configs(t)
	b := start(t, Client(client, &FreeList{})).take()
	n := recordLen(b)
	// The extension of RFC 8446 section 4.2.10 at the end of the hello; four lengths grow by its four bytes. The extensions are
	// found behind version, random, session, cipher suites and compression.
	at := headerLen + 4 + 2 + 32
	at += 1 + int(b[at])
	at += 2 + int(binary.BigEndian.Uint16(b[at:]))
	at += 1 + int(b[at])
	b = append(b[:n:n], 0, 42, 0, 0)
	for _, i := range []int{3, headerLen + 2, at} {
		binary.BigEndian.PutUint16(b[i:], binary.BigEndian.Uint16(b[i:])+4)
	}
	s := start(t, Server(server, &FreeList{}))
	s.Feed(append(b, data, 3, 3, 0, 3, 'a', 'b', 'c'))
	out := s.take()
	check(t, "server", s, BadMessage)
	if !strings.Contains(s.err.Error(), "early data") {
		t.Errorf("got %v, want early data as the reason", s.err)
	}
	if alert, ok := lastAlert(out); !ok || alert != 110 {
		t.Errorf("got %x, want unsupported_extension", out)
	}
}

func TestSessionsAreResumed(t *testing.T) {
	for name, version := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			server, client := configs(t)
			client.MaxVersion = version
			client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			for i := range 3 {
				s, c := pair(t, server, client)
				if _, err := c.Read(make([]byte, 1)); err != ErrAgain { // with TLS 1.3 the ticket comes after the handshake
					t.Fatal(err)
				}
				if got, want := s.Info().Resumed, i > 0; got != want || c.Info().Resumed != want {
					t.Errorf("connection %d: resumed %v by the server's word, want %v", i, got, want)
				}
			}
		})
	}
}
