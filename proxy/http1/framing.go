package http1

import "bytes"

// What a Length can be besides a number of octets.
const (
	ChunkedLength int64 = -1 // a chunked body
	UntilClose    int64 = -2 // of a response: its body ends with the connection
)

// maxOptions bounds the connection options of a message: each is compared with every field name.
const maxOptions = 16

// framing is what the fields of a message say about its body and the connection.
type framing struct {
	length    int64 // of Content-Length; -1: none
	coding    bool  // Transfer-Encoding: chunked
	close     bool
	keepAlive bool
	upgrade   bool // Connection names Upgrade
}

// frame judges the fields that frame a message, and marks those that Connection names. minor is that of the version.
func frame(buf []byte, fields []Field, minor uint8) (fr framing, why Reason) {
	fr.length = -1
	named := false
	for i := range fields {
		value := fields[i].Value
		switch fields[i].ID {
		case ContentLength:
			if fr.length >= 0 {
				return fr, LengthTwice
			}
			n, ok := Number(value.In(buf))
			if !ok {
				return fr, BadLength
			}
			fr.length = n
		case TransferEncoding:
			if fr.coding {
				return fr, BadCoding
			}
			if why := coding(value.In(buf)); why != 0 {
				return fr, why
			}
			fr.coding = true
		case Connection:
			more, why := fr.options(value.In(buf))
			if why != 0 {
				return fr, why
			}
			named = named || more
		}
	}
	switch {
	case fr.coding && fr.length >= 0: // RFC 9112 section 6.3: it "might indicate an attempt to perform request smuggling"
		return fr, LengthAndCoding
	case fr.coding && minor == 0: // RFC 9112 section 6.1: "as if the framing is faulty"
		return fr, CodingInOld
	case named:
		return fr, markNamed(buf, fields)
	}
	return fr, 0
}

// coding judges a Transfer-Encoding: chunked once and nothing else is what this hop can undo.
func coding(b []byte) Reason {
	if EqualFold(b, "chunked") {
		return 0
	}
	known := Reason(BadCoding)
	for rest := b; ; {
		element, more, again := bytes.Cut(rest, comma)
		name, _, _ := bytes.Cut(element, semicolon)
		name = bytes.Trim(name, " \t")
		if !IsToken(name) {
			return BadCoding
		}
		if !EqualFold(name, "chunked") {
			known = UnknownCoding
		}
		if !again {
			return known
		}
		rest = more
	}
}

var comma, semicolon = []byte(","), []byte(";")

// options reads the options of one Connection field and reports whether one names another field.
func (fr *framing) options(b []byte) (named bool, why Reason) {
	for n := 0; len(b) > 0; n++ {
		if n == maxOptions {
			return false, BadConnection
		}
		option, rest, _ := bytes.Cut(b, comma)
		option, b = bytes.Trim(option, " \t"), rest
		switch {
		case len(option) == 0: // RFC 9110 section 5.6.1.2: empty elements do not count
		case EqualFold(option, "close"):
			fr.close = true
		case EqualFold(option, "keep-alive"):
			fr.keepAlive = true
		case EqualFold(option, "upgrade"):
			fr.upgrade = true
		case !IsToken(option):
			return false, BadConnection
		default:
			named = true
		}
	}
	return named, 0
}

// markNamed marks the fields that Connection names. One that is "intended for all recipients of the content" must not be
// among them (RFC 9110 section 7.6.1): without it the next hop would read another message.
func markNamed(buf []byte, fields []Field) Reason {
	for i := range fields {
		if fields[i].ID != Connection {
			continue
		}
		for b := fields[i].Value.In(buf); len(b) > 0; {
			option, rest, _ := bytes.Cut(b, comma)
			option, b = bytes.Trim(option, " \t"), rest
			switch NameOf(option) {
			case Host, ContentLength, TransferEncoding, Expect, Trailer, Authorization, Cookie, SetCookie:
				return BadConnection
			}
			if len(option) == 0 {
				continue
			}
			for j := range fields {
				if bytes.EqualFold(fields[j].Name.In(buf), option) {
					fields[j].Hop = true
				}
			}
		}
	}
	return 0
}
