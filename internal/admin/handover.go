package admin

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The bounds of a handover: a shorter one is over before the other node has spoken, and one that is longer was forgotten.
const (
	MinHandover = time.Second
	MaxHandover = 24 * time.Hour
)

// Handover is what became of one instance by a handover, or by its release.
type Handover struct {
	Instance string    `json:"instance"`
	State    string    `json:"state"`          // when it was asked; a MASTER looks for a successor now, or resigns
	Epoch    uint64    `json:"epoch"`          // as well; it grows when it is MASTER no more
	Held     bool      `json:"held"`           // it leaves a live master alone; after a release: it did
	Until    time.Time `json:"until,omitzero"` // until then
}

// CheckHandover says why a handover cannot last for d.
func CheckHandover(d time.Duration) error {
	if d < MinHandover || d > MaxHandover {
		return fmt.Errorf("a handover for %v: want %v to %v", d, MinHandover, MaxHandover)
	}
	return nil
}

// runHandover answers before anybody has taken over: status tells.
func runHandover(_ context.Context, n Node, args []string) (string, error) {
	if len(args) == 0 {
		return "", errors.New("handover takes a duration, with now before it or not, or the word release, and instances")
	}
	atOnce := args[0] == "now" && len(args) > 1
	if atOnce {
		args = args[1:]
	}
	if args[0] == "release" && !atOnce {
		return handovers(n.Release(args[1:]))
	}
	d, err := time.ParseDuration(args[0])
	if err != nil {
		return "", fmt.Errorf("handover takes a duration or the word release first, got %q", args[0])
	}
	if err := CheckHandover(d); err != nil {
		return "", err
	}
	return handovers(n.Handover(args[1:], d, atOnce))
}

func handovers(done []Handover, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return document(done)
}
