package loadtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	pauseTick = 20 * time.Millisecond
	// pauseMin is what Pauses notes: longer than a busy machine takes as a rule, shorter than anybody's patience.
	pauseMin = 100 * time.Millisecond
	// maxPauses is how many are kept.
	maxPauses = 1000
)

// Pauses notes when this program did not run: its clients asked nothing then, and its servers answered nobody, whatever the
// balancer did. The zero value is ready.
type Pauses struct {
	mu  sync.Mutex
	all []pause // guarded by mu: the first maxPauses
}

type pause struct {
	ended time.Time
	took  time.Duration
}

// Run looks until the context ends.
func (p *Pauses) Run(ctx context.Context) {
	tick := time.NewTicker(pauseTick)
	defer tick.Stop()
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			now := time.Now()
			p.note(last, now)
			last = now
		}
	}
}

// note takes in that the program ran at now, and before that at last.
func (p *Pauses) note(last, now time.Time) {
	if took := now.Sub(last); took >= pauseMin {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.all) < maxPauses {
			p.all = append(p.all, pause{now, took})
		}
	}
}

// String tells how many pauses there were, and each with its end.
func (p *Pauses) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	var longest time.Duration
	for _, one := range p.all {
		fmt.Fprintf(&b, "\n%v until %s", one.took.Round(time.Millisecond), one.ended.Format("15:04:05.000"))
		longest = max(longest, one.took)
	}
	return fmt.Sprintf("%d pauses of %v or more, the longest of %v%s", len(p.all), pauseMin, longest.Round(time.Millisecond), b.String())
}
