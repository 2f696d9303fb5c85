package compress

import (
	"fmt"
	"slices"
	"strings"
)

// Coding is a content coding (RFC 9110 section 8.4.1).
type Coding uint8

// The codings.
const (
	Identity Coding = iota // the body as it is
	Gzip
	Zstd // RFC 8878
	codings
)

var names = [codings]string{"identity", "gzip", "zstd"}

// String returns the name that stands in heads.
func (c Coding) String() string { return names[c] }

// ParseCoding reads the name of a coding other than Identity.
func ParseCoding(name string) (Coding, error) {
	if i := slices.Index(names[:], name); i > 0 {
		return Coding(i), nil
	}
	return 0, fmt.Errorf("no coding %q, want gzip or zstd", name)
}

// Config says what is compressed.
type Config struct {
	Codings []Coding // the one that is preferred first
	Types   []string // media types without parameters, in lower case; "text/*" are all of text
	MinSize int64    // octets: shorter bodies are not worth it
}

// DefaultTypes are those that text comes in, streams of events aside: pictures, films and archives are compressed already.
func DefaultTypes() []string {
	return []string{
		"text/html", "text/css", "text/plain", "text/xml", "text/javascript", "text/csv", "text/markdown",
		"application/javascript", "application/json", "application/ld+json", "application/manifest+json", "application/problem+json",
		"application/xml", "application/xhtml+xml", "application/rss+xml", "application/atom+xml", "application/wasm", "image/svg+xml",
	}
}

// Rules are a Config that is carried out. They are immutable.
type Rules struct {
	codings []Coding
	types   map[string]struct{} // whole ones
	kinds   map[string]struct{} // "text" of "text/*"
	minSize int64
}

// Compile checks a Config. Without codings there are no Rules: nil.
func Compile(c Config) (*Rules, error) {
	if len(c.Codings) == 0 {
		return nil, nil
	}
	r := &Rules{codings: slices.Clone(c.Codings), types: map[string]struct{}{}, kinds: map[string]struct{}{}, minSize: c.MinSize}
	for _, t := range c.Types {
		kind, sub, ok := strings.Cut(t, "/")
		switch {
		case !ok || kind == "" || sub == "" || kind == "*" || strings.ContainsAny(t, " ;,\t") || t != strings.ToLower(t):
			return nil, fmt.Errorf("compression: %q is no media type, want one such as text/html or text/*", t)
		case sub == "*":
			r.kinds[kind] = struct{}{}
		default:
			r.types[t] = struct{}{}
		}
	}
	return r, nil
}
