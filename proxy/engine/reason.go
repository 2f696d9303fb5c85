package engine

import "net/http"

// reasonOf is the reason phrase that HTTP/2 has none of, in memory of the core's.
func (c *core) reasonOf(status int) []byte {
	c.reason = append(c.reason[:0], reasonOf(status)...)
	return c.reason
}

// reasonOf is the reason phrase of a response of the balancer itself.
func reasonOf(status int) string { return http.StatusText(status) }
