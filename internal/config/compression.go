package config

import (
	"strings"

	"github.com/tandem-lb/tandem/proxy/compress"
)

// rawCompression is what is compressed: that of the defaults, or of a frontend in its place.
type rawCompression struct {
	Algorithms []string `yaml:"algorithms"`
	Types      []string `yaml:"types"`
	MinSize    rawSize  `yaml:"min_size"`
}

// compression is that of a frontend, or of the defaults. TCP has none.
func (f *rawFrontend) compression(defaults *rawCompression) *compress.Config {
	c := f.Compression
	if c == nil {
		c = defaults
	}
	if c == nil || f.Mode == modeTCP {
		return nil
	}
	made := &compress.Config{Types: c.Types, MinSize: int64(c.MinSize)}
	for _, name := range c.Algorithms {
		if coding, err := compress.ParseCoding(name); err == nil { // the walk has let only such through
			made.Codings = append(made.Codings, coding)
		}
	}
	return made
}

// compressionKeys are what is compressed.
func compressionKeys(in, absent string) []Key {
	types := compress.DefaultTypes()
	return []Key{
		{Path: in, Type: section(), Others: "gzip", Absent: absent, Example: "{algorithms: [zstd, gzip]}", Reload: ReloadNew, Help: "Compresses responses of servers for clients that take it, beside the traffic. `{}` is enough. See [rules](rules.md#compression)."},
		{Path: in + ".algorithms", Type: list(0, 2), Others: "algo", Default: "[zstd, gzip]", Example: "[gzip]", Reload: ReloadNew, Help: "How, the one that is preferred first; `[]` compresses nothing."},
		{Path: in + ".algorithms[]", Type: oneOf("zstd", "gzip").later("br"), Example: "gzip", Reload: ReloadNew, Help: "An algorithm."},
		{Path: in + ".types", Type: list(1, 100), Others: "type gzip_types", Default: "[" + strings.Join(types, ", ") + "]", Example: `["text/*", application/json]`, Reload: ReloadNew, Help: "The Content-Types that are compressed."},
		{Path: in + ".types[]", Type: mediaType(), Example: `"text/*"`, Reload: ReloadNew, Help: "A media type without parameters, or all of a kind."},
		{Path: in + ".min_size", Type: size("1", "1GiB"), Others: "gzip_min_length minsize", Default: "1KiB", Example: "4KiB", Reload: ReloadNew, Help: "Shorter bodies are not worth it. Where nobody tells the length it is not asked."},
	}
}

// mediaType is one that is compressed.
func mediaType() Type {
	t := line(255)
	t.Kind, t.Want = "media type", "a media type in lower case such as text/html or text/*"
	valid := t.fault
	t.fault = func(text string) string {
		if what := valid(text); what != "" {
			return what
		}
		if _, err := compress.Compile(compress.Config{Codings: []compress.Coding{compress.Gzip}, Types: []string{text}}); err != nil {
			return quote(text) + " is no media type"
		}
		return ""
	}
	return t
}
