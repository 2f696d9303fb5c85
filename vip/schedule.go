package vip

import "time"

// burstGap is the least time between the beginnings of two bursts, and of two answers: two nodes that both believe they
// hold an address answer each other, and must not flood the LAN while they find out. An answer does not wait for the end
// of another burst's second: that one may have gone into a dead cable, whose healing is answered.
const burstGap = time.Second

// An answer to another holder goes on until the next one may begin. The sign that starts it is one of several moments
// at which clients go astray: that holder announces the address some milliseconds after its advert, and again when
// it likes; and when it gives the address up, its clients have to be told anew.
const (
	answerStep = 100 * time.Millisecond // clients are astray for no longer

	// Rounds soon after the first one are for the other holder's own announcement.
	answerEcho  = 10 * time.Millisecond
	answerEcho2 = 30 * time.Millisecond // the same on a busy machine

	answerRounds = int(burstGap/answerStep) + 2 // with the two echoes
)

// extraGap is the least time between two rounds beside an answer's own: a sign that comes while it goes on is answered at
// once, as far as that allows. A contest in which each advert is a sign ends by the answer to one of them.
const extraGap = 50 * time.Millisecond

// answerAt is when a round of an answer is due, counted from its beginning.
func answerAt(round int) time.Duration {
	switch round {
	case 0:
		return 0
	case 1:
		return answerEcho
	case 2:
		return answerEcho2
	}
	return time.Duration(round-2) * answerStep
}

// claimGrace is how long a claim waits for its answer. A router that takes over claims the address and says so by an advert,
// some send the claim first (FRRouting, by half a millisecond): answered at once, the claim of the new holder would be the
// last word but one, and its clients would be ours, who have just given the address up. It is well below answerStep.
const claimGrace = 50 * time.Millisecond

// virtualGrace is the same for a claim with the MAC of a virtual router (RFC 9568 section 7.3). Who has one sends adverts, which
// say whether he holds the address, and each of those is a sign by itself; but the first may come an interval after the claim
// (FRRouting's on IPv6).
const virtualGrace = 1500 * time.Millisecond

// schedule says which announcement goes out when. It is pure: its methods take the time.
// A takeover announces at once and again after a delay; a sign of another holder asks for a burst whose rounds go on for
// a second; a refresh is a single announcement of each address.
type schedule struct {
	garp  GARP // defaults filled in
	addrs int  // how many addresses there are; they go by their index

	sent       int       // announcements of the running burst that are done
	total      int       // announcements it has
	answering  bool      // its rounds are an answer's; else they go out at once. Each announces every address once
	pause      time.Time // no announcement before this
	began      time.Time // when the last burst began; zero: not announcing
	lastAnswer time.Time // when the last answer began
	extra      int       // announcements of the extra round that are left
	plan       uint64    // counts bursts, extra rounds and stops: what was taken of one plan says nothing of the next
	lastExtra  time.Time // when the last one was asked for

	// When the next burst of each kind is due; zero: none.
	second, again, answer, refresh time.Time
}

// takeover begins a burst at once, whatever was running, and plans the second one and the refreshes.
func (c *schedule) takeover(now time.Time) {
	c.begin(now, c.garp.Repeat, false)
	c.second = now.Add(c.garp.Delay)
	c.again, c.answer = time.Time{}, time.Time{}
	c.planRefresh(now)
}

// ask plans a burst as soon as one may begin.
func (c *schedule) ask(now time.Time) {
	if c.again.IsZero() {
		c.again = now
	}
}

// contest plans an answer to another holder as soon as one may begin, and until then an extra round.
func (c *schedule) contest(now time.Time) {
	if now.Before(c.lastAnswer.Add(burstGap)) && !now.Before(c.lastExtra.Add(extraGap)) {
		c.extra, c.lastExtra = c.addrs, now
		c.plan++
	}
	c.answer = earliest(c.answer, now)
}

// claim plans one to somebody's claim, who may be the next holder, for when that would be known.
func (c *schedule) claim(now time.Time, grace time.Duration) {
	c.answer = earliest(c.answer, now.Add(grace))
}

// stop forgets all that is planned.
func (c *schedule) stop() { *c = schedule{garp: c.garp, addrs: c.addrs, plan: c.plan + 1} }

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

// announcement is one that is due.
type announcement struct {
	addr   int    // index of the address
	repeat bool   // the burst has announced it before
	plan   uint64 // that it is part of
}

// next returns the announcement that is due now; done or wait must follow. Another plan may be made before they do.
func (c *schedule) next(now time.Time) (a announcement, ok bool) {
	if c.extra > 0 {
		return announcement{addr: c.addrs - c.extra, plan: c.plan}, !now.Before(c.pause)
	}
	if c.idle() {
		c.start(now)
	}
	if c.idle() || now.Before(c.ready()) {
		return a, false
	}
	return announcement{addr: c.sent % c.addrs, repeat: c.sent >= c.addrs, plan: c.plan}, true
}

// done takes an announcement off the plan, unless that has become another one.
func (c *schedule) done(a announcement) {
	switch {
	case a.plan != c.plan:
	case c.extra > 0:
		c.extra--
	default:
		c.sent++
	}
}

// wait keeps it for later.
func (c *schedule) wait(a announcement, until time.Time) {
	if a.plan == c.plan {
		c.pause = until
	}
}

// deadline says when next may have something; zero: never.
func (c *schedule) deadline() time.Time {
	if c.extra > 0 {
		return later(c.lastExtra, c.pause)
	}
	if !c.idle() {
		return c.ready()
	}
	due, answer := earliest(c.second, c.again, c.refresh), c.answer
	if !due.IsZero() {
		due = later(due, c.began.Add(burstGap))
	}
	if !answer.IsZero() {
		answer = later(answer, c.lastAnswer.Add(burstGap))
	}
	return earliest(due, answer)
}

func (c *schedule) idle() bool { return c.sent >= c.total }

// ready is when the next announcement of the running burst may go out.
func (c *schedule) ready() time.Time {
	round := c.sent / c.addrs // a burst of no addresses is idle
	at := time.Duration(0)
	if c.answering {
		at = answerAt(round)
	}
	return later(c.began.Add(at), c.pause)
}

// start begins the burst that is due. One burst serves everything that is due by now.
func (c *schedule) start(now time.Time) {
	rounds, answering := 0, false
	if !now.Before(c.began.Add(burstGap)) {
		rounds = c.takePlain(now)
	}
	if due(c.answer, now) && !now.Before(c.lastAnswer.Add(burstGap)) {
		rounds, answering = answerRounds, true
		c.answer, c.lastAnswer = time.Time{}, now
	}
	if rounds > 0 {
		c.begin(now, rounds, answering)
	}
}

// takePlain takes what is due besides an answer off the plan, and says how many rounds that is.
func (c *schedule) takePlain(now time.Time) (rounds int) {
	if due(c.refresh, now) {
		rounds = 1
		c.planRefresh(now)
	}
	for _, t := range []*time.Time{&c.second, &c.again} {
		if due(*t, now) {
			rounds = c.garp.Repeat
			*t = time.Time{}
		}
	}
	return rounds
}

// begin sends every address once before any a second time.
func (c *schedule) begin(now time.Time, rounds int, answering bool) {
	c.sent, c.total, c.answering = 0, rounds*c.addrs, answering
	c.began, c.pause, c.extra = now, time.Time{}, 0
	c.plan++
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
