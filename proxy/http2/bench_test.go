package http2

import (
	"bytes"
	"testing"

	"github.com/tandem-lb/tandem/proxy/http1"
	"golang.org/x/net/http2/hpack"
)

var sevenFields = []string{
	":method: GET", ":scheme: https", ":authority: www.example.com", ":path: /path/to/some/resource?with=query&and=more",
	"user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
	"accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
	"accept-language: en-US,en;q=0.5", "accept-encoding: gzip, deflate, br, zstd",
}

// blocks encodes the same request twice: as the first of a connection, and as all that follow it.
func blocks() (first, next []byte) {
	var b bytes.Buffer
	enc := hpack.NewEncoder(&b)
	for range 2 {
		first, next = next, nil
		b.Reset()
		for _, f := range sevenFields {
			at := bytes.IndexByte([]byte(f[1:]), ':') + 1
			_ = enc.WriteField(hpack.HeaderField{Name: f[:at], Value: f[at+2:]}) // a buffer takes all
		}
		next = bytes.Clone(b.Bytes())
	}
	return first, next
}

// request reads frames of one request.
func request(b testing.TB, r *Reader, d *Decoder, h *Head, buf []byte, lim *Limits) {
	var f Frame
	if n, err := r.Parse(buf, lim, &f); n != len(buf) || err != nil {
		b.Fatal(n, err)
	}
	d.Begin(h)
	if err := d.Write(f.Payload); err != nil {
		b.Fatal(err)
	}
	if err := d.End(); err != nil {
		b.Fatal(err)
	}
	if _, err := h.Request(); err != nil {
		b.Fatal(err)
	}
}

// begun is a connection that has had its first request.
func begun(b testing.TB, lim *Limits, first []byte) (*Reader, *Decoder, *Head) {
	r, d, h := &Reader{}, NewDecoder(lim), &Head{}
	var f Frame
	if _, err := r.Parse([]byte(settings), lim, &f); err != nil {
		b.Fatal(err)
	}
	request(b, r, d, h, AppendHeaders(nil, 1, first, true, minFrameSize), lim)
	return r, d, h
}

func BenchmarkRequestIndexed(b *testing.B) {
	lim := DefaultLimits()
	first, next := blocks()
	r, d, h := begun(b, &lim, first)
	buf := AppendHeaders(nil, 3, next, true, minFrameSize)
	b.ReportAllocs()
	for b.Loop() {
		request(b, r, d, h, buf, &lim)
	}
}

// A path that was not seen before, as most are: one literal.
func BenchmarkRequestOtherPath(b *testing.B) {
	lim := DefaultLimits()
	first, next := blocks()
	r, d, h := begun(b, &lim, first)
	other := new(Encoder).path(nil, []byte("/another/path"))
	buf := AppendHeaders(nil, 3, append(other, append(next[:3:3], next[4:]...)...), true, minFrameSize)
	b.ReportAllocs()
	for b.Loop() {
		request(b, r, d, h, buf, &lim)
	}
}

func BenchmarkRequestFirst(b *testing.B) {
	lim := DefaultLimits()
	first, _ := blocks()
	r, d, h := begun(b, &lim, first)
	buf := AppendHeaders(nil, 3, first, true, minFrameSize)
	b.ReportAllocs()
	for b.Loop() {
		request(b, r, d, h, buf, &lim)
	}
}

func BenchmarkData(b *testing.B) {
	lim := DefaultLimits()
	r, _, _ := begun(b, &lim, mustFirst())
	buf := AppendData(nil, 1, make([]byte, 1024), true, minFrameSize)
	var f Frame
	b.ReportAllocs()
	for b.Loop() {
		if n, err := r.Parse(buf, &lim, &f); n != len(buf) || err != nil {
			b.Fatal(n, err)
		}
	}
}

func mustFirst() []byte { first, _ := blocks(); return first }

const response = "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\nContent-Type: text/html; charset=utf-8\r\n" +
	"Content-Length: 1024\r\nCache-Control: max-age=60\r\nX-Request-ID: 0123456789abcdef\r\n\r\n"

// parsed is the head of response.
func parsed(b testing.TB) *http1.Response {
	lim := http1.DefaultLimits()
	var in http1.Response
	if _, err := in.Parse([]byte(response), &lim); err != nil {
		b.Fatal(err)
	}
	return &in
}

func BenchmarkResponseWritten(b *testing.B) {
	in := parsed(b)
	for _, tt := range []struct {
		name string
		e    Encoder
	}{{"literals", Encoder{}}, {"table", Encoder{limit: tableSize}}} {
		b.Run(tt.name, func(b *testing.B) {
			var block, out []byte
			e := tt.e
			b.ReportAllocs()
			for b.Loop() {
				block = e.Fields(e.Status(e.Begin(block[:0]), in.Status), []byte(response), in.Fields, nil)
				e.sent()
				out = AppendDataHeader(AppendHeaders(out[:0], 1, block, false, minFrameSize), 1, 1024, true)
			}
			b.ReportMetric(float64(len(block)), "octets")
		})
	}
}

func TestAllocations(t *testing.T) {
	lim := DefaultLimits()
	first, next := blocks()
	r, d, h := begun(t, &lim, first)
	buf := AppendHeaders(nil, 3, next, true, minFrameSize)
	if n := testing.AllocsPerRun(100, func() { request(t, r, d, h, buf, &lim) }); n != 0 {
		t.Errorf("got %v allocations for a request out of the table, want none", n)
	}
}

// A whole exchange: request, response of 1 KB, and the WINDOW_UPDATE that a client sends for it.
func BenchmarkExchange(b *testing.B) {
	p := newPeer(b, nil)
	first, next := blocks()
	p.send(string(AppendHeaders(nil, 1, first, true, minFrameSize)))
	p.out = p.c.SendHead(p.out, 1, ok(p.c), true)
	in := parsed(b)
	var buf, block, out []byte
	e := p.c.Encoder()
	body := make([]byte, 1024)
	id := uint32(1)
	b.ReportAllocs()
	for b.Loop() {
		id += 2
		buf = AppendWindowUpdate(AppendHeaders(buf[:0], id, next, true, minFrameSize), 0, 1024)
		n, ev, _ := p.c.Receive(start, buf, out[:0])
		if ev.Kind != RequestHead {
			b.Fatal(p.tell(&ev))
		}
		block = e.Fields(e.Status(e.Begin(block[:0]), in.Status), []byte(response), in.Fields, nil)
		out = p.c.SendHead(out[:0], id, block, false)
		_, out = p.c.SendData(out, id, body, true)
		if _, ev, _ = p.c.Receive(start, buf[n:], out); ev.Kind != Window {
			b.Fatal(p.tell(&ev))
		}
	}
}

// B/op is what a connection holds that has been opened and has had one request.
func BenchmarkConnection(b *testing.B) {
	cfg := DefaultConfig()
	first := AppendHeaders([]byte(settings), 1, mustFirst(), true, minFrameSize)
	out := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		c := NewConn(&cfg)
		out = c.Start(out[:0])
		n, _, _ := c.Receive(start, first, out)
		if _, ev, _ := c.Receive(start, first[n:], out); ev.Kind != RequestHead {
			b.Fatal(ev.Kind, ev.Why)
		}
	}
}
