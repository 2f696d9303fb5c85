package balance

import (
	"fmt"
	"strings"
)

// Key says what a request is known by to algorithms that hash.
type Key struct {
	From From
	Name string // of the header, in lower case, the cookie or the query parameter
}

// From is where a key is taken from.
type From uint8

// The places.
const (
	FromSource From = iota + 1 // the client's address
	FromPath                   // without the query
	FromHeader
	FromCookie
	FromQuery
)

// WantKey is what ParseKey takes, in words.
const WantKey = "source, path, header:NAME, cookie:NAME or query:NAME"

// ParseKey reads a key as the configuration writes it.
func ParseKey(text string) (Key, error) {
	kind, name, named := strings.Cut(text, ":")
	k := Key{Name: name}
	switch {
	case text == "source":
		k.From = FromSource
	case text == "path":
		k.From = FromPath
	case !named || name == "" || strings.ContainsFunc(name, notInNames):
		return Key{}, fmt.Errorf("key %q, want %s", text, WantKey)
	case kind == "header":
		k.From, k.Name = FromHeader, strings.ToLower(name)
	case kind == "cookie":
		k.From = FromCookie
	case kind == "query":
		k.From = FromQuery
	default:
		return Key{}, fmt.Errorf("key %q, want %s", text, WantKey)
	}
	return k, nil
}

// notInNames reports characters that the names of headers, cookies and parameters don't have (RFC 9110 section 5.6.2, token), or that end
// them.
func notInNames(c rune) bool {
	return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}&`, c)
}

// HashKey returns the number by which algorithms know a key, never 0. It is the same on every node and in every process, so that two
// nodes which know nothing of each other send a client to the same server.
func HashKey[T string | []byte](key T) uint64 {
	h := uint64(0xcbf29ce484222325) // FNV-1a
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 0x100000001b3
	}
	return max(mix(h), 1)
}

// mix makes every bit of the result depend on every bit of h: the end of splitmix64.
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
