package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tandem-lb/tandem/internal/bench/poll"
)

const (
	// opening is how many connections Hold opens at a time: clients come in crowds, and what a proxy needed for many handshakes
	// at once stays with it. It is below the backlog of every proxy.
	opening = 400
	// holdPatience bounds how long all of them take.
	holdPatience = time.Minute
)

// hold is connections that stay.
type hold struct {
	*run
	loop   *poll.Loop
	held   int
	since  time.Time // when the last of them was answered
	settle time.Duration
	look   func() error
}

// Hold opens c.Connections connections, has one answer on each, waits for settle and calls look while they are idle. No
// connection may end before look has returned.
func Hold(ctx context.Context, l *poll.Loop, c Config, settle time.Duration, look func() error) error {
	h := &hold{run: newRun(ctx, c, Timing{}), loop: l, settle: settle, look: look}
	for range min(opening, c.Connections) {
		h.next()
	}
	err := l.Run(h.turn)
	h.stop()
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("broken off: %w", context.Cause(ctx))
	}
	if h.result.Err != nil {
		return h.result.Err
	}
	return h.broken
}

// next starts a client.
func (h *hold) next() {
	v := newVisitor(h.run, len(h.clients))
	h.clients = append(h.clients, v)
	v.task = h.loop.Start(func(*poll.Task) {
		if err := h.keep(v); !errors.Is(err, poll.ErrStopped) {
			h.fault(err)
		}
	})
}

// keep is a client's life.
func (h *hold) keep(v *visitor) error {
	c, err := v.dial()
	if err != nil {
		return err
	}
	defer c.close()
	if err := v.exchange(c); err != nil {
		return err
	}
	h.held++
	h.since = time.Now()
	if len(h.clients) < h.Connections {
		h.next()
	}
	n, err := c.Read(v.scratch)
	if err == nil {
		err = fmt.Errorf("%d bytes that nobody asked for", n)
	}
	return fmt.Errorf("an idle connection: %w", err)
}

// turn is the Loop's.
func (h *hold) turn() (wait time.Duration, more bool) {
	now := time.Now()
	switch {
	case h.ctx.Err() != nil || h.result.Errors > 0:
		return 0, false
	case h.held == h.Connections && now.Sub(h.since) >= h.settle:
		h.broken = h.look()
		return 0, false
	case now.Sub(h.began) > holdPatience+h.settle:
		h.broken = fmt.Errorf("%d of %d connections had no answer in %v", h.Connections-h.held, h.Connections, holdPatience)
		return 0, false
	}
	return patience, true
}
