package http2

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	other "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// FuzzFrames holds frames that arrive in pieces to the same ones that arrive at once, and what is taken to what another
// implementation takes.
func FuzzFrames(f *testing.F) {
	for _, tt := range refusedFrames {
		f.Add(strings.TrimPrefix(tt.frames, settings), 3)
	}
	f.Fuzz(func(t *testing.T, frames string, size int) {
		var lax []bool // of a fault of its stream alone, or of a type that one may know and the other not
		frames = settings + frames
		one := func(size int) (seen []string, n int, err error) {
			n, err = read(frames, size, func(f *Frame) {
				lax = append(lax, f.Fault != 0 || f.Type > Continuation)
				seen = append(seen, string(AppendFrameHeader(nil, int(f.Length), f.Type, f.Flags, f.Stream))+string(f.Payload)+f.Fault.Error())
			})
			return seen, n, err
		}
		whole, n, err := one(len(frames))
		pieces, m, perr := one(max(size&0x3fff, 1))
		if !slices.Equal(whole, pieces) || n != m || err != perr {
			t.Fatalf("%q: got %q, %d, %v, and in pieces %q, %d, %v", frames, whole, n, err, pieces, m, perr)
		}
		theirs := other.NewFramer(nil, bytes.NewReader([]byte(frames[:n])))
		for i := range whole {
			if _, err := theirs.ReadFrame(); err != nil && !lax[i] {
				t.Fatalf("%q: frame %d: another implementation says %v", frames, i, err)
			}
		}
	})
}

var (
	oracleName   = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9a-z-]+$")
	oracleValue  = regexp.MustCompile(`^[\x21-\x7e\x{80}-\x{ff}]([\t\x20-\x7e\x{80}-\x{ff}]*[\x21-\x7e\x{80}-\x{ff}])?$|^$`)
	oracleHost   = regexp.MustCompile(`^([A-Za-z0-9._~-]+)(:\d*)?$|^\[`) // addresses are for http1's own oracle
	oraclePath   = regexp.MustCompile(`^/[^\x00-\x20\x7f#]*$`)
	oracleMethod = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$")
	oracleDigits = regexp.MustCompile(`^\d{1,18}$`)
)

// oracle is a second judge of requests, of what all implementations understand as fields, without a thought of speed. It is
// never stricter than it may be: what it refuses must be refused.
func oracle(fields []hpack.HeaderField) bool {
	values, late := map[string][]string{}, false
	for _, f := range fields {
		pseudo := strings.HasPrefix(f.Name, ":")
		if pseudo && late || !oracleValue.MatchString(latin(f.Value)) || !pseudo && !oracleName.MatchString(latin(f.Name)) {
			return false
		}
		late = late || !pseudo
		values[f.Name] = append(values[f.Name], f.Value)
	}
	for name, all := range values {
		switch name {
		case ":method", ":scheme", ":path", ":authority", "host", "content-length":
			if len(all) != 1 {
				return false
			}
		case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
			return false
		default:
			if strings.HasPrefix(name, ":") {
				return false
			}
		}
	}
	return oracleTarget(values) && oracleRest(values)
}

func oracleTarget(values map[string][]string) bool {
	one := func(name string) string { return strings.Join(values[name], "") }
	if !oracleMethod.MatchString(one(":method")) {
		return false
	}
	hosts := append(slices.Clone(values[":authority"]), values["host"]...)
	for _, h := range hosts {
		if !oracleHost.MatchString(h) || !strings.EqualFold(h, hosts[0]) {
			return false
		}
	}
	if one(":method") == "CONNECT" {
		return values[":scheme"] == nil && values[":path"] == nil && values[":authority"] != nil
	}
	scheme := strings.ToLower(one(":scheme"))
	return len(hosts) > 0 && (scheme == "http" || scheme == "https") &&
		(oraclePath.MatchString(latin(one(":path"))) || one(":path") == "*" && one(":method") == "OPTIONS")
}

func oracleRest(values map[string][]string) bool {
	for _, v := range values["te"] {
		if !strings.EqualFold(v, "trailers") {
			return false
		}
	}
	for _, v := range values["expect"] {
		if !strings.EqualFold(v, "100-continue") {
			return false
		}
	}
	for _, v := range values["content-length"] {
		if !oracleDigits.MatchString(v) {
			return false
		}
	}
	return true
}

// latin has a rune for each byte, so that expressions see bytes.
func latin(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

// FuzzRequest holds blocks to the oracle, and those in pieces to those at once.
func FuzzRequest(f *testing.F) {
	for _, tt := range refusedRequests {
		if b := block(tt.fields...); len(b) < 1000 {
			f.Add(b, 3)
		}
	}
	f.Add(block(get("cookie: a", "cookie: b")...), 1)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		lim := DefaultLimits()
		read := func(size int) (*Head, error) {
			d, h := NewDecoder(&lim), &Head{}
			d.Begin(h)
			for at := 0; at < len(b); at += size {
				if err := d.Write(b[at:min(at+size, len(b))]); err != nil {
					return h, err
				}
			}
			return h, d.End()
		}
		fields, theirs := hpack.NewDecoder(tableSize, nil).DecodeFull(b)
		h, err := read(max(len(b), 1))
		pieces, perr := read(max(size&0xfff, 1))
		if h.fault == HeadTooLarge {
			theirs = err // what comes behind that is not decoded
		}
		if err != perr || (err == nil) != (theirs == nil) {
			t.Fatalf("%q: got %v, and in pieces %v, want %v", b, err, perr, theirs)
		}
		if err != nil || h.fault == HeadTooLarge {
			return // the limits have tests of their own, and the oracle has none
		}
		r, err := h.Request()
		again, perr := pieces.Request()
		if r != again || err != perr || !bytes.Equal(h.Buf, pieces.Buf) {
			t.Fatalf("%q: got %+v, %v, and in pieces %+v, %v", b, r, err, again, perr)
		}
		if ok := oracle(fields); err == nil && !ok || err != nil && ok && err != BadAuthority {
			t.Fatalf("%q: got %v, the oracle says %v", fields, err, ok)
		}
		_, _ = h.Response() // no panics
		_ = h.Trailers()
	})
}
