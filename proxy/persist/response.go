package persist

import (
	"time"

	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// Response is what becomes of the head of one response of a server. It belongs to one goroutine.
type Response struct {
	cookie *Cookie
	name   string // of the server; empty: clients do not find it again
	visit  Visit
	now    int64
	sets   bool   // the client is to get a cookie
	fresh  bool   // the cookie is for another server than the one before
	given  bool   // the server has set it
	shared []byte // the values of Cache-Control, where caches are not to keep the response
	cached bool   // there was such a field
}

// Start begins with the head of a response of s to a request that was that Visit.
func (r *Response) Start(c *Cookie, now time.Time, s *upstream.Server, v Visit) {
	*r = Response{cookie: c, name: c.names[s], visit: v, now: now.Unix(), shared: r.shared[:0]}
	if c.config.Mode != Insert {
		return
	}
	switch {
	case v.State != Valid:
		r.sets, r.fresh = true, true
	case (c.maxIdle > 0 || v.last != 0) && v.last < r.now, c.maxLife > 0 && v.first == 0, c.maxLife == 0 && v.first != 0:
		r.sets = true
	}
}

// Field returns the value that a field has for the client; ok is false where the client does not get it.
func (r *Response) Field(name, value []byte) (after []byte, ok bool) {
	switch {
	case http1.EqualFold(name, "set-cookie"):
		return r.setCookie(value)
	case r.sets && r.cookie.config.NoCache && http1.EqualFold(name, "cache-control"):
		if r.cached {
			r.shared = append(r.shared, ", "...)
		}
		r.shared, r.cached = append(r.shared, value...), true
		return nil, false
	}
	return value, true
}

// setCookie is Field for a cookie that the server sets. A browser would take the blanks around a name away (RFC 6265 section 5.2), so they
// make no difference.
func (r *Response) setCookie(value []byte) (after []byte, ok bool) {
	c := r.cookie
	pair, rest := cutPair(value)
	name, own, found := cutValue(pair)
	if !found || string(name) != c.config.Name {
		return value, true
	}
	r.given = true
	switch {
	case c.config.Mode == Insert:
		return value, c.config.Preserve
	case r.name == "":
		return value, true
	}
	after = append(append(append(after, c.config.Name...), '='), r.name...)
	if c.config.Mode == Prefix {
		after = append(append(after, '~'), own...)
	}
	if len(rest) > 0 {
		after = append(append(after, ';'), rest...)
	}
	return after, true
}

// cutValue returns the two sides of a pair.
func cutValue(pair []byte) (name, value []byte, found bool) {
	for i, b := range pair {
		if b == '=' {
			return trimmed(pair[:i]), trimmed(pair[i+1:]), true
		}
	}
	return nil, nil, false
}

// Each calls write for each field that the client gets beside those of the server, all of which Field has seen. It uses scratch, and
// returns it for the next time.
func (r *Response) Each(scratch []byte, write func(name string, value []byte)) []byte {
	inserts := r.inserts()
	if inserts {
		scratch = r.appendCookie(scratch[:0])
		write("Set-Cookie", scratch)
	}
	switch {
	case inserts && r.cookie.config.NoCache:
		scratch = appendPrivate(scratch[:0], r.shared)
		write("Cache-Control", scratch)
	case r.cached: // it was kept for nothing
		write("Cache-Control", r.shared)
	}
	return scratch[:0]
}

// inserts reports whether the client gets the balancer's cookie.
func (r *Response) inserts() bool { return r.sets && !(r.given && r.cookie.config.Preserve) }

// appendCookie writes the cookie with its attributes. A server that is not to be found again takes the one of another away.
func (r *Response) appendCookie(dst []byte) []byte {
	c := r.cookie
	dst = append(append(dst, c.config.Name...), '=')
	mark := len(dst)
	if dst = append(dst, r.name...); r.name == "" {
		return append(append(dst, "; Expires=Thu, 01-Jan-1970 00:00:01 GMT"...), c.attributes...)
	}
	if !c.dated() {
		return append(dst, c.attributes...)
	}
	dst = appendDate(append(dst, '|'), r.now)
	if c.maxLife > 0 {
		first := r.now
		if !r.fresh && r.visit.first != 0 {
			first = r.visit.first
		}
		dst = appendDate(append(dst, '|'), first)
	}
	if c.seal != nil {
		dst = c.seal.append(dst, mark)
	}
	return append(dst, c.attributes...)
}

// Letter says what became of the cookie: the fourth letter of HAProxy's termination state. It is known after Each.
func (r *Response) Letter() byte {
	switch {
	case r.inserts() && r.fresh:
		return 'I' // inserted
	case r.inserts():
		return 'U' // updated
	case !r.given:
		return 'N' // there is none
	case r.cookie.config.Mode == Insert && !r.cookie.config.Preserve:
		return 'D' // that of the server is deleted
	case r.cookie.config.Mode == Insert || r.name == "":
		return 'P' // that of the server passes
	}
	return 'R' // that of the server is rewritten
}
