package engine

import (
	"net/http"
)

// equalFold compares two field names of the same length.
func equalFold(a []byte, b string) bool {
	for i := range a {
		x, y := a[i], b[i]
		if 'A' <= x && x <= 'Z' {
			x |= 0x20
		}
		if 'A' <= y && y <= 'Z' {
			y |= 0x20
		}
		if x != y {
			return false
		}
	}
	return true
}

// reasonOf is the reason phrase that HTTP/2 has none of, in memory of the core's.
func (c *core) reasonOf(status int) []byte {
	c.reason = append(c.reason[:0], reasonOf(status)...)
	return c.reason
}

// reasonOf is the reason phrase of a response of the balancer itself.
func reasonOf(status int) string { return http.StatusText(status) }
