package http2

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/proxy/http1"
	"golang.org/x/net/http2/hpack"
)

// What is encoded here is decoded by hpack: every status, every name of the static table, lengths around those of the prefixes.
func TestEncodedIsDecoded(t *testing.T) {
	var want, b strings.Builder
	var e Encoder
	out := e.Begin(nil)
	for status := 100; status < 600; status++ {
		out = e.Status(out, status)
		fmt.Fprintf(&want, ":status: %d\n", status)
	}
	for name := range staticNames {
		if len(name) > longestStatic {
			t.Errorf("%s is longer than the longest", name)
		}
		out = e.Field(out, []byte(strings.ToUpper(name)), []byte("v"), false)
		fmt.Fprintf(&want, "%s: v\n", name)
	}
	for _, n := range []int{0, 1, 14, 15, 16, 126, 127, 128, 254, 255, 256, 16510, 16511, 16512} {
		name, value := strings.Repeat("n", n+1), strings.Repeat("v", n)
		out = e.Field(out, []byte(name), []byte(value), true)
		fmt.Fprintf(&want, "%s: %s secret\n", name, value)
	}
	d := hpack.NewDecoder(tableSize, func(f hpack.HeaderField) {
		fmt.Fprintf(&b, "%s: %s", f.Name, f.Value)
		if f.Sensitive {
			b.WriteString(" secret")
		}
		b.WriteString("\n")
	})
	if _, err := d.Write(out); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil || b.String() != want.String() {
		t.Errorf("got %q, %v, want %q", b.String(), err, want.String())
	}
	if len(staticNames) != 47 {
		t.Errorf("got %d names, want the 47 of the static table", len(staticNames))
	}
}

// The fields of a message of HTTP/1 leave as HTTP/2, those of its connection left out.
func TestFieldsOfHTTP1(t *testing.T) {
	text := "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nConnection: x-hop\r\nX-Hop: 1\r\nContent-Length: 0\r\nX-End: Y\r\nSet-Cookie: s\r\nDate: d\r\n\r\n"
	var in http1.Response
	lim := http1.DefaultLimits()
	if n, err := in.Parse([]byte(text), &lim); n != len(text) || err != nil {
		t.Fatal(n, err)
	}
	var e Encoder
	b := e.Status(e.Begin(nil), in.Status)
	b = e.Fields(b, []byte(text), in.Fields, func(f *http1.Field) bool { return string(f.Name.In([]byte(text))) == "Date" })
	h := decode(t, b, len(b))
	r, err := h.Response()
	if got, want := string(http1.AppendFields(nil, h.Buf, h.Fields, nil)), "content-type: a/b\r\nx-end: Y\r\nset-cookie: s\r\n"; got != want || r.Status != 200 || err != nil {
		t.Errorf("got %d, %v, %q, want 200, %q", r.Status, err, got, want)
	}
}
