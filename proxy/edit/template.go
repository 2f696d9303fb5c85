package edit

import (
	"errors"
	"slices"
	"strings"
)

// Template is text in which variables stand for what is known of a request. The zero value is empty text.
type Template struct {
	parts []part
}

// part is text, or a variable.
type part struct {
	text     string
	variable Variable // 0: text
	name     string
}

// Parse reads a template: "{path}" stands for a variable, "{{" for a brace, and everything else for itself. Which variables there may
// be depends on when the template is filled in.
func Parse(text string, at Stage) (Template, error) {
	var t Template
	plain := ""
	for {
		before, rest, found := strings.Cut(text, "{")
		plain += before
		switch {
		case !found:
			return t.with(part{text: plain}), nil
		case strings.HasPrefix(rest, "{"):
			plain += "{"
			text = rest[1:]
			continue
		}
		inside, behind, closed := strings.Cut(rest, "}")
		if !closed {
			return Template{}, errors.New("a { that no } follows, want {{ for a brace")
		}
		p, err := parseVariable(inside, at)
		if err != nil {
			return Template{}, err
		}
		t = t.with(part{text: plain}).with(p)
		plain, text = "", behind
	}
}

func (t Template) with(p part) Template {
	if p.variable != 0 || p.text != "" {
		t.parts = append(t.parts, p)
	}
	return t
}

// Constant returns the text of a template without variables.
func (t *Template) Constant() (text string, ok bool) {
	switch {
	case len(t.parts) == 0:
		return "", true
	case len(t.parts) > 1 || t.parts[0].variable != 0:
		return "", false
	}
	return t.parts[0].text, true
}

// Uses reports whether a variable stands in t.
func (t *Template) Uses(v ...Variable) bool {
	return slices.ContainsFunc(t.parts, func(p part) bool { return p.variable != 0 && slices.Contains(v, p.variable) })
}

// Names returns the names with which a variable stands in t.
func (t *Template) Names(v Variable) (names []string) {
	for i := range t.parts {
		if p := &t.parts[i]; p.variable == v {
			names = append(names, p.name)
		}
	}
	return names
}

// Append appends what t stands for.
func (t *Template) Append(dst []byte, f Facts) []byte {
	for i := range t.parts {
		p := &t.parts[i]
		if p.variable == 0 {
			dst = append(dst, p.text...)
			continue
		}
		from := len(dst)
		if dst = f.AppendFact(dst, p.variable, p.name); hasControl(dst[from:]) {
			dst = append(dst[:from], escaped(dst[from:])...)
		}
	}
	return dst
}

// hasControl reports whether something could end a field, or is none of its text (RFC 9110 section 5.5).
func hasControl(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// escaped returns b with control characters as a URL writes them.
func escaped(b []byte) []byte {
	const digits = "0123456789ABCDEF"
	var out []byte
	for _, c := range b {
		if hasControl([]byte{c}) {
			out = append(out, '%', digits[c>>4], digits[c&15])
		} else {
			out = append(out, c)
		}
	}
	return out
}
