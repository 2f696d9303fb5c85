package vrrp

import (
	"fmt"
	"slices"
	"time"
)

// FlapDamping keeps a router that ceases to be Master again and again from preempting. The zero value is none. A master
// that is silent, or resigns, is replaced all the same.
type FlapDamping struct {
	Transitions int           // so often within Window is too often: 2 to 100
	Window      time.Duration // 1 s to 24 h
	Hold        time.Duration // how long a live master is left alone then, from the last time on; 1 s to 24 h
}

// The bounds of FlapDamping. Once is no flapping, and the times are kept.
const (
	minFlaps, maxFlaps     = 2, 100
	minDamping, maxDamping = time.Second, 24 * time.Hour
)

func (d FlapDamping) validate(instance string) error {
	switch {
	case d == FlapDamping{}:
		return nil
	case d.Transitions < minFlaps || d.Transitions > maxFlaps:
		return fmt.Errorf("instance %s: flap damping after %d transitions, want %d to %d", instance, d.Transitions, minFlaps, maxFlaps)
	case d.Window < minDamping || d.Window > maxDamping:
		return fmt.Errorf("instance %s: flap damping within %v, want %v to %v", instance, d.Window, minDamping, maxDamping)
	case d.Hold < minDamping || d.Hold > maxDamping:
		return fmt.Errorf("instance %s: flap damping for %v, want %v to %v", instance, d.Hold, minDamping, maxDamping)
	}
	return nil
}

// damping is what a router remembers of its own flapping.
type damping struct {
	losses []time.Time // when it ceased to be Master, the last FlapDamping.Transitions times
	until  time.Time   // no preemption before
}

// lost notes that the router ceased to be Master.
func (d *damping) lost(now time.Time, cfg FlapDamping) {
	if cfg == (FlapDamping{}) {
		return
	}
	d.losses = append(d.losses, now)
	d.losses = slices.Delete(d.losses, 0, max(len(d.losses)-cfg.Transitions, 0))
	if len(d.losses) == cfg.Transitions && now.Sub(d.losses[0]) <= cfg.Window {
		d.until = now.Add(cfg.Hold)
	}
}

// holds reports whether the router leaves a live master alone.
func (d *damping) holds(now time.Time) bool { return now.Before(d.until) }
