package vip

import (
	"errors"
	"slices"
	"time"
)

const (
	// retryDelay is how long what failed waits until it is tried again: short beside the shortest lease.
	retryDelay = 250 * time.Millisecond
	// expiryGrace is how long an address whose lease ended stays away. It ended because this process did not run, and
	// the owner may have lost the state of master meanwhile: it gets the time to read its socket and release.
	expiryGrace = time.Second
	// putBackGap is the least time between two times an address is put back: whoever deletes it whenever it appears
	// gets no busy loop out of us.
	putBackGap = 100 * time.Millisecond
)

// slot is one address and what became of it. Who has the turn writes it, with mu held.
type slot struct {
	AddressStatus
	notBefore   time.Time // it is not put back before this
	announceErr error     // how its last announcement ended
}

func newSlots(addrs []Address) []slot {
	slots := make([]slot, len(addrs))
	for i, a := range addrs {
		slots[i].Address = a
	}
	return slots
}

// remove takes the addresses out of the kernel, and returns one error for each. It has the turn.
func (s *Set) remove(slots ...*slot) []error {
	errs := s.kernel.Delete(addressesOf(slots))
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, sl := range slots {
		sl.Present = sl.Present && errs[i] != nil
		sl.NoInterface = false
		s.noteError(sl, errs[i])
	}
	return errs
}

// record notes how adding or renewing ended that began at the given time.
func (s *Set) record(sl *slot, began time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		sl.Present, sl.LeasedAt, sl.notBefore = true, began, time.Time{}
	}
	sl.NoInterface = errors.Is(err, ErrNoInterface)
	if sl.NoInterface {
		sl.Present = false
	}
	s.noteError(sl, err)
}

// noteError counts an error, and logs the first one and each change; mu is held.
func (s *Set) noteError(sl *slot, err error) {
	before := sl.Err
	sl.Err = err
	switch {
	case err != nil:
		s.count.KernelErrors++
		if before == nil || before.Error() != err.Error() {
			s.log.Warn("an address is not as it should be", "address", sl.Prefix, "interface", sl.Interface, "err", err)
		}
	case before != nil:
		s.log.Info("an address is as it should be again", "address", sl.Prefix, "interface", sl.Interface)
	}
}

// mend compares the kernel with what it should be and mends the difference. It has the turn.
func (s *Set) mend(now time.Time, renew bool) {
	if !s.isHeld() {
		s.removeRest(now)
		return
	}
	errs := []error{s.removeStrays()}
	list := lister{kernel: s.kernel}
	var stale []*slot
	for i := range s.slots {
		sl := &s.slots[i]
		if !s.isHeld() {
			return // Release waits for the turn, and will remove what is here
		}
		h, there, err := list.find(sl.Address)
		switch {
		case err != nil:
			s.record(sl, now, err)
		case !there:
			err = s.putBack(sl)
		case h.Tentative:
			err = s.undeafen(sl, h)
		case !fits(h, sl.Address, s.cfg.Lease):
			err = s.renewed(sl, time.Now(), s.adopt(sl.Address, h, true, s.cfg.Lease))
		case renew || !sl.Present:
			stale = append(stale, sl)
		}
		errs = append(errs, err)
	}
	errs = append(errs, s.renew(stale)...)
	s.planMending(now, renew, errs)
}

// removeRest tries again to remove what Release could not.
func (s *Set) removeRest(now time.Time) {
	errs := []error{s.removeStrays()}
	rest := slices.DeleteFunc(each(s.slots), func(sl *slot) bool { return !sl.Present })
	errs = append(errs, s.remove(rest...)...)
	s.planMending(now, false, errs)
}

// removeStrays removes the addresses that no configuration has any more. It has the turn.
func (s *Set) removeStrays() error {
	var errs []error
	rest := s.strays[:0]
	for _, sl := range s.strays {
		err := s.remove(&sl)[0]
		if err != nil {
			rest = append(rest, sl)
		}
		errs = append(errs, err)
	}
	s.strays = rest
	return errors.Join(errs...)
}

// Why an address is not put back at once.
var (
	errExpired   = errors.New("its lease ended: it was not renewed in time")
	errContested = errors.New("somebody keeps deleting it")
	errDeaf      = errors.New("the kernel does not answer for it: duplicate address detection")
)

// putBack adds an address that the kernel does not have, and has it announced.
func (s *Set) putBack(sl *slot) error {
	now := time.Now() // after the kernel was asked, which may be long after it was decided to ask
	if s.noteLoss(sl, now); now.Before(sl.notBefore) {
		return sl.Err
	}
	if err := s.put([]*slot{sl}, s.cfg.Lease)[0]; err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count.ReAdds++
	sl.notBefore = now.Add(putBackGap)
	if s.held {
		s.sched.ask(now)
	}
	return nil
}

// undeafen makes the kernel answer for an address that duplicate address detection keeps silent. Whoever put it there
// that way has replaced ours; and whom the detection found is another holder, which the protocol decided against.
func (s *Set) undeafen(sl *slot, h Held) error {
	now := time.Now()
	if s.noteDeafness(sl, h, now); now.Before(sl.notBefore) {
		return sl.Err
	}
	err := s.adopt(sl.Address, h, true, s.cfg.Lease)
	s.record(sl, now, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	sl.notBefore = now.Add(putBackGap)
	if s.held && err == nil {
		s.sched.ask(now)
	}
	return err
}

// noteDeafness counts an address that the kernel does not answer for, unless that was a moment ago.
func (s *Set) noteDeafness(sl *slot, h Held, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sl.Err = errDeaf // until it is mended, which is now unless it was a moment ago
	if now.Before(sl.notBefore) {
		return
	}
	s.count.DADFailures++
	s.log.Warn("duplicate address detection silenced an address while held",
		"address", sl.Prefix, "interface", sl.Interface, "failed", h.DADFailed)
}

// noteLoss counts why an address that was there is there no more.
func (s *Set) noteLoss(sl *slot, now time.Time) {
	if !sl.Present {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sl.Present = false
	if s.cfg.Lease > 0 && !now.Before(sl.LeasedAt.Add(s.cfg.Lease)) {
		s.count.Expiries++
		sl.Err, sl.notBefore = errExpired, now.Add(expiryGrace)
		s.log.Error("the lease of an address ended while held", "address", sl.Prefix, "interface", sl.Interface)
		return
	}
	s.count.ForeignDeletions++
	sl.Err = errContested // until it is put back, which is now unless that was a moment ago
	s.log.Warn("somebody deleted an address while held", "address", sl.Prefix, "interface", sl.Interface)
}

// sound reports whether every address is surely there, as no event has told otherwise: then a renewal need not list the
// interface first, which costs more than the renewal where hundreds of instances have addresses on it. mu is held.
func (s *Set) sound(now time.Time) bool {
	return !slices.ContainsFunc(s.slots, func(sl slot) bool {
		return !sl.Present || sl.Err != nil || !now.Before(sl.LeasedAt.Add(s.cfg.Lease))
	}) && len(s.strays) == 0
}

// renew gives addresses that are there a fresh lease, unless Release waits for the turn.
func (s *Set) renew(slots []*slot) []error {
	if len(slots) == 0 || !s.isHeld() {
		return nil
	}
	began := time.Now()
	errs := s.kernel.Renew(addressesOf(slots), s.cfg.Lease)
	for i, sl := range slots {
		errs[i] = s.renewed(sl, began, errs[i])
	}
	return errs
}

// renewed notes how a renewal ended that began at the given time, and returns that.
func (s *Set) renewed(sl *slot, began time.Time, err error) error {
	s.record(sl, began, err)
	if err == nil && s.cfg.Lease > 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.count.Renewals++
	}
	return err
}

// planMending sets the deadlines after the kernel was brought up to date at now, with the errors that this had. A
// missing interface needs no deadline: its coming is an event.
func (s *Set) planMending(now time.Time, renewed bool, errs []error) {
	failed := slices.ContainsFunc(errs, func(err error) bool { return err != nil && !errors.Is(err, ErrNoInterface) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retryAt = time.Time{}
	if failed {
		s.retryAt = now.Add(retryDelay)
	}
	switch {
	case !s.held || s.cfg.Lease == 0:
		s.renewAt = time.Time{}
	case renewed && failed:
		s.renewAt = s.retryAt
	case renewed:
		s.renewAt = now.Add(s.cfg.Lease / 3)
	}
	s.rouse()
}
