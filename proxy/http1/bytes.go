package http1

import "encoding/binary"

// lower maps each byte that a token may have (RFC 9110 section 5.6.2) to itself in lower case, and all others to 0.
// Never written.
var lower = func() (t [256]byte) {
	for b := range 256 {
		switch c := byte(b); {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			t[b] = c
		case 'A' <= c && c <= 'Z':
			t[b] = c | 0x20
		}
	}
	for _, c := range []byte("!#$%&'*+-.^_`|~") {
		t[c] = c
	}
	return t
}()

// IsToken reports whether b is a token (RFC 9110 section 5.6.2).
func IsToken[T string | []byte](b T) bool { return len(b) > 0 && TokenLen(b) == len(b) }

// TokenLen is how long the token is that b begins with, in octets; 0: it begins with none.
func TokenLen[T string | []byte](b T) int {
	for i := range len(b) {
		if lower[b[i]] == 0 {
			return i
		}
	}
	return len(b)
}

const (
	each = 0x0101010101010101 // times a byte: that byte in each of eight
	high = 0x80 * each
)

// belowOrDEL marks each of eight bytes that is below limit, at most 0x80, or DEL. A mark may come with others above it that
// are none: it says that there is one.
func belowOrDEL(word uint64, limit uint64) uint64 {
	del := word ^ 0x7f*each
	return ((word-limit*each) & ^word | (del-each) & ^del) & high
}

// IsText reports whether b is of octets that a field value may have: HTAB, SP, VCHAR and obs-text (RFC 9110 section 5.5).
func IsText(b []byte) bool {
	if len(b) < 8 {
		return isTextSlow(b)
	}
	for i := 0; i < len(b)-8; i += 8 {
		if !isTextWord(b[i : i+8]) {
			return false
		}
	}
	return isTextWord(b[len(b)-8:]) // which may begin within the one before
}

func isTextWord(b []byte) bool {
	return belowOrDEL(binary.LittleEndian.Uint64(b), 0x20) == 0 || isTextSlow(b)
}

func isTextSlow(b []byte) bool {
	for _, c := range b {
		if c < 0x20 && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// IsVisible reports whether b has no control character and no space.
func IsVisible(b []byte) bool {
	for len(b) >= 8 {
		if belowOrDEL(binary.LittleEndian.Uint64(b), 0x21) != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c <= ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

// trim narrows s by the white space at its ends: OWS of RFC 9110 section 5.6.3.
func trim(buf []byte, s Span) Span {
	for s.At < s.End && isBlank(buf[s.At]) {
		s.At++
	}
	for s.At < s.End && isBlank(buf[s.End-1]) {
		s.End--
	}
	return s
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// EqualFold compares b with a word in lower case, in which only letters have a case.
func EqualFold(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// Number reads decimal digits and nothing else, as many as surely fit an int64.
func Number(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
