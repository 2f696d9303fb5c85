package rule

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCanonicalPath(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, raw, want string
	}{
		{"root", "/", "/"},
		{"empty path of an absolute target", "", "/"},
		{"plain", "/a/b.html", "/a/b.html"},
		{"case is kept", "/A/b", "/A/b"},
		{"sub-delimiters are kept", "/a!$&'()*+,;=:@b", "/a!$&'()*+,;=:@b"},
		{"encoded unreserved characters are decoded", "/%61%7A%41%5a%30%2D%2e%5F%7e", "/azAZ0-._~"},
		{"encoded reserved characters stay, in upper case", "/a%3b%2c%40", "/a%3B%2C%40"},
		{"encoded delimiters stay", "/a%3f%23", "/a%3F%23"},
		{"an encoded percent stays, so nothing is decoded twice", "/%252e%252E/", "/%252e%252E/"},
		{"encoded space stays", "/a%20b", "/a%20b"},
		{"bytes that clients should have encoded", "/\"<>[]^`{|}", "/%22%3C%3E%5B%5D%5E%60%7B%7C%7D"},
		{"raw UTF-8 is encoded", "/é", "/%C3%A9"},
		{"encoded UTF-8 in upper case", "/%c3%a9", "/%C3%A9"},
		{"single dot", "/a/./b", "/a/b"},
		{"double dot", "/a/../b", "/b"},
		{"trailing dot names the directory", "/a/.", "/a/"},
		{"trailing double dot names the directory", "/a/b/..", "/a/"},
		{"only a dot", "/.", "/"},
		{"above the root is the root", "/../../a", "/a"},
		{"only above the root", "/..", "/"},
		{"encoded dots are dots", "/a/%2e%2E/%2e/b", "/b"},
		{"half encoded dots are dots", "/a/.%2e/b", "/b"},
		{"three dots are a name", "/a/.../b", "/a/.../b"},
		{"dots with a name are a name", "/.git/..b/c.", "/.git/..b/c."},
		{"duplicate slashes are kept", "//a///b/", "//a///b/"},
		{"double dot takes one empty segment", "/a//../b", "/a/b"},
		{"double dot at the root before an empty segment", "/..//a", "//a"},
		{"a parameter after a name is kept", "/a..;b/c;.", "/a..;b/c;."},
		{"the example of RFC 3986 section 5.2.4", "/a/b/c/./../../g", "/a/g"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := CanonicalPath(tt.raw)
			if err != nil || got != tt.want {
				t.Errorf("CanonicalPath(%q): got %q, %v; want %q", tt.raw, got, err, tt.want)
			}
		})
	}
}

func TestCanonicalPathRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, raw string
		want      PathError
	}{
		{"relative", "a/b", PathNotAbsolute},
		{"asterisk", "*", PathNotAbsolute},
		{"encoded slash", "/a%2fb", PathEscapedSlash},
		{"encoded slash, upper case", "/a%2Fb", PathEscapedSlash},
		{"encoded backslash", "/a%5c..", PathEscapedSlash},
		{"backslash", `/a\b`, PathBackslash},
		{"encoded NUL", "/a%00", PathEscapedCtl},
		{"encoded line feed", "/a%0a", PathEscapedCtl},
		{"encoded DEL", "/a%7f", PathEscapedCtl},
		{"percent at the end", "/a%", PathBadEscape},
		{"one digit", "/a%2", PathBadEscape},
		{"no digits", "/a%zz", PathBadEscape},
		{"IIS style escape", "/a%u002f", PathBadEscape},
		{"space", "/a b", PathControl},
		{"control", "/a\tb", PathControl},
		{"NUL", "/a\x00b", PathControl},
		{"DEL", "/a\x7fb", PathControl},
		{"query", "/a?b", PathDelimiter},
		{"fragment", "/a#b", PathDelimiter},
		{"double dot with a parameter, as Tomcat climbs by", "/a/..;/b", PathDotParameter},
		{"double dot with a parameter at the end", "/a/..;x=1", PathDotParameter},
		{"encoded dots with a parameter", "/a/%2e%2e;/b", PathDotParameter},
		{"single dot with a parameter", "/.;/b", PathDotParameter},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, err := CanonicalPath(tt.raw); !errors.Is(err, tt.want) || got != "" {
				t.Errorf("CanonicalPath(%q): got %q, %v; want error %q", tt.raw, got, err, tt.want)
			}
		})
	}
}

// checkCanonical holds the promises that every result of CanonicalPath keeps.
func checkCanonical(t interface{ Fatalf(string, ...any) }, raw, path string) {
	if again, err := CanonicalPath(path); err != nil || again != path {
		t.Fatalf("CanonicalPath(%q) = %q is not stable: got %q, %v", raw, path, again, err)
	}
	if !isCanonical(path) {
		t.Fatalf("CanonicalPath(%q) = %q misses the fast path", raw, path)
	}
	if !strings.HasPrefix(path, "/") {
		t.Fatalf("CanonicalPath(%q) = %q is not absolute", raw, path)
	}
	// A server that decodes the path once, and drops parameters, must see neither a dot segment nor a slash that was not
	// one before.
	decoded, err := url.PathUnescape(path)
	if err != nil {
		t.Fatalf("CanonicalPath(%q) = %q does not decode: %v", raw, path, err)
	}
	if strings.Count(decoded, "/") != strings.Count(path, "/") {
		t.Fatalf("CanonicalPath(%q) = %q hides a slash", raw, path)
	}
	for i := range len(decoded) {
		if decoded[i] < ' ' || decoded[i] == 0x7f || decoded[i] == '\\' {
			t.Fatalf("CanonicalPath(%q) = %q hides %q", raw, path, decoded[i])
		}
	}
	for segment := range strings.SplitSeq(path, "/") {
		name, _, _ := strings.Cut(segment, ";")
		if name, _ = url.PathUnescape(name); name == "." || name == ".." {
			t.Fatalf("CanonicalPath(%q) = %q holds a dot segment", raw, path)
		}
	}
}

func FuzzCanonicalPath(f *testing.F) {
	for _, seed := range []string{"", "/", "*", "/a/%2e%2e/b", "/..;/", "/%2F", "/é//./x", "/%", "/a/b/c/./../../g", "/%25%32%65"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		path, err := CanonicalPath(raw)
		if err != nil {
			if reason := PathError(""); !errors.As(err, &reason) || path != "" {
				t.Fatalf("CanonicalPath(%q): got %q, %v; want a PathError alone", raw, path, err)
			}
			return
		}
		checkCanonical(t, raw, path)
	})
}

// Random bytes seldom climb; paths made of the parts that matter do.
func TestCanonicalPathOfTrickyParts(t *testing.T) {
	t.Parallel()
	parts := []string{"/", "/", ".", "..", "%2e", "%2E", ";", "a", "%61", "%3b", "%25", "é", "%c0%af", "~"}
	rapid.Check(t, func(t *rapid.T) {
		raw := "/" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 12).Draw(t, "parts"), "")
		path, err := CanonicalPath(raw)
		if err == nil {
			checkCanonical(t, raw, path)
		} else if !errors.Is(err, PathDotParameter) {
			t.Fatalf("CanonicalPath(%q): got %v, want no reason but %q", raw, err, PathDotParameter)
		}
	})
}

func TestCanonicalPathDoesNotAllocate(t *testing.T) {
	const path = "/static/js/app.3f2a.js;v=1/%C3%A9/.well-known"
	if n := testing.AllocsPerRun(100, func() { _, _ = CanonicalPath(path) }); n != 0 {
		t.Errorf("canonical path: got %v allocations, want 0", n)
	}
}

func BenchmarkCanonicalPath(b *testing.B) {
	for name, raw := range map[string]string{
		"canonical": "/static/js/app.3f2a.js",
		"encoded":   "/static/%6as/../js/app.3f2a.js",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = CanonicalPath(raw)
			}
		})
	}
}
