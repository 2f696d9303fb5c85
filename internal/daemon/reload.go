package daemon

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/internal/notify"
	"github.com/tandem-lb/tandem/internal/runner"
	"github.com/tandem-lb/tandem/internal/status"
	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/tracker"
	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vrrp"
)

// Reload reads the configuration file again and applies it, all or nothing: everything that can fail comes first, and on
// an error what was in force stays. With force a change that breaks the wire between running nodes is applied too.
func (d *Daemon) Reload(ctx context.Context, force bool) error {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	d.systemd.reloading()
	defer d.systemd.ready()
	err := d.reload(ctx, force)
	now := time.Now()
	d.mu.Lock()
	d.loaded.Reloads++
	d.loaded.LastReload = status.Reload{Time: now, OK: err == nil}
	if err != nil {
		d.loaded.ReloadFailures++
		d.loaded.LastReload.Error = err.Error()
	}
	d.mu.Unlock()
	if err != nil {
		d.log.Error("reload: the old configuration stays in force", "err", err)
		return err
	}
	d.log.Info("reloaded", "file", d.opt.ConfigFile)
	return nil
}

func (d *Daemon) reload(ctx context.Context, force bool) error {
	d.mu.Lock()
	old, oldNode, ending := d.cfg, d.node, d.ending
	d.mu.Unlock()
	if ending {
		return errors.New("the daemon is stopping")
	}
	next, problems := config.Load(d.opt.ConfigFile)
	if err := problems.Err(); err != nil {
		return err
	}
	for _, w := range problems.Warnings() {
		d.log.Warn(w.String())
	}
	node, err := next.Node(oldNode.Name)
	if err != nil {
		return err
	}
	if err := d.refuse(old, next, oldNode, node, force); err != nil {
		return err
	}
	plan, err := d.proxy.Plan(node.Proxy)
	if err != nil {
		return err
	}
	if d.host != nil {
		if err := d.applyInstances(ctx, oldNode, node); err != nil {
			plan.Discard()
			return err
		}
	}
	d.proxy.Apply(plan)
	if d.host != nil {
		d.host.health.watch(d.host.ctx, backendNames(node))
	}
	d.mu.Lock()
	d.cfg, d.node = next, node
	d.loaded.Hash, d.loaded.LoadedAt = next.Hash, time.Now()
	d.mu.Unlock()
	d.rejudge()
	return nil
}

// refuse says why a configuration cannot replace the running one, however well it would start.
func (d *Daemon) refuse(old, next *config.Config, oldNode, node *config.Node, force bool) error {
	if d.host == nil && len(node.Instances) > 0 {
		return errors.New("this daemon was started without vrrp.instances and lacks what they need: restart it")
	}
	if !reflect.DeepEqual(oldNode.Admin, node.Admin) {
		return errors.New("admin.socket cannot be changed by a reload: restart the daemon")
	}
	if !reflect.DeepEqual(oldNode.Log, node.Log) {
		return errors.New("log cannot be changed by a reload: restart the daemon")
	}
	if changes := config.WireChanges(old, next, node.Name); len(changes) > 0 && !force {
		return fmt.Errorf("refused without --force: %s", strings.Join(changes, "; "))
	}
	return nil
}

// applyInstances brings scripts, trackers and instances to the new configuration. All that can fail happens before the
// first instance is touched, and is undone when a later step fails.
func (d *Daemon) applyInstances(ctx context.Context, old, next *config.Node) error {
	if err := d.host.runner.Configure(commands(next)); err != nil {
		return err
	}
	undo := func(err error) error { return errors.Join(err, d.host.runner.Configure(commands(old))) }
	if err := d.host.trackers.Check(trackerConfig(next)); err != nil {
		return undo(err)
	}
	change, err := d.planInstances(old, next)
	if err != nil {
		return undo(err)
	}
	if err := change.addresses(ctx); err != nil {
		return undo(err)
	}
	if err := d.host.trackers.Apply(trackerConfig(next)); err != nil {
		return undo(errors.Join(err, change.undoAddresses(ctx)))
	}
	d.host.setVirtual(virtualAddresses(next))
	change.apply(d)
	return nil
}

// instanceChange is what a reload does to instances.
type instanceChange struct {
	order   []string // names, as configured
	kept    map[string]*running
	next    map[string]config.Instance // of kept ones
	created map[string]*instance
	ended   []*running
	moved   []*running // kept ones whose addresses have been changed
}

// planInstances sorts the instances into those that stay, those that go and those that come. One whose router is another
// (interface, VRID, version) goes and comes.
func (d *Daemon) planInstances(old, next *config.Node) (*instanceChange, error) {
	c := &instanceChange{kept: map[string]*running{}, next: map[string]config.Instance{}, created: map[string]*instance{}}
	present := map[string]*running{}
	d.mu.Lock()
	for _, r := range d.instances {
		present[r.name()] = r
	}
	d.mu.Unlock()
	for _, cfg := range next.Instances {
		name := cfg.VRRP.Name
		c.order = append(c.order, name)
		if r := present[name]; r != nil && sameRouter(r.config(), cfg) {
			c.kept[name], c.next[name] = r, cfg
			delete(present, name)
			continue
		}
		i, err := newInstance(d.host, d.proxy, cfg, d.log)
		if err != nil {
			return nil, err
		}
		c.created[name] = i
	}
	for _, i := range old.Instances {
		if r := present[i.VRRP.Name]; r != nil {
			c.ended = append(c.ended, r)
		}
	}
	return c, nil
}

// sameRouter says whether an instance can go on with another configuration, or has to be made anew.
func sameRouter(a, b config.Instance) bool {
	return a.VRRP.Interface == b.VRRP.Interface && a.VRRP.VRID == b.VRRP.VRID && a.VRRP.Version == b.VRRP.Version
}

// addresses moves the addresses of the instances that stay; the last step that can fail.
func (c *instanceChange) addresses(ctx context.Context) error {
	for name, r := range c.kept {
		if err := r.reconfigureAddresses(ctx, c.next[name]); err != nil {
			return errors.Join(fmt.Errorf("instance %s: %w", name, err), c.undoAddresses(ctx))
		}
		c.moved = append(c.moved, r)
	}
	return nil
}

func (c *instanceChange) undoAddresses(ctx context.Context) error {
	var errs []error
	for _, r := range c.moved {
		errs = append(errs, r.reconfigureAddresses(ctx, r.config()))
	}
	return errors.Join(errs...)
}

// apply cannot fail. Instances that go resign first, so that one that comes in their place finds their VRID free.
func (c *instanceChange) apply(d *Daemon) {
	for _, r := range c.ended {
		r.stop()
	}
	for _, r := range c.ended {
		<-r.done
	}
	var instances, created []*running
	for _, name := range c.order {
		r := c.kept[name]
		if r != nil {
			r.reconfigure(c.next[name])
		} else {
			r = newRunning(c.created[name])
			created = append(created, r)
		}
		instances = append(instances, r)
	}
	d.setInstances(instances)
	for _, r := range created {
		r.start()
	}
}

// reconfigureAddresses brings the kernel to the addresses of another configuration, and the will with it. Gates of new
// ones open if the instance holds its addresses; those of former ones close, and their connections end.
func (i *instance) reconfigureAddresses(ctx context.Context, cfg config.Instance) error {
	result := make(chan error, 1)
	i.exec.do(func(jobCtx context.Context) { result <- i.moveAddresses(jobCtx, cfg) })
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return fmt.Errorf("change addresses: %w", ctx.Err())
	}
}

func (i *instance) moveAddresses(ctx context.Context, cfg config.Instance) error {
	if reflect.DeepEqual(cfg.VIP, i.applied) {
		return nil
	}
	before := i.applied.Addresses
	held := i.vips.Status().Held
	if held { // the will covers the old and the new addresses while both may be there
		if err := i.host.keeper.SetWill(i.name(), i.will(slices.Concat(before, cfg.VIP.Addresses))); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	if err := i.vips.Apply(ctx, cfg.VIP); err != nil {
		return err
	}
	i.applied = cfg.VIP
	if !held {
		return nil
	}
	gone := slices.DeleteFunc(slices.Clone(before), func(a vip.Address) bool { return hasAddress(cfg.VIP.Addresses, a) })
	i.setGates(gone, proxy.Closed)
	i.endConnections(gone)
	i.setGates(cfg.VIP.Addresses, proxy.Open)
	return i.host.keeper.SetWill(i.name(), i.will(cfg.VIP.Addresses))
}

func hasAddress(all []vip.Address, a vip.Address) bool {
	return slices.ContainsFunc(all, func(b vip.Address) bool { return b.Prefix.Addr() == a.Prefix.Addr() })
}

// reconfigure takes over what cannot fail: the state machine's part and the trackers' weights.
func (i *instance) reconfigure(cfg config.Instance) {
	i.mu.Lock()
	changed := !reflect.DeepEqual(i.cfg.VRRP, cfg.VRRP)
	i.cfg = cfg
	i.mu.Unlock()
	i.notify.Apply(notifyConfig(cfg))
	if changed {
		i.group.Post(i.name(), vrrp.ConfigChanged{Config: cfg.VRRP})
	}
	i.rejudge()
}

// commands is everything that the runner may run for a node.
func commands(n *config.Node) []runner.Command {
	all := []runner.Command{}
	for _, s := range n.Scripts {
		all = append(all, runner.Command{ID: tracker.CommandID(s.Name), Argv: s.Command, User: s.User, Timeout: s.Timeout})
	}
	for _, i := range n.Instances {
		if c := i.Notify; c != nil {
			all = append(all, runner.Command{ID: notify.CommandID(c.Instance), Argv: c.Script, User: c.User, Timeout: c.Timeout})
		}
	}
	return all
}

func trackerConfig(n *config.Node) tracker.Config {
	c := tracker.Config{Scripts: n.Scripts, Files: n.Files, Gateways: n.Gateways}
	for _, i := range n.Instances {
		c.Bindings = append(c.Bindings, i.Track...)
	}
	return c
}
