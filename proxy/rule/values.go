package rule

import (
	"regexp"
	"strings"
)

// test is a Test in the form that is evaluated.
type test struct {
	place  int
	name   string // of a field in lower case
	op     Op
	value  string
	regexp *regexp.Regexp
}

// The places of values.
const (
	inFields = iota
	inQuery
	inCookies
)

func testOf(place int, t Test) test {
	compiled := test{place: place, name: t.Name, op: t.Op, value: t.Value}
	if place == inFields {
		compiled.name = strings.ToLower(t.Name)
	}
	if t.Op == Matches {
		compiled.regexp = regexp.MustCompile(t.Value)
	}
	return compiled
}

// holds reports whether one of the values of a request is what is looked for.
func (t *test) holds(r *Request) bool {
	return t.found(r) != (t.op == Absent)
}

func (t *test) found(r *Request) bool {
	if t.place == inQuery {
		return t.inQuery(r.Query)
	}
	if r.Fields == nil {
		return false
	}
	name := t.name
	if t.place == inCookies {
		name = "cookie"
	}
	for at := 0; ; {
		value, next, ok := r.Fields.Next(name, at)
		switch {
		case !ok:
			return false
		case t.place == inCookies && t.inCookies(value), t.place == inFields && t.takes(value):
			return true
		}
		at = next
	}
}

// takes reports whether a value is what is looked for, or would be the absence of.
func (t *test) takes(value string) bool {
	switch t.op {
	case Equals:
		return value == t.value
	case HasPrefix:
		return strings.HasPrefix(value, t.value)
	case Matches:
		return t.regexp.MatchString(value)
	}
	return true
}

// inCookies looks among the cookies of a field. Their names have case.
func (t *test) inCookies(field string) bool {
	for name, value := range cookies(field) {
		if name == t.name && t.takes(value) {
			return true
		}
	}
	return false
}

// inQuery looks among the parameters of a query, as forms write them: name=value&name=value. What they stand for is compared, so that
// nobody gets around a rule by escaping a letter.
func (t *test) inQuery(query string) bool {
	query = strings.TrimPrefix(query, "?")
	for len(query) > 0 {
		pair := query
		if i := strings.IndexByte(query, '&'); i >= 0 {
			pair, query = query[:i], query[i+1:]
		} else {
			query = ""
		}
		if name, value, _ := strings.Cut(pair, "="); decoded(name) == t.name && pair != "" && t.takes(decoded(value)) {
			return true
		}
	}
	return false
}

// decoded returns what a part of a query stands for. Only one that is escaped costs memory. A percent sign that starts no escape stands
// for itself.
func decoded(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch b, ok := decode(s[i:]); {
		case s[i] == '+':
			out = append(out, ' ')
		case s[i] == '%' && ok:
			out = append(out, b)
			i += 2
		default:
			out = append(out, s[i])
		}
	}
	return string(out)
}
