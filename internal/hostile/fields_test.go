package hostile

import (
	"net/netip"
	"strings"
)

// field is one field line.
type field struct{ name, value string }

func isHex(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 }

// isToken reports whether s is a token (RFC 9110 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		if strings.IndexByte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

// framingNames are those that a careless reader might find in a malformed name.
var framingNames = []string{"content-length", "transfer-encoding"}

// looksFraming reports whether someone may read a line as one that frames.
func looksFraming(line string) bool {
	letters := strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' || c == '-' {
			return c
		}
		return -1
	}, strings.ToLower(line))
	for _, name := range framingNames {
		if strings.HasPrefix(letters, name) {
			return true
		}
	}
	return false
}

// fields reads field lines up to the empty line and reports whether that was there.
func (r *reader) fields(m *message) (all []field, ok bool) {
	for {
		line, ok := r.takeLine(m)
		if !ok || line == "" {
			return all, ok
		}
		worse := Unclean
		if looksFraming(line) {
			worse = Dangerous
		}
		if line[0] == ' ' || line[0] == '\t' {
			m.faults.add(worse, "folded line %q (RFC 9112 5.2)", line)
			if len(all) > 0 {
				all[len(all)-1].value += " " + strings.Trim(line, " \t")
			}
			continue
		}
		name, value, colon := strings.Cut(line, ":")
		switch {
		case !colon:
			m.faults.add(worse, "line without a colon %q (RFC 9112 5)", line)
			continue
		case name != strings.TrimRight(name, " \t"):
			m.faults.add(worse, "white space before the colon %q (RFC 9112 5.1)", line)
		case !isToken(name):
			m.faults.add(worse, "field name %q is no token (RFC 9110 5.1)", name)
		}
		value = strings.Trim(value, " \t")
		m.judgeText("value of "+name, value)
		all = append(all, field{strings.TrimRight(name, " \t"), value})
	}
}

// judgeText holds text to VCHAR, SP, HTAB and obs-text (RFC 9110 5.5).
func (m *message) judgeText(what, s string) {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			m.faults.add(Unclean, "octet %#02x in the %s (RFC 9110 5.5)", s[i], what)
			return
		}
	}
}

// values returns those of a field, in order.
func (m *message) values(name string) []string {
	var all []string
	for _, f := range m.fields {
		if strings.EqualFold(f.name, name) {
			all = append(all, f.value)
		}
	}
	return all
}

func (m *message) has(name string) bool { return len(m.values(name)) > 0 }

// judgeHost holds a request to one good Host (RFC 9112 3.2). It may be empty where the target had no authority.
func (m *message) judgeHost() {
	hosts := m.values("Host")
	if len(hosts) > 1 {
		m.faults.add(Unclean, "%d Host fields (RFC 9112 3.2)", len(hosts))
	}
	if len(hosts) == 0 && m.minor == 1 {
		m.faults.add(Unclean, "no Host field (RFC 9112 3.2)")
	}
	for _, h := range hosts {
		if h != "" && !isAuthority(h) {
			m.faults.add(Unclean, "Host %q (RFC 9110 7.2)", h)
		}
	}
}

// isAuthority reports whether s is uri-host [ ":" port ] (RFC 3986 3.2.2).
func isAuthority(s string) bool {
	host, port := s, ""
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, ']') {
		host, port = s[:i], s[i+1:]
	}
	if strings.Trim(port, "0123456789") != "" {
		return false
	}
	if strings.HasPrefix(host, "[v") && strings.HasSuffix(host, "]") { // of an IP version yet to come
		version, rest, dot := strings.Cut(host[2:len(host)-1], ".")
		return dot && version != "" && rest != "" && isToken(version+rest)
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		addr, err := netip.ParseAddr(host[1 : len(host)-1])
		return err == nil && addr.Is6() && addr.Zone() == ""
	}
	for i := range len(host) {
		c := host[i]
		if c == '%' && (i+2 >= len(host) || !isHex(host[i+1]) || !isHex(host[i+2])) {
			return false
		}
		if c != '%' && (strings.IndexByte(inURI, c) < 0 || strings.IndexByte(":/?@", c) >= 0) {
			return false
		}
	}
	return host != ""
}

// judgeHop holds a request to what no proxy passes on (RFC 9110 7.6.1): an offer to speak another protocol above all, for
// what follows is out of the proxy's sight (RFC 9113 3.1).
func (m *message) judgeHop() {
	for protocol := range strings.SplitSeq(strings.Join(m.values("Upgrade"), ","), ",") {
		name, _, _ := strings.Cut(protocol, "/")
		if strings.EqualFold(strings.Trim(name, " \t"), "h2c") {
			m.faults.add(Dangerous, "Upgrade: %s (RFC 9113 3.1)", protocol)
		}
	}
	for _, name := range []string{"HTTP2-Settings", "Proxy-Connection", "Keep-Alive"} {
		if m.has(name) {
			m.faults.add(Unclean, "%s is the client's own (RFC 9110 7.6.1)", name)
		}
	}
	for _, v := range m.values("Connection") {
		for option := range strings.SplitSeq(v, ",") {
			if option = strings.Trim(option, " \t"); option != "" && !isToken(option) {
				m.faults.add(Unclean, "Connection option %q (RFC 9110 7.6.1)", option)
			}
		}
	}
}
