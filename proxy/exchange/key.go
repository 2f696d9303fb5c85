package exchange

import (
	"strings"

	"github.com/tandem-lb/tandem/proxy/balance"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// keyOf returns the number of what a request is known by, 0 where it lacks that, or it is empty.
func keyOf(k *balance.Key, r *rule.Request) uint64 {
	switch k.From {
	case balance.FromSource:
		client := r.Client.Unmap()
		if !client.IsValid() { // it has come by a Unix socket
			return 0
		}
		octets := client.As16()
		if client.Is4() {
			return balance.HashKey(octets[12:])
		}
		return balance.HashKey(octets[:])
	case balance.FromPath:
		return balance.HashKey(r.Path)
	case balance.FromHeader:
		if k.Name == "host" { // HTTP/2 has no such field
			return hashOf(r.Host)
		}
		value, _, _ := r.Fields.Next(k.Name, 0)
		return hashOf(value)
	case balance.FromCookie:
		return hashOf(cookie(r.Fields, k.Name))
	case balance.FromQuery:
		return hashOf(valueIn(strings.TrimPrefix(r.Query, "?"), k.Name, '&'))
	}
	return 0
}

func hashOf(value string) uint64 {
	if value == "" {
		return 0
	}
	return balance.HashKey(value)
}

// cookie returns the value of the first cookie of that name that has one. A request may have several Cookie fields (RFC 9113 section
// 8.2.3).
func cookie(f rule.Fields, name string) string {
	for i := 0; ; {
		field, next, ok := f.Next("cookie", i)
		if !ok {
			return ""
		}
		if value := valueIn(field, name, ';'); value != "" {
			return value
		}
		i = next
	}
}

// valueIn returns the value of the first pair of that name in text, pairs being parted by a separator and spaces; empty: there is none.
func valueIn(text, name string, separator byte) string {
	for len(text) > 0 {
		pair := text
		if i := strings.IndexByte(text, separator); i >= 0 {
			pair, text = text[:i], text[i+1:]
		} else {
			text = ""
		}
		pair = strings.Trim(pair, " \t")
		if len(pair) > len(name) && pair[len(name)] == '=' && pair[:len(name)] == name {
			return pair[len(name)+1:]
		}
	}
	return ""
}
