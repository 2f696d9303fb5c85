package beside

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// message is a request or response as it came, octet for octet but for the framing of its body.
type message struct {
	line     string // the start line
	fields   []field
	body     string
	trailers []field
	broken   string // how it ended before its end; empty: it is whole
	old      bool   // it answers a request of HTTP/1.0
}

type field struct{ name, value string }

// values are those of a field, in their order.
func (m *message) values(name string) (all []string) {
	for _, f := range m.fields {
		if strings.EqualFold(f.name, name) {
			all = append(all, f.value)
		}
	}
	return all
}

func (m *message) has(name, value string) bool {
	return strings.Contains(strings.ToLower(strings.Join(m.values(name), ",")), value)
}

// word is the n-th of the start line.
func (m *message) word(n int) string {
	if words := strings.Split(m.line, " "); n < len(words) {
		return words[n]
	}
	return ""
}

// ending says in words how reading ended.
func ending(err error) string {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "closed"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "silent"
	}
	return "reset"
}

func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), err
}

// readFields reads lines to the empty one.
func readFields(r *bufio.Reader) (all []field, err error) {
	for {
		line, err := readLine(r)
		if err != nil || line == "" {
			return all, err
		}
		name, value, _ := strings.Cut(line, ":")
		all = append(all, field{name, strings.Trim(value, " \t")})
	}
}

// readMessage reads a message; of is the method that a response answers, empty for a request.
func readMessage(r *bufio.Reader, of string) message {
	m := readHead(r)
	if m.broken == "" {
		m.readBody(r, of)
	}
	return m
}

func readHead(r *bufio.Reader) (m message) {
	var err error
	if m.line, err = readLine(r); err == nil {
		m.fields, err = readFields(r)
	}
	if err != nil {
		m.broken = ending(err)
	}
	return m
}

// readBody reads what the head announces (RFC 9112 section 6.3).
func (m *message) readBody(r *bufio.Reader, of string) {
	var err error
	status := m.word(1)
	switch {
	case of == "HEAD", of != "" && (status == "204" || status == "304" || status[0] == '1'):
	case m.has("Transfer-Encoding", "chunked"):
		err = m.readChunks(r)
	case len(m.values("Content-Length")) > 0:
		var n int
		if n, err = strconv.Atoi(m.values("Content-Length")[0]); err == nil {
			err = m.readSome(r, n)
		}
	case of != "":
		var b []byte
		b, err = io.ReadAll(r)
		m.body = string(b)
	}
	if err != nil {
		m.broken = ending(err)
	}
}

func (m *message) readSome(r *bufio.Reader, n int) error {
	b := make([]byte, n)
	n, err := io.ReadFull(r, b)
	m.body += string(b[:n])
	return err
}

func (m *message) readChunks(r *bufio.Reader) error {
	for {
		line, err := readLine(r)
		if err != nil {
			return err
		}
		digits, _, _ := strings.Cut(line, ";")
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 16, 32)
		if err != nil {
			return fmt.Errorf("chunk size %q", line)
		}
		if n == 0 {
			m.trailers, err = readFields(r)
			return err
		}
		if err := m.readSome(r, int(n)); err != nil {
			return err
		}
		if _, err := readLine(r); err != nil {
			return err
		}
	}
}
