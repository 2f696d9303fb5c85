package rule

import (
	"fmt"
	"strings"

	"github.com/tandem-lb/tandem/proxy/edit"
)

// defaultRedirectCode is 302, the code of HAProxy's redirect without one.
const defaultRedirectCode = 302

// Target returns the value of the Location header. host is the host that the request names, port and all; pathAndQuery
// is the canonical path of the request with the query it came with, "*" or empty where it has none; f knows of what else Location may
// hold.
//
// A change of scheme drops the port of host: nothing says that the port of the one scheme speaks the other, and the
// configuration names another port by a whole Location. What goes on at the host of the request has no target for one that names
// none: the result is empty then, and the request deserves a 400.
func (r *Redirect) Target(host, pathAndQuery string, f edit.Facts) string {
	if r.Scheme == "" {
		if _, ok := r.location.Constant(); ok {
			return r.Location
		}
		if withoutPort(host) == "" && r.location.Uses(edit.Host, edit.Authority) {
			return ""
		}
		return here(string(r.location.Append(nil, f)))
	}
	host = withoutPort(host)
	if host == "" {
		return ""
	}
	if pathAndQuery == "" || pathAndQuery == "*" {
		pathAndQuery = "/"
	}
	return r.Scheme + "://" + host + pathAndQuery
}

// here keeps a path that a client has chosen at the host that it asked: what begins with two slashes names another host (RFC 3986 section
// 4.2), and browsers take a backslash for a slash, and pass over tabs between them.
func here(location string) string {
	rest, path := strings.CutPrefix(location, "/")
	if rest = strings.TrimLeft(rest, "\t"); path && rest != "" && (rest[0] == '/' || rest[0] == '\\') {
		return "/." + location
	}
	return location
}

// compile reads a location with variables, and judges it by what it would be with a word for each.
func (r *Redirect) compile() (err error) {
	if !strings.Contains(r.Location, "{") {
		return nil
	}
	if r.location, err = edit.Parse(r.Location, edit.Request); err != nil {
		return fmt.Errorf("redirect: location: %w", err)
	}
	if sample := r.location.Append(nil, sample{}); !isLocation(string(sample)) {
		return fmt.Errorf("redirect: location %q, want a whole URL or an absolute path", r.Location)
	}
	return nil
}

// sample is a request whose facts are all alike but for the scheme and the path.
type sample struct{}

// AppendFact implements edit.Facts.
func (sample) AppendFact(dst []byte, v edit.Variable, _ string) []byte {
	switch v {
	case edit.Scheme:
		return append(dst, "https"...)
	case edit.Path:
		return append(dst, "/x"...)
	case edit.Map:
		if len(dst) == 0 { // then it has whole locations
			return append(dst, '/')
		}
	}
	return append(dst, 'x')
}
