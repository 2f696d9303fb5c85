package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/internal/notify"
	"github.com/tandem-lb/tandem/internal/runner"
	"github.com/tandem-lb/tandem/internal/status"
	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/health"
	"github.com/tandem-lb/tandem/tracker"
)

// Reload reads the configuration file again and applies it, all or nothing: everything that can fail comes first, and on
// an error what was in force stays. With force a change that breaks the wire between running nodes is applied too.
//
// It waits until Run has started the instances, and for another reload.
func (d *Daemon) Reload(ctx context.Context, force bool) error {
	select {
	case <-d.begun:
	case <-ctx.Done():
		return ctx.Err()
	}
	d.reloading.Lock()
	defer d.reloading.Unlock()
	d.systemd.reloading()
	defer d.systemd.ready()
	err := d.reload(ctx, force)
	d.ReopenLogs() // whoever rotates logs by HUP wants no more than this
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

// ReopenLogs has the files of access logs opened anew, for they may have been moved. It returns at once.
func (d *Daemon) ReopenLogs() { d.proxy.ReopenLogs() }

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
	warnings := d.warn(problems)
	node, err := next.Node(oldNode.Name)
	if err != nil {
		return err
	}
	if err := d.refuse(old, next, oldNode, node, force); err != nil {
		return err
	}
	plan, err := d.proxy.Plan(node.Proxy)
	if err != nil {
		return explainBind(err)
	}
	if d.host == nil {
		err = d.applyPlain(oldNode, node, plan)
	} else {
		err = d.applyHost(ctx, oldNode, node, plan)
	}
	if err != nil {
		plan.Discard()
		return err
	}
	d.mu.Lock()
	d.cfg, d.node = next, node
	d.loaded.Hash, d.loaded.LoadedAt, d.loaded.Warnings = next.Hash, time.Now(), warnings
	d.mu.Unlock()
	return nil
}

// refuse says why a configuration cannot replace the running one, however well it would start.
func (d *Daemon) refuse(old, next *config.Config, oldNode, node *config.Node, force bool) error {
	if d.host == nil && len(node.Instances) > 0 {
		return errors.New("this daemon was started without vrrp.instances and lacks what they need: restart it")
	}
	if d.runner == nil && len(checkCommands(node)) > 0 {
		return errors.New("this daemon was started without checks by script and lacks the process that runs them: restart it")
	}
	if !reflect.DeepEqual(oldNode.Admin, node.Admin) {
		return errors.New("admin.socket cannot be changed by a reload: restart the daemon")
	}
	if oldNode.RealTime != node.RealTime {
		return errors.New("vrrp.rt_priority and vrrp.no_swap cannot be changed by a reload: restart the daemon")
	}
	if oldNode.Limits != node.Limits {
		return errors.New("proxy.limits.handshakes cannot be changed by a reload: restart the daemon")
	}
	if !reflect.DeepEqual(oldNode.Log, node.Log) {
		return errors.New("log cannot be changed by a reload: restart the daemon")
	}
	if changes := config.WireChanges(old, next, node.Name); len(changes) > 0 && !force {
		return fmt.Errorf("refused without --force: %s", strings.Join(changes, "; "))
	}
	return nil
}

// newResults bounds the wait for the first results of trackers that a reload brings: without them an instance that
// tracks one with weight 0 would go through FAULT, for nothing but a reload.
const newResults = 5 * time.Second

// applyHost brings everything but the configuration's own record to the next configuration. All that can fail comes
// first and is undone when a later step fails; meanwhile scripts and trackers are those of both, so that neither what
// still runs nor what shall run lacks any.
func (d *Daemon) applyHost(ctx context.Context, old, next *config.Node, plan *proxy.Plan) (err error) {
	defer func() {
		if err != nil {
			d.host.keepLinks(old.Instances) // some may have been opened for what does not come
		}
	}()
	change, err := planGroups(d.running(), groupsOf(next.Instances), func(cfg groupConfig) (*group, error) { return newGroup(d.host, cfg) })
	if err != nil {
		return err
	}
	if err := d.host.runner.Configure(commands(old, next)); err != nil {
		return err
	}
	undo := func(err error) error {
		d.host.setVirtual(virtualAddresses(old))
		return errors.Join(err, d.host.trackers.Apply(trackerConfig(old)), d.host.runner.Configure(commands(old)))
	}
	if err := d.host.trackers.Apply(trackerConfig(old, next)); err != nil {
		return undo(err)
	}
	d.host.setVirtual(virtualAddresses(old, next))
	if err := change.moveAddresses(ctx); err != nil {
		return undo(err)
	}
	// From here on nothing fails. Who goes resigns first: its listeners are there until nobody can reach them, and one
	// that comes in its place finds its VRID free.
	stopAll(change.ended)
	d.proxy.Apply(plan)
	d.host.health.watch(d.host.services(), backendNames(next))
	d.awaitResults(ctx, change)
	d.setRunning(change.apply())
	for _, r := range change.created {
		r.start(d.fail)
	}
	d.shed(next)
	return nil
}

// applyPlain brings a plain load balancer to the next configuration. While its checks change the scripts are those of both.
func (d *Daemon) applyPlain(old, next *config.Node, plan *proxy.Plan) error {
	if d.runner == nil {
		d.proxy.Apply(plan)
		return nil
	}
	if err := d.runner.Configure(commands(old, next)); err != nil {
		return err
	}
	d.proxy.Apply(plan)
	if err := d.runner.Configure(commands(next)); err != nil {
		d.log.Warn("scripts of the former configuration are still known", "err", err)
	}
	return nil
}

// awaitResults waits until every tracker that could put an instance into FAULT has a result.
func (d *Daemon) awaitResults(ctx context.Context, c *groupChange) {
	ctx, cancel := context.WithTimeout(ctx, newResults)
	defer cancel()
	for ctx.Err() == nil {
		changed := d.inputs.next()
		if !c.waiting(d.host) {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// shed lets go of what only the former configuration needed. The new one runs without: an error is told, and changes
// nothing.
func (d *Daemon) shed(next *config.Node) {
	d.host.setVirtual(virtualAddresses(next))
	d.host.keepLinks(next.Instances)
	err := errors.Join(d.host.trackers.Apply(trackerConfig(next)), d.host.runner.Configure(commands(next)))
	if err != nil {
		d.log.Warn("scripts of the former configuration are still known", "err", err)
	}
}

// commands is everything that the runner may run for a node. Of two configurations the later one says what a command is.
func commands(nodes ...*config.Node) []runner.Command {
	byID := map[string]runner.Command{}
	for _, n := range nodes {
		for _, s := range n.Scripts {
			id := tracker.CommandID(s.Name)
			byID[id] = runner.Command{ID: id, Argv: s.Command, User: s.User, Timeout: s.Timeout}
		}
		for _, i := range n.Instances {
			if c := i.Notify; c != nil {
				id := notify.CommandID(c.Instance)
				byID[id] = runner.Command{ID: id, Argv: c.Script, User: c.User, Timeout: c.Timeout}
			}
		}
		for _, c := range checkCommands(n) {
			byID[c.ID] = c
		}
	}
	all := make([]runner.Command, 0, len(byID))
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		all = append(all, byID[id])
	}
	return all
}

// checkCommands are the scripts that probe servers.
func checkCommands(n *config.Node) []runner.Command {
	var all []runner.Command
	for _, b := range n.Proxy.Backends {
		if b.Check == nil {
			continue
		}
		script, ok := b.Check.Kind.(*health.Script)
		if !ok {
			continue
		}
		for _, s := range b.Servers {
			if s.Track == (proxy.ServerRef{}) {
				all = append(all, runner.Command{ID: health.CommandID(b.Name, s.Name), Argv: script.Command, User: script.User, Timeout: b.Check.Timeout})
			}
		}
	}
	return all
}

// trackerConfig is everything that is tracked on a node. Of two configurations the later one says what a thing is.
func trackerConfig(nodes ...*config.Node) tracker.Config {
	var c tracker.Config
	for _, n := range nodes {
		c.Scripts = latest(c.Scripts, n.Scripts, func(s tracker.Script) any { return s.Name })
		c.Files = latest(c.Files, n.Files, func(f tracker.File) any { return f.Name })
		c.Gateways = latest(c.Gateways, n.Gateways, func(g tracker.Gateway) any { return [2]any{g.Address, g.Interface} })
		for _, i := range n.Instances {
			c.Bindings = append(c.Bindings, i.Track...)
		}
	}
	return c
}

// latest is next, and those of before that go by a name which it lacks.
func latest[T any](before, next []T, name func(T) any) []T {
	all := slices.Clone(next)
	for _, b := range before {
		if !slices.ContainsFunc(next, func(n T) bool { return name(n) == name(b) }) {
			all = append(all, b)
		}
	}
	return all
}
