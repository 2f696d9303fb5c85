package rule

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestDictionary(t *testing.T) {
	t.Parallel()
	const text = "# tenants\n\na.example\tone\n  b.example   two # and so on \r\n"
	d, err := ParseDictionary([]byte(text), false)
	if err != nil || !slices.Equal(d.Values(), []string{"one", "two # and so on"}) {
		t.Errorf("got %v, %v, want all that follows the keys", d, err)
	}
	d, err = ParseDictionary([]byte("/ all\n/a/ one\r\n/a/b two\n/c one"), true)
	if err != nil {
		t.Fatal(err)
	}
	if d.Len() != 4 || !slices.Equal(d.Values(), []string{"all", "one", "two"}) {
		t.Errorf("got %d keys for %q", d.Len(), d.Values())
	}
	for key, want := range map[string]string{"/": "all", "/a": "all", "/a/": "one", "/a/x": "one", "/a/b": "two", "/a/bc": "two", "/c": "one", "/b": "all", "": "", "x": ""} {
		got := ""
		if n := d.Find([]byte(key)); n != None {
			got = d.Values()[n]
		}
		if got != want {
			t.Errorf("prefix of %q: got %q, want %q", key, got, want)
		}
	}
	if d, err = ParseDictionary([]byte("a one\nb two"), false); err != nil {
		t.Fatal(err)
	}
	if d.Find([]byte("b")) != 1 || d.Find([]byte("bb")) != None || d.Len() != 2 {
		t.Errorf("got %d for b and %d for bb, want 1 and none", d.Find([]byte("b")), d.Find([]byte("bb")))
	}
}

func TestDictionaryRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a":                              `line 1: "a" alone, want a key and a value`,
		"a b\n\n# a\na c":                `line 4: "a" is there already, on line 1`,
		strings.Repeat("x", maxEntry+10): "line 1: over 8192 octets",
	} {
		if _, err := ParseDictionary([]byte(text), false); err == nil || err.Error() != want {
			t.Errorf("%.20q: got %v, want %s", text, err, want)
		}
	}
}

// FuzzDictionary holds a dictionary to what its text says, found by going over all of it.
func FuzzDictionary(f *testing.F) {
	f.Add("a 1\nab 2\nabc 1", "abd")
	f.Add("# x\n\n/ a\r\n/a/ b", "/a/c")
	f.Fuzz(func(t *testing.T, text, key string) {
		all := map[string]string{}
		for line := range strings.Lines(text) {
			if words := strings.Fields(line); len(words) > 1 && words[0][0] != '#' {
				_, value, _ := strings.Cut(line, words[0])
				all[words[0]] = strings.TrimSpace(value)
			}
		}
		for _, prefixes := range []bool{false, true} {
			d, err := ParseDictionary([]byte(text), prefixes)
			if err != nil {
				return
			}
			want, there := all[key]
			if prefixes {
				longest := ""
				for k := range maps.Keys(all) {
					if strings.HasPrefix(key, k) && len(k) >= len(longest) {
						longest, there = k, true
					}
				}
				want = all[longest]
			}
			n := d.Find([]byte(key))
			if (n != None) != there || there && d.Values()[n] != want {
				t.Errorf("%q in %q, prefixes %t: got %d of %q, want %q", key, text, prefixes, n, d.Values(), want)
			}
			if d.Len() != len(all) {
				t.Errorf("%q: got %d keys, want %d", text, d.Len(), len(all))
			}
		}
	})
}
