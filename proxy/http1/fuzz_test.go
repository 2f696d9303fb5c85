package http1

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzRequest holds the parser to the oracle, and what is forwarded to being the same request again.
func FuzzRequest(f *testing.F) {
	for _, tt := range goodRequests {
		f.Add(tt.text)
	}
	for _, tt := range refusedRequests {
		if len(tt.text) < 1000 {
			f.Add(tt.text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		lim := DefaultLimits()
		if len(text) > 4096 || strings.Count(text, "\n") > lim.Fields {
			return // the limits have tests of their own, and the oracle has none
		}
		var r Request
		buf := []byte(text)
		n, err := r.Parse(buf, &lim)
		end := strings.Index(strings.TrimPrefix(text, "\r\n"), "\r\n\r\n")
		if end < 0 {
			if n != 0 {
				t.Fatalf("%q: %d octets of a head without an end", text, n)
			}
			return
		}
		head := strings.TrimPrefix(text, "\r\n")[:end+4]
		ok, length, closes := oracle(head)
		ok = ok && length != -9 && !strings.HasPrefix(head, "\r\n")
		if (err == nil) != ok {
			t.Fatalf("%q: got %v, the oracle says %v", text, err, ok)
		}
		if err != nil {
			return
		}
		if r.Length != length || r.Close != closes || n != len(text)-len(strings.TrimPrefix(text, "\r\n"))+len(head) {
			t.Fatalf("%q: got length %d, close %v, %d octets, the oracle says %d, %v, %d", text, r.Length, r.Close, n, length, closes, len(head))
		}
		again(t, &r, buf)
	})
}

// again writes a request anew and reads that: the end-to-end fields must be the same ones.
func again(t *testing.T, r *Request, buf []byte) {
	out := append(bytes.Clone(r.Name.In(buf)), ' ')
	out = append(append(out, r.Target.In(buf)...), " HTTP/1.1\r\n"...)
	out = AppendFields(out, buf, r.Fields, nil)
	if r.Authority.Len() == 0 {
		out = AppendField(out, "Host", "a")
	}
	out = append(AppendFraming(out, r.Length), "\r\n"...)
	var second Request
	lim := DefaultLimits()
	n, err := second.Parse(out, &lim)
	if r.Form == Absolute && r.Minor == 0 && err == HostMissing {
		return // HTTP/1.0 may leave it to the target
	}
	if r.Form == Authority && err == HostMissing {
		return
	}
	if n != len(out) || err != nil {
		t.Fatalf("%q, written anew as %q: %d, %v", buf, out, n, err)
	}
	if got, want := AppendFields(nil, out, second.Fields, nil), AppendFields(nil, buf, r.Fields, nil); r.Authority.Len() > 0 && !bytes.Equal(got, want) {
		t.Fatalf("%q: forwarded %q, and by the next hop %q", buf, want, got)
	}
	if second.Length != r.Length {
		t.Fatalf("%q: length %d, and for the next hop %d", buf, r.Length, second.Length)
	}
}

// FuzzResponse looks for panics and for heads whose body the next reader would frame in another way.
func FuzzResponse(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
	f.Add("HTTP/1.0 204\r\nConnection: keep-alive\r\n\r\n")
	f.Add("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		lim := DefaultLimits()
		var r, pieces, second Response
		buf := []byte(text)
		n, err := r.Parse(buf, &lim)
		half, halfErr := pieces.Parse(buf[:len(buf)/2], &lim)
		if half == 0 && halfErr == nil {
			half, halfErr = pieces.Parse(buf, &lim)
		}
		if half != n || halfErr != err {
			t.Fatalf("%q: got %d, %v, and in two pieces %d, %v", text, n, err, half, halfErr)
		}
		if n == 0 {
			return
		}
		out := AppendStatusLine(nil, r.Status, string(r.Reason.In(buf)))
		out = append(AppendFraming(AppendFields(out, buf, r.Fields, nil), r.Length(GET)), "\r\n"...)
		if bodiless(r.Status) {
			out = append(AppendFields(AppendStatusLine(nil, r.Status, ""), buf, r.Fields, nil), "\r\n"...)
		}
		if n, err := second.Parse(out, &lim); n != len(out) || err != nil || second.Length(GET) != r.Length(GET) {
			t.Fatalf("%q, written anew as %q: %d, %v, length %d and %d", text, out, n, err, r.Length(GET), second.Length(GET))
		}
	})
}

// FuzzChunked holds a body that arrives in pieces to the same one that arrives at once, and its data to being the data.
func FuzzChunked(f *testing.F) {
	f.Add("5\r\nhello\r\n0\r\n\r\n", 3)
	f.Add("5 ;a=b\r\nhello\r\n0;x\r\n\r\n", 1)
	f.Fuzz(func(t *testing.T, text string, size int) {
		whole, n, err := unchunk(text, max(len(text), 1))
		pieces, m, perr := unchunk(text, max(size, 1))
		if whole != pieces || n != m || err != perr {
			t.Fatalf("%q: got %q, %d, %v, and in pieces of %d %q, %d, %v", text, whole, n, err, size, pieces, m, perr)
		}
		if err != nil || whole == "" {
			return
		}
		out := AppendChunkHead(nil, len(whole))
		out = AppendLastChunk(append(append(out, whole...), "\r\n"...))
		if again, _, err := unchunk(string(out), len(out)); again != whole || err != nil {
			t.Fatalf("%q written anew: %q, %v", whole, again, err)
		}
	})
}
