package config

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/tandem-lb/tandem/proxy/rule"
)

type rawMatch struct {
	Host       rawWords           `yaml:"host"`
	Path       rawWords           `yaml:"path"`
	PathPrefix rawWords           `yaml:"path_prefix"`
	PathRegexp rawWords           `yaml:"path_regexp"`
	Method     rawWords           `yaml:"method"`
	Header     map[string]rawTest `yaml:"header"`
	Query      map[string]rawTest `yaml:"query"`
	Cookie     map[string]rawTest `yaml:"cookie"`
	Source     rawWords           `yaml:"source"`
	TLS        *bool              `yaml:"tls"`
	SNI        rawWords           `yaml:"sni"`
	Not        *rawMatch          `yaml:"not"`
	Any        []rawMatch         `yaml:"any"`
	All        []rawMatch         `yaml:"all"`
}

// hostWord is a host that rules ask for.
func hostWord() Type {
	return wordOf("host", 255, "an ASCII host name or address without a port, or *. and a name", func(m *rule.Match) *string { return &m.Host })
}

// wordOf is a word of a Match.
func wordOf(kind string, most int, want string, in func(*rule.Match) *string) Type {
	t := line(most)
	t.Kind, t.Want = kind, want
	valid := t.fault
	t.fault = func(text string) string {
		if what := valid(text); what != "" {
			return what
		}
		r := rule.Rule{Backend: "any"}
		*in(&r.Match) = text
		_, err := rule.Compile([]rule.Rule{r})
		if err == nil {
			return ""
		}
		what := strings.TrimPrefix(err.Error(), "rule 1: ")
		if said, should, ok := strings.Cut(what, ", want its "); ok {
			return said + ": its " + strings.Replace(should, "form ", "form is ", 1)
		} else if _, _, ok := strings.Cut(what, ", want "); ok {
			return quote(text) + " is no " + kind
		}
		return what
	}
	return t
}

func pathWord() Type {
	return wordOf("path", 4096, "a path in its canonical form, such as /a/b", func(m *rule.Match) *string { return &m.Path })
}

func prefixWord() Type {
	return wordOf("path prefix", 4096, "the start of a path in its canonical form, such as /a/", func(m *rule.Match) *string { return &m.PathPrefix })
}

// rawWords is a list of words, or one alone.
type rawWords []string

// UnmarshalYAML reads a list, or a single word.
func (w *rawWords) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.SequenceNode {
		return n.Decode((*[]string)(w))
	}
	*w = make(rawWords, 1)
	return n.Decode(&(*w)[0])
}

type rawTest struct {
	Present *bool  `yaml:"present"`
	Prefix  string `yaml:"prefix"`
	Regexp  string `yaml:"regexp"`
	value   string // it stands in the section's place
}

// UnmarshalYAML reads a section, or a value.
func (t *rawTest) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Decode(&t.value)
	}
	type section rawTest
	return n.Decode((*section)(t))
}

// test returns the condition on the values of a name.
func (t *rawTest) test(name string) rule.Test {
	switch {
	case t.Present != nil && *t.Present:
		return rule.Test{Name: name, Op: rule.Present}
	case t.Present != nil:
		return rule.Test{Name: name, Op: rule.Absent}
	case t.Prefix != "":
		return rule.Test{Name: name, Op: rule.HasPrefix, Value: t.Prefix}
	case t.Regexp != "":
		return rule.Test{Name: name, Op: rule.Matches, Value: t.Regexp}
	}
	return rule.Test{Name: name, Value: t.value}
}

func tests(raw map[string]rawTest) []rule.Test {
	var ts []rule.Test
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		t := raw[name]
		ts = append(ts, t.test(name))
	}
	return ts
}

// match returns what a request is matched by. A list of hosts, say, is one of which any has to match.
func (m *rawMatch) match() rule.Match {
	made := rule.Match{
		Method: m.Method, TLS: m.TLS, Header: tests(m.Header), Query: tests(m.Query), Cookie: tests(m.Cookie), Source: networks(m.Source),
	}
	for _, list := range []struct {
		words rawWords
		in    func(*rule.Match) *string
	}{
		{m.Host, func(m *rule.Match) *string { return &m.Host }},
		{m.Path, func(m *rule.Match) *string { return &m.Path }},
		{m.PathPrefix, func(m *rule.Match) *string { return &m.PathPrefix }},
		{m.PathRegexp, func(m *rule.Match) *string { return &m.PathRegexp }},
		{m.SNI, func(m *rule.Match) *string { return &m.SNI }},
	} {
		if len(list.words) == 1 {
			*list.in(&made) = list.words[0]
			continue
		}
		var oneOf []rule.Match
		for _, w := range list.words {
			var one rule.Match
			*list.in(&one) = w
			oneOf = append(oneOf, one)
		}
		if oneOf != nil {
			made.All = append(made.All, rule.Match{Any: oneOf})
		}
	}
	for i := range m.All {
		made.All = append(made.All, m.All[i].match())
	}
	for i := range m.Any {
		made.Any = append(made.Any, m.Any[i].match())
	}
	if m.Not != nil {
		not := m.Not.match()
		made.Not = &not
	}
	return made
}

// networks returns those that the walk has let through.
func networks(words []string) []netip.Prefix {
	var all []netip.Prefix
	for _, w := range words {
		if p, err := parseNetwork(w); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// checkTests reports sections of conditions that ask for nothing, or for two things.
func (b *builder) checkTests(path string, m *rawMatch) {
	for key, raw := range map[string]map[string]rawTest{"header": m.Header, "query": m.Query, "cookie": m.Cookie} {
		for name, t := range raw {
			n := 0
			for _, there := range []bool{t.value != "", t.Present != nil, t.Prefix != "", t.Regexp != ""} {
				if there {
					n++
				}
			}
			if at := join(join(path, key), name); n != 1 && !b.reported(at) {
				b.errorAt(at, "asks for "+map[bool]string{true: "nothing", false: "two things"}[n == 0], "a value, or one of present, prefix and regexp")
			}
		}
	}
	for i := range m.Any {
		b.checkTests(item(join(path, "any"), i), &m.Any[i])
	}
	for i := range m.All {
		b.checkTests(item(join(path, "all"), i), &m.All[i])
	}
	if m.Not != nil {
		b.checkTests(join(path, "not"), m.Not)
	}
}

// checkRules reports rules that can do nothing, each by itself.
func (b *builder) checkRules(i int) {
	for j, raw := range b.raw.Proxy.Frontends[i].Rules {
		path := item(frontendPath(i, "rules"), j)
		b.checkTests(join(path, "match"), &raw.Match)
		if raw.Backend != "" && b.backend(raw.Backend) == nil {
			b.noBackend(join(path, "backend"), raw.Backend)
		}
		for k, s := range raw.Split {
			if s.Backend != "" && b.backend(s.Backend) == nil {
				b.noBackend(join(item(path+".split", k), "backend"), s.Backend)
			}
		}
		if m := raw.Map; m != nil && m.Default != "" && b.backend(m.Default) == nil {
			b.noBackend(path+".map.default", m.Default)
		}
		b.checkHeads(path, raw.RequestHeaders, raw.ResponseHeaders)
		b.checkRate(path+".client_rate", raw.ClientRate)
		if b.reported(path) {
			continue
		}
		if _, err := rule.Compile(rules([]rawRule{raw})); err != nil {
			for fault := range strings.SplitSeq(err.Error(), "\n") {
				b.errorAt(path, strings.TrimPrefix(fault, "rule 1: "), "")
			}
		}
	}
}

func rules(raw []rawRule) []rule.Rule {
	var rs []rule.Rule
	for _, r := range raw {
		made := rule.Rule{
			Match: r.Match.match(), Backend: r.Backend, NoLog: !r.Log, MaxBody: int64(r.MaxBody), AsItIs: !r.Compression, SplitKey: r.SplitKey, Deny: r.Deny, Map: r.Map.config(), Auth: r.Auth.config(), Rewrite: r.Rewrite.config(), Rate: r.ClientRate.config(),
			RequestEdits: r.RequestHeaders.edits(), ResponseEdits: r.ResponseHeaders.edits(),
		}
		for _, s := range r.Split {
			made.Split = append(made.Split, rule.Share{Backend: s.Backend, Weight: s.Weight})
		}
		if r.Redirect != nil {
			made.Redirect = &rule.Redirect{Code: r.Redirect.Code, Scheme: r.Redirect.Scheme, Location: r.Redirect.Location}
		}
		if r.Respond != nil {
			made.Respond = &rule.Respond{Status: r.Respond.Status, Body: r.Respond.Body, ContentType: r.Respond.ContentType}
		}
		rs = append(rs, made)
	}
	return rs
}
