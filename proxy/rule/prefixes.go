package rule

import (
	"slices"
	"sort"
	"strings"
)

// paths holds numbers of rules by the paths that they ask for, each list in ascending order.
type paths struct {
	whole    map[string][]int
	prefixes []prefix // sorted by text
	any      []int    // those that ask for none

	building map[string][]int // the prefixes before finish
}

// prefix is one that paths may begin with.
type prefix struct {
	text   string
	within int // the number of the longest prefix that this one begins with; -1: none
	rules  []int
}

func newPaths() *paths {
	return &paths{whole: map[string][]int{}, building: map[string][]int{}}
}

// add takes in a rule whose number is above those before.
func (p *paths) add(n int, m *Match) {
	keys, ok := needed(m, pathKey)
	if !ok {
		p.any = append(p.any, n)
	}
	for _, k := range keys {
		list := p.building
		if k.whole {
			list = p.whole
		}
		if had := list[k.text]; len(had) == 0 || had[len(had)-1] != n {
			list[k.text] = append(had, n)
		}
	}
}

// finish sorts the prefixes, and finds for each the one that it begins with.
func (p *paths) finish() {
	for text, rules := range p.building {
		p.prefixes = append(p.prefixes, prefix{text: text, rules: rules})
	}
	p.building = nil
	slices.SortFunc(p.prefixes, func(a, b prefix) int { return strings.Compare(a.text, b.text) })
	for i := range p.prefixes {
		p.prefixes[i].within = p.up(i-1, p.prefixes[i].text)
	}
}

// longest returns the number of the longest prefix of a path; -1: there is none. What follows a string in sorted order and does not
// begin with it is behind all that do, so that it is the last one which is not above the path, or one that this begins with.
func (p *paths) longest(path string) int {
	if len(p.prefixes) == 0 {
		return -1
	}
	return p.up(sort.Search(len(p.prefixes), func(i int) bool { return p.prefixes[i].text > path })-1, path)
}

// up goes from a prefix to those that it begins with, up to the first that the path begins with too.
func (p *paths) up(i int, path string) int {
	for i >= 0 && !strings.HasPrefix(path, p.prefixes[i].text) {
		i = p.prefixes[i].within
	}
	return i
}
