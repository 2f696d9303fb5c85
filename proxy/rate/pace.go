package rate

import (
	"fmt"
	"math"
	"time"
)

// Pace is how often something may happen: evenly, but for a burst after nothing has for a while. The zero Pace is any.
type Pace struct {
	Count int           // how often in Per, 1 or more
	Per   time.Duration // at least a microsecond for each
	Burst int           // how often at once, 1 or more
}

func (p *Pace) fault() error {
	switch {
	case p.Count < 1 || p.Burst < 1:
		return fmt.Errorf("%d times, %d at once, want 1 or more", p.Count, p.Burst)
	case p.Per/time.Microsecond < time.Duration(p.Count):
		return fmt.Errorf("%d times in %v, want at most once in a microsecond", p.Count, p.Per)
	case p.Per/time.Duration(p.Count) > math.MaxInt64/4/time.Duration(p.Burst):
		return fmt.Errorf("%d at once, each good for %v, want less", p.Burst, p.Per/time.Duration(p.Count))
	}
	return nil
}

// skew is how much the clocks of loops may differ, each of which tells when its pass began: who asks one after the other is not early for that.
const skew = 10 * time.Millisecond

// take does it once more at a time in nanoseconds, for somebody who has used up its part until then. It returns until when it has used it up now,
// and how long it is too early; 0: it is not. No more than a burst is ever used up, however slow another Pace was by which until came about.
func (p *Pace) take(now, until int64) (next int64, early time.Duration) {
	if p.Count == 0 {
		return until, 0
	}
	each := int64(p.Per) / int64(p.Count)
	full := now + each*int64(p.Burst) + min(each/2, int64(skew)) // less than one more
	until = min(max(until, now), full)
	if early := until + each - full; early > 0 {
		return until, time.Duration(early)
	}
	return until + each, 0
}
