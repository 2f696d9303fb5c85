package hostile

import (
	"strconv"
	"strings"
)

// message is what the strict reader makes of a request or response. It reads on after a fault as a careless server would, so
// that one message can show several.
type message struct {
	line     string // the start line
	method   string // of a request
	target   string
	status   int // of a response
	minor    int // of the version
	fields   []field
	body     string
	trailers []field
	faults   faults
	headed   bool // the head is complete
	complete bool
	raw      string // all of it, as it came
}

// reader reads messages of a byte stream, one after another.
type reader struct {
	rest   string // what has not been read
	closed bool   // nothing will follow: the other side has ended the stream cleanly
}

// takeLine takes a line off. Whatever ends it besides CRLF is a fault that readers disagree on.
func (r *reader) takeLine(m *message) (line string, ok bool) {
	end := strings.IndexByte(r.rest, '\n')
	if end < 0 {
		if strings.Contains(strings.TrimSuffix(r.rest, "\r"), "\r") {
			m.faults.add(Dangerous, "bare CR in %q (RFC 9112 2.2)", r.rest)
		}
		return "", false
	}
	line, r.rest = r.rest[:end], r.rest[end+1:]
	if !strings.HasSuffix(line, "\r") {
		m.faults.add(Dangerous, "LF without CR after %q (RFC 9112 2.2)", line)
	}
	line = strings.TrimSuffix(line, "\r")
	if strings.Contains(line, "\r") {
		m.faults.add(Dangerous, "bare CR in %q (RFC 9112 2.2)", line)
	}
	return line, true
}

// readRequests reads the requests of a stream; the last one may be incomplete.
func readRequests(stream string) []message {
	r := reader{rest: stream}
	var all []message
	for r.rest != "" {
		m, before := message{}, r.rest
		r.request(&m)
		m.raw = before[:len(before)-len(r.rest)]
		all = append(all, m)
		if !m.complete {
			break
		}
	}
	return all
}

func (r *reader) request(m *message) {
	for strings.HasPrefix(r.rest, "\r\n") {
		m.faults.add(Unclean, "empty line before a request (RFC 9112 2.2)")
		r.rest = r.rest[2:]
	}
	line, ok := r.takeLine(m)
	if !ok {
		return
	}
	m.line = line
	m.requestLine()
	if m.fields, m.headed = r.fields(m); !m.headed {
		return
	}
	m.judgeHost()
	m.judgeHop()
	body := m.framing()
	if body == untilClose { // of a request: there is none
		body = 0
	}
	m.complete = r.body(m, body)
}

// requestLine reads "method SP request-target SP HTTP-version".
func (m *message) requestLine() {
	words := strings.Split(m.line, " ")
	if len(words) != 3 {
		m.faults.add(Dangerous, "request line %q is no three words (RFC 9112 3)", m.line)
		m.method = words[0]
		return
	}
	m.method, m.target = words[0], words[1]
	if !isToken(m.method) {
		m.faults.add(Unclean, "method %q is no token (RFC 9110 9.1)", m.method)
	}
	m.version(words[2])
	m.judgeTarget()
}

func (m *message) version(word string) {
	switch word {
	case "HTTP/1.1":
		m.minor = 1
	case "HTTP/1.0":
	default:
		m.faults.add(Unclean, "version %q (RFC 9112 2.3)", word)
		m.minor = 1
	}
}

// inURI are the octets that RFC 3986 lets stand in a path or query, "%" aside.
const inURI = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?@!$&'()*+,;="

// judgeTarget holds a target to what an origin server is sent: "the absolute path and query" (RFC 9112 3.2.1), or "*".
func (m *message) judgeTarget() {
	switch {
	case m.method == "OPTIONS" && m.target == "*":
		return
	case !strings.HasPrefix(m.target, "/"):
		m.faults.add(Unclean, "target %q is not in origin-form (RFC 9112 3.2.1)", m.target)
	}
	path, _, _ := strings.Cut(m.target, "?")
	for i := range len(m.target) {
		c := m.target[i]
		switch {
		case c == '%' && i > len(path): // in a query, where it starts no escape, it is a percent sign to every server
		case c == '%' && (i+2 >= len(m.target) || !isHex(m.target[i+1]) || !isHex(m.target[i+2])):
			m.faults.add(Unclean, "%% without two digits in %q (RFC 3986 2.1)", m.target)
		case c != '%' && !strings.ContainsRune(inURI, rune(c)):
			m.faults.add(Unclean, "octet %#02x in the target %q (RFC 3986 2)", c, m.target)
		}
	}
}

// readResponses reads the responses to requests of these methods; the last one may be incomplete, and what follows it is told
// as rest. Interim ones stand among them.
func readResponses(stream string, closed bool, methods ...string) (all []message, rest string) {
	r := reader{rest: stream, closed: closed}
	for len(methods) > 0 && r.rest != "" {
		m, before := message{method: methods[0]}, r.rest
		r.response(&m)
		m.raw = before[:len(before)-len(r.rest)]
		all = append(all, m)
		if !m.complete {
			return all, ""
		}
		if m.status >= 200 || m.status == 101 {
			methods = methods[1:]
		}
	}
	return all, r.rest
}

func (r *reader) response(m *message) {
	line, ok := r.takeLine(m)
	if !ok {
		return
	}
	m.line = line
	m.statusLine()
	if m.fields, m.headed = r.fields(m); !m.headed {
		return
	}
	body := m.framing()
	bodiless := m.status < 200 || m.status == 204 || m.status == 304
	if bodiless && m.status != 304 && (m.has("Transfer-Encoding") || m.has("Content-Length") && body > 0) {
		m.faults.add(Dangerous, "body of a %d (RFC 9110 8.6, RFC 9112 6.1)", m.status)
	}
	if bodiless || m.method == "HEAD" {
		body = 0
	}
	m.complete = r.body(m, body)
}

// statusLine reads "HTTP-version SP status-code SP [ reason-phrase ]".
func (m *message) statusLine() {
	words := strings.SplitN(m.line, " ", 3)
	m.status = 599 // of what is none
	m.version(words[0])
	if len(words) != 3 {
		m.faults.add(Unclean, "status line %q is no three words (RFC 9112 4)", m.line)
	}
	if len(words) < 2 {
		return
	}
	n, err := strconv.Atoi(words[1])
	if err != nil || len(words[1]) != 3 || n < 100 || n > 599 {
		m.faults.add(Unclean, "status %q (RFC 9110 15)", words[1])
	} else {
		m.status = n
	}
	if len(words) == 3 {
		m.judgeText("reason", words[2])
	}
}
