package daemon

import (
	"context"
	"net/netip"

	"github.com/tandem-lb/tandem/internal/keeper"
	"github.com/tandem-lb/tandem/vip"
)

// KeeperMain is the keeper's process. It returns the exit status.
func KeeperMain() int {
	effects, err := newEffects()
	if err != nil {
		keeper.Words(false).Error("no way to remove addresses", "err", err)
		return 1
	}
	defer effects.close()
	return keeper.Main(effects)
}

var _ keeper.Effects = (*effects)(nil)

// effects is what a keeper does to the world.
type effects struct{ remover *vip.Remover }

func newEffects() (*effects, error) {
	r, err := vip.OpenRemover()
	if err != nil {
		return nil, err
	}
	return &effects{remover: r}, nil
}

func (e *effects) close() { _ = e.remover.Close() } // the process ends, or has what it wanted

// RemoveAddress implements keeper.Effects.
func (e *effects) RemoveAddress(ifname string, prefix netip.Prefix) error {
	return e.remover.Remove(ifname, prefix)
}

// Replay carries out the last will that a former run of a node left in the runtime directory, and says how many
// instances had one. It takes the node's lock: a running daemon's addresses are no leftovers.
func Replay(ctx context.Context, dir, node string) (int, error) {
	lock, err := lockNode(ctx, dir, node)
	if err != nil {
		return 0, err
	}
	defer func() { _ = lock.Close() }() // closing gives the lock back
	effects, err := newEffects()
	if err != nil {
		return 0, err
	}
	defer effects.close()
	return keeper.Replay(dir, node, effects)
}
