package rule

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// faultsOf returns everything that is wrong with r.
func faultsOf(r Rule) []error {
	faults := matchFaults(&r.Match)
	if n := actions(r); n != 1 {
		faults = append(faults, fmt.Errorf("%d actions, want exactly one of backend, redirect and respond", n))
	}
	if r.Redirect != nil {
		faults = append(faults, redirectFaults(r.Redirect)...)
	}
	if r.Respond != nil {
		faults = append(faults, respondFaults(r.Respond)...)
	}
	return faults
}

func actions(r Rule) int {
	n := 0
	for _, set := range []bool{r.Backend != "", r.Redirect != nil, r.Respond != nil} {
		if set {
			n++
		}
	}
	return n
}

func matchFaults(m *Match) []error {
	var faults []error
	if m.Host != "" && !isHost(m.Host) {
		faults = append(faults, fmt.Errorf("host %q, want an ASCII host name or address without a port", m.Host))
	}
	if m.Path != "" {
		faults = append(faults, pathFaults("path", m.Path, "")...)
	}
	if m.PathPrefix != "" {
		// A prefix need not be a path: "/." is the start of "/.git". So it is judged as the start of one.
		faults = append(faults, pathFaults("path_prefix", m.PathPrefix, "x")...)
	}
	if m.Not == nil {
		return faults
	}
	if *m.Not == (Match{}) {
		faults = append(faults, errors.New("not: matches everything, so the rule could never match"))
	}
	for _, fault := range matchFaults(m.Not) {
		faults = append(faults, fmt.Errorf("not: %w", fault))
	}
	return faults
}

// pathFaults returns what keeps path+suffix from being a canonical path: only such a one can ever match.
func pathFaults(key, path, suffix string) []error {
	canonical, err := CanonicalPath(path + suffix)
	if err != nil {
		return []error{fmt.Errorf("%s %q: %w", key, path, err)}
	}
	if canonical != path+suffix {
		canonical = strings.TrimSuffix(canonical, suffix)
		return []error{fmt.Errorf("%s %q can never match, want its canonical form %q", key, path, canonical)}
	}
	return nil
}

// isHost reports whether s is what hostname can return for a sane request.
func isHost(s string) bool {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		return ok && err == nil && addr.Is6()
	}
	for i := range len(s) {
		if c := s[i]; c != '.' && c != '-' && c != '_' && !isAlphanumeric(c) {
			return false
		}
	}
	return !strings.HasSuffix(s, ".")
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func redirectFaults(r *Redirect) []error {
	var faults []error
	switch r.Code {
	case 0, 301, 302, 303, 307, 308:
	default:
		faults = append(faults, fmt.Errorf("redirect: code %d, want 301, 302, 303, 307 or 308", r.Code))
	}
	switch {
	case (r.Scheme == "") == (r.Location == ""):
		faults = append(faults, errors.New("redirect: want exactly one of scheme and location"))
	case r.Scheme == "http", r.Scheme == "https":
	case r.Scheme != "":
		faults = append(faults, fmt.Errorf("redirect: scheme %q, want http or https", r.Scheme))
	case !isLocation(r.Location):
		faults = append(faults, fmt.Errorf("redirect: location %q, want a whole URL or an absolute path", r.Location))
	}
	return faults
}

// isLocation reports whether s may stand in a Location header as a whole http URL or an absolute path.
func isLocation(s string) bool {
	u, err := url.Parse(s)
	if err != nil || strings.ContainsRune(s, ' ') || !isFieldValue(s) {
		return false
	}
	if u.Scheme == "" {
		return u.Host == "" && strings.HasPrefix(s, "/")
	}
	return (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func respondFaults(r *Respond) []error {
	var faults []error
	if r.Status < 200 || r.Status > 599 {
		faults = append(faults, fmt.Errorf("respond: status %d, want 200 to 599", r.Status))
	}
	if (r.Status == 204 || r.Status == 304) && r.Body != "" { // RFC 9110 sections 15.3.5 and 15.4.5
		faults = append(faults, fmt.Errorf("respond: status %d has no body, want an empty one", r.Status))
	}
	if !isFieldValue(r.ContentType) {
		faults = append(faults, fmt.Errorf("respond: content_type %q, want printable ASCII", r.ContentType))
	}
	return faults
}

// isFieldValue reports whether s is safe as the value of a header field.
func isFieldValue(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
