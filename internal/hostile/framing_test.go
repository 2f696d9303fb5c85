package hostile

import (
	"strconv"
	"strings"
)

const (
	chunkedBody = -1
	untilClose  = -2
	unframed    = -3 // nobody can tell
)

// framing judges the fields that frame and returns the length of the body (RFC 9112 6.3).
func (m *message) framing() int64 {
	lengths, codings := m.values("Content-Length"), m.values("Transfer-Encoding")
	n := int64(untilClose)
	if len(lengths) > 0 {
		n = m.contentLength(lengths)
	}
	if len(codings) == 0 {
		return n
	}
	if len(lengths) > 0 {
		m.faults.add(Dangerous, "Content-Length beside Transfer-Encoding (RFC 9112 6.3)")
	}
	if m.minor == 0 {
		m.faults.add(Dangerous, "Transfer-Encoding in HTTP/1.0 (RFC 9112 6.1)")
	}
	list := strings.Split(strings.Join(codings, ","), ",")
	for i, c := range list {
		list[i] = strings.ToLower(strings.Trim(c, " \t"))
		name, _, _ := strings.Cut(list[i], ";")
		if last := i == len(list)-1; last != (list[i] == "chunked") || !isToken(strings.TrimRight(name, " \t")) {
			m.faults.add(Dangerous, "Transfer-Encoding %q (RFC 9112 6.1)", codings)
			return unframed
		}
	}
	return chunkedBody
}

// contentLength reads "1*DIGIT" of one field.
func (m *message) contentLength(values []string) int64 {
	if len(values) > 1 {
		m.faults.add(Dangerous, "%d Content-Length fields (RFC 9112 6.3)", len(values))
	}
	v := values[0]
	for i := range len(v) {
		if v[i] < '0' || v[i] > '9' {
			m.faults.add(Dangerous, "Content-Length %q (RFC 9110 8.6)", v)
			return unframed
		}
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		m.faults.add(Dangerous, "Content-Length %q (RFC 9110 8.6)", v)
		return unframed
	}
	return n
}

// body reads a body of length n and reports whether it is complete.
func (r *reader) body(m *message, n int64) bool {
	switch {
	case n == unframed:
		return false
	case n == untilClose:
		m.body, r.rest = r.rest, ""
		return r.closed
	case n == chunkedBody:
		return r.chunks(m)
	}
	if int64(len(r.rest)) < n {
		m.body, r.rest = r.rest, ""
		return false
	}
	m.body, r.rest = r.rest[:n], r.rest[n:]
	return true
}

// chunks reads a chunked body and its trailers (RFC 9112 7.1). A malformed one is not read any further.
func (r *reader) chunks(m *message) bool {
	for {
		before := len(m.faults)
		line, ok := r.takeLine(m)
		if !ok || len(m.faults) > before {
			return false
		}
		digits, extension, extended := strings.Cut(line, ";")
		if extended {
			digits = strings.TrimRight(digits, " \t")
			m.judgeText("chunk extension", extension)
			if _, _, more := strings.Cut(extension, "\x00"); more {
				m.faults.add(Dangerous, "NUL in a chunk extension (RFC 9112 7.1.1)")
			}
		}
		size, ok := hexadecimal(digits)
		if !ok {
			m.faults.add(Dangerous, "chunk size %q (RFC 9112 7.1)", line)
			return false
		}
		if size == 0 {
			m.trailers, ok = r.fields(m)
			m.judgeTrailers()
			return ok
		}
		if int64(len(r.rest)) < size {
			m.body, r.rest = m.body+r.rest, ""
			return false
		}
		m.body, r.rest = m.body+r.rest[:size], r.rest[size:]
		if len(r.rest) < 2 && strings.HasPrefix("\r\n", r.rest) {
			return false
		}
		if !strings.HasPrefix(r.rest, "\r\n") {
			m.faults.add(Dangerous, "no CRLF after a chunk's data (RFC 9112 7.1)")
			return false
		}
		r.rest = r.rest[2:]
	}
}

func hexadecimal(s string) (n int64, ok bool) {
	for i := range len(s) {
		if !isHex(s[i]) {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 16, 64)
	return n, err == nil
}

// judgeTrailers looks for fields that no trailer section may have (RFC 9110 6.5.1).
func (m *message) judgeTrailers() {
	for _, f := range m.trailers {
		switch strings.ToLower(f.name) {
		case "content-length", "transfer-encoding", "host":
			m.faults.add(Dangerous, "trailer %s (RFC 9110 6.5.1)", f.name)
		case "connection", "te", "expect", "authorization", "proxy-authorization", "cookie", "set-cookie", "content-encoding",
			"content-type", "content-range", "trailer", "upgrade", "max-forwards", "cache-control":
			m.faults.add(Unclean, "trailer %s (RFC 9110 6.5.1)", f.name)
		}
	}
}
