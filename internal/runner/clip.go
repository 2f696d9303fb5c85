package runner

import (
	"fmt"
	"strings"
	"sync"
)

// clipPart is how many octets of output are kept from the start, and as many from the end: enough for the first complaint and
// the last one.
const clipPart = 2 << 10

// clip keeps the first and the last part of what is written to it.
type clip struct {
	mu   sync.Mutex
	head []byte // guarded by mu
	tail []byte // guarded by mu: the last clipPart octets after head, at most twice as many meanwhile
	lost int    // guarded by mu: octets between the two
}

// Write takes everything.
func (c *clip) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(b)
	if room := clipPart - len(c.head); room > 0 {
		room = min(room, len(b))
		c.head = append(c.head, b[:room]...)
		b = b[room:]
	}
	for len(b) > 0 {
		k := min(len(b), clipPart)
		c.tail = append(c.tail, b[:k]...)
		b = b[k:]
		if over := len(c.tail) - clipPart; over > 0 {
			c.lost += over
			c.tail = append(c.tail[:0], c.tail[over:]...)
		}
	}
	return n, nil
}

// String is what was kept, as valid UTF-8.
func (c *clip) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := string(c.head)
	if c.lost > 0 {
		s += fmt.Sprintf("\n[%d octets left out]\n", c.lost)
	}
	return strings.ToValidUTF8(s+string(c.tail), "\uFFFD")
}
