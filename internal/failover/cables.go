package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
)

// errMissed says that something did not happen in the order that was wanted.
var errMissed = errors.New("the order was missed")

// cableScenarios are what happens to cables between the balancers and the rest.
func cableScenarios() []scenario {
	return []scenario{
		{name: "pulled", phases: []phase{
			{row: "cable pulled on the master (carrier lost)", align: justAdvertised,
				strike: func(ctx context.Context, s *stage) error { return s.Cable(master).Pull(ctx) },
				holder: backup, bound: setting.silence, why: "3 x interval + skew + 50 ms"},
			{row: "its cable back: failback", late: true, strike: restore(master), holder: master, bound: setting.contest, why: "a contest",
				later: nothingLost},
		}},
		{name: "dead", phases: []phase{
			{row: "cable of the master dead (carrier stays)", align: justAdvertised,
				strike: func(_ context.Context, s *stage) error { return s.Cable(master).Mute() },
				holder: backup, shared: true, bound: setting.silence, why: "3 x interval + skew + 50 ms"},
			{row: "its frames pass again: failback", strike: restore(master), holder: master, patient: true, bound: setting.contest, why: "a contest"},
		}},
		{name: "one-way-out", local: true, prepare: steady, phases: []phase{
			{row: "frames from the master lost, one way", align: justAdvertised,
				strike: func(_ context.Context, s *stage) error { return s.Cable(master).MuteOut() },
				holder: backup, shared: true, bound: setting.silence, why: "3 x interval + skew + 50 ms"},
			{row: "frames from the master pass again", strike: restore(master), holder: master, patient: true, bound: setting.contest, why: "a contest"},
		}},
		{name: "one-way-in", local: true, prepare: steady, phases: []phase{
			{row: "frames to the backup lost, one way",
				strike: func(ctx context.Context, s *stage) error {
					return errors.Join(s.Cable(backup).MuteIn(), s.AwaitHolder(ctx, backup))
				},
				holder: master, shared: true, patient: true, bound: setting.contest, why: "a contest"},
			{row: "frames to the backup pass again", strike: restore(backup), holder: master, patient: true, bound: setting.contest, why: "a contest"},
		}},
		heals("partition heals, the loser hears the winner first", master),
		heals("partition heals, the winner hears the loser first", backup),
	}
}

// heals is a partition with the client on the backup's side, which loses, and its end.
func heals(row, first string) scenario {
	return scenario{name: "heal-" + first + "-first", local: true, prepare: partition, phases: []phase{
		{row: row, align: order(first), strike: restore(master), check: firstHeard(first), holder: master, patient: true,
			bound: setting.contest, why: "a contest"},
	}}
}

// order waits for the moment from which on the next advert will be that of first. Only the backup, which the client's side
// hears, tells its phase: some time after its advert, when it has been answered, the next one is the master's, and just
// before it its own, most likely.
func order(first string) func(context.Context, *stage) error {
	return func(ctx context.Context, s *stage) error {
		after := s.setting.interval / 5
		if first == backup {
			after = s.setting.interval * 4 / 5
		}
		e, err := s.await(ctx, advertOf(backup))
		if err != nil {
			return err
		}
		return pause(ctx, time.Until(e.Time.Add(after)))
	}
}

// firstHeard returns nil when the first advert since the strike was that of a node. Where figures are told the adverts are
// as close to each other as a machine's own delays, so that any order will do.
func firstHeard(node string) func(*stage) error {
	return func(s *stage) error {
		events, err := s.Lab.Since(s.struck)
		if err != nil || s.setting.told {
			return err
		}
		i := slices.IndexFunc(events, func(e netlab.Event) bool { return e.Kind == netlab.AdvertSeen })
		if i < 0 || events[i].Node != node {
			return fmt.Errorf("%w: %s was not heard first", errMissed, node)
		}
		return nil
	}
}

func restore(node string) func(context.Context, *stage) error {
	return func(ctx context.Context, s *stage) error { return s.Cable(node).Restore(ctx) }
}

// justAdvertised waits for the next advert of the master: silence that begins now takes longest to be noticed.
func justAdvertised(ctx context.Context, s *stage) error {
	_, err := s.await(ctx, advertOf(master))
	return err
}

// steady waits until the master has announced the address for the second time, as both systems do 5 s after they took it:
// an announcement that happens to be due would hide that one is missing.
func steady(ctx context.Context, s *stage) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var first time.Time
	_, err := s.Lab.Await(ctx, 0, func(e netlab.Event) bool {
		if e.Node != master || !e.Gratuitous(drill.VIP) {
			return false
		}
		if first.IsZero() {
			first = e.Time
		}
		return e.Time.Sub(first) > 4*time.Second
	})
	if err != nil {
		return fmt.Errorf("wait for the second announcement: %w", err)
	}
	return nil
}

// partition cuts the master off from the backup and the client, and waits until the backup serves.
func partition(ctx context.Context, s *stage) error {
	if err := steady(ctx, s); err != nil {
		return err
	}
	if err := justAdvertised(ctx, s); err != nil {
		return err
	}
	if err := s.Cable(master).Mute(); err != nil {
		return err
	}
	if err := s.AwaitHolder(ctx, backup); err != nil {
		return err
	}
	return s.AwaitService(ctx, time.Now())
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
