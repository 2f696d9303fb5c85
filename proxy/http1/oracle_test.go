package http1

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// The oracle is a second reader of requests, written from the grammar with expressions, and with no thought of speed. It
// knows whole heads only.

var (
	oracleLine  = regexp.MustCompile("(?s)^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([^\\x00-\\x20\\x7f#]+) HTTP/1\\.([01])$")
	oracleField = regexp.MustCompile("(?s)^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$")
	oracleValue = regexp.MustCompile(`^[\t\x20-\x7e\x{80}-\x{ff}]*$`)
	oracleToken = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
	oracleHost  = regexp.MustCompile(`^([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::(\d*))?$`)
	oracleURI   = regexp.MustCompile(`(?s)^(?i:https?)://([^/?]*)(/[^?]*)?(\?.*)?$`)
	oracleAll   = regexp.MustCompile(`^(?i:host|content-length|transfer-encoding|expect|trailer|authorization|cookie|set-cookie)$`)
)

// latin has a rune for each byte, so that expressions see bytes.
func latin(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

// oracle reads a head that ends with the first empty line, and says whether it is good, and how its body is framed.
func oracle(head string) (ok bool, length int64, end bool) {
	lines := strings.Split(strings.TrimSuffix(latin(head), "\r\n\r\n"), "\r\n")
	m := oracleLine.FindStringSubmatch(lines[0])
	if m == nil {
		return false, 0, false
	}
	method, target, old := m[1], m[2], m[3] == "0"
	fields := map[string][]string{}
	for _, line := range lines[1:] {
		f := oracleField.FindStringSubmatch(line)
		if f == nil || !oracleValue.MatchString(f[2]) {
			return false, 0, false
		}
		name := strings.ToLower(f[1])
		fields[name] = append(fields[name], f[2])
	}
	return oracleHosts(fields["host"], method, target, old) && oracleConnection(fields["connection"]) && oracleExpect(fields["expect"]),
		oracleFraming(fields, old), oracleClose(fields["connection"], old)
}

func oracleAuthority(s string) bool {
	m := oracleHost.FindStringSubmatch(s)
	if m == nil {
		return false
	}
	if m[2] != "" {
		if port, err := strconv.ParseUint(m[2], 10, 16); err != nil || port > 65535 || len(m[2]) > 18 {
			return false
		}
	}
	if strings.HasPrefix(m[1], "[") {
		addr, err := netip.ParseAddr(strings.Trim(m[1], "[]"))
		return err == nil && addr.Is6()
	}
	return true
}

func oracleHosts(hosts []string, method, target string, old bool) bool {
	if len(hosts) > 1 || len(hosts) == 0 && !old || len(hosts) == 1 && !oracleAuthority(hosts[0]) {
		return false
	}
	authority := ""
	switch {
	case method == "CONNECT":
		_, port, _ := strings.Cut(target[strings.LastIndexByte(target, ']')+1:], ":")
		if n, err := strconv.Atoi(port); !oracleAuthority(target) || err != nil || n == 0 {
			return false
		}
		authority = target
	case target[0] == '/':
		return true
	case target == "*":
		return method == "OPTIONS"
	default:
		m := oracleURI.FindStringSubmatch(target)
		if m == nil || !oracleAuthority(m[1]) {
			return false
		}
		authority = m[1]
	}
	return len(hosts) == 0 || strings.EqualFold(hosts[0], authority)
}

func oracleExpect(values []string) bool {
	for _, v := range values {
		if strings.ToLower(v) != "100-continue" {
			return false
		}
	}
	return true
}

func oracleConnection(values []string) bool {
	for _, v := range values {
		options := strings.Split(v, ",")
		if len(options) > maxOptions && strings.Trim(strings.Join(options[maxOptions:], ","), "") != "" {
			return false
		}
		for _, o := range options {
			o = strings.Trim(o, " \t")
			if o != "" && (!oracleToken.MatchString(o) || oracleAll.MatchString(o)) {
				return false
			}
		}
	}
	return true
}

func oracleClose(values []string, old bool) bool {
	all := "," + strings.ToLower(strings.NewReplacer(" ", "", "\t", "").Replace(strings.Join(values, ","))) + ","
	return strings.Contains(all, ",close,") || old && !strings.Contains(all, ",keep-alive,")
}

// oracleFraming returns -9 for a framing that is refused.
func oracleFraming(fields map[string][]string, old bool) int64 {
	lengths, codings := fields["content-length"], fields["transfer-encoding"]
	switch {
	case len(lengths)+len(codings) == 0:
		return 0
	case len(lengths)+len(codings) > 1:
		return -9
	case len(codings) == 1 && (old || strings.ToLower(codings[0]) != "chunked"):
		return -9
	case len(codings) == 1:
		return ChunkedLength
	}
	if !regexp.MustCompile(`^\d{1,18}$`).MatchString(lengths[0]) {
		return -9
	}
	n, _ := strconv.ParseInt(lengths[0], 10, 64)
	return n
}
