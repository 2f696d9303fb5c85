package edit

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/tandem-lb/tandem/proxy/http1"
)

// Edit is one change of heads.
type Edit struct {
	Op    Op
	Name  string // of the fields, in any case
	Value string // of Set and Add: a template
	Find  string // of Replace: a regular expression (RE2)
	With  string // of Replace: what takes the place of each match; $1 stands for its first group

	ServersOnly bool // of responses: those of the balancer itself stay as they are
}

// Op says what an Edit does.
type Op uint8

// The operations.
const (
	Set     Op = iota // one field, in place of all of its name
	Add               // one more field
	Remove            // all of its name
	Replace           // a part of the value of each of its name
)

// untouchable are the names that no edit may have: what they say is the balancer's own, on each connection (RFC 9110 section 7.6.1).
const untouchable = " connection content-length expect host http2-settings keep-alive proxy-connection te trailer transfer-encoding upgrade "

// compile checks an edit.
func (e *Edit) compile(at Stage) (compiled, error) {
	c := compiled{op: e.Op, name: e.Name, lower: strings.ToLower(e.Name), serversOnly: e.ServersOnly}
	switch {
	case !http1.IsToken(e.Name):
		return c, fmt.Errorf("%q is no name of a header", e.Name)
	case c.lower == "host":
		return c, fmt.Errorf("%s is changed by rewrite", e.Name)
	case strings.Contains(untouchable, " "+c.lower+" "):
		return c, fmt.Errorf("%s is the balancer's own", e.Name)
	}
	var err error
	switch e.Op {
	case Set, Add:
		if hasControl([]byte(e.Value)) {
			return c, fmt.Errorf("%s: the value holds a control character", e.Name)
		}
		if c.value, err = Parse(e.Value, at); err != nil {
			return c, fmt.Errorf("%s: %w", e.Name, err)
		}
	case Replace:
		if c.find, err = regexp.Compile(e.Find); err != nil {
			return c, fmt.Errorf("%s: %w", e.Name, err)
		}
		if c.with = []byte(e.With); hasControl(c.with) {
			return c, fmt.Errorf("%s: the value holds a control character", e.Name)
		}
	}
	return c, nil
}
