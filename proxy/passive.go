package proxy

import (
	"fmt"

	"github.com/tandem-lb/tandem/proxy/upstream"
)

// DefaultPanicThreshold is what share of the servers that are up has to be left, in percent, where nothing else is said: of three two may
// be ejected, of four two, of ten seven. With fewer the rest would hardly bear the load, and what fails is more likely something that all
// of them need.
const DefaultPanicThreshold = 30

// compile makes the rules of passive checks for the servers of a backend; nil: there are none. A server without others is not ejected,
// as with nginx. How many have an address at present makes no difference: that is soon another number.
func (c *Passive) compile(servers []Server) (*upstream.Passive, error) {
	if c == nil {
		return nil, nil
	}
	switch {
	case c.MaxFails < 1:
		return nil, fmt.Errorf("max_fails %d, want 1 or more", c.MaxFails)
	case c.FailTimeout <= 0:
		return nil, fmt.Errorf("fail_timeout %v, want more than 0", c.FailTimeout)
	case c.ErrorRatio < 0 || c.ErrorRatio > 100:
		return nil, fmt.Errorf("error_ratio %d, want 0 to 100", c.ErrorRatio)
	}
	working := 0
	for _, s := range servers {
		if s.Weight > 0 {
			working += max(s.Slots, 1)
		}
	}
	if working < 2 {
		return nil, nil
	}
	p := &upstream.Passive{MaxFails: c.MaxFails, FailTimeout: c.FailTimeout, ErrorRatio: c.ErrorRatio, MinRequests: c.MinRequests}
	for _, s := range c.Statuses {
		p.Count(s.From, s.To)
	}
	return p, nil
}

func (c *Backend) panicThreshold() int {
	if c.Passive == nil {
		return DefaultPanicThreshold
	}
	return c.Passive.PanicThreshold
}
