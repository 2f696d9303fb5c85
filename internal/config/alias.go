package config

import "gopkg.in/yaml.v3"

// expander replaces aliases by copies of what they stand for, and merge keys ("<<") by the keys they bring, so that what
// comes after works on a plain tree whose nodes all have a place of their own in it.
type expander struct {
	left int // how many nodes may still be copied; negative: too many were wanted
}

func (e *expander) expand(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return e.copyOf(n.Alias)
	}
	for i, sub := range n.Content {
		n.Content[i] = e.expand(sub)
	}
	merge(n)
	return n
}

// copyOf returns a copy of n. An anchor that contains an alias of itself runs into the limit.
func (e *expander) copyOf(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	c := *n
	c.Content = nil
	e.left--
	for _, sub := range n.Content {
		if e.left < 0 {
			break
		}
		c.Content = append(c.Content, e.copyOf(sub))
	}
	merge(&c)
	return &c
}

// merge replaces the merge key of a mapping by the keys of what it names that the mapping does not have itself. A
// merge key that names no mapping stays, and is an unknown key.
func merge(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].ShortTag() != "!!merge" {
			continue
		}
		from := []*yaml.Node{n.Content[i+1]}
		if from[0].Kind == yaml.SequenceNode {
			from = from[0].Content
		}
		for _, m := range from {
			if m.Kind != yaml.MappingNode {
				return
			}
		}
		n.Content = append(n.Content[:i:i], n.Content[i+2:]...)
		own := keysOf(n)
		for _, m := range from {
			for j := 0; j+1 < len(m.Content); j += 2 {
				if key := m.Content[j].Value; !own[key] {
					own[key] = true
					n.Content = append(n.Content, m.Content[j], m.Content[j+1])
				}
			}
		}
		return
	}
}

func keysOf(n *yaml.Node) map[string]bool {
	keys := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		keys[n.Content[i].Value] = true
	}
	return keys
}
