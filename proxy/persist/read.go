package persist

import (
	"strings"
	"time"

	"github.com/tandem-lb/tandem/proxy/upstream"
)

// State says what a request's cookie was worth: the third letter of HAProxy's termination state.
type State byte

// The states.
const (
	None    State = 'N' // there was no cookie
	Invalid State = 'I' // it names no server
	Down    State = 'D' // it names one that could not be used
	Valid   State = 'V' // it names the server that got the request
	Expired State = 'E' // it was not used for too long
	Old     State = 'O' // it is too old
)

// Visit is what the cookies of a request have said.
type Visit struct {
	State State // Valid: they name servers, of which one may get the request
	first int64 // when the client came first, in seconds; 0: not known
	last  int64 // when it was here last, about; 0: not known
}

// Fields are those of a request's head.
type Fields interface {
	// Next returns the value of the first field of that name, which is in lower case, from a number on, and the number behind it; ok is
	// false where there is none.
	Next(name string, from int) (value string, next int, ok bool)
}

// Read finds out which servers a request belongs to, whose head has these fields, and appends them.
func (c *Cookie) Read(now time.Time, f Fields, servers []*upstream.Server) (Visit, []*upstream.Server) {
	v := Visit{State: None}
	for at := 0; ; {
		field, next, ok := f.Next("cookie", at)
		if !ok {
			return v, servers
		}
		for field != "" {
			var pair string
			pair, field = cutPair(field)
			if value, ok := valueOf(pair, c.config.Name); ok {
				servers = c.note(now.Unix(), value, &v, servers)
			}
		}
		at = next
	}
}

// note takes in the value of one cookie.
func (c *Cookie) note(now int64, value string, v *Visit, servers []*upstream.Server) []*upstream.Server {
	name, first, last, ok := c.open(value)
	there := c.servers[name]
	state := Valid
	switch {
	case !ok || len(there) == 0:
		state = Invalid
	case over(now, first, c.maxLife):
		state = Old
	case over(now, last, c.maxIdle):
		state = Expired
	default:
		servers = append(servers, there...)
	}
	if rank(state) > rank(v.State) {
		*v = Visit{State: state, first: first, last: last}
	}
	return servers
}

// rank says which of several cookies tells more.
func rank(s State) int { return strings.IndexByte("NIEOV", byte(s)) }

// open takes a value apart; ok is false where that was not made here.
func (c *Cookie) open(value string) (name string, first, last int64, ok bool) {
	switch c.config.Mode {
	case Rewrite:
		return value, 0, 0, true
	case Prefix:
		name, _, _ = strings.Cut(value, "~")
		return name, 0, 0, true
	}
	if c.seal != nil && c.dated() {
		if value, ok = c.seal.open(value); !ok {
			return "", 0, 0, false
		}
	}
	name, dates, _ := strings.Cut(value, "|")
	later, earlier, _ := strings.Cut(dates, "|")
	return name, dateOf(earlier), dateOf(later), true
}

// cutPair returns the first pair of a Cookie field, and what follows its semicolon.
func cutPair[T string | []byte](field T) (pair, rest T) {
	for i := range len(field) {
		if field[i] == ';' {
			return trimmed(field[:i]), field[i+1:]
		}
	}
	return trimmed(field), field[len(field):]
}

func trimmed[T string | []byte](b T) T {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// valueOf returns the value of a pair of that name.
func valueOf[T string | []byte](pair T, name string) (value T, ok bool) {
	if n := len(name); len(pair) > n && pair[n] == '=' && string(pair[:n]) == name {
		return pair[n+1:], true
	}
	return value, false
}
