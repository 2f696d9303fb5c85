package compress

import (
	"slices"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/proxy/http1"
)

// parse reads a head of field lines.
func parse(t testing.TB, lines ...string) ([]byte, []http1.Field) {
	t.Helper()
	var r http1.Response
	buf := []byte("HTTP/1.1 200 OK\r\n" + strings.Join(append(lines, "", ""), "\r\n"))
	limits := http1.DefaultLimits()
	if n, err := r.Parse(buf, &limits); n != len(buf) {
		t.Fatalf("%q: read %d octets, %v", buf, n, err)
	}
	return buf, r.Fields
}

func TestSuits(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, Config{Codings: []Coding{Gzip}, Types: []string{"text/html", "image/svg+xml", "font/*"}, MinSize: 100})
	const html = "Content-Type: text/html; charset=utf-8"
	for _, tt := range []struct {
		name   string
		status int
		length int64
		head   []string
		want   bool
	}{
		{"a page", 200, 1000, []string{html}, true},
		{"of unknown length", 200, -1, []string{html}, true},
		{"as small as may be", 200, 100, []string{html}, true},
		{"too small", 200, 99, []string{html}, false},
		{"an error page", 503, 1000, []string{html}, true},
		{"not found", 404, 1000, []string{html}, true},
		{"a part", 206, 1000, []string{html}, false},
		{"a part by its field", 200, 1000, []string{html, "Content-Range: bytes 0-999/2000"}, false},
		{"moved", 301, 1000, []string{html}, false},
		{"nothing", 204, -1, []string{html}, false},
		{"type in upper case", 200, 1000, []string{"content-type: TEXT/HTML"}, true},
		{"type with a plus", 200, 1000, []string{"Content-Type: image/svg+xml"}, true},
		{"of a kind", 200, 1000, []string{"Content-Type: font/ttf"}, true},
		{"another type", 200, 1000, []string{"Content-Type: image/png"}, false},
		{"the beginning of a type", 200, 1000, []string{"Content-Type: text/htm"}, false},
		{"no type", 200, 1000, []string{"X: y"}, false},
		{"two types", 200, 1000, []string{html, html}, false},
		{"encoded", 200, 1000, []string{html, "Content-Encoding: br"}, false},
		{"encoded as it is", 200, 1000, []string{html, "content-encoding: identity"}, false},
		{"not to be transformed", 200, 1000, []string{html, "Cache-Control: public, No-Transform"}, false},
		{"cached", 200, 1000, []string{html, "Cache-Control: public"}, true},
		{"digests", 200, 1000, []string{html, "Content-MD5: x"}, false},
		{"digest", 200, 1000, []string{html, "Digest: x"}, false},
		{"digest of the content", 200, 1000, []string{html, "Content-Digest: x"}, false},
		{"digest of the representation", 200, 1000, []string{html, "Repr-Digest: x"}, false},
	} {
		buf, fields := parse(t, tt.head...)
		if got := r.Suits(tt.status, tt.length, buf, fields); got != tt.want {
			t.Errorf("%s: got %t, want %t", tt.name, got, tt.want)
		}
	}
	if least := mustCompile(t, Config{Codings: []Coding{Gzip}, Types: []string{"text/html"}}); least.Suits(200, 0, nil, nil) {
		t.Error("an empty body is worth it")
	}
}

func TestRewrite(t *testing.T) {
	t.Parallel()
	var h Head // the same memory for all
	for _, tt := range []struct {
		name   string
		coding Coding
		head   []string
		want   []string
	}{
		{"compressed", Gzip, []string{"Content-Type: text/html", "Content-Length: 5", "ETag: \"a\"", "Accept-Ranges: bytes", "Set-Cookie: a=b"},
			[]string{"Content-Type: text/html", "ETag: W/\"a\"", "Set-Cookie: a=b", "Content-Encoding: gzip", "Vary: Accept-Encoding"}},
		{"weak already", Zstd, []string{"etag: W/\"a\""}, []string{"etag: W/\"a\"", "Content-Encoding: zstd", "Vary: Accept-Encoding"}},
		{"varies by more", Gzip, []string{"Vary: Origin"}, []string{"Vary: Origin", "Content-Encoding: gzip", "Vary: Accept-Encoding"}},
		{"varies by that", Gzip, []string{"Vary: Origin, accept-encoding"}, []string{"Vary: Origin, accept-encoding", "Content-Encoding: gzip"}},
		{"varies by anything", Gzip, []string{"Vary: *"}, []string{"Vary: *", "Content-Encoding: gzip"}},
		{"as it is", Identity, []string{"ETag: \"a\"", "Accept-Ranges: bytes"}, []string{"ETag: \"a\"", "Accept-Ranges: bytes", "Vary: Accept-Encoding"}},
		{"of one connection", Identity, []string{"Connection: x-a", "X-A: 1", "X-B: 2"}, []string{"X-B: 2", "Vary: Accept-Encoding"}},
	} {
		buf, fields := parse(t, tt.head...)
		h.Rewrite(tt.coding, buf, fields)
		var got []string
		for _, f := range h.Fields {
			got = append(got, string(f.Name.In(h.Buf))+": "+string(f.Value.In(h.Buf)))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	buf, fields := parse(t, "Set-Cookie: a=b")
	if h.Rewrite(Gzip, buf, fields); h.Fields[0].ID != http1.SetCookie {
		t.Errorf("got the name %d of a cookie, want it known", h.Fields[0].ID)
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"html", "/html", "text/", "*/*", "text/html; charset=utf-8", "Text/html", "text/html,text/css"} {
		_, err := Compile(Config{Codings: []Coding{Gzip}, Types: []string{text}})
		if want := `compression: "` + text + `" is no media type, want one such as text/html or text/*`; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := ParseCoding("identity"); err == nil || err.Error() != `no coding "identity", want gzip or zstd` {
		t.Errorf("got %v", err)
	}
	if r := mustCompile(t, Config{Types: DefaultTypes()}); r != nil {
		t.Errorf("got %+v without codings, want nothing", r)
	}
	mustCompile(t, Config{Codings: []Coding{Zstd, Gzip}, Types: DefaultTypes()})
}

// BenchmarkDecide is what finding out costs where compression is configured: what the client takes, whether the response is fit, and
// its head.
func BenchmarkDecide(b *testing.B) {
	r := mustCompile(b, Config{Codings: []Coding{Zstd, Gzip}, Types: DefaultTypes(), MinSize: 1024})
	request := fields{"host: www.example.com", "accept-encoding: gzip, deflate, br, zstd"}
	for name, kind := range map[string]string{"Compressed": "text/html; charset=utf-8", "Picture": "image/png"} {
		b.Run(name, func(b *testing.B) {
			buf, head := parse(b, "Server: app", "Date: Sat, 21 Nov 2026 10:00:00 GMT", "Content-Type: "+kind, "Content-Length: 20000", "ETag: \"a1\"", "Cache-Control: private")
			var h Head
			b.ReportAllocs()
			for b.Loop() {
				if c := r.Choose(request); r.Suits(200, 20000, buf, head) {
					h.Rewrite(c, buf, head)
				}
			}
		})
	}
}
