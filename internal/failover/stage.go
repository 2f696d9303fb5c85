package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
)

const (
	// patience bounds the wait for anything that has to come.
	patience = 20 * time.Second
	// beyond is how long a phase waits for the address and the service beyond the protocol's down interval: a system that
	// is not back then has not noticed.
	beyond = 5 * time.Second
	// neighbours is how long a phase waits where they have to find out by themselves: that takes up to half a minute.
	neighbours = 40 * time.Second
)

// stage is the LAN of one scenario, with one system on it.
type stage struct {
	*drill.Pair
	setting setting
	system  system
	site    site
	binary  string // tandem
	dir     string
	struck  netlab.Mark // the latest strike
}

// newStage builds the LAN and starts the system on it. The caller must close it.
func newStage(ctx context.Context, c plan, v setting, kind string, sc scenario) (*stage, error) {
	dir, err := os.MkdirTemp("", "tandem-failover-")
	if err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	s := &stage{setting: v, binary: c.tandem, dir: dir}
	s.Pair, err = drill.NewPair(ctx, drill.PairConfig{Binary: c.tandem, Config: v.tandemConfig(sc.local), Dir: dir, Site: s.site.handler})
	if err != nil {
		_ = os.RemoveAll(dir) // the first error is the one that matters
		return nil, err
	}
	s.system = kinds[kind](s, sc.local)
	if err := s.open(ctx, sc); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// kinds makes the systems, by their names.
var kinds = map[string]func(s *stage, local bool) system{
	"tandem":     func(s *stage, _ bool) system { return tandem{s} },
	"keepalived": func(s *stage, local bool) system { return newKeepalived(s, local) },
}

func (s *stage) open(ctx context.Context, sc scenario) error {
	for _, node := range []string{master, backup} {
		if sc.local {
			if err := s.StartServerAt(ctx, node, localServer); err != nil {
				return err
			}
		}
		if err := s.system.start(ctx, node); err != nil {
			return fmt.Errorf("start %s: %w", node, err)
		}
		if node == master {
			if err := s.AwaitSole(ctx, node); err != nil {
				return err
			}
		}
	}
	if err := s.system.ready(ctx); err != nil {
		return err
	}
	s.StartClient()
	if err := s.AwaitService(ctx, time.Now()); err != nil {
		return err
	}
	if sc.prepare == nil {
		return nil
	}
	return sc.prepare(ctx, s)
}

func (s *stage) close() error { return errors.Join(s.Close(), os.RemoveAll(s.dir)) }

// measure strikes and says what it cost.
func (s *stage) measure(ctx context.Context, ph phase) (r result, err error) {
	before, err := s.hold(ctx)
	if err != nil {
		return r, err
	}
	defer before.close()
	began, err := s.deal(ctx, ph)
	if err != nil {
		return r, err
	}
	late := before
	if lag := s.setting.down() - heldFor/2; ph.late && lag > 0 {
		if late, err = s.holdAfter(ctx, lag); err != nil {
			return r, err
		}
		defer late.close()
	}
	r.settled = s.settle(ctx, ph, began)
	r.lost = most(before.release(), late.release())
	return r, s.look(&r, ph, began)
}

// deal waits for the moment and does the deed.
func (s *stage) deal(ctx context.Context, ph phase) (began time.Time, err error) {
	if ph.align != nil {
		if err := ph.align(ctx, s); err != nil {
			return began, err
		}
	}
	s.struck, began = s.Lab.Mark(), time.Now()
	return began, ph.strike(ctx, s)
}

// look fills in what the client saw, and where the address is.
func (s *stage) look(r *result, ph phase, began time.Time) (err error) {
	seen := s.Record.Since(began)
	r.requests, r.failed, r.outage = seen.Requests, seen.Failed, seen.Outage
	if ph.trouble {
		r.outage = seen.Trouble
	}
	if seen.FirstErr != nil {
		r.err = seen.FirstErr.Error()
	}
	if r.holders, err = s.Holders(); err != nil {
		return err
	}
	if r.sole, err = s.lastMove(began); err != nil || ph.check == nil {
		return err
	}
	return ph.check(s)
}

func (s *stage) holdAfter(ctx context.Context, lag time.Duration) (*held, error) {
	if err := pause(ctx, lag); err != nil {
		return nil, err
	}
	return s.hold(ctx)
}

// hold begins what the client holds.
func (s *stage) hold(ctx context.Context) (*held, error) {
	h := &held{address: netip.AddrPortFrom(drill.VIP, 80).String(), dial: s.Node("client").Dial, grace: grace}
	if err := h.begin(ctx, s.site.begun.Load); err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

// settle waits until the address is where it belongs and requests succeed; it returns false when that does not come.
func (s *stage) settle(ctx context.Context, ph phase, began time.Time) bool {
	limit := s.setting.down() + beyond
	if ph.patient {
		limit = neighbours
	}
	ctx, cancel := context.WithDeadline(ctx, began.Add(limit))
	defer cancel()
	await := s.AwaitSole
	if ph.shared {
		await = s.AwaitHolder
	}
	for ctx.Err() == nil { // those two have a patience of their own, which is shorter than the neighbours'
		if await(ctx, ph.holder) == nil && s.AwaitService(ctx, time.Now()) == nil {
			return true
		}
	}
	return false
}

// lastMove is how long after the strike the address was last added to a node, or removed from one.
func (s *stage) lastMove(began time.Time) (time.Duration, error) {
	events, err := s.Lab.Since(s.struck)
	if err != nil {
		return 0, fmt.Errorf("look at what happened since the fault: %w", err)
	}
	for _, e := range slices.Backward(events) {
		if (e.Kind == netlab.AddressAdded || e.Kind == netlab.AddressRemoved) && e.Address.Addr() == drill.VIP {
			return e.Time.Sub(began), nil
		}
	}
	return 0, nil
}

// await waits for an event from now on.
func (s *stage) await(ctx context.Context, match func(netlab.Event) bool) (netlab.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.Lab.Await(ctx, s.Lab.Mark(), match)
}

func advertOf(node string) func(netlab.Event) bool {
	return func(e netlab.Event) bool { return e.Kind == netlab.AdvertSeen && e.Node == node }
}

// do is a strike on the processes of a node.
func do(d deed, node string) func(context.Context, *stage) error {
	return func(ctx context.Context, s *stage) error { return s.system.do(ctx, d, node) }
}

// eventually waits for what has no event: ok returns nil when it is so, else how things are.
func eventually(ctx context.Context, what string, ok func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := ok()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w; %w", what, ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
