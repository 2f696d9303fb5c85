package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// checker walks the tree of a file along the tree of keys. It reports what does not fit, drops it, and fills in the
// defaults.
type checker struct {
	src   *source
	nodes []string // the names under `nodes`
	found Problems

	errors, warnings int // how many there were
}

// maxProblems bounds the errors that are kept, and the warnings too: more of them help nobody.
const maxProblems = 1000

// report adds an error at a node of the tree.
func (c *checker) report(n *yaml.Node, path, what, want string) {
	if c.errors++; c.errors <= maxProblems {
		c.found = append(c.found, Problem{File: c.src.name, Line: n.Line, Column: n.Column, Path: path, What: what, Want: want})
	}
}

// errorAt adds an error at a path.
func (c *checker) errorAt(path, what, want string) {
	c.report(c.src.at(path), path, what, want)
}

// warnAt adds a warning at a path.
func (c *checker) warnAt(path, what, want string) {
	if c.warnings++; c.warnings <= maxProblems {
		n := c.src.at(path)
		c.found = append(c.found, Problem{File: c.src.name, Line: n.Line, Column: n.Column, Path: path, What: what, Want: want, Warning: true})
	}
}

// problems returns what was found, in the order of the text, with its lines. They come last: only now all secrets are
// known.
func (c *checker) problems() Problems {
	ps := c.found.sorted()
	for i := range ps {
		ps[i].Source = c.src.shown(ps[i].Line)
	}
	return ps
}

// value checks n against f and reports whether something of it is left to use.
func (c *checker) value(n *yaml.Node, f *field, path string) bool {
	switch {
	case n.Kind == yaml.MappingNode && f.fields != nil:
		c.section(n, f, path)
		return true
	case n.Kind == yaml.MappingNode && f.named != nil:
		c.named(n, f, path)
		return true
	case n.Kind == yaml.MappingNode && f.PerNode && len(c.nodes) > 0:
		return c.perNode(n, f, path)
	case n.Kind == yaml.SequenceNode && f.item != nil:
		return c.list(n, f, path)
	case n.Kind == yaml.ScalarNode && f.Type.fault != nil:
		return c.scalar(n, f, path)
	}
	c.report(n, path, describe(n, f), f.want())
	return false
}

// section checks a map of known keys.
func (c *checker) section(n *yaml.Node, f *field, path string) {
	kept, seen := []*yaml.Node{}, map[string]bool{}
	c.pairs(n, path, func(key, value *yaml.Node, p string) {
		seen[key.Value] = true
		switch sub := f.field(key.Value); {
		case sub == nil:
			c.unknown(key, value, f, p)
		case sub.Later:
			c.report(key, p, "is not in this version", "")
		case c.value(value, sub, p):
			kept = append(kept, key, value)
		}
	})
	n.Content = kept
	present := keysOf(n)
	for _, sub := range f.fields {
		switch {
		case sub.Required && !seen[sub.name]:
			c.report(n, join(path, sub.name), "is missing", sub.want())
		case sub.fill != nil && !present[sub.name]:
			value := placeless(sub.fill)
			c.value(value, sub, join(path, sub.name)) // for the defaults below it
			n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: sub.name}, value)
		}
	}
}

// named checks a map under names of the user's choice.
func (c *checker) named(n *yaml.Node, f *field, path string) {
	kept := []*yaml.Node{}
	c.pairs(n, path, func(key, value *yaml.Node, p string) {
		if what := f.Type.names.fault(key.Value); what != "" {
			c.report(key, p, what, f.Type.names.Want)
		} else if c.value(value, f.named, p) {
			kept = append(kept, key, value)
		}
	})
	n.Content = kept
}

// perNode checks a map of values under the nodes' names.
func (c *checker) perNode(n *yaml.Node, f *field, path string) bool {
	kept, seen := []*yaml.Node{}, map[string]bool{}
	c.pairs(n, path, func(key, value *yaml.Node, p string) {
		seen[key.Value] = true
		switch {
		case !slices.Contains(c.nodes, key.Value):
			c.report(key, p, "no such node", "one of "+strings.Join(c.nodes, ", "))
		case value.Kind != yaml.ScalarNode:
			c.report(value, p, describe(value, f), f.Type.Want)
		case c.scalar(value, f, p):
			kept = append(kept, key, value)
		}
	})
	n.Content = kept
	for _, node := range c.nodes {
		if !seen[node] {
			c.report(n, join(path, node), "is missing", "one for each node: "+f.Type.Want)
		}
	}
	return true
}

// pairs calls each for the keys of a mapping with their values and paths, but not for one that was there before.
func (c *checker) pairs(n *yaml.Node, path string, each func(key, value *yaml.Node, path string)) {
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		p := join(path, key.Value)
		first, again := lines[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode:
			c.report(key, path, "a key that is no word", "keys")
		case again:
			c.report(key, p, "is given twice, first on line "+strconv.Itoa(first), "")
		default:
			lines[key.Value] = key.Line
			each(key, value, p)
		}
	}
}

func (c *checker) unknown(key, value *yaml.Node, f *field, path string) {
	if meant := suggest(f, key.Value); meant != nil {
		if meant.holdsSecret() { // misspelt, it is one all the same
			c.hide(value)
		}
		c.report(key, path, "unknown key, did you mean "+meant.name+"?", "")
		return
	}
	var known []string
	for _, sub := range f.fields {
		if !sub.Later {
			known = append(known, sub.name)
		}
	}
	c.report(key, path, "unknown key", oxford(known))
}

// hide keeps the scalars at and below n out of reports.
func (c *checker) hide(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		c.src.secrets = append(c.src.secrets, n)
	}
	for i, sub := range n.Content {
		if n.Kind == yaml.SequenceNode || i%2 == 1 {
			c.hide(sub)
		}
	}
}

// list checks a list. A section in it that is no section is replaced by an empty one, so that the numbers of the items
// after it stay those of the text.
func (c *checker) list(n *yaml.Node, f *field, path string) bool {
	least, most := 1, len(n.Content)+1 // of a list that may stand in place of a scalar
	if f.Type.Kind == kindList {
		least, most = f.Type.min, f.Type.max
	}
	if len(n.Content) < least || len(n.Content) > most {
		c.report(n, path, fmt.Sprintf("has %d items", len(n.Content)), f.want())
	}
	kept := []*yaml.Node{}
	for i, sub := range n.Content {
		switch {
		case c.value(sub, f.item, item(path, i)):
			kept = append(kept, sub)
		case f.item.fields != nil:
			kept = append(kept, &yaml.Node{Kind: yaml.MappingNode, Line: sub.Line, Column: sub.Column})
		}
	}
	n.Content = kept
	return true
}

// scalar checks a single value.
func (c *checker) scalar(n *yaml.Node, f *field, path string) bool {
	if f.Secret {
		c.src.secrets = append(c.src.secrets, n)
	}
	what := ""
	if !containsWord(f.Type.tags, n.ShortTag()) {
		what = describe(n, f)
	} else {
		what = f.Type.fault(n.Value)
	}
	if what != "" {
		c.report(n, path, what, f.Type.Want)
	}
	return what == ""
}

// describe says what n is, where something else was wanted.
func describe(n *yaml.Node, f *field) string {
	shown := quote(n.Value)
	if f.Secret {
		shown = "this"
	}
	switch {
	case n.Kind == yaml.MappingNode:
		return "is a section"
	case n.Kind == yaml.SequenceNode:
		return "is a list"
	}
	switch tag := n.ShortTag(); tag {
	case "!!null":
		return "is empty"
	case "!!bool":
		return shown + " is true or false"
	case "!!int", "!!float":
		return shown + " is a number"
	case "!!str", "!!timestamp":
		return shown + " is text"
	default:
		return shown + " has the tag " + quote(tag)
	}
}
