package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"github.com/tandem-lb/tandem/internal/status"
)

// tandem is a pair of Tandem nodes: VRRP and the proxy are one process each.
type tandem struct{ *stage }

func (t tandem) start(_ context.Context, node string) error { return t.StartDaemon(node) }

func (t tandem) do(ctx context.Context, d deed, node string) error {
	switch d {
	case killVRRP, killProxy:
		return t.Daemon(node).Signal(syscall.SIGKILL)
	case freezeVRRP, freezeProxy:
		return t.Daemon(node).Signal(syscall.SIGSTOP)
	case stopAll:
		return t.Daemon(node).Signal(syscall.SIGTERM)
	case startAll:
		select {
		case <-t.Daemon(node).Done():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		return t.StartDaemon(node)
	case drain:
		return os.WriteFile(t.Node(node).Path(drainFile), []byte(drained), 0o644)
	case undrain:
		return os.WriteFile(t.Node(node).Path(drainFile), []byte(undrained), 0o644)
	case handover: // it ends when the other node has the address, which is what is measured
		_, err := t.Node(node).Start(exec.Command(t.binary, "handover"))
		return err
	case release:
		_, err := t.Command(ctx, node, "handover", "--release")
		return err
	case reload:
		_, err := t.Command(ctx, node, "reload")
		return err
	}
	return fmt.Errorf("no deed %d of Tandem's", d)
}

func (t tandem) ready(ctx context.Context) error {
	for node, state := range map[string]string{master: status.Master, backup: status.Backup} {
		err := eventually(ctx, node+" is a healthy "+state, func() error { return t.is(ctx, node, state) })
		if err != nil {
			return err
		}
	}
	return t.AwaitSole(ctx, master)
}

// is returns nil when a node is in a state, hears its peer, has no reason to hold back, and its servers are healthy.
func (t tandem) is(ctx context.Context, node, state string) error {
	out, err := t.Command(ctx, node, "status", "--json")
	if err != nil {
		return err
	}
	var s status.Snapshot
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		return fmt.Errorf("status of %s: %w", node, err)
	}
	if len(s.Instances) != 1 {
		return fmt.Errorf("status of %s: %d instances, want one", node, len(s.Instances))
	}
	i := s.Instances[0]
	hears := state == status.Master || i.Peer != nil && s.Time.Sub(i.Peer.Heard) < t.setting.interval+time.Second
	sick := slices.ContainsFunc(s.Backends, func(b status.Backend) bool { return b.Healthy < len(b.Servers) })
	if i.State != state || !hears || sick || len(i.Holds) > 0 {
		return fmt.Errorf("it is %s, hears its peer: %t, has sick servers: %t, holds back for %q", i.State, hears, sick, i.Holds)
	}
	return nil
}
