package secure

import "encoding/binary"

const (
	headerLen = 5 // type, version, length: RFC 8446 section 5.1
	// maxRecord is the most that may follow a header: RFC 5246 section 6.2.3 allows 2048 bytes beyond 16 KB. TLS 1.3 allows fewer,
	// which crypto/tls sees to.
	maxRecord = 16<<10 + 2048

	typeAlert     = 21
	typeHandshake = 22
)

// recordLen is the length of the record that b begins with, header included; 0: b does not say yet. A header that no version of
// TLS allows counts as a record of its own, so that it is judged at once, and not when bytes have come that its length asks for.
func recordLen(b []byte) int {
	switch {
	case malformed(b):
		return min(len(b), headerLen)
	case len(b) < headerLen:
		return 0
	}
	return headerLen + int(binary.BigEndian.Uint16(b[3:]))
}

// malformed reports whether b begins with what is no record's header, as far as b goes.
func malformed(b []byte) bool {
	return len(b) > 0 && (b[0] < 20 || b[0] > 24) || // the types of record: RFC 8446 section 5.1, RFC 6520 section 3
		len(b) > 1 && b[1] != 3 ||
		len(b) >= headerLen && binary.BigEndian.Uint16(b[3:]) > maxRecord
}

// wholeRecord reports whether b begins with all of a record.
func wholeRecord(b []byte) bool {
	n := recordLen(b)
	return n > 0 && n <= len(b)
}

// helloScan looks for the end of the first message, a ClientHello, which may be spread over records. It goes on where it stopped, so that a hello that
// comes byte by byte costs no more than another.
type helloScan struct {
	at   int     // the next record
	have int     // bytes of the message in the records before
	head [4]byte // of the message: its type and length
}

// done reports whether b has all of it, or what can never become one.
func (s *helloScan) done(b []byte) bool {
	for wholeRecord(b[s.at:]) {
		n := recordLen(b[s.at:])
		if n <= headerLen || b[s.at] != typeHandshake {
			return true
		}
		body := b[s.at+headerLen : s.at+n]
		if s.have < len(s.head) {
			copy(s.head[s.have:], body)
		}
		s.at += n
		s.have += len(body)
		if s.have >= len(s.head) && s.have-len(s.head) >= int(binary.BigEndian.Uint32(s.head[:])&0xffffff) {
			return true
		}
	}
	return false
}

// lastAlert is the alert at the end of b, which is whole records, if it is one in the clear.
func lastAlert(b []byte) (alert uint8, ok bool) {
	for wholeRecord(b) {
		n := recordLen(b)
		// What is encrypted is longer than the two bytes of an alert: RFC 8446 section 6.
		if n == headerLen+2 && b[0] == typeAlert && n == len(b) {
			return b[headerLen+1], true
		}
		b = b[n:]
	}
	return 0, false
}

// handOut copies to p what fits of the record that src begins with. rest is what is left of a record that did not fit before.
func handOut(p, src []byte, rest *int) (n int) {
	if *rest == 0 {
		*rest = recordLen(src)
	}
	n = copy(p, src[:*rest])
	*rest -= n
	return n
}
