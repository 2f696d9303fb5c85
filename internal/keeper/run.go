package keeper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/internal/child"
)

const (
	// replyWait bounds the wait for a reply, which takes well below a millisecond. A keeper that needs longer is of no use: it
	// is killed, and another one started.
	replyWait = time.Second
	// startWait bounds the wait for the first reply, on a machine that is busy starting everything else.
	startWait = 5 * time.Second
	// lateLook is how long a reply is looked for once more when the time is up: it may be this process that was not let run,
	// and the reply is there.
	lateLook = 100 * time.Millisecond
	// pingEvery is how often the keeper is asked whether it answers. Its end is noticed at once, without a ping.
	pingEvery = 500 * time.Millisecond
)

// capabilities is what the keeper needs to carry out a will.
func capabilities() []uintptr { return []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW} }

// Run watches the keeper until ctx ends or Close: one that ended, or doesn't answer, is replaced by another one that
// gets the present wills and beats. It leaves the keeper running.
func (c *Client) Run(ctx context.Context) error {
	c.talk.Lock()
	proc := c.proc
	c.talk.Unlock()
	if proc == nil {
		return nil // closed
	}
	ctx, cancel := context.WithCancel(ctx)
	var pings sync.WaitGroup
	pings.Go(func() { c.ping(ctx) })
	err := child.Keep(ctx, proc, c.ended, c.start, c.log)
	cancel()
	pings.Wait()
	return err
}

func (c *Client) ping(ctx context.Context) {
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			c.talk.Lock()
			_ = c.ask(request{Kind: askPing}) // who does not answer is killed, and that is noticed
			c.talk.Unlock()
		}
	}
}

// ended notes that the keeper has ended.
func (c *Client) ended(how string) {
	c.talk.Lock()
	defer c.talk.Unlock()
	c.proc = nil
	c.heart.Store(nil)
	if c.closed {
		return
	}
	c.mu.Lock()
	c.status.Restarts++
	c.status.PID = 0
	c.mu.Unlock()
	c.log.Error("the keeper has ended, starting another one", "err", how)
}

// start starts a keeper and tells it the present state.
func (c *Client) start() (*child.Process, error) {
	c.talk.Lock()
	defer c.talk.Unlock()
	if c.closed {
		return nil, child.ErrClosed
	}
	p, err := c.spawn()
	if err != nil {
		return nil, err
	}
	c.proc = p
	if err := c.brief(p); err != nil {
		c.proc = nil
		return nil, fmt.Errorf("start %s: %w (it ended: %s)", ProcessName, err, p.End())
	}
	c.beating()
	return p, nil
}

func (c *Client) spawn() (*child.Process, error) {
	self, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return nil, fmt.Errorf("open a pidfd of this process: %w", err)
	}
	daemon := os.NewFile(uintptr(self), "daemon")
	defer func() { _ = daemon.Close() }() // the child has a copy
	return child.Start(child.Config{
		Name:         ProcessName,
		Args:         []string{c.cfg.Name},
		Path:         c.cfg.Path,
		Files:        []*os.File{daemon, c.cfg.LockFile, c.shared},
		Capabilities: capabilities(),
	})
}

// brief tells a new keeper everything. What it can't do, it can't do at the next start either: that is logged.
func (c *Client) brief(p *child.Process) error {
	c.denied = nil
	hello := &hello{
		Dir: c.cfg.Dir, Name: c.cfg.Name, Silence: c.cfg.Silence, LogJSON: c.cfg.LogJSON, RTPriority: c.cfg.RTPriority, NoSwap: c.cfg.NoSwap,
	}
	requests := []request{{Kind: askHello, Hello: hello}}
	for _, name := range slices.Sorted(maps.Keys(c.wills)) {
		requests = append(requests, request{Kind: askWill, Instance: name, Will: c.wills[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(c.beats)) {
		b := c.beats[name]
		slot := (*c.slots.Load())[name] // it has had one since its SetBeat
		requests = append(requests, request{Kind: askBeat, Instance: name, Slot: slot, Beat: &b, Resumed: true})
	}
	wait := startWait
	for _, r := range requests {
		answer, err := c.exchange(p, r, wait)
		if err != nil {
			return err
		}
		if answer.Err != "" && r.Kind == askHello {
			c.denied = fmt.Errorf("keeper: %s", answer.Err) // a later one works without, for it is needed
		}
		if answer.Err != "" {
			c.log.Error("the new keeper refuses", "instance", r.Instance, "err", answer.Err)
		}
		wait = replyWait
	}
	return nil
}

// ask makes a request of the present keeper and learns where heartbeats go then. One that doesn't answer is killed. The
// caller holds talk.
func (c *Client) ask(r request) error {
	if c.proc == nil || c.closed {
		return ErrNotRunning
	}
	answer, err := c.exchange(c.proc, r, replyWait)
	if err != nil {
		c.heart.Store(nil)
		c.proc.Kill()
		return errors.Join(ErrNotRunning, err)
	}
	c.beating()
	if answer.Err != "" {
		return errors.New(answer.Err)
	}
	return nil
}

// exchange sends one request and reads the reply to it. The caller holds talk, so no other reply can be under way.
func (c *Client) exchange(p *child.Process, r request, wait time.Duration) (reply, error) {
	message, err := encodeRequest(r)
	if err != nil {
		return reply{Err: err.Error()}, nil
	}
	if err := p.Conn().SetDeadline(time.Now().Add(wait)); err != nil {
		return reply{}, err
	}
	if _, err := p.Conn().Write(message); err != nil {
		return reply{}, fmt.Errorf("ask the keeper: %w", err)
	}
	n, err := p.Conn().Read(c.buf)
	if errors.Is(err, os.ErrDeadlineExceeded) && p.Conn().SetReadDeadline(time.Now().Add(lateLook)) == nil {
		n, err = p.Conn().Read(c.buf)
	}
	if err != nil {
		return reply{}, fmt.Errorf("hear the keeper: %w", err)
	}
	var answer reply
	if err := json.Unmarshal(c.buf[:n], &answer); err != nil {
		return reply{}, fmt.Errorf("understand the keeper: %w", err)
	}
	c.mu.Lock()
	c.status = Status{PID: p.PID(), Restarts: c.status.Restarts, Wills: len(c.wills), Beats: len(c.beats), Counters: answer.Counters}
	c.mu.Unlock()
	return answer, nil
}
