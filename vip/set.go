package vip

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Set is the addresses of one instance. Its methods may be called from any goroutine.
type Set struct {
	// Alive says whether the owner still follows the protocol; nil: always. While it says no, nothing is renewed,
	// put back or announced, so that the lease ends the holding. It is called from Run's goroutine and must not
	// block. Set it before Run.
	Alive func() bool
	// Listener hears who else claims the addresses while they are held; nil: nobody listens. Each claim is answered as
	// Answer does, and shows in Status. Set it before Acquire.
	Listener Listener
	// Contested is told each such claim, after that; nil: nobody is. It is called from the Listener's goroutine and must not
	// block. Set it before Acquire.
	Contested func(Claim)

	kernel    Kernel
	announcer Announcer
	log       hclog.Logger

	wake   chan struct{} // to Run: a deadline may have moved; senders don't block, no one closes, one value says it all
	turn   chan struct{} // holds one value while somebody changes the kernel; a channel, so that waiting for it can end
	deafen func()        // ends listening; nil: nobody listens; belongs to who has the turn

	mu       sync.Mutex
	cfg      Config // GARP with its defaults; changed by who has the turn
	slots    []slot // one an address, in configured order; changed by who has the turn
	strays   []slot // what a reload that failed left behind; belongs to who has the turn
	held     bool   // what the owner wants
	dirty    bool   // the kernel may differ from what it should be
	lifeless bool   // Alive said no
	renewAt  time.Time
	retryAt  time.Time // when to mend again what failed; zero: nothing failed
	sched    schedule
	count    Counters
}

// New returns a Set that holds nothing. log may be nil.
func New(cfg Config, k Kernel, a Announcer, log hclog.Logger) (*Set, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if log == nil {
		log = hclog.NewNullLogger()
	}
	cfg.GARP = cfg.GARP.withDefaults()
	return &Set{
		kernel:    k,
		announcer: a,
		log:       log.Named("vip").With("instance", cfg.Instance),
		wake:      make(chan struct{}, 1),
		turn:      make(chan struct{}, 1),
		cfg:       cfg,
		slots:     newSlots(cfg.Addresses),
		sched:     schedule{garp: cfg.GARP, addrs: len(cfg.Addresses)},
	}, nil
}

// Acquire puts every address into the kernel, each with its lease from the first moment, and returns when all are
// there. From its call on the Set is held: what could not be added is tried again by Run, until Release. On a Set
// that is held it renews.
func (s *Set) Acquire(ctx context.Context) error {
	if err := s.take(ctx); err != nil {
		return fmt.Errorf("acquire addresses of %s: %w", s.instance(), err)
	}
	defer s.give()
	s.mu.Lock()
	s.held = true
	s.mu.Unlock()

	now := time.Now()
	if s.deafen == nil {
		s.listen()
	}
	errs := s.put(each(s.slots), s.cfg.Lease)
	s.planMending(now, true, errs)
	return errors.Join(errs...)
}

// Release takes every address out of the kernel. Announcements that are queued are dropped first, and none is sent
// after it returned. An address that is gone already is fine. What could not be removed is tried again by Run, also
// when ctx ends while another operation has its turn.
func (s *Set) Release(ctx context.Context) error {
	s.mu.Lock()
	s.held = false
	s.sched.stop()
	s.renewAt = time.Time{}
	s.mu.Unlock()
	if err := s.take(ctx); err != nil {
		s.markDirty()
		return fmt.Errorf("release addresses of %s: %w", s.instance(), err)
	}
	defer s.give()

	s.hush()
	errs := append([]error{s.removeStrays()}, s.remove(each(s.slots)...)...)
	s.planMending(time.Now(), false, errs)
	return errors.Join(errs...)
}

// Announce tells the LAN of a takeover: one burst at once, another after the delay, then the refreshes. It only
// plans, and does nothing while the addresses are not held.
func (s *Set) Announce() { s.plan((*schedule).takeover) }

// Answer asks for one burst, on a sign that somebody else held an address too. It is spread over a second, so that the
// last word is ours. There is at most one such burst a second: a sign while one goes on brings a single announcement,
// 50 ms after the one before at the earliest, and another burst at its end.
func (s *Set) Answer() { s.plan((*schedule).contest) }

func (s *Set) plan(what func(*schedule, time.Time)) {
	s.mu.Lock()
	if s.held {
		what(&s.sched, time.Now())
	}
	s.mu.Unlock()
	s.rouse()
}

// ClearLeftovers removes configured addresses, with their very prefix length, that a former run left, and returns
// those that it found. While the Set is held nothing is a leftover. An interface that does not exist has none.
func (s *Set) ClearLeftovers(ctx context.Context) (removed []Address, err error) {
	if err := s.take(ctx); err != nil {
		return nil, fmt.Errorf("clear leftovers of %s: %w", s.instance(), err)
	}
	defer s.give()
	if s.isHeld() {
		return nil, nil
	}
	var errs []error
	list := lister{kernel: s.kernel}
	for i := range s.slots {
		sl := &s.slots[i]
		h, there, err := list.find(sl.Address)
		if errors.Is(err, ErrNoInterface) {
			continue
		}
		there = there && h.Prefix == sl.Prefix
		if err == nil && there {
			err = s.remove(sl)[0]
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if there {
			s.log.Warn("removed an address that a former run left", "address", sl.Prefix, "interface", sl.Interface)
			removed = append(removed, sl.Address)
		}
	}
	return removed, errors.Join(errs...)
}

// take waits for the turn to change the kernel; give returns it.
func (s *Set) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Set) give() { <-s.turn }

func (s *Set) isHeld() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

func (s *Set) instance() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg.Instance
}

// markDirty has Run compare the kernel with what it should be.
func (s *Set) markDirty() {
	s.mu.Lock()
	s.dirty = true
	s.mu.Unlock()
	s.rouse()
}

func (s *Set) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
