package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
)

// Periods of the live line: on a terminal it is rewritten, elsewhere each one is a line of its own.
const (
	livePeriod = 100 * time.Millisecond
	linePeriod = time.Second
)

// A terminal that is narrower than the line cuts it off: a line that wraps could not be rewritten (DECAWM).
const (
	noWrap = "\033[?7l"
	wrap   = "\033[?7h"
)

// live shows who holds the address and what the client sees.
type live struct {
	out      io.Writer
	rewrite  bool
	holders  func() ([]string, error)
	record   *drill.Record
	done     chan struct{} // closed by stop
	wg       sync.WaitGroup
	mu       sync.Mutex
	happened string // guarded by mu: the fault that is on
}

// startLive shows until stop.
func startLive(o Options, p *drill.Pair) *live {
	l := &live{out: o.Out, rewrite: o.Live, holders: p.Holders, record: p.Record, done: make(chan struct{}), happened: "all is well"}
	l.wg.Go(l.run)
	return l
}

func (l *live) stop() {
	close(l.done)
	l.wg.Wait()
}

// say names what happens from now on.
func (l *live) say(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.happened = fmt.Sprintf(format, args...)
}

func (l *live) run() {
	period := linePeriod
	if l.rewrite {
		period = livePeriod
	}
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	began := time.Now()
	for {
		select {
		case <-l.done:
			if l.rewrite {
				fmt.Fprintln(l.out)
			}
			return
		case <-ticker.C:
			l.show(time.Since(began), period)
		}
	}
}

func (l *live) show(elapsed, period time.Duration) {
	holders, err := l.holders()
	where := "nobody"
	switch {
	case err != nil:
		where = "?"
	case len(holders) > 0:
		where = strings.Join(holders, " and ")
	}
	seen := l.record.Since(time.Now().Add(-max(period, linePeriod)))
	l.mu.Lock()
	line := fmt.Sprintf("%6.1fs  %s on %-11s  last second: %3d requests, %3d failed  | %s", elapsed.Seconds(), drill.VIP, where, seen.Requests, seen.Failed, l.happened)
	l.mu.Unlock()
	if l.rewrite {
		fmt.Fprintf(l.out, "\r\033[K"+noWrap+"%s"+wrap, line)
	} else {
		fmt.Fprintln(l.out, line)
	}
}
