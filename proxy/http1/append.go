package http1

import "strconv"

// AppendField appends a field line. name and value are what a parser let through, or the configuration.
func AppendField(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

// AppendFields appends the field lines that are forwarded, in their order, byte for byte but for the white space around
// values. buf is what was parsed. Where drop is not nil those that it picks are left out too.
func AppendFields(dst, buf []byte, fields []Field, drop func(*Field) bool) []byte {
	for i := range fields {
		f := &fields[i]
		if f.Hop || drop != nil && drop(f) {
			continue
		}
		dst = append(dst, f.Name.In(buf)...)
		dst = append(dst, ": "...)
		dst = append(dst, f.Value.In(buf)...)
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// AppendStatusLine appends that of a response. reason may be empty.
func AppendStatusLine(dst []byte, status int, reason string) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = append(dst, reason...)
	return append(dst, "\r\n"...)
}

// AppendFraming appends the field that frames a body: none for UntilClose, which frames by the end of the connection.
func AppendFraming(dst []byte, length int64) []byte {
	switch {
	case length >= 0:
		dst = append(dst, "Content-Length: "...)
		dst = strconv.AppendInt(dst, length, 10)
		return append(dst, "\r\n"...)
	case length == ChunkedLength:
		return append(dst, "Transfer-Encoding: chunked\r\n"...)
	}
	return dst
}

// AppendChunkHead appends the size line of a chunk of n octets, above 0. "\r\n" follows its data.
func AppendChunkHead(dst []byte, n int) []byte {
	dst = strconv.AppendUint(dst, uint64(n), 16)
	return append(dst, "\r\n"...)
}

// AppendLastChunk appends the end of a chunked body but for the trailers and the empty line after them.
func AppendLastChunk(dst []byte) []byte { return append(dst, "0\r\n"...) }

// AppendQuery appends a query, escaping the octets that no URI may hold as they are (RFC 3986 section 3.4) but that clients
// send. A percent sign that starts no escape stays: what it means is the server's to say.
func AppendQuery(dst, query []byte) []byte {
	for i, c := range query {
		if !inQuery[c] {
			return appendEscaped(append(dst, query[:i]...), query[i:])
		}
	}
	return append(dst, query...)
}

func appendEscaped(dst, query []byte) []byte {
	const digits = "0123456789ABCDEF"
	for _, c := range query {
		if inQuery[c] {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}

// inQuery has the octets that a query may hold: pchar, "/" and "?" (RFC 3986 sections 3.3 and 3.4). Never written.
var inQuery = func() (t [256]bool) {
	for c := byte(' ') + 1; c < 0x7f; c++ {
		t[c] = true
	}
	for _, c := range []byte("\"<>[]\\^`{|}#") {
		t[c] = false
	}
	return t
}()
