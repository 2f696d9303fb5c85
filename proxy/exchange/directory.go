package exchange

import (
	"fmt"
	"sync/atomic"

	"github.com/tandem-lb/tandem/proxy/edit"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// Directory chooses backends by what a dictionary says, which may be replaced at any time. It is safe for concurrent use.
type Directory struct {
	key       edit.Template
	choices   map[string]Choice
	otherwise Choice
	now       atomic.Pointer[entries]
}

type entries struct {
	keys    *rule.Dictionary
	choices []Choice // by the numbers of the dictionary's values
}

// NewDirectory returns a Directory that looks key up. choices are the backends by name; otherwise is for what the dictionary does not have,
// and for everything before Replace.
func NewDirectory(key edit.Template, choices map[string]Choice, otherwise Choice) *Directory {
	d := &Directory{key: key, choices: choices, otherwise: otherwise}
	d.now.Store(&entries{keys: &rule.Dictionary{}})
	return d
}

// Replace has another dictionary say what goes where. One that names an unknown backend changes nothing, and is an error.
func (d *Directory) Replace(keys *rule.Dictionary) error {
	next := &entries{keys: keys}
	for _, name := range keys.Values() {
		c, ok := d.choices[name]
		if !ok {
			return fmt.Errorf("no backend %s", name)
		}
		next.choices = append(next.choices, c)
	}
	d.now.Store(next)
	return nil
}

// Tells reports whether what some choice changes is as f asks.
func (d *Directory) Tells(f func(*Edits) bool) bool {
	for _, c := range d.choices {
		if f(c.Edits) {
			return true
		}
	}
	return f(d.otherwise.Edits)
}

// choose returns where a request goes.
func (d *Directory) choose(f edit.Facts) *Choice {
	var room [256]byte
	now := d.now.Load()
	if n := now.keys.Find(d.key.Append(room[:0], f)); n != rule.None {
		return &now.choices[n]
	}
	return &d.otherwise
}
