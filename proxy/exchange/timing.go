package exchange

import "time"

// Sent notes that the server's side has the last octet of the request's body.
func (x *Exchange) Sent(now time.Time) { x.sentAt = now }

// answered tells the server how long it took for the head of its response, or that it failed. While its request was on the way that was
// the client's time.
func (x *Exchange) answered(now time.Time, failed bool) {
	took := now.Sub(later(x.connectedAt, x.sentAt))
	if x.body && x.sentAt.IsZero() || x.state == forwarding {
		if !failed {
			return
		}
		took = 0
	}
	x.server.Answered(now, took, failed)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
