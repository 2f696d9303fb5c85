package vip

import "time"

// burstGap is the least time between the beginnings of two bursts: two nodes that both believe they hold an
// address answer each other, and must not flood the LAN while they find out.
const burstGap = time.Second

// schedule says which announcement goes out when. It is pure: its methods take the time.
// A takeover announces at once and again after a delay; a sign of another holder asks for one burst; a refresh is a
// single announcement of each address.
type schedule struct {
	garp  GARP // defaults filled in
	addrs int  // how many addresses there are; they go by their index

	sent  int       // announcements of the running burst that are done
	total int       // announcements it has
	pause time.Time // no announcement before this
	began time.Time // when the last burst began; zero: not announcing

	// When the next burst of each kind is due; zero: none.
	second, answer, refresh time.Time
}

// takeover begins a burst at once, whatever was running, and plans the second one and the refreshes.
func (c *schedule) takeover(now time.Time) {
	c.begin(now, c.garp.Repeat)
	c.second = now.Add(c.garp.Delay)
	c.answer = time.Time{}
	c.planRefresh(now)
}

// ask plans a burst as soon as one may begin.
func (c *schedule) ask(now time.Time) {
	if c.answer.IsZero() {
		c.answer = now
	}
}

// stop forgets all that is planned.
func (c *schedule) stop() { *c = schedule{garp: c.garp, addrs: c.addrs} }

// configure takes over changed settings. Who is announcing takes over anew when the addresses changed, for the
// index of an address may be another's now.
func (c *schedule) configure(now time.Time, g GARP, addrs int, changed bool) {
	c.garp, c.addrs = g, addrs
	switch {
	case c.began.IsZero():
	case changed:
		c.takeover(now)
	default:
		c.planRefresh(now)
	}
}

// next returns the index of the address whose announcement is due now; done or wait must follow.
func (c *schedule) next(now time.Time) (i int, ok bool) {
	if c.idle() {
		c.start(now)
	}
	if c.idle() || now.Before(c.pause) {
		return 0, false
	}
	return c.sent % c.addrs, true
}

// done takes the announcement that next returned off the burst.
func (c *schedule) done() { c.sent++ }

// wait keeps it for later.
func (c *schedule) wait(until time.Time) { c.pause = until }

// deadline says when next may have something; zero: never.
func (c *schedule) deadline() time.Time {
	if !c.idle() {
		return later(c.began, c.pause)
	}
	due := earliest(c.second, c.answer, c.refresh)
	if due.IsZero() {
		return due
	}
	return later(due, c.began.Add(burstGap))
}

func (c *schedule) idle() bool { return c.sent >= c.total }

// start begins the burst that is due. One burst serves everything that is due by now.
func (c *schedule) start(now time.Time) {
	if now.Before(c.began.Add(burstGap)) {
		return
	}
	repeat := 0
	if due(c.refresh, now) {
		repeat = 1
		c.planRefresh(now)
	}
	for _, t := range []*time.Time{&c.second, &c.answer} {
		if due(*t, now) {
			repeat = c.garp.Repeat
			*t = time.Time{}
		}
	}
	if repeat > 0 {
		c.begin(now, repeat)
	}
}

// begin sends every address once before any a second time.
func (c *schedule) begin(now time.Time, repeat int) {
	c.sent, c.total = 0, repeat*c.addrs
	c.began, c.pause = now, time.Time{}
}

func (c *schedule) planRefresh(now time.Time) {
	c.refresh = time.Time{}
	if c.garp.Refresh > 0 {
		c.refresh = now.Add(c.garp.Refresh)
	}
}

func due(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// earliest returns the earliest of the times that are set, or zero.
func earliest(times ...time.Time) (first time.Time) {
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}
