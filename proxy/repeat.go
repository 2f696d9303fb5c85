package proxy

import (
	"errors"
	"fmt"

	"github.com/tandem-lb/tandem/proxy/exchange"
)

// compile makes the rules by which requests are sent again; nil: none is. The budget of old, which may be nil, lives on where it is the
// same.
func (c *Repeat) compile(old *backend) (*exchange.Repeat, error) {
	if c == nil {
		return nil, nil
	}
	var err error
	if c.Percent < 0 || c.Percent > 100 || c.Least < 0 {
		err = fmt.Errorf("retry budget of %d percent and %d a second, want 0 to 100 and 0 or more", c.Percent, c.Least)
	}
	r := &exchange.Repeat{Empty: c.Empty, Junk: c.Junk, Timeout: c.Timeout}
	for _, s := range c.Statuses {
		if s.From < 200 || s.To < s.From || s.To >= len(r.Status) {
			err = errors.Join(err, fmt.Errorf("retries on statuses %d to %d, want them within 200 to 599", s.From, s.To))
			continue
		}
		for n := s.From; n <= s.To; n++ {
			r.Status[n] = true
		}
	}
	if old != nil && old.route.Repeat != nil && old.config.Repeat.Percent == c.Percent && old.config.Repeat.Least == c.Least {
		r.Budget = old.route.Repeat.Budget
	} else {
		r.Budget = exchange.NewBudget(c.Percent, c.Least)
	}
	return r, err
}
