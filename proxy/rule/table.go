package rule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Table holds the rules of one frontend in the form that Find reads. It is immutable and safe for concurrent use.
type Table struct {
	rules      []Rule // without their matches, defaults filled in
	conditions []condition
	index      *index // nil: there are few
}

// few rules are looked at one after another: that costs less than any index.
const few = 8

// None is what Find returns where no rule matches.
const None = -1

// Compile checks rules and makes a Table of them. All faults are reported, each with the number of its rule, from 1.
func Compile(rules []Rule) (*Table, error) {
	t := &Table{rules: make([]Rule, len(rules)), conditions: make([]condition, len(rules))}
	var faults []error
	for i := range rules {
		found := faultsOf(&rules[i])
		if len(found) == 0 {
			t.rules[i], t.conditions[i] = rules[i], conditionOf(&rules[i].Match)
			found = append(found, t.rules[i].compile())
		}
		for _, fault := range found {
			if fault != nil {
				faults = append(faults, fmt.Errorf("rule %d: %w", i+1, fault))
			}
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if len(rules) > few {
		t.index = indexOf(rules)
	}
	return t, nil
}

// Len returns how many rules there are.
func (t *Table) Len() int { return len(t.rules) }

// Rule returns what the rule of a number, from 0, does; its Match is empty. It is shared: it must not be changed. A redirect that was configured without a code has 302.
func (t *Table) Rule(n int) *Rule { return &t.rules[n] }

// AsksSNI reports whether some rule asks for the name that a client has asked for in its handshake.
func (t *Table) AsksSNI() bool { return slices.ContainsFunc(t.conditions, (condition).asksSNI) }

// Find returns the number of the first rule that matches r, from 0, or None.
func (t *Table) Find(r *Request) int {
	if len(t.conditions) == 0 {
		return None
	}
	var room [longestHost]byte
	q := asked{Request: r, host: hostOf(&room, r.Host)}
	if t.index != nil {
		return t.indexed(&q)
	}
	for i := range t.conditions {
		if t.conditions[i].holds(&q) {
			return i
		}
	}
	return None
}

// compile makes r what is carried out, which shares nothing with what it was.
func (r *Rule) compile() error {
	r.Match = Match{}
	var faults []error
	if r.Redirect != nil {
		c := *r.Redirect
		if c.Code == 0 {
			c.Code = defaultRedirectCode
		}
		r.Redirect = &c
		faults = append(faults, c.compile())
	}
	if r.Respond != nil {
		c := *r.Respond
		r.Respond = &c
	}
	if r.Rewrite != nil {
		c := *r.Rewrite
		r.Rewrite = &c
		faults = append(faults, c.compile())
	}
	return errors.Join(faults...)
}

// hostname returns a host as requests name it without its port and without the dot that ends a full domain name.
func hostname(host string) string {
	return strings.TrimSuffix(withoutPort(host), ".")
}

// withoutPort cuts the port off; an IPv6 address keeps its brackets.
func withoutPort(host string) string {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		return host[:i]
	}
	return host
}
