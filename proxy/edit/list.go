package edit

import (
	"errors"
	"regexp"
	"slices"

	"github.com/tandem-lb/tandem/proxy/http1"
)

// List is edits in their order, each of which sees what those before have left. It is immutable; nil is the empty one.
type List struct {
	edits []compiled
}

// compiled is an Edit in the form that is carried out.
type compiled struct {
	op          Op
	name        string
	lower       string // the name
	value       Template
	find        *regexp.Regexp
	with        []byte
	serversOnly bool
}

// Compile checks edits and makes a List of them, nil of none. All faults are reported.
func Compile(edits []Edit, at Stage) (*List, error) {
	if len(edits) == 0 {
		return nil, nil
	}
	l := &List{}
	var faults []error
	for i := range edits {
		c, err := edits[i].compile(at)
		faults = append(faults, err)
		l.edits = append(l.edits, c)
	}
	return l, errors.Join(faults...)
}

// Join returns a list of all edits, in the order of the lists; nil where all of them are.
func Join(lists ...*List) *List {
	lists = slices.DeleteFunc(slices.Clone(lists), func(l *List) bool { return l == nil })
	switch len(lists) {
	case 0:
		return nil
	case 1:
		return lists[0]
	}
	all := &List{}
	for _, l := range lists {
		all.edits = append(all.edits, l.edits...)
	}
	return all
}

// Uses reports whether a variable stands in some value.
func (l *List) Uses(v ...Variable) bool {
	return l != nil && slices.ContainsFunc(l.edits, func(c compiled) bool { return c.value.Uses(v...) })
}

// Names returns the names with which a variable stands in some value.
func (l *List) Names(v Variable) (names []string) {
	if l == nil {
		return nil
	}
	for i := range l.edits {
		names = append(names, l.edits[i].value.Names(v)...)
	}
	return names
}

// Run is a List that is carried out on one head.
type Run struct {
	List   *List // not nil
	Own    bool  // the head is that of a response of the balancer itself
	Secure bool  // it is a request's, or its client's connection is TLS
}

// hsts must not be told to a client without TLS: "An HSTS Host MUST NOT include the STS header field in HTTP responses
// conveyed over non-secure transport" (https://www.rfc-editor.org/rfc/rfc6797#section-7.2).
const hsts = "strict-transport-security"

// skips reports whether an edit is not for this head.
func (r *Run) skips(c *compiled) bool {
	return r.Own && c.serversOnly || !r.Secure && c.lower == hsts && (c.op == Set || c.op == Add)
}

// Field returns the value that a field of the head has after all edits; ok is false where it goes. A changed value is in memory of its
// own.
func (r *Run) Field(name, value []byte) (after []byte, ok bool) {
	for i := range r.List.edits {
		c := &r.List.edits[i]
		if !http1.EqualFold(name, c.lower) || r.skips(c) {
			continue
		}
		switch c.op {
		case Set, Remove:
			return nil, false
		case Replace:
			value = trimmed(c.replaced(value))
		}
	}
	return value, true
}

// Each calls write for each field that is added; the value is valid during the call. scratch is memory, which is given back.
func (r *Run) Each(scratch []byte, f Facts, write func(name string, value []byte)) []byte {
	for i := range r.List.edits {
		c := &r.List.edits[i]
		if c.op != Set && c.op != Add || r.skips(c) || r.undone(i) {
			continue
		}
		scratch = c.value.Append(scratch[:0], f)
		value := scratch
		for j := range r.List.edits[i+1:] {
			if later := &r.List.edits[i+1+j]; later.op == Replace && later.lower == c.lower && !r.skips(later) {
				value = later.replaced(value)
			}
		}
		if value = trimmed(value); len(value) > 0 {
			write(c.name, value)
		}
	}
	return scratch[:0]
}

// undone reports whether what an edit adds is gone after those behind it.
func (r *Run) undone(i int) bool {
	lower := r.List.edits[i].lower
	for j := range r.List.edits[i+1:] {
		if later := &r.List.edits[i+1+j]; later.lower == lower && (later.op == Set || later.op == Remove) && !r.skips(later) {
			return true
		}
	}
	return false
}

func (c *compiled) replaced(value []byte) []byte {
	if !c.find.Match(value) {
		return value
	}
	return c.find.ReplaceAll(value, c.with)
}

// trimmed returns a value without blanks around it, which are no part of one.
func trimmed(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}
