package exchange

import (
	"strings"

	"github.com/tandem-lb/tandem/proxy/http1"
)

// told is an element of Forwarded: what a proxy tells of whom it was asked by (RFC 7239 section 4). What it does not tell is empty.
type told struct {
	from, proto, host string
}

// eachTold calls f for the elements of a line of Forwarded. It reports false where the line is none: what is in it cannot be told apart then.
func eachTold(line string, f func(told)) bool {
	for e := (told{}); ; line = line[1:] {
		line = strings.TrimLeft(line, " \t")
		if n := http1.TokenLen(line); n > 0 {
			name, rest := line[:n], line[n:]
			value, after, ok := toldValue(rest)
			if !ok || !e.set(name, value) {
				return false
			}
			line = strings.TrimLeft(after, " \t")
		}
		switch {
		case line == "":
			f(e)
			return true
		case line[0] == ',':
			f(e)
			e = told{}
		case line[0] != ';':
			return false
		}
	}
}

// set notes a value. "Each parameter MUST NOT occur more than once per field-value" (RFC 7239 section 4).
func (e *told) set(name, value string) bool {
	for _, p := range []struct {
		name string
		to   *string
	}{{"for", &e.from}, {"proto", &e.proto}, {"host", &e.host}} {
		if strings.EqualFold(name, p.name) {
			once := *p.to == ""
			*p.to = value
			return once
		}
	}
	return true
}

// toldValue reads the value behind a name: a token, or a quoted string.
func toldValue(s string) (value, rest string, ok bool) {
	s, ok = strings.CutPrefix(s, "=")
	if !ok {
		return "", "", false
	}
	if inner, quoted := strings.CutPrefix(s, `"`); quoted {
		value, rest, ok = strings.Cut(inner, `"`)
		return value, rest, ok && !strings.Contains(value, `\`) // no address or host has one
	}
	n := http1.TokenLen(s)
	return s[:n], s[n:], n > 0
}

// scheme returns what a proxy tells of the scheme; empty: nothing that is one.
func (e *told) scheme() string {
	switch {
	case strings.EqualFold(e.proto, "https"):
		return "https"
	case strings.EqualFold(e.proto, "http"):
		return "http"
	}
	return ""
}

// authority returns what it tells of the host; empty: nothing that could be one.
func (e *told) authority() string {
	for i := range len(e.host) {
		if c := e.host[i]; http1.TokenLen(e.host[i:i+1]) == 0 && c != ':' && c != '[' && c != ']' {
			return ""
		}
	}
	return e.host
}
