package daemon

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/tracker"
	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vrrp"
)

// groupChange is what a reload does to the groups of a node.
type groupChange struct {
	next    []*running // as configured, those that stay and those that come
	kept    []kept
	created []*running
	ended   []*running
}

// kept is an instance that stays, and its next configuration.
type kept struct {
	*instance
	cfg  config.Instance
	over <-chan struct{} // closed when its group has ended
}

// planGroups sorts the groups into those that stay, those that go and those that come. One that is of other instances goes and
// comes. create makes one that comes.
func planGroups(present []*running, next []groupConfig, create func(groupConfig) (*group, error)) (*groupChange, error) {
	c := &groupChange{}
	for _, cfg := range next {
		if n := slices.IndexFunc(present, func(r *running) bool { return r.goesOnAs(cfg) }); n >= 0 {
			for _, next := range cfg.instances {
				c.kept = append(c.kept, kept{present[n].instance(next.VRRP.Name), next, present[n].done})
			}
			c.next = append(c.next, present[n])
			continue
		}
		g, err := create(cfg)
		if err != nil {
			return nil, err
		}
		r := newRunning(g)
		c.created = append(c.created, r)
		c.next = append(c.next, r)
	}
	for _, r := range present {
		if !slices.Contains(c.next, r) {
			c.ended = append(c.ended, r)
		}
	}
	return c, nil
}

// goesOnAs says whether a group can go on with another configuration, or has to be made anew: who is in a sync group is
// settled while it runs.
func (g *group) goesOnAs(cfg groupConfig) bool {
	if g.sync != cfg.sync || len(g.instances) != len(cfg.instances) {
		return false
	}
	return !slices.ContainsFunc(cfg.instances, func(next config.Instance) bool {
		i := g.instance(next.VRRP.Name)
		return i == nil || !sameRouter(i.config().VRRP, next.VRRP)
	})
}

// sameRouter says whether an instance can go on with another configuration, or has to be made anew.
func sameRouter(a, b vrrp.Config) bool {
	return a.Name == b.Name && a.Interface == b.Interface && a.VRID == b.VRID && a.Version == b.Version && a.Family() == b.Family()
}

// moveAddresses moves the addresses of the instances that stay. When that fails for one, those before it, and it, go
// back to what they had.
func (c *groupChange) moveAddresses(ctx context.Context) error {
	for n, k := range c.kept {
		if err := k.reconfigureAddresses(ctx, k.cfg.VIP); err != nil {
			errs := []error{fmt.Errorf("instance %s: %w", k.name, err)}
			for _, done := range c.kept[:n+1] { // whatever became of ctx
				errs = append(errs, done.reconfigureAddresses(context.WithoutCancel(ctx), done.config().VIP))
			}
			return errors.Join(errs...)
		}
	}
	return nil
}

// waiting says whether a tracker that could put an instance into FAULT has no result yet.
func (c *groupChange) waiting(in inputsOf) bool {
	return slices.ContainsFunc(c.kept, func(k kept) bool {
		return tracker.Tally(k.cfg.VRRP.Priority, in.inputs(k.cfg).tracked).Waiting
	})
}

// apply gives the instances that stay their configuration, and returns the groups that there are now. It cannot fail.
func (c *groupChange) apply() []*running {
	for _, k := range c.kept {
		k.reconfigure(k.cfg)
	}
	return c.next
}

// reconfigureAddresses brings the kernel, the gates and the will to other addresses, in order with the other jobs.
func (k kept) reconfigureAddresses(ctx context.Context, next vip.Config) error {
	result := make(chan error, 1) // from the job, which must not wait for who gave up
	k.exec.do(func(jobCtx context.Context) { result <- k.moveAddresses(jobCtx, next) })
	select {
	case err := <-result:
		return err
	case <-k.over:
		return errors.New("change addresses: the instance has ended")
	case <-ctx.Done():
		return fmt.Errorf("change addresses: %w", ctx.Err())
	}
}

// moveAddresses takes over the next addresses. A holder pauses accepting on those that go before they leave the kernel,
// and serves those that come when they are there; its will covers both meanwhile.
func (i *instance) moveAddresses(ctx context.Context, next vip.Config) error {
	if reflect.DeepEqual(next, i.applied) {
		return nil
	}
	before := i.applied.Addresses
	gone := slices.DeleteFunc(slices.Clone(before), func(a vip.Address) bool { return hasAddress(next.Addresses, a) })
	held := i.vips.Status().Held
	if held {
		i.leaveWill(slices.Concat(before, next.Addresses))
		i.gates.close(i.name, gone)
	}
	ctx, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	err := i.vips.Apply(ctx, next)
	if err == nil {
		i.applied = next
	}
	if held { // i.applied is what holds now, whichever that is
		i.gates.open(i.name, i.applied.Addresses)
		i.gates.hangUp(gone)
		i.leaveWill(i.applied.Addresses)
	}
	return err
}

func hasAddress(all []vip.Address, a vip.Address) bool {
	return slices.ContainsFunc(all, func(b vip.Address) bool { return b.Prefix.Addr() == a.Prefix.Addr() })
}

// reconfigure takes over what cannot fail: the state machine's part, the trackers' weights and the script.
func (i *instance) reconfigure(cfg config.Instance) {
	i.mu.Lock()
	changed, moved := !reflect.DeepEqual(i.cfg.VRRP, cfg.VRRP), !reflect.DeepEqual(i.cfg.Source, cfg.Source)
	i.cfg = cfg
	if changed { // one step with judge
		i.router.Post(i.name, vrrp.ConfigChanged{Config: cfg.VRRP})
	}
	i.mu.Unlock()
	if changed {
		i.exec.do(i.renewWill) // its farewell is an advert of this configuration
	}
	if moved {
		select {
		case i.moved <- struct{}{}:
		default: // a token is there already
		}
	}
	i.notify.Apply(notifyConfig(cfg))
	i.rejudge()
}
