package config

import "strings"

// longestKey bounds what suggest compares: a longer key is not misspelt, it is something else.
const longestKey = 64

// suggest returns the key of f that an unknown one was probably meant to be, or nil.
func suggest(f *field, unknown string) *field {
	if len(unknown) > longestKey {
		return nil
	}
	unknown = strings.ToLower(strings.ReplaceAll(unknown, "-", "_"))
	var best *field
	least := max(1, len(unknown)/3) + 1
	for _, sub := range f.fields {
		if containsWord(sub.Others, unknown) {
			return sub
		}
		if d := distance(unknown, sub.name); d < least {
			best, least = sub, d
		}
	}
	return best
}

func containsWord(words, word string) bool {
	for w := range strings.FieldsSeq(words) {
		if w == word {
			return true
		}
	}
	return false
}

// distance counts the octets to insert, delete or replace, or the neighbours to swap, that make b of a (optimal string
// alignment).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			differ := 1
			if a[i-1] == b[j-1] {
				differ = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+differ)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
