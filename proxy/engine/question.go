package engine

import "github.com/tandem-lb/tandem/proxy/http1"

// question is a request head, whichever protocol it came by. It is valid during the call that it is passed to.
type question struct {
	buf       []byte // what fields are spans of
	fields    []http1.Field
	method    http1.Method
	name      []byte // the method as it came
	authority []byte // empty: none
	target    []byte // as it came
	query     []byte // of the target, with its question mark
	upgrade   []byte // the protocol that the client would switch to; empty: none
	length    int64  // of the body: octets, or http1.ChunkedLength
	expects   bool   // 100-continue
	empty     bool   // there is no body where servers expect one
}

// has reports whether there is a field of that name.
func (q *question) has(name http1.Name) bool {
	for i := range q.fields {
		if q.fields[i].ID == name {
			return true
		}
	}
	return false
}

// Next implements rule.Fields.
func (q *question) Next(name string, from int) (value string, next int, ok bool) {
	for i := from; i < len(q.fields); i++ {
		if f := &q.fields[i]; f.Name.Len() == len(name) && http1.EqualFold(f.Name.In(q.buf), name) {
			return text(f.Value.In(q.buf)), i + 1, true
		}
	}
	return "", len(q.fields), false
}
