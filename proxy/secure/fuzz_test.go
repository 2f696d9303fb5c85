package secure

import (
	"bytes"
	"testing"
)

// FuzzHandshake changes what a client sends, and cuts it. Whatever comes, the server's side answers with an error or none, and leaves
// nothing behind.
func FuzzHandshake(f *testing.F) {
	server, client := configs(f)
	f.Add(0, byte(0), 1<<20, []byte(nil))
	f.Add(3, byte(0xff), 7, []byte("GET / HTTP/1.1\r\n"))
	f.Add(500, byte(1), 100, []byte{21, 3, 3, 0, 2, 2, 40})
	f.Fuzz(func(t *testing.T, at int, mask byte, cut int, more []byte) {
		s, c := start(t, Server(server, &FreeList{})), start(t, Client(client, &FreeList{}))
		cut = max(cut, 1)
		for range 4 {
			sent := c.take()
			if at >= 0 && at < len(sent) {
				sent[at] ^= mask
			}
			at -= len(sent)
			feed(s, sent, cut)
			c.Feed(s.take())
		}
		feed(s, more, cut)
		readAll(s, make([]byte, 16<<10))
		s.End()
		s.take()
		if _, err := readAll(s, make([]byte, 16<<10)); !s.done || err == nil || err == ErrAgain {
			t.Errorf("at the end: done %v, %v", s.done, err)
		}
		s.Close()
		work(s.shaker)
		if got := s.shaker.Counts(); got != (Counts{}) || len(s.shaker.live) > 0 {
			t.Errorf("left behind: %+v, %d", got, len(s.shaker.live))
		}
	})
}

// FuzzStream puts bytes into a stream that stands, in pieces, and has it read through small and large windows.
func FuzzStream(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\n"), 0, byte(0), 3, 100)
	f.Add([]byte{23, 3, 3, 0, 20}, 7, byte(1), 1, 1)
	f.Add([]byte(nil), 6, byte(0), 40, 16<<10)
	server, client := configs(f)
	f.Fuzz(func(t *testing.T, between []byte, at int, mask byte, cut, room int) {
		s, c := pair(t, server, client)
		want := bytes.Repeat([]byte("abcdefgh"), 100)
		c.Write(want)
		c.Write(want)
		sent := c.take()
		changed := len(between) > 0
		if at >= 0 && at < len(sent) {
			sent[at] ^= mask
			changed = changed || mask != 0
		} else {
			at = 0
		}
		sent = append(sent[:at:at], append(bytes.Clone(between), sent[at:]...)...)
		var got []byte
		p := make([]byte, min(max(room, 1), 16<<10))
		for cut = max(cut, 1); len(sent) > 0; {
			part := sent[:min(cut, len(sent))]
			sent = sent[len(part):]
			s.Feed(part)
			n, err := s.Read(p)
			got = append(got, p[:n]...)
			if err == nil {
				s.Keep()
			}
			clear(part) // it is the owner's again
		}
		s.End()
		rest, err := readAll(s, p)
		got = append(got, rest...)
		if !bytes.HasPrefix(append(want, want...), got) || err == nil || err == ErrAgain {
			t.Errorf("got %q, %v", got, err)
		}
		if !changed && (len(got) != 2*len(want) || err != ErrTruncated) {
			t.Errorf("unchanged: got %d bytes, %v", len(got), err)
		}
	})
}
