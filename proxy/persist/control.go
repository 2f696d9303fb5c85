package persist

import "github.com/tandem-lb/tandem/proxy/http1"

// appendPrivate writes the value of Cache-Control of a response that no shared cache may keep (RFC 9111 section 5.2.2.7), given what the
// server has said: what it says to shared caches goes, all else stays.
func appendPrivate(dst, said []byte) []byte {
	dst = append(dst, "private"...)
	for len(said) > 0 {
		var directive []byte
		directive, said = cutDirective(said)
		if len(directive) > 0 && !concernsSharing(directive) {
			dst = append(append(dst, ", "...), directive...)
		}
	}
	return dst
}

// cutDirective returns the first element of a list, and what follows its comma. Those in quotes are none.
func cutDirective(list []byte) (directive, rest []byte) {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == ',' && !quoted:
			return trimmed(list[:i]), list[i+1:]
		}
	}
	return trimmed(list), nil
}

// concernsSharing reports whether a directive says who may keep a response.
func concernsSharing(directive []byte) bool {
	name := directive
	for i, b := range directive {
		if b == '=' {
			name = trimmed(directive[:i])
			break
		}
	}
	for _, word := range [...]string{"public", "private", "s-maxage", "proxy-revalidate"} {
		if http1.EqualFold(name, word) {
			return true
		}
	}
	return false
}
