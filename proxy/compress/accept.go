package compress

import "strings"

// Fields are those of a request's head.
type Fields interface {
	// Next returns the first field of a name, in lower case, from a place on, and where to go on.
	Next(name string, from int) (value string, next int, ok bool)
}

// unheard is the weight of what a client does not name.
const unheard = -1

// Choose returns the coding that a client prefers, of those that it and the configuration allow. A client that says nothing gets
// responses as they are: those that take anything say so.
func (r *Rules) Choose(f Fields) Coding {
	a := accepted{star: unheard}
	for i := range a.weights {
		a.weights[i] = unheard
	}
	for at := 0; ; {
		value, next, ok := f.Next("accept-encoding", at)
		if !ok {
			break
		}
		a.read(value)
		at = next
	}
	best, weight := Identity, max(a.weights[Identity], 0)
	for _, c := range r.codings {
		if w := a.of(c); w > weight || w == weight && w > 0 && best == Identity {
			best, weight = c, w
		}
	}
	if best != Identity && forbids(f) {
		return Identity
	}
	return best
}

// forbids reports whether a client wants nobody to change what it gets (RFC 9111 section 5.2.1.6).
func forbids(f Fields) bool {
	for at := 0; ; {
		value, next, ok := f.Next("cache-control", at)
		switch {
		case !ok:
			return false
		case hasDirective(value, "no-transform"):
			return true
		}
		at = next
	}
}

// accepted are the weights of codings in thousandths.
type accepted struct {
	weights [codings]int
	star    int // of all that are not named
}

func (a *accepted) of(c Coding) int {
	if a.weights[c] == unheard {
		return a.star
	}
	return a.weights[c]
}

// read takes in an Accept-Encoding field (RFC 9110 section 12.5.3).
func (a *accepted) read(value string) {
	for value != "" {
		var element string
		element, value, _ = strings.Cut(value, ",")
		name, parameters, _ := strings.Cut(element, ";")
		name = strings.Trim(name, " \t")
		switch w := weightOf(parameters); {
		case name == "*":
			a.star = w
		case strings.EqualFold(name, "x-gzip"): // "A recipient SHOULD consider "x-gzip" to be equivalent to "gzip"" (section 8.4.1.3)
			a.weights[Gzip] = w
		default:
			for c, known := range names {
				if strings.EqualFold(name, known) {
					a.weights[c] = w
				}
			}
		}
	}
}

// weightOf reads "q=0.5" among parameters, in thousandths (RFC 9110 section 12.4.2). What is no weight lets nothing in.
func weightOf(parameters string) int {
	for parameters != "" {
		var p string
		p, parameters, _ = strings.Cut(parameters, ";")
		name, value, _ := strings.Cut(strings.Trim(p, " \t"), "=")
		if strings.EqualFold(name, "q") {
			return thousandths(value)
		}
	}
	return 1000
}

// thousandths reads a number from 0 to 1 with three decimals at most.
func thousandths(s string) int {
	whole, decimals, _ := strings.Cut(s, ".")
	if len(decimals) > 3 || whole != "0" && whole != "1" {
		return 0
	}
	n := int(whole[0] - '0')
	for i := range 3 {
		n *= 10
		if i < len(decimals) {
			if decimals[i] < '0' || decimals[i] > '9' {
				return 0
			}
			n += int(decimals[i] - '0')
		}
	}
	if n > 1000 {
		return 0
	}
	return n
}

// hasDirective reports whether a word stands in a list of directives.
func hasDirective(list, word string) bool {
	for list != "" {
		var element string
		element, list, _ = strings.Cut(list, ",")
		if strings.EqualFold(strings.Trim(element, " \t"), word) {
			return true
		}
	}
	return false
}
