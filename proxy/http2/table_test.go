package http2

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/proxy/http1"
	"golang.org/x/net/http2/hpack"
)

// reading is a peer that decodes what an Encoder makes.
type reading struct {
	t   testing.TB
	e   Encoder
	d   *hpack.Decoder
	got []string
}

func newReading(t testing.TB) *reading {
	r := &reading{t: t, e: Encoder{limit: tableSize}}
	r.d = hpack.NewDecoder(tableSize, func(f hpack.HeaderField) {
		s := f.Name + ": " + f.Value
		if f.Sensitive {
			s += " secret"
		}
		r.got = append(r.got, s)
	})
	return r
}

// head makes a block of fields "name: value", secret where they end so, and returns its length; the peer reads it if it is sent.
func (r *reading) head(send bool, fields ...string) int {
	r.t.Helper()
	b := r.e.Status(r.e.Begin(nil), 200)
	want := []string{":status: 200"}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		value, secret := strings.CutSuffix(value, " secret")
		b = r.e.Field(b, []byte(name), []byte(value), secret)
		want = append(want, strings.ToLower(name)+f[len(name):])
	}
	if !send {
		return len(b)
	}
	r.e.sent()
	r.got = nil
	if _, err := r.d.Write(b); err != nil {
		r.t.Fatalf("%q: %v", b, err)
	}
	if err := r.d.Close(); err != nil {
		r.t.Fatal(err)
	}
	if fmt.Sprint(r.got) != fmt.Sprint(want) {
		r.t.Fatalf("got %q, want %q", r.got, want)
	}
	return len(b)
}

// resize is SETTINGS with a size of the table.
func (r *reading) resize(n uint32) {
	r.d.SetAllowedMaxDynamicTableSize(n)
	r.e.resize(n)
}

// What repeats becomes an octet each, from the fifth response on; what does not stays as it is and throws nothing out.
func TestRepeatedFields(t *testing.T) {
	r := newReading(t)
	same := []string{"Server: nginx", "Content-Type: text/html; charset=utf-8", "X-Frame-Options: DENY", "Set-Cookie: a=b secret"}
	long := "content-security-policy: " + strings.Repeat("x", longestKept)
	var lengths []int
	for i := range 200 {
		lengths = append(lengths, r.head(true, append(same, fmt.Sprintf("x-request-id: %d", i), long)...))
	}
	first := lengths[0]
	for i, n := range lengths[4:] {
		if saved := first - n; saved < 50 {
			t.Fatalf("response %d: %d octets, the first one %d: %d were saved, want more", i+4, n, first, saved)
		}
	}
	if got := r.e.table.next; got != 3 {
		t.Errorf("%d fields are in the table, want the 3 that repeat", got)
	}
}

func TestTableOfTheEncoder(t *testing.T) {
	fields := []string{"a: b", "c: d"}
	tests := []struct {
		name string
		do   func(r *reading)
		want int // octets of the next head of the two fields
	}{
		{"in the table", func(*reading) {}, 3},
		{"a block that added to it was not sent", func(r *reading) {
			r.head(true, "new: one")
			r.head(false, "new: one")
		}, 1 + 4 + 2*5},
		{"a block that added nothing was not sent", func(r *reading) { r.head(false, fields...) }, 3},
		{"the first after that", func(r *reading) {
			r.head(true, "new: one")
			r.head(false, "new: one")
			r.head(true)
		}, 1 + 2*5},
		{"SETTINGS of the same size", func(r *reading) { r.resize(tableSize) }, 3},
		{"SETTINGS of a larger one", func(r *reading) { r.resize(1 << 20) }, 3},
		{"SETTINGS of a smaller one", func(r *reading) { r.resize(100) }, 1 + 3 + 2*5},
		{"SETTINGS of one that holds one", func(r *reading) { r.resize(40); r.head(true, fields...) }, 1 + 5 + 5},
		{"SETTINGS of none", func(r *reading) { r.resize(0) }, 1 + 1 + 2*5},
		{"SETTINGS of none, after the first", func(r *reading) { r.resize(0); r.head(true) }, 1 + 2*5},
		{"SETTINGS of none and of more", func(r *reading) { r.resize(0); r.resize(tableSize) }, 1 + 4 + 2*5},
		{"SETTINGS that a block that was not sent has told", func(r *reading) { r.resize(100); r.head(false) }, 1 + 3 + 2*5},
		{"SETTINGS between a block and its sending", func(r *reading) {
			r.e.Begin(nil)
			r.resize(100)
			r.e.sent()
		}, 1 + 3 + 2*5},
		{"more fields than are kept", func(r *reading) {
			for i := range tableEntries {
				f := fmt.Sprintf("x: %d", i)
				r.head(true, f)
				r.head(true, f)
			}
		}, 1 + 2*5},
		{"one less", func(r *reading) {
			for i := range tableEntries - 2 {
				f := fmt.Sprintf("x: %d", i)
				r.head(true, f)
				r.head(true, f)
			}
		}, 3},
		{"more octets than are kept", func(r *reading) {
			for i := range 9 {
				f := fmt.Sprintf("x: %d%s", i, strings.Repeat("y", 480))
				r.head(true, f)
				r.head(true, f)
			}
		}, 1 + 2*5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newReading(t)
			for range 4 {
				r.head(true, fields...)
			}
			tt.do(r)
			if got := r.head(true, fields...); got != tt.want {
				t.Errorf("got %d octets, want %d", got, tt.want)
			}
			for range 3 {
				r.head(true, fields...) // the peer still reads what is meant
			}
		})
	}
}

// A field is what it is, not what its hash says.
func TestHashesMayMeet(t *testing.T) {
	var tb table
	tb.add(7, []byte("ab"), []byte("c"), tableSize)
	for _, f := range [][2]string{{"a", "bc"}, {"abc", ""}, {"ab", "d"}, {"ab", "cd"}, {"xb", "c"}} {
		if i := tb.find(7, []byte(f[0]), []byte(f[1])); i != 0 {
			t.Errorf("%q is taken for another one", f)
		}
	}
	if i := tb.find(7, []byte("ab"), []byte("c")); i != 62 {
		t.Errorf("got index %d, want 62", i)
	}
}

// FuzzEncoder holds what is made to what another implementation reads, through changes of the table's size and blocks that go nowhere.
func FuzzEncoder(f *testing.F) {
	f.Add([]byte{1, 2, 3, 0x80, 1, 2, 3, 0x80, 1, 2, 3, 0x80, 0xc5, 1, 2, 0x80, 0x90, 3, 0x80})
	f.Fuzz(func(t *testing.T, script []byte) { encoded(t, script) })
}

// The same with scripts made at random, the same ones each time.
func TestEncoderAtRandom(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	used := 0
	for range 1000 {
		script := make([]byte, rnd.IntN(400))
		for i := range script {
			script[i] = byte(rnd.Uint32())
		}
		if e := encoded(t, script); e.table != nil {
			used += e.table.next
		}
	}
	if used < 10000 {
		t.Errorf("%d fields came into tables: the scripts have become too dull", used)
	}
}

// encoded plays a script: fields, and what becomes of them.
func encoded(t *testing.T, script []byte) *Encoder {
	r := newReading(t)
	var fields []string
	for _, b := range script {
		n := int(b & 31)
		switch {
		case b < 0x80: // one of 64 fields, some of them secret
			if b&32 != 0 {
				n &= 3 // many small ones
			}
			f := fmt.Sprintf("x-%d: %s", b&63, strings.Repeat("v", n*n))
			if b&63 == 7 {
				f += " secret"
			}
			fields = append(fields, f)
		case b < 0xfc:
			r.head(b > 0x80, fields...)
			fields = nil
		default:
			r.resize(uint32(script[0]) * 30)
		}
		if tb := r.e.table; tb != nil {
			tb.check(t, r.e.limit, r.e.stale)
		}
	}
	r.head(true, fields...)
	return &r.e
}

// check recounts what is kept.
func (t *table) check(tt *testing.T, limit int, stale bool) {
	size := 0
	for i := t.oldest; i < t.next; i++ {
		size += len(t.entries[i%tableEntries].text) + 32
	}
	if size != t.size || size > limit && !stale || t.next-t.oldest > tableEntries || t.next < t.oldest {
		tt.Fatalf("%d octets are counted in %d fields, of %d; there are %d", t.size, t.next-t.oldest, limit, size)
	}
}

// Requests of one client say nothing about those of another one on the same connection.
func TestRequestsLeaveTheTableAlone(t *testing.T) {
	b := newBackend(t, nil)
	b.send(string(AppendSettings(nil, Setting{HeaderTableSize, 4096})))
	var lengths []int
	for range 5 {
		e := b.c.Encoder()
		block := e.Field(e.Request(e.Begin(nil), &Target{Method: []byte("GET"), Authority: []byte("a"), Path: []byte("/")}), []byte("x"), []byte("y"), false)
		lengths = append(lengths, len(block))
		_, b.out, _ = b.c.Open(nil, block, http1.GET, true)
	}
	if got, want := fmt.Sprint(lengths), "[12 11 11 11 11]"; got != want || !bytes.Contains(b.out, []byte("\x00\x01x\x01y")) {
		t.Errorf("got blocks of %s octets, the last one in %q, want %s", got, b.out, want)
	}
}

// As TestTableOfTheEncoder, by way of a connection: the stream of the first answers is gone when they are made.
func TestAnswersThatAreNotSent(t *testing.T) {
	p := newPeer(t, nil)
	p.send(string(AppendSettings(nil, Setting{HeaderTableSize, 0})), req(1, EndStream), frame(RSTStream, 0, 1, rep(4)), req(3, EndStream))
	p.sent()
	p.out = p.c.SendHead(p.out, 1, ok(p.c), true)
	if got := p.sent(); got != "" {
		t.Errorf("sent %q on a stream that is gone", got)
	}
	p.out = p.c.SendHead(p.out, 3, ok(p.c), true)
	if got, want := string(p.out[HeaderLen:]), "\x20\x88"; got != want {
		t.Errorf("got the block %q, want %q", got, want)
	}
	if got, want := string(ok(p.c)), "\x88"; got != want {
		t.Errorf("got %q next, want %q", got, want)
	}
}
