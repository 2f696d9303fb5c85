package daemon

import (
	"context"
	"time"

	"github.com/tandem-lb/tandem/internal/keeper"
	"github.com/tandem-lb/tandem/internal/notify"
	"github.com/tandem-lb/tandem/internal/status"
	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vrrp"
)

const (
	// acquireTimeout bounds putting the addresses into the kernel: a node that needs longer had better not be master.
	acquireTimeout = 5 * time.Second
	// releaseRetry is the pause between two tries to take an address out of the kernel.
	releaseRetry = 200 * time.Millisecond
)

// do is the state machine's executor. It only queues: the machine never waits.
func (i *instance) do(a vrrp.Action) {
	switch a := a.(type) {
	case vrrp.AcquireAddresses:
		i.beat.newTerm()
		i.exec.do(func(ctx context.Context) { i.acquire(ctx, a.Epoch) })
	case vrrp.ReleaseAddresses:
		i.exec.do(i.release)
	case vrrp.Announce:
		i.vips.Answer()
	case vrrp.Transition:
		at := time.Now()
		i.exec.do(func(context.Context) { i.transition(at, a) })
	}
}

// acquire is a takeover after the first advert: will, addresses, gates, gratuitous ARP. The will comes before the
// addresses, so that no moment of holding them is without one. A term that ended while this waited for its turn takes
// nothing: another router may hold the addresses by now.
func (i *instance) acquire(ctx context.Context, epoch uint64) {
	if m := i.router.StatusOf(i.name); m.Epoch != epoch || m.Resigning {
		return
	}
	i.leaveWill(i.applied.Addresses)
	ctx, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	if err := i.vips.Acquire(ctx); err != nil {
		i.router.Post(i.name, vrrp.AddressFailed{Err: err})
		return
	}
	i.gates.open(i.name, i.applied.Addresses)
	i.vips.Announce()
	i.router.Post(i.name, vrrp.AddressesReady{})
}

// release gives the addresses up: accepting pauses while the sockets stay open, so that nobody gets a reset; the
// addresses leave the kernel; then the machine may say so; then connections that can get no further packet are ended.
func (i *instance) release(ctx context.Context) {
	addresses := i.applied.Addresses
	i.gates.close(i.name, addresses)
	i.takeOut(ctx)
	i.beat.flush(ctx) // no advert of the keeper may follow the one that resigns
	i.router.Post(i.name, vrrp.AddressesReleased{})
	i.gates.hangUp(addresses)
}

// takeOut takes the addresses out of the kernel. It tries for as long as the machine waits for it; afterwards the loop of
// the addresses goes on trying, and their Status and the log tell why.
func (i *instance) takeOut(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, vrrp.ReleaseTimeout)
	defer cancel()
	for i.vips.Release(ctx) != nil {
		select {
		case <-ctx.Done():
			return
		case <-time.After(releaseRetry):
		}
	}
}

// transition follows the machine's change of state, after all that led to it was carried out.
func (i *instance) transition(at time.Time, t vrrp.Transition) {
	from, to := t.From.String(), t.To.String()
	i.log.Info("state changed", "from", from, "to", to, "priority", t.Priority, "reason", t.Reason)
	if t.To != vrrp.Master {
		if err := i.keeper.SetWill(i.name, nil); err != nil {
			i.log.Error("keeper did not cancel the will", "err", err)
		}
	}
	i.mu.Lock()
	i.transitions = status.Remember(i.transitions, status.Transition{Time: at, From: from, To: to, Reason: t.Reason})
	i.mu.Unlock()
	if t.To == vrrp.Initialize {
		to = "STOP" // the word that Keepalived's scripts know
	}
	i.notify.Post(notify.Event{State: to, Priority: t.Priority, Epoch: t.Epoch, Reason: t.Reason})
}

// leaveWill leaves the will for these addresses with the keeper.
func (i *instance) leaveWill(addresses []vip.Address) {
	if err := i.keeper.SetWill(i.name, i.will(addresses)); err != nil {
		i.log.Error("keeper took no will: until it does the lease alone guards the addresses", "err", err)
	}
}

// renewWill replaces the will of a master whose circumstances changed.
func (i *instance) renewWill(context.Context) {
	if i.vips.Status().Held {
		i.leaveWill(i.applied.Addresses)
	}
}

// will is what the keeper does when this daemon cannot: the addresses go, then the peer hears that they have.
func (i *instance) will(addresses []vip.Address) []keeper.Op {
	var ops []keeper.Op
	for _, a := range addresses {
		ops = append(ops, keeper.RemoveAddress{Interface: a.Interface, Prefix: a.Prefix})
	}
	i.mu.Lock()
	cfg, source := i.cfg.VRRP, i.source
	i.mu.Unlock()
	packets, err := vrrp.Resignation(cfg, source)
	if err != nil { // no source: the interface is dead, and the peer finds out by itself
		i.log.Warn("the last will says no farewell", "err", err)
		return ops
	}
	for _, p := range packets {
		ops = append(ops, keeper.SendPacket{Interface: cfg.Interface, Dst: p.Dst, Data: p.Data, Signer: keeper.Signer{Signer: p.Signer}})
	}
	return ops
}
