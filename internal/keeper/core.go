package keeper

import (
	"cmp"
	"slices"
	"time"
)

const (
	// killWait is how long the end of a killed daemon is waited for before the wills are carried out all the same: it
	// may hang in the kernel, and the peer waits for the address.
	killWait = 300 * time.Millisecond
	// The keeper wakes at least ten times in a period of silence, and has overslept when it is late by a sixth of it:
	// late enough for the daemon to have been late for the same reason.
	wakesPerSilence = 10
	oversleepPart   = 6
	// A daemon that wants to run and is not let is no frozen one: time that it spent so is no silence, up to
	// maxExcused periods of it. Then its addresses serve nobody, whatever the reason. It is looked at from half a period on.
	maxExcused = 2
	uneasyPart = 2
)

// core decides what the keeper does. It is pure: times come in, on the clock of the heartbeats, and actions go out.
type core struct {
	silence   time.Duration
	instances []instance // those with a will or a beat, by name

	wake   time.Duration // when tick is to be called next, at the latest; 0: not before the next message
	grace  time.Duration // the end of the last oversleeping: silence counts from here at the earliest
	killed time.Duration // when the daemon was killed; 0: it was not
	ended  bool          // nothing is left to do

	threads []thread      // the daemon's, as they were at looked; nil: it gives no reason to look
	looked  time.Duration // when they were

	overslept uint64
	starved   uint64 // how often the daemon was found to have been starved
}

// instance is what the core knows of one instance.
type instance struct {
	name  string
	will  will
	beat  *Beat         // nil: none
	slot  int           // of the beat in the ledger
	next  time.Duration // when the next advert is due
	spoke time.Duration // when the last one went out
	heard time.Duration // when the daemon last showed that it lives, by its own time stamp
	awake time.Duration // when its loop last did, having read what came: its last heartbeat

	excused time.Duration // how much of the silence since then the daemon spent wanting to run
}

// event is something that happened.
type event struct {
	kind     eventKind
	instance string
	will     will          // setWill; none: cancelled
	beat     *Beat         // setBeat; nil: stopped
	slot     int           // setBeat: in the ledger
	resumed  bool          // setBeat: a former keeper's, the first advert is due at once and not after an interval
	spoke    time.Duration // setBeat, resumed: when the last advert went out
	sent     time.Duration // heartbeat: when the daemon sent it
	threads  []thread      // sawDaemon
}

type eventKind uint8

const (
	tick      eventKind = iota // time passed; comes after all messages that had arrived
	setWill                    // the will of an instance is replaced
	setBeat                    // the beat of an instance is replaced; a running one keeps its phase, or speaks at once of a longer interval
	heartbeat                  // the loop of an instance runs
	stop                       // a clean end: all wills are cancelled
	hangup                     // the daemon has ended
	sawDaemon                  // lookAtDaemon's answer
)

// action is something to do.
type action struct {
	kind     actionKind
	instance string
	beat     Beat          // sendAdvert
	slot     int           // sendAdvert: where the ledger notes it
	will     will          // carryOut
	late     time.Duration // sendAdvert: by how much
}

type actionKind uint8

const (
	sendAdvert   actionKind = iota + 1
	saveWills               // bring the will file up to date, after that of the instance changed
	killDaemon              // by SIGKILL
	carryOut                // the will of one instance, operation by operation
	lookAtDaemon            // read its threads' accounts
	exit
)

// step takes what happened at now and appends what to do to out.
func (c *core) step(now time.Duration, ev event, out []action) []action {
	if c.ended {
		return out
	}
	switch ev.kind {
	case tick:
		out = c.tick(now, out)
	case setWill:
		in := c.at(ev.instance, now)
		in.will = ev.will
		in.hear(now)
		c.prune()
		out = append(out, action{kind: saveWills, instance: ev.instance})
	case setBeat:
		c.setBeat(now, ev)
	case heartbeat:
		if i, ok := c.find(ev.instance); ok {
			in := &c.instances[i]
			in.hear(min(ev.sent, now))
			in.awake = max(in.awake, min(ev.sent, now))
		}
	case stop:
		c.instances, c.ended = nil, true
		out = append(out, action{kind: saveWills}, action{kind: exit})
	case hangup:
		out = c.execute(out)
	case sawDaemon:
		c.excuse(now, ev.threads)
	}
	return out
}

// hear notes a sign of life.
func (in *instance) hear(at time.Duration) {
	if at > in.heard {
		in.heard, in.excused = at, 0
	}
}

func (c *core) setBeat(now time.Duration, ev event) {
	in := c.at(ev.instance, now)
	in.slot = ev.slot
	in.hear(now)
	switch {
	case ev.beat == nil:
	case ev.resumed:
		in.next, in.spoke = now, ev.spoke
	case in.beat != nil && ev.beat.Interval > in.beat.Interval:
		in.next = now // backups learn the longer interval by it; one of the old beat may just have gone out
	case in.beat == nil:
		in.next, in.spoke = now+ev.beat.Interval, now // the daemon has sent one just now
	default:
		in.next = max(now, in.next-in.beat.Interval+ev.beat.Interval)
	}
	in.beat = ev.beat
	c.prune()
}

// tick finds out whether the keeper overslept, whether the daemon is silent, and which adverts are due.
func (c *core) tick(now time.Duration, out []action) []action {
	if c.wake != 0 && now-c.wake > c.silence/oversleepPart {
		c.grace = now
		c.overslept++
	}
	switch {
	case c.killed != 0 && now >= c.killed+killWait:
		return c.execute(out)
	case c.killed != 0:
	case c.silent(now):
		c.killed = now
		out = append(out, action{kind: killDaemon})
	default:
		out = c.adverts(now, out)
		out = c.look(now, out)
	}
	c.wake = c.deadline(now)
	return out
}

// look asks for the daemon's accounts while there is reason to worry.
func (c *core) look(now time.Duration, out []action) []action {
	uneasy := slices.ContainsFunc(c.instances, func(in instance) bool {
		return in.will != nil && now >= max(in.heard, c.grace)+c.silence/uneasyPart
	})
	if !uneasy {
		c.threads = nil
		return out
	}
	return append(out, action{kind: lookAtDaemon})
}

// excuse takes the daemon's accounts: time for which it was starved is not held against its loops.
func (c *core) excuse(now time.Duration, threads []thread) {
	elapsed := now - c.looked
	if c.threads != nil && starved(c.threads, threads, elapsed) {
		c.starved++
		for i := range c.instances {
			in := &c.instances[i]
			since := min(elapsed, now-in.heard) // no more than it was silent for
			in.excused = min(in.excused+since, maxExcused*c.silence)
		}
	}
	c.threads, c.looked = threads, now
}

// silent says whether an instance with a will has shown no life for too long.
func (c *core) silent(now time.Duration) bool {
	return slices.ContainsFunc(c.instances, func(in instance) bool { return in.will != nil && now >= c.deadlineOf(in) })
}

func (c *core) deadlineOf(in instance) time.Duration {
	return max(in.heard, c.grace) + c.silence + in.excused
}

// speaks says whether adverts may go out for an instance. The bound is the one at which the daemon is killed: until
// then it holds the addresses, and silence would make the peer take them too.
//
// Where adverts were missing for so long that the peer may have taken over (this machine slept, or did not get to run) they
// go on only if the daemon has been awake within that time, and so has read what came: else it has to look first.
func (c *core) speaks(in instance, now time.Duration) bool {
	if in.beat == nil || now >= in.heard+c.silence+in.excused {
		return false
	}
	return now-in.spoke <= in.beat.Patience || now-in.awake <= in.beat.Patience
}

// adverts appends those that are due. What was missed is not made up for; the phase stays.
func (c *core) adverts(now time.Duration, out []action) []action {
	for i := range c.instances {
		in := &c.instances[i]
		if !c.speaks(*in, now) || now < in.next {
			continue
		}
		late := now - in.next
		in.spoke = now
		out = append(out, action{kind: sendAdvert, instance: in.name, beat: *in.beat, slot: in.slot, late: late})
		in.next += (late/in.beat.Interval + 1) * in.beat.Interval
	}
	return out
}

// deadline is when tick has to be called next if nothing happens; 0: never.
func (c *core) deadline(now time.Duration) time.Duration {
	if c.killed != 0 {
		return c.killed + killWait
	}
	var next time.Duration
	sooner := func(t time.Duration) {
		if next == 0 || t < next {
			next = t
		}
	}
	for _, in := range c.instances {
		if in.will != nil {
			sooner(now + c.silence/wakesPerSilence)
			sooner(c.deadlineOf(in))
		}
		if c.speaks(in, now) {
			sooner(in.next)
		}
	}
	return next
}

// execute carries out every will, in the order of the instances' names, and ends.
func (c *core) execute(out []action) []action {
	for _, in := range c.instances {
		if in.will != nil {
			out = append(out, action{kind: carryOut, instance: in.name, will: in.will})
		}
	}
	c.instances, c.ended = nil, true
	return append(out, action{kind: saveWills}, action{kind: exit})
}

func (c *core) wills() map[string]will {
	wills := map[string]will{}
	for _, in := range c.instances {
		if in.will != nil {
			wills[in.name] = in.will
		}
	}
	return wills
}

func (c *core) find(name string) (int, bool) {
	return slices.BinarySearchFunc(c.instances, name, func(in instance, name string) int { return cmp.Compare(in.name, name) })
}

// at is the instance of that name, made where there is none. The pointer holds until the next change of instances.
func (c *core) at(name string, now time.Duration) *instance {
	i, ok := c.find(name)
	if !ok {
		c.instances = slices.Insert(c.instances, i, instance{name: name, heard: now})
	}
	return &c.instances[i]
}

// prune forgets instances with neither will nor beat.
func (c *core) prune() {
	c.instances = slices.DeleteFunc(c.instances, func(in instance) bool { return in.will == nil && in.beat == nil })
}
