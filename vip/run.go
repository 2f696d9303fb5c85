package vip

import (
	"context"
	"time"
)

// sendsPerRound bounds how many announcements go out before Run looks at the kernel again: 255 addresses times a
// hundred must not keep a lease waiting.
const sendsPerRound = 64

// Run keeps the kernel as the owner wants it: it puts back what is lost, renews the lease and sends the
// announcements when they are due. It returns nil when ctx ends, and releases nothing then: from there the lease runs
// out. The Kernel's own events must be running.
func (s *Set) Run(ctx context.Context) error {
	changed, cancel := s.kernel.Subscribe(s.concerns)
	defer cancel()
	s.markDirty() // what changed before the subscription
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
			s.markDirty()
		case <-s.wake:
		case <-timer.C:
		}
		if s.alive() {
			s.mendDue(ctx)
			s.announceDue(ctx)
		}
		if next := s.deadline(); next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(next))
		}
	}
}

// concerns picks the events after which the kernel may lack an address of the Set, or not answer for it. Other
// additions are not among them: our own renewals are the most of those.
func (s *Set) concerns(e Event) bool {
	if e.Kind == AddressAdded && !e.Tentative {
		return false // by far the most events, with hundreds of Sets to ask about each
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.slots {
		a := s.slots[i].Address
		switch e.Kind {
		case AddressAdded, AddressRemoved:
			if e.Addr == a.Prefix.Addr() {
				return true
			}
		case LinkChanged, LinkRemoved:
			if e.Interface == a.Interface {
				return true
			}
		}
	}
	return false
}

// alive asks the owner, while there is something to hold. While it says no it is asked again after each retryDelay.
func (s *Set) alive() bool {
	alive := s.Alive == nil || !s.isHeld() || s.Alive()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lifeless == alive {
		s.log.Warn("whether somebody answers for the addresses changed: without it nothing is renewed", "alive", alive)
	}
	s.lifeless = !alive
	return alive
}

// mendDue mends when something changed, failed before, or is to be renewed.
func (s *Set) mendDue(ctx context.Context) {
	if s.take(ctx) != nil {
		return // Run is ending
	}
	defer s.give()
	now := time.Now()
	s.mu.Lock()
	renew := due(s.renewAt, now)
	look := s.dirty || due(s.retryAt, now) || renew && !s.sound(now)
	s.dirty = false
	s.mu.Unlock()
	switch {
	case look:
		s.mend(now, renew)
	case renew:
		s.planMending(now, true, s.renew(each(s.slots)))
	}
}

// announceDue sends what is due. Each announcement has a turn of its own, so that Release waits for one at most.
func (s *Set) announceDue(ctx context.Context) {
	for range sendsPerRound {
		if s.take(ctx) != nil || !s.announceNext(time.Now()) {
			return
		}
	}
}

// announceNext sends one announcement, if one is due, and gives the turn back that it was called with.
func (s *Set) announceNext(now time.Time) bool {
	defer s.give()
	s.mu.Lock()
	a, ok := s.sched.next(now)
	gap := s.cfg.GARP.Interval
	s.mu.Unlock()
	if !ok {
		return false
	}
	sl := &s.slots[a.addr]
	var wait time.Duration
	var err error
	if sl.Present {
		wait, err = s.announcer.Announce(sl.Interface, sl.Prefix.Addr(), gap, a.repeat)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.held: // Release cleared the schedule meanwhile
		return false
	case wait > 0:
		s.sched.wait(a, now.Add(wait))
		return false
	}
	s.sched.done(a)
	if sl.Present {
		s.noteAnnouncement(sl, now, err)
	}
	return true
}

// noteAnnouncement counts an announcement, and logs the first failure of an address and each change; mu is held. One
// that failed, as on an interface that is not up yet, is made good by another burst.
func (s *Set) noteAnnouncement(sl *slot, now time.Time, err error) {
	before := sl.announceErr
	sl.announceErr = err
	if err == nil {
		s.count.Announcements++
		return
	}
	s.count.AnnounceErrors++
	s.sched.ask(now)
	if before == nil || before.Error() != err.Error() {
		s.log.Warn("an address could not be announced", "address", sl.Prefix, "interface", sl.Interface, "err", err)
	}
}

// deadline says when Run has something to do by itself; zero: only after an event.
func (s *Set) deadline() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := earliest(s.renewAt, s.retryAt, s.sched.deadline())
	if s.lifeless && (s.dirty || !next.IsZero()) {
		return time.Now().Add(retryDelay)
	}
	return next
}
