package rule

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/tandem-lb/tandem/proxy/http1"
)

// shareFaults returns what is wrong with a split.
func shareFaults(r *Rule) []error {
	var faults []error
	total := 0
	for i, s := range r.Split {
		total += s.Weight
		if s.Weight < 0 || s.Weight > MaxShare {
			faults = append(faults, fmt.Errorf("split: weight %d, want 0 to %d", s.Weight, MaxShare))
		}
		if slices.ContainsFunc(r.Split[:i], func(o Share) bool { return o.Backend == s.Backend }) {
			faults = append(faults, fmt.Errorf("split: backend %s is there twice", s.Backend))
		}
	}
	if total == 0 && len(r.Split) > 0 {
		faults = append(faults, errors.New("split: nobody gets anything, want a weight above 0"))
	}
	if r.SplitKey != "" && len(r.Split) == 0 {
		faults = append(faults, errors.New("split_key: want a split beside it"))
	}
	return faults
}

// deepest bounds how deep conditions may stand in each other: nobody reads more.
const deepest = 8

// faultsOf returns everything that is wrong with r.
func faultsOf(r *Rule) []error {
	faults := matchFaults(&r.Match, deepest)
	if n := actions(r); n != 1 {
		faults = append(faults, fmt.Errorf("%d actions, want exactly one of backend, split, map, redirect, respond and deny", n))
	}
	if r.Deny != 0 && (r.Deny < 400 || r.Deny > 599) {
		faults = append(faults, fmt.Errorf("deny: status %d, want 400 to 599", r.Deny))
	}
	faults = append(faults, shareFaults(r)...)
	if r.Auth != nil && !isQuotable(r.Auth.Realm) {
		faults = append(faults, fmt.Errorf("basic_auth: realm %q, want printable ASCII without quotes and backslashes", r.Auth.Realm))
	}
	asks := r.Backend != "" || len(r.Split) > 0 || r.Map != nil
	if r.Auth != nil && !asks {
		faults = append(faults, errors.New("basic_auth: no server gets the request, want a backend, split or map"))
	}
	if r.Rewrite != nil && !asks {
		faults = append(faults, errors.New("rewrite: no server gets the request, want a backend, split or map"))
	}
	if r.Redirect != nil {
		faults = append(faults, redirectFaults(r.Redirect)...)
	}
	if r.Respond != nil {
		faults = append(faults, respondFaults(r.Respond)...)
	}
	if err := r.Rate.Fault(); err != nil {
		faults = append(faults, fmt.Errorf("client_rate: %w", err))
	}
	return faults
}

func actions(r *Rule) int {
	n := 0
	for _, set := range []bool{r.Backend != "", len(r.Split) > 0, r.Map != nil, r.Redirect != nil, r.Respond != nil, r.Deny != 0} {
		if set {
			n++
		}
	}
	return n
}

// matchFaults returns what is wrong with m, in which conditions may stand in each other so deep.
func matchFaults(m *Match, depth int) []error {
	if depth == 0 {
		return []error{fmt.Errorf("conditions stand in each other more than %d deep", deepest)}
	}
	var faults []error
	if m.Path != "" {
		faults = append(faults, pathFaults("path", m.Path, "")...)
	}
	if m.PathPrefix != "" {
		// A prefix need not be a path: "/." is the start of "/.git". So it is judged as the start of one.
		faults = append(faults, pathFaults("path_prefix", m.PathPrefix, "x")...)
	}
	faults = append(faults, nameFault("host", m.Host), nameFault("sni", m.SNI), regexpFault("path_regexp", m.PathRegexp))
	if m.SNI != "" && m.TLS != nil && !*m.TLS {
		faults = append(faults, errors.New("sni: a client without TLS names none, so the rule could never match"))
	}
	for _, method := range m.Method {
		if !http1.IsToken(method) {
			faults = append(faults, fmt.Errorf("method %q, want a token such as GET", method))
		}
	}
	faults = append(faults, testFaults("header", m.Header)...)
	faults = append(faults, testFaults("query", m.Query)...)
	faults = append(faults, testFaults("cookie", m.Cookie)...)
	for i, sub := range m.All {
		faults = append(faults, within(fmt.Sprintf("all[%d]", i), &sub, depth)...)
	}
	for i, sub := range m.Any {
		faults = append(faults, within(fmt.Sprintf("any[%d]", i), &sub, depth)...)
	}
	if m.Not != nil {
		if m.Not.everything() {
			faults = append(faults, errors.New("not: matches everything, so the rule could never match"))
		}
		faults = append(faults, within("not", m.Not, depth)...)
	}
	return slices.DeleteFunc(faults, func(err error) bool { return err == nil })
}

// within returns the faults of a match that stands in another one.
func within(where string, m *Match, depth int) []error {
	faults := matchFaults(m, depth-1)
	for i := range faults {
		faults[i] = fmt.Errorf("%s: %w", where, faults[i])
	}
	return faults
}

// everything reports whether m has no condition.
func (m *Match) everything() bool {
	return m.Host == "" && m.Path == "" && m.PathPrefix == "" && m.PathRegexp == "" && len(m.Method) == 0 && m.TLS == nil && m.SNI == "" &&
		len(m.Header)+len(m.Query)+len(m.Cookie)+len(m.Source)+len(m.All)+len(m.Any) == 0 && m.Not == nil
}

func nameFault(key, host string) error {
	if host == "" || isHost(strings.TrimPrefix(host, "*.")) && len(host) <= longestHost {
		return nil
	}
	return fmt.Errorf("%s %q, want an ASCII host name or address without a port, or *. and a name", key, host)
}

func regexpFault(key, expression string) error {
	if _, err := regexp.Compile(expression); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// testFaults returns what is wrong with tests.
func testFaults(key string, tests []Test) []error {
	var faults []error
	for _, t := range tests {
		switch {
		case key != "query" && !http1.IsToken(t.Name):
			faults = append(faults, fmt.Errorf("%s %q, want a name of letters, digits and -", key, t.Name))
		case key == "header" && strings.EqualFold(t.Name, "host"):
			faults = append(faults, errors.New("header Host, want host, which HTTP/2 has as well"))
		case t.Op == Matches:
			faults = append(faults, regexpFault(key+" "+t.Name, t.Value))
		}
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
		return ok && err == nil && addr.Is6() && addr.Zone() == "" // which may be any text
	}
	for i := range len(s) {
		if c := s[i]; c != '.' && c != '-' && c != '_' && !isAlphanumeric(c) {
			return false
		}
	}
	return s != "" && !strings.HasSuffix(s, ".")
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
	case strings.Contains(r.Location, "{"): // judged by Compile
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

// isQuotable reports whether s can stand between quotes in a header field as it is.
func isQuotable(s string) bool { return isFieldValue(s) && !strings.ContainsAny(s, "\"\\") }

// isFieldValue reports whether s is safe as the value of a header field.
func isFieldValue(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
