package rule

// index finds the rules that may match a request without looking at the others. A rule stands in it under a host that it asks for, or
// that one of which it asks for, and there under a path; only what asks for neither is looked at for every request.
//
// The first match wins, and rules stand in the order of the configuration wherever they stand: so what is found in one place ends the
// search in all others at the rules behind it.
type index struct {
	hosts    map[string]*paths
	suffixes map[string]*paths // ".example.com"
	any      *paths            // of the rules that ask for no host
}

func indexOf(rules []Rule) *index {
	x := &index{hosts: map[string]*paths{}, suffixes: map[string]*paths{}, any: newPaths()}
	for i := range rules {
		m := &rules[i].Match
		hosts, ok := needed(m, hostKey)
		if !ok {
			x.any.add(i, m)
		}
		for _, h := range hosts {
			x.at(h).add(i, m)
		}
	}
	for _, p := range x.places() {
		p.finish()
	}
	return x
}

// at returns the place of the rules for a host.
func (x *index) at(h key) *paths {
	m := x.hosts
	if !h.whole {
		m = x.suffixes
	}
	if m[h.text] == nil {
		m[h.text] = newPaths()
	}
	return m[h.text]
}

func (x *index) places() []*paths {
	all := []*paths{x.any}
	for _, p := range x.hosts {
		all = append(all, p)
	}
	for _, p := range x.suffixes {
		all = append(all, p)
	}
	return all
}

// indexed is Find by the index.
func (t *Table) indexed(q *asked) int {
	x, best := t.index, len(t.conditions)
	if p := x.hosts[string(q.host)]; p != nil {
		best = t.best(p, q, best)
	}
	if len(x.suffixes) > 0 {
		for i, c := range q.host {
			if c == '.' && i > 0 {
				if p := x.suffixes[string(q.host[i:])]; p != nil {
					best = t.best(p, q, best)
				}
			}
		}
	}
	if best = t.best(x.any, q, best); best < len(t.conditions) {
		return best
	}
	return None
}

// best returns the first rule of a place that matches, if it is before best.
func (t *Table) best(p *paths, q *asked, best int) int {
	best = t.first(p.whole[q.Path], q, best)
	for i := p.longest(q.Path); i >= 0; i = p.prefixes[i].within {
		best = t.first(p.prefixes[i].rules, q, best)
	}
	return t.first(p.any, q, best)
}

func (t *Table) first(rules []int, q *asked, best int) int {
	for _, n := range rules {
		if n >= best {
			break
		}
		if t.conditions[n].holds(q) {
			return n
		}
	}
	return best
}

// key is what a rule is found by.
type key struct {
	text  string
	whole bool // the host or path is text, and does not end or begin with it
}

// needed returns keys of which one has to hold for m to match; ok is false where there are none such.
func needed(m *Match, of func(*Match) (key, bool)) (keys []key, ok bool) {
	if k, ok := of(m); ok {
		return []key{k}, true
	}
	for i := range m.All {
		if keys, ok := needed(&m.All[i], of); ok {
			return keys, true
		}
	}
	for i := range m.Any {
		some, ok := needed(&m.Any[i], of)
		if !ok {
			return nil, false
		}
		keys = append(keys, some...)
	}
	return keys, len(m.Any) > 0
}

func hostKey(m *Match) (key, bool) {
	n := nameOf(m.Host)
	return key{n.text, !n.suffix}, m.Host != ""
}

func pathKey(m *Match) (key, bool) {
	if m.Path != "" {
		return key{m.Path, true}, true
	}
	return key{m.PathPrefix, false}, m.PathPrefix != ""
}
