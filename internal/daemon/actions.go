package daemon

import (
	"context"
	"time"

	"github.com/tandem-lb/tandem/internal/keeper"
	"github.com/tandem-lb/tandem/internal/notify"
	"github.com/tandem-lb/tandem/internal/status"
	"github.com/tandem-lb/tandem/proxy"
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
func (i *instance) do(_ string, a vrrp.Action) {
	switch a := a.(type) {
	case vrrp.AcquireAddresses:
		i.exec.do(i.acquire)
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
// addresses, so that no moment of holding them is without one.
func (i *instance) acquire(ctx context.Context) {
	addresses := i.applied.Addresses
	if err := i.host.keeper.SetWill(i.name(), i.will(addresses)); err != nil {
		i.log.Error("keeper took no will: the lease alone guards the addresses", "err", err)
	}
	ctx, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	if err := i.vips.Acquire(ctx); err != nil {
		i.group.Post(i.name(), vrrp.AddressFailed{Err: err})
		return
	}
	i.setGates(addresses, proxy.Open)
	i.vips.Announce()
	i.group.Post(i.name(), vrrp.AddressesReady{})
}

// release gives the addresses up: accepting pauses while the sockets stay open, so that nobody gets a reset; the
// addresses leave the kernel; then the machine may say so; then connections that can get no further packet are ended.
func (i *instance) release(ctx context.Context) {
	addresses := i.applied.Addresses
	i.setGates(addresses, proxy.Closed)
	for i.vips.Release(ctx) != nil { // its Status and the log tell why
		select {
		case <-ctx.Done():
			return
		case <-time.After(releaseRetry):
		}
	}
	i.beat.flush(ctx) // no advert of the keeper may follow the one that resigns
	i.group.Post(i.name(), vrrp.AddressesReleased{})
	i.endConnections(addresses)
}

func (i *instance) setGates(addresses []vip.Address, s proxy.GateState) {
	for _, a := range addresses {
		i.proxy.Gate(a.Prefix.Addr()).Set(s)
	}
}

func (i *instance) endConnections(addresses []vip.Address) {
	for _, a := range addresses {
		if n := i.proxy.EndConnections(a.Prefix.Addr()); n > 0 {
			i.log.Info("ended connections of a lost address", "address", a.Prefix.Addr(), "connections", n)
		}
	}
}

// transition follows the machine's change of state, after all that led to it was carried out.
func (i *instance) transition(at time.Time, t vrrp.Transition) {
	i.log.Info("state changed", "from", t.From.String(), "to", t.To.String(), "priority", t.Priority, "reason", t.Reason)
	if t.To != vrrp.Master {
		if err := i.host.keeper.SetWill(i.name(), nil); err != nil {
			i.log.Error("keeper did not cancel the will", "err", err)
		}
	}
	i.mu.Lock()
	i.transitions = status.Remember(i.transitions, status.Transition{Time: at, From: t.From.String(), To: t.To.String(), Reason: t.Reason})
	i.mu.Unlock()
	state := t.To.String()
	if t.To == vrrp.Initialize {
		state = "STOP" // the word that Keepalived's scripts know
	}
	i.notify.Post(notify.Event{State: state, Priority: t.Priority, Epoch: t.Epoch, Reason: t.Reason})
}

// will is what the keeper does when this daemon cannot: the addresses go, then the peer hears that they have.
func (i *instance) will(addresses []vip.Address) []keeper.Op {
	var ops []keeper.Op
	for _, a := range addresses {
		ops = append(ops, keeper.RemoveAddress{Interface: a.Interface, Prefix: a.Prefix})
	}
	cfg := i.config().VRRP
	packets, err := vrrp.Resignation(cfg, i.group.Status()[0].Source)
	if err != nil { // no source: the interface is dead, and the peer finds out by itself
		i.log.Warn("the last will says no farewell", "err", err)
		return ops
	}
	for _, p := range packets {
		ops = append(ops, keeper.SendPacket{Interface: cfg.Interface, Dst: p.Dst, Payload: p.Data})
	}
	return ops
}
