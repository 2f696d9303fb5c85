package accesslog

// set is octets that do not stand in a line as they are.
type set [256]bool

// unprintable is all that is not printable ASCII, with some octets more.
func unprintable(and string) *set {
	var s set
	for c := range s {
		s[c] = c < 0x20 || c >= 0x7f
	}
	for _, c := range []byte(and) {
		s[c] = true
	}
	return &s
}

// What HAProxy escapes (its manual, section 8.6): in request lines, and in captured fields, which stand in braces.
var (
	inRequest = unprintable(`"#`)
	inField   = unprintable(`"#{|}`)
)

// A cookie HAProxy writes as it is. Here that holds for what a cookie may hold (RFC 6265 section 4.1.1), and quotes: with blanks in it a client
// could make up the rest of the line.
var (
	inCookie       = unprintable(" ")
	inQuotedCookie = unprintable(" \"")
)

const (
	upperHex = "0123456789ABCDEF"
	lowerHex = "0123456789abcdef"
)

// appendEscaped writes text with the octets of s as # and two digits.
func appendEscaped[T string | []byte](dst []byte, text T, s *set) []byte {
	from := 0
	for i := range len(text) {
		if c := text[i]; s[c] {
			dst = append(dst, text[from:i]...)
			dst = append(dst, '#', upperHex[c>>4], upperHex[c&15])
			from = i + 1
		}
	}
	return append(dst, text[from:]...)
}

// inQuotes is what the Common Log Format's quotes and backslashes make special.
var inQuotes = unprintable(`"\`)

// appendQuoted writes text as Apache does between quotes.
func appendQuoted[T string | []byte](dst []byte, text T) []byte {
	return appendBackslashed(dst, text, `\x`)
}

// appendJSON writes text as a string of JSON. Octets that are no ASCII become the characters of the same number: what a client sends is
// in no encoding that could be known, and none of it is lost so.
func appendJSON[T string | []byte](dst []byte, text T) []byte {
	dst = append(dst, '"')
	dst = appendBackslashed(dst, text, `\u00`)
	return append(dst, '"')
}

// appendBackslashed writes a backslash before quotes and backslashes, and for what cannot be printed number and two digits.
func appendBackslashed[T string | []byte](dst []byte, text T, number string) []byte {
	from := 0
	for i := range len(text) {
		c := text[i]
		if !inQuotes[c] {
			continue
		}
		dst = append(dst, text[from:i]...)
		if from = i + 1; c == '"' || c == '\\' {
			dst = append(dst, '\\', c)
		} else {
			dst = append(append(dst, number...), lowerHex[c>>4], lowerHex[c&15])
		}
	}
	return append(dst, text[from:]...)
}
