package compress

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// reader reads what a coding has made.
func reader(t testing.TB, c Coding, from io.Reader) io.Reader {
	t.Helper()
	if c == Gzip {
		r, err := gzip.NewReader(from)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// What goes in comes out, whatever the pieces are, with encoders that have done other bodies before.
func TestEncoder(t *testing.T) {
	t.Parallel()
	var pool Pool
	text := []byte(strings.Repeat("a text that is there again and again, and again. ", 6000))
	random := make([]byte, 100_000)
	source := rand.NewChaCha8([32]byte{})
	_, _ = source.Read(random) // it cannot fail
	for _, c := range []Coding{Gzip, Zstd} {
		for name, body := range map[string][]byte{"empty": nil, "an octet": {1}, "text": text, "random": random} {
			for _, size := range []int{1000, 32 << 10, 1 << 20} {
				e, err := pool.Get(c)
				if err != nil {
					t.Fatal(err)
				}
				var out []byte
				for rest := body; ; {
					n := min(size, len(rest))
					how := More
					switch {
					case n == len(rest):
						how = End
					case n%3 == 0:
						how = Flush
					}
					if out, err = e.Encode(out, rest[:n], how); err != nil {
						t.Fatal(err)
					}
					if rest = rest[n:]; how == End {
						break
					}
				}
				pool.Put(e)
				got, err := io.ReadAll(reader(t, c, bytes.NewReader(out)))
				if err != nil || !bytes.Equal(got, body) {
					t.Errorf("%v, %s in pieces of %d: got %d octets, %v, want %d", c, name, size, len(got), err, len(body))
				}
				if name == "text" && len(out) > len(body)/4 {
					t.Errorf("%v: %d octets are %d compressed", c, len(body), len(out))
				}
			}
		}
	}
}

// A client that has got what a Flush gives can read all that went in, though more follows: events are not held back.
func TestFlushHoldsNothingBack(t *testing.T) {
	t.Parallel()
	var pool Pool
	for _, c := range []Coding{Gzip, Zstd} {
		e, err := pool.Get(c)
		if err != nil {
			t.Fatal(err)
		}
		pr, pw := io.Pipe()
		go func() {
			var out []byte
			for _, s := range []string{"first", "second"} {
				out, _ = e.Encode(out[:0], []byte(s), Flush) // what is missing shows below
				_, _ = pw.Write(out)
			}
		}()
		r := reader(t, c, pr)
		got := make([]byte, len("firstsecond"))
		if _, err := io.ReadFull(r, got); err != nil || string(got) != "firstsecond" {
			t.Errorf("%v: got %q, %v", c, got, err)
		}
		_ = pr.Close()
	}
}

func BenchmarkEncode(b *testing.B) {
	var page []byte
	for i := range 1000 {
		page = append(page, `<tr><td class="name">row `...)
		page = append(page, strings.Repeat("abcdefghij"[i%10:], 1+i%3)...)
		page = append(page, `</td><td class="value">`...)
		page = append(page, byte('0'+i%10), byte('0'+i/10%10), byte('0'+i/100%10))
		page = append(page, "</td></tr>\n"...)
	}
	var pool Pool
	for _, c := range []Coding{Gzip, Zstd} {
		for name, body := range map[string][]byte{"4KiB": page[:4<<10], "64KiB": page[:min(len(page), 64<<10)]} {
			b.Run(c.String()+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(body)))
				var out []byte
				for b.Loop() {
					e, err := pool.Get(c)
					if err != nil {
						b.Fatal(err)
					}
					if out, err = e.Encode(out[:0], body, End); err != nil {
						b.Fatal(err)
					}
					pool.Put(e)
				}
				b.ReportMetric(float64(len(body))/float64(len(out)), "ratio")
			})
		}
	}
}
