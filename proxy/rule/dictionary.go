package rule

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
)

// Dictionary maps keys to values, as a file lists them. It is immutable and safe for concurrent use.
type Dictionary struct {
	values   []string       // each once
	whole    map[string]int // numbers of values by key
	prefixes *paths         // the same for keys that are prefixes; nil: they are not
}

// maxEntry bounds a line of a dictionary: longer keys no request has.
const maxEntry = 8 << 10

// ParseDictionary reads a key and a value from each line, with blanks between them; the value may have blanks too. Empty lines, and those that
// begin with #, say nothing.
// With prefixes a key is found by what begins with it, the longest first. The first fault is reported, with its line.
func ParseDictionary(text []byte, prefixes bool) (*Dictionary, error) {
	d := &Dictionary{whole: map[string]int{}}
	lines, numbers := map[string]int{}, map[string]int{}
	line := 0
	for l := range bytes.Lines(text) {
		line++
		if len(l) > maxEntry {
			return nil, fmt.Errorf("line %d: over %d octets", line, maxEntry)
		}
		text := strings.TrimSpace(string(l))
		if text == "" || text[0] == '#' {
			continue
		}
		end := strings.IndexFunc(text, unicode.IsSpace)
		if end < 0 {
			return nil, fmt.Errorf("line %d: %q alone, want a key and a value", line, text)
		}
		key, value := text[:end], strings.TrimSpace(text[end:])
		if first, again := lines[key]; again {
			return nil, fmt.Errorf("line %d: %q is there already, on line %d", line, key, first)
		}
		lines[key] = line
		n, known := numbers[value]
		if !known {
			n = len(d.values)
			numbers[value] = n
			d.values = append(d.values, value)
		}
		d.whole[key] = n
	}
	if prefixes {
		d.prefixes = newPaths()
		for key, n := range d.whole {
			d.prefixes.building[key] = []int{n}
		}
		d.prefixes.finish()
		d.whole = nil
	}
	return d, nil
}

// Values returns the values, each once. They must not be changed.
func (d *Dictionary) Values() []string { return d.values }

// Len returns how many keys there are.
func (d *Dictionary) Len() int {
	if d.prefixes != nil {
		return len(d.prefixes.prefixes)
	}
	return len(d.whole)
}

// Find returns the number of a key's value in Values, or None.
func (d *Dictionary) Find(key []byte) int {
	if d.prefixes != nil {
		if i := d.prefixes.longest(string(key)); i >= 0 {
			return d.prefixes.prefixes[i].rules[0]
		}
		return None
	}
	if n, ok := d.whole[string(key)]; ok {
		return n
	}
	return None
}
