package http2

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"github.com/tandem-lb/tandem/proxy/http1"
)

// block encodes fields "name: value", which a line may have at its start twice: once as a colon of a pseudo-field.
func block(fields ...string) []byte {
	var b bytes.Buffer
	enc := hpack.NewEncoder(&b)
	for _, f := range fields {
		at := strings.Index(f[min(1, len(f)):], ": ") + min(1, len(f))
		if f[:2] == ": " {
			at = 0
		}
		_ = enc.WriteField(hpack.HeaderField{Name: f[:at], Value: f[at+2:]}) // a buffer takes all
	}
	return b.Bytes()
}

// get is a request with these fields behind its pseudo-fields.
func get(fields ...string) []string {
	return append([]string{":method: GET", ":scheme: https", ":authority: a.example", ":path: /"}, fields...)
}

// decode reads a block that comes in fragments of size octets.
func decode(t *testing.T, b []byte, size int) *Head {
	t.Helper()
	lim := DefaultLimits()
	d := NewDecoder(&lim)
	var h Head
	d.Begin(&h)
	for len(b) > 0 {
		n := min(size, len(b))
		if err := d.Write(b[:n]); err != nil {
			t.Fatal(err)
		}
		b = b[n:]
	}
	if err := d.End(); err != nil {
		t.Fatal(err)
	}
	return &h
}

var refusedRequests = []struct {
	name   string
	fields []string
	why    Reason
}{
	// RFC 9113 section 8.2.1
	{"8.2.1 upper case", get("X-a: b"), BadName},
	{"8.2.1 upper case inside", get("xA: b"), BadName},
	{"8.2.1 space in the name", get("x y: b"), BadName},
	{"8.2.1 space behind the name", get("x : b"), BadName},
	{"8.2.1 NUL in the name", get("x\x00: b"), BadName},
	{"8.2.1 CR LF in the name", get("x\r\ny: b"), BadName},
	{"8.2.1 DEL in the name", get("x\x7f: b"), BadName},
	{"8.2.1 high octet in the name", get("x\x80: b"), BadName},
	{"8.2.1 colon in the name", get("x:y: b"), BadName},
	{"8.2.1 no name", get(": b"), BadName},
	{"RFC 9110 5.1 no token", get("x(y: b"), BadName},
	{"8.2.1 NUL in the value", get("x: a\x00b"), BadValue},
	{"8.2.1 LF in the value", get("x: a\nb"), BadValue},
	{"8.2.1 CR in the value", get("x: a\rb"), BadValue},
	{"8.2.1 CR LF at the end", get("x: a\r\n"), BadValue},
	{"8.2.1 space first", get("x:  a"), BadValue},
	{"8.2.1 space last", get("x: a "), BadValue},
	{"8.2.1 tab first", get("x: \ta"), BadValue},
	{"8.2.1 tab last", get("x: a\t"), BadValue},
	{"8.2.1 a space alone", get("x:  "), BadValue},
	{"8.2.1 space first in a pseudo-field", []string{":method: GET", ":scheme: https", ":path:  /", ":authority: a"}, BadValue},
	{"RFC 9110 5.5 control in the value", get("x: a\x01b"), BadValue},
	{"RFC 9110 5.5 DEL in the value", get("x: a\x7fb"), BadValue},

	// section 8.2.2
	{"8.2.2 connection", get("connection: close"), ConnectionField},
	{"8.2.2 keep-alive", get("keep-alive: 5"), ConnectionField},
	{"8.2.2 proxy-connection", get("proxy-connection: close"), ConnectionField},
	{"8.2.2 transfer-encoding", get("transfer-encoding: chunked"), ConnectionField},
	{"8.2.2 upgrade", get("upgrade: h2c"), ConnectionField},
	{"8.2.2 te gzip", get("te: gzip"), BadTE},
	{"8.2.2 te list", get("te: trailers, deflate"), BadTE},
	{"8.2.2 te empty", get("te: "), BadTE},

	// section 8.3
	{"8.3 pseudo-field last", []string{":method: GET", ":scheme: https", ":authority: a", "x: y", ":path: /"}, PseudoLate},
	{"8.3 unknown", get(":x: y"), PseudoUnknown},
	{"8.3 of responses", get(":status: 200"), PseudoUnknown},
	{"8.3 colon alone", get(":: y"), PseudoUnknown},
	{"8.3 upper case", []string{":Method: GET", ":scheme: https", ":authority: a", ":path: /"}, PseudoUnknown},
	{"8.3 :protocol", []string{":method: CONNECT", ":protocol: websocket", ":scheme: https", ":authority: a", ":path: /"}, PseudoUnknown},
	{"8.3 :method twice", get(":method: GET"), PseudoTwice},
	{"8.3 :path twice", get(":path: /"), PseudoTwice},
	{"8.3 :scheme twice", get(":scheme: https"), PseudoTwice},
	{"8.3 :authority twice", get(":authority: a.example"), PseudoTwice},

	// section 8.3.1
	{"8.3.1 nothing", []string{"x: y"}, PseudoMissing},
	{"8.3.1 no :method", []string{":scheme: https", ":authority: a", ":path: /"}, PseudoMissing},
	{"8.3.1 no :scheme", []string{":method: GET", ":authority: a", ":path: /"}, PseudoMissing},
	{"8.3.1 no :path", []string{":method: GET", ":scheme: https", ":authority: a"}, PseudoMissing},
	{"8.3.1 empty :method", []string{":method: ", ":scheme: https", ":authority: a", ":path: /"}, BadMethod},
	{"8.3.1 :method of two", []string{":method: GET /", ":scheme: https", ":authority: a", ":path: /"}, BadMethod},
	{"8.3.1 :method of 33", []string{":method: " + strings.Repeat("A", 33), ":scheme: https", ":authority: a", ":path: /"}, BadMethod},
	{"8.3.1 empty :scheme", []string{":method: GET", ":scheme: ", ":authority: a", ":path: /"}, BadScheme},
	{"8.3.1 another :scheme", []string{":method: GET", ":scheme: ftp", ":authority: a", ":path: /"}, BadScheme},
	{"8.3.1 :scheme with more", []string{":method: GET", ":scheme: https://b/", ":authority: a", ":path: /"}, BadScheme},
	{"8.3.1 empty :path", []string{":method: GET", ":scheme: https", ":authority: a", ":path: "}, BadPath},
	{"8.3.1 no slash", []string{":method: GET", ":scheme: https", ":authority: a", ":path: a"}, BadPath},
	{"8.3.1 URI", []string{":method: GET", ":scheme: https", ":authority: a", ":path: https://a/"}, BadPath},
	{"8.3.1 asterisk", []string{":method: GET", ":scheme: https", ":authority: a", ":path: *"}, BadPath},
	{"8.3.1 asterisk and more", []string{":method: OPTIONS", ":scheme: https", ":authority: a", ":path: *a"}, BadPath},
	{"8.3.1 space in :path", []string{":method: GET", ":scheme: https", ":authority: a", ":path: / HTTP/1.1"}, BadPath},
	{"8.3.1 tab in :path", []string{":method: GET", ":scheme: https", ":authority: a", ":path: /\ta"}, BadPath},
	{"8.3.1 fragment", []string{":method: GET", ":scheme: https", ":authority: a", ":path: /#a"}, BadPath},
	{"8.3.1 neither :authority nor host", []string{":method: GET", ":scheme: https", ":path: /"}, HostMissing},
	{"8.3.1 empty :authority", []string{":method: GET", ":scheme: https", ":authority: ", ":path: /"}, BadAuthority},
	{"8.3.1 empty :authority beside host", []string{":method: GET", ":scheme: https", ":authority: ", ":path: /", "host: a"}, BadAuthority},
	{"8.3.1 empty host", []string{":method: GET", ":scheme: https", ":path: /", "host: "}, BadAuthority},
	{"8.3.1 empty host beside :authority", get("host: "), BadAuthority},
	{"8.3.1 userinfo", []string{":method: GET", ":scheme: https", ":authority: u@a", ":path: /"}, BadAuthority},
	{"8.3.1 slash in :authority", []string{":method: GET", ":scheme: https", ":authority: a/b", ":path: /"}, BadAuthority},
	{"8.3.1 host differs", get("host: b.example"), HostDiffers},
	{"8.3.1 host differs by the port", get("host: a.example:443"), HostDiffers},
	{"8.3.1 host twice", get("host: a.example", "host: a.example"), HostTwice},

	// section 8.5
	{"8.5 CONNECT with :path", []string{":method: CONNECT", ":authority: a:80", ":path: /"}, PseudoForbidden},
	{"8.5 CONNECT with :scheme", []string{":method: CONNECT", ":authority: a:80", ":scheme: https"}, PseudoForbidden},
	{"8.5 CONNECT without :authority", []string{":method: CONNECT", "host: a:80"}, PseudoMissing},
	{"8.5 CONNECT without a port", []string{":method: CONNECT", ":authority: a"}, BadAuthority},

	// RFC 9110
	{"length signed", get("content-length: +5"), BadLength},
	{"length in hex", get("content-length: 0x5"), BadLength},
	{"length empty", get("content-length: "), BadLength},
	{"length list", get("content-length: 5, 5"), BadLength},
	{"length of 19 digits", get("content-length: 9999999999999999999"), BadLength},
	{"length twice", get("content-length: 5", "content-length: 5"), LengthTwice},
	{"expect", get("expect: 200-ok"), BadExpect},

	// section 10.5.1
	{"129 fields", get(strings.Split(strings.Repeat("x: y\n", 128)+"x: y", "\n")...), HeadTooLarge},
	{"65 KB", get("x: " + strings.Repeat("y", 65<<10)), HeadTooLarge},
}

func TestRequestsRefused(t *testing.T) {
	for _, tt := range refusedRequests {
		t.Run(tt.name, func(t *testing.T) {
			b := block(tt.fields...)
			for size := 1; size <= len(b); size += 1 + size/8 {
				if r, err := decode(t, b, size).Request(); err != tt.why || r != (Request{}) {
					t.Fatalf("in pieces of %d: got %+v, %v, want %v", size, r, err, tt.why)
				}
			}
			if !tt.why.Stream() {
				t.Errorf("%v is of the connection", tt.why)
			}
		})
	}
}

// told is what a request says, for people.
func told(h *Head, r *Request) string {
	s := fmt.Sprintf("%s %v %v [%s] [%s] [%s] %d %v", r.Name.In(h.Buf), r.Form, r.HTTPS, r.Authority.In(h.Buf), r.Path.In(h.Buf),
		r.Query.In(h.Buf), r.Length, r.Continue)
	if r.Trailers {
		s += " trailers"
	}
	return s + "\n" + string(http1.AppendFields(nil, h.Buf, h.Fields, nil))
}

func TestRequestsTaken(t *testing.T) {
	tests := []struct {
		name   string
		fields []string
		want   string
	}{
		{"plain", get(), "GET 0 true [a.example] [/] [] -1 false\n"},
		{"http", []string{":path: /x?y=z?", ":authority: [::1]:80", ":method: POST", ":scheme: http", "content-length: 0"},
			"POST 0 false [[::1]:80] [/x] [?y=z?] 0 false\n"},
		{"host for :authority", []string{":method: GET", ":scheme: https", ":path: /", "host: b"}, "GET 0 true [b] [/] [] -1 false\nhost: b\r\n"},
		{"host beside :authority", get("host: A.example"), "GET 0 true [a.example] [/] [] -1 false\nhost: A.example\r\n"},
		{"asterisk", []string{":method: OPTIONS", ":scheme: https", ":authority: a", ":path: *"}, "OPTIONS 3 true [a] [] [] -1 false\n"},
		{"CONNECT", []string{":method: CONNECT", ":authority: a:443"}, "CONNECT 2 false [a:443] [] [] -1 false\n"},
		{"own method", []string{":method: x-Y", ":scheme: HTTP", ":authority: a", ":path: //"}, "x-Y 0 false [a] [//] [] -1 false\n"},
		{"te trailers", get("te: trailers", "x: y"), "GET 0 true [a.example] [/] [] -1 false trailers\nx: y\r\n"},
		{"http2-settings", get("http2-settings: AAA"), "GET 0 true [a.example] [/] [] -1 false\n"},
		{"expect", get("expect: 100-continue", "content-length: 5"), "GET 0 true [a.example] [/] [] 5 true\nexpect: 100-continue\r\n"},
		{"empty value", get("x: "), "GET 0 true [a.example] [/] [] -1 false\nx: \r\n"},
		{"tab and high octets in a value", get("x: a\t\xe9b"), "GET 0 true [a.example] [/] [] -1 false\nx: a\t\xe9b\r\n"},
		{"one cookie", get("cookie: a=b"), "GET 0 true [a.example] [/] [] -1 false\ncookie: a=b\r\n"},
		{"8.2.3 four cookies", get("cookie: a=b", "x: y", "cookie: c=d", "cookie: e", "z: z", "cookie: f"),
			"GET 0 true [a.example] [/] [] -1 false\ncookie: a=b; c=d; e; f\r\nx: y\r\nz: z\r\n"},
		{"64 cookies", get(strings.Split(strings.Repeat("cookie: abcdefghijkl\n", 63)+"cookie: abcdefghijkl", "\n")...),
			"GET 0 true [a.example] [/] [] -1 false\ncookie: " + strings.Repeat("abcdefghijkl; ", 63) + "abcdefghijkl\r\n"},
		{"128 fields", get(strings.Split(strings.Repeat("x: y\n", 127)+"x: y", "\n")...),
			"GET 0 true [a.example] [/] [] -1 false\n" + strings.Repeat("x: y\r\n", 128)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := block(tt.fields...)
			for size := 1; size <= len(b); size++ {
				h := decode(t, b, size)
				came := len(h.Buf)
				r, err := h.Request()
				if len(h.Buf) > 2*came { // cookies are copied once, however many there are
					t.Fatalf("%d octets have become %d", came, len(h.Buf))
				}
				if got := told(h, &r); err != nil || got != tt.want {
					t.Fatalf("in pieces of %d: got %q, %v, want %q", size, got, err, tt.want)
				}
			}
		})
	}
}

func TestResponses(t *testing.T) {
	tests := []struct {
		name   string
		fields []string
		status int
		length int64
		why    error
	}{
		{"200", []string{":status: 200", "content-length: 5"}, 200, 5, nil},
		{"no length", []string{":status: 599"}, 599, -1, nil},
		{"103", []string{":status: 103", "link: x"}, 103, -1, nil},
		{"304 with a length", []string{":status: 304", "content-length: 5"}, 304, 5, nil},
		{"204 with the length 0", []string{":status: 204", "content-length: 0"}, 204, 0, nil},
		{"8.3.2 no :status", []string{"x: y"}, 0, 0, PseudoMissing},
		{"8.3.2 :status twice", []string{":status: 200", ":status: 200"}, 0, 0, PseudoTwice},
		{"8.3 :path", []string{":status: 200", ":path: /"}, 0, 0, PseudoUnknown},
		{"8.3 :status late", []string{"x: y", ":status: 200"}, 0, 0, PseudoLate},
		{"8.6 :status 101", []string{":status: 101"}, 0, 0, BadStatus},
		{":status 099", []string{":status: 099"}, 0, 0, BadStatus},
		{":status 600", []string{":status: 600"}, 0, 0, BadStatus},
		{":status 0200", []string{":status: 0200"}, 0, 0, BadStatus},
		{":status with a reason", []string{":status: 200 OK"}, 0, 0, BadStatus},
		{":status empty", []string{":status: "}, 0, 0, BadStatus},
		{"8.2.2 connection", []string{":status: 200", "connection: close"}, 0, 0, ConnectionField},
		{"8.2.2 te", []string{":status: 200", "te: trailers"}, 0, 0, ConnectionField},
		{"length twice", []string{":status: 200", "content-length: 5", "content-length: 5"}, 0, 0, LengthTwice},
		{"204 with a length", []string{":status: 204", "content-length: 5"}, 0, 0, BodyWhereNone},
		{"103 with a length", []string{":status: 103", "content-length: 5"}, 0, 0, BodyWhereNone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := block(tt.fields...)
			r, err := decode(t, b, len(b)).Response()
			if err != tt.why || r != (Response{tt.status, tt.length}) {
				t.Errorf("got %+v, %v, want %d, %d, %v", r, err, tt.status, tt.length, tt.why)
			}
		})
	}
}

func TestTrailers(t *testing.T) {
	tests := []struct {
		name   string
		fields []string
		why    error
	}{
		{"fields", []string{"x: y", "grpc-status: 0"}, nil},
		{"none", nil, nil},
		{"8.1 pseudo-field of requests", []string{":path: /", "x: y"}, PseudoInTrailers},
		{"8.1 pseudo-field of responses", []string{":status: 200"}, PseudoInTrailers},
		{"8.2.2 connection", []string{"connection: close"}, ConnectionField},
		{"RFC 9110 6.5.1 content-length", []string{"content-length: 5"}, ForbiddenTrailer},
		{"RFC 9110 6.5.1 host", []string{"host: a"}, ForbiddenTrailer},
		{"RFC 9110 6.5.1 authorization", []string{"authorization: a"}, ForbiddenTrailer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := block(tt.fields...)
			if err := decode(t, b, len(b)+1).Trailers(); err != tt.why {
				t.Errorf("got %v, want %v", err, tt.why)
			}
		})
	}
}

func TestMalformedHPACK(t *testing.T) {
	tests := []struct {
		name, block string
	}{
		{"RFC 7541 6.1 index 0", "\x80"},
		{"2.3.3 index above the tables", "\xbe"},
		{"2.3.3 index of a name above the tables", "\x7f\x00\x01a"},
		{"5.1 number without an end", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"},
		{"5.2 padding of more than 7 bits", "\x00\x01a\x83\x1f\xff\xff"},
		{"5.2 padding of zeros", "\x00\x01a\x81\x00"},
		{"5.2 EOS", "\x00\x01a\x84\xff\xff\xff\xff"},
		{"4.2 size above what was allowed", "\x3f\xe2\x1f"},
		{"4.2 size after a field", "\x40\x01a\x01b\x20"},
		{"cut short", "\x00\x05ab"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for size := 1; size <= len(tt.block); size++ {
				lim := DefaultLimits()
				d := NewDecoder(&lim)
				var h Head
				d.Begin(&h)
				var err error
				for at := 0; at < len(tt.block) && err == nil; at += size {
					err = d.Write([]byte(tt.block[at:min(at+size, len(tt.block))]))
				}
				if err == nil {
					err = d.End()
				}
				if err != BadCompression {
					t.Errorf("in pieces of %d: got %v, want %v", size, err, BadCompression)
				}
			}
		})
	}
}

// A block of one octet for each field names a large entry of the table again and again.
func TestCompressionBomb(t *testing.T) {
	lim := DefaultLimits()
	d := NewDecoder(&lim)
	var h Head
	bomb := append(block("x: "+strings.Repeat("y", 3900)), bytes.Repeat([]byte{0xbe}, 60<<10)...)
	d.Begin(&h)
	if err := d.Write(bomb); err != nil {
		t.Fatal(err)
	}
	if err := d.End(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Request(); err != HeadTooLarge || len(h.Buf) > lim.Head {
		t.Errorf("got %v and %d octets, want %v and at most %d", err, len(h.Buf), HeadTooLarge, lim.Head)
	}
	// Literals beyond the limit are not even made strings of.
	literals := bytes.Repeat(new(Encoder).Field(nil, []byte("a-name-of-no-table"), []byte("value"), false), 1000)
	d.Begin(&h)
	if err := d.Write(bomb); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(1, func() { _ = d.Write(literals) }); n != 0 {
		t.Errorf("got %v allocations beyond the limit, want none", n)
	}
	if err := d.End(); err != nil {
		t.Fatal(err)
	}
	// And the table is still the one that the peer has.
	d.Begin(&h)
	if err := d.Write([]byte{0xbe}); err != nil {
		t.Fatal(err)
	}
	if err := d.End(); err != nil || len(h.Fields) != 1 || h.Fields[0].Value.Len() != 3900 {
		t.Errorf("the next block: got %v, %d fields, want the one in the table", err, len(h.Fields))
	}
}
