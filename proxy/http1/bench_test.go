package http1

import "testing"

const sevenLines = "GET /path/to/some/resource?with=query&and=more HTTP/1.1\r\n" +
	"Host: www.example.com\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n" +
	"Accept-Language: en-US,en;q=0.5\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Connection: keep-alive\r\n\r\n"

func BenchmarkRequest(b *testing.B) {
	buf, lim := []byte(sevenLines), DefaultLimits()
	var r Request
	b.ReportAllocs()
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		r.Reset()
		if n, err := r.Parse(buf, &lim); n != len(buf) || err != nil {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkRequestRewritten(b *testing.B) {
	buf, lim := []byte(sevenLines), DefaultLimits()
	var r Request
	out := make([]byte, 0, 2048)
	b.ReportAllocs()
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		r.Reset()
		if n, err := r.Parse(buf, &lim); n != len(buf) || err != nil {
			b.Fatal(n, err)
		}
		out = AppendFields(out[:0], buf, r.Fields, nil)
	}
}
