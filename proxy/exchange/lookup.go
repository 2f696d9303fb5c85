package exchange

import (
	"sync/atomic"

	"github.com/tandem-lb/tandem/proxy/edit"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// Lookup is a map that variables stand for values of. What it says may be replaced at any time. It is safe for concurrent use.
type Lookup struct {
	key       edit.Template
	otherwise string
	now       atomic.Pointer[rule.Dictionary]
}

// NewLookup returns a Lookup that looks key up, in which no map may stand. otherwise is for what the dictionary does not have, and for
// everything before Replace.
func NewLookup(key edit.Template, otherwise string) *Lookup {
	l := &Lookup{key: key, otherwise: otherwise}
	l.now.Store(&rule.Dictionary{})
	return l
}

// Replace has another dictionary say what there is. It returns no error.
func (l *Lookup) Replace(keys *rule.Dictionary) error {
	l.now.Store(keys)
	return nil
}

// append appends what the map has for a request.
func (l *Lookup) append(dst []byte, f edit.Facts) []byte {
	var room [256]byte
	now := l.now.Load()
	if n := now.Find(l.key.Append(room[:0], f)); n != rule.None {
		return append(dst, now.Values()[n]...)
	}
	return append(dst, l.otherwise...)
}
