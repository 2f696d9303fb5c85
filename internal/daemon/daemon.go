package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/internal/admin"
	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/internal/runner"
	"github.com/tandem-lb/tandem/internal/status"
	"github.com/tandem-lb/tandem/proxy"
)

// SocketName is the runtime socket's name in the runtime directory, unless the configuration gives a path.
const SocketName = "admin.sock"

// Options say which daemon to run.
type Options struct {
	ConfigFile string
	Node       string // who this host is; empty: $TANDEM_NODE, else the host name
	RuntimeDir string // for the lock, the runtime socket and what a run leaves for the next one; made if missing
	Version    string
	Log        func(config.Log) hclog.Logger // makes the log that the configuration asks for
}

// Daemon is a running node: New, then Run once.
type Daemon struct {
	opt     Options
	log     hclog.Logger
	lock    *os.File
	memory  *recovery
	proxy   *proxy.Proxy
	host    *host          // nil: the configuration has no instances
	runner  *runner.Client // the host's, or that of a plain load balancer whose checks are scripts; nil: nothing runs scripts
	scripts *checkRunner
	admin   *admin.Server
	systemd *systemd
	started time.Time
	inputs  *broadcast // a tracker's or a backend's verdict changed

	reloading sync.Mutex    // held during a reload: one at a time
	begun     chan struct{} // closed by Run when the instances run; a reload waits for it
	failures  chan error    // from the first part that cannot go on to Run; capacity 1, more are dropped; never closed

	mu     sync.Mutex
	cfg    *config.Config // guarded by mu, as is all below; replaced by a reload
	node   *config.Node
	groups []*running // in configured order; replaced, never written to
	loaded status.Config
	ending bool // no instance may be started any more
}

// New takes the node's lock and opens everything. What it returns holds no virtual address yet, and no goroutine of it
// runs. Everything that can keep a node from starting is an error here, and a start that fails leaves no trace.
func New(ctx context.Context, opt Options) (d *Daemon, err error) {
	cfg, problems := config.Load(opt.ConfigFile)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	name, err := config.NodeName(opt.Node, os.Getenv, os.Hostname)
	if err != nil {
		return nil, err
	}
	node, err := cfg.Node(name)
	if err != nil {
		return nil, err
	}
	d = &Daemon{
		opt: opt, log: opt.Log(node.Log), cfg: cfg, node: node, started: time.Now(), inputs: newBroadcast(),
		begun: make(chan struct{}), failures: make(chan error, 1),
	}
	d.loaded = status.Config{File: cfg.File, Hash: cfg.Hash, LoadedAt: d.started}
	d.loaded.Warnings = d.warn(problems)
	if err := d.open(ctx); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// warn logs the warnings about a configuration, and returns them for the status.
func (d *Daemon) warn(problems config.Problems) []string {
	var all []string
	for _, w := range problems.Warnings() {
		d.log.Warn(w.String())
		all = append(all, w.String())
	}
	return all
}

// open opens what can fail, and marks the run as under way when nothing can fail any more: the record of a former run
// outlives a start that is refused.
func (d *Daemon) open(ctx context.Context) (err error) {
	if len(d.node.Instances) > 0 {
		if err := needPrivileges(); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(d.opt.RuntimeDir, 0o755); err != nil {
		return fmt.Errorf("make the runtime directory: %w", err)
	}
	if d.lock, err = lockNode(ctx, d.opt.RuntimeDir, d.node.Name); err != nil {
		return err
	}
	memory, hold, err := openRecovery(d.opt.RuntimeDir, d.node.Name, d.started)
	if err != nil {
		return err
	}
	d.scripts = &checkRunner{}
	d.proxy = proxy.New(proxy.Options{
		Log: d.log.Named("proxy"), Threads: d.node.Limits.Threads, Handshakes: d.node.Limits.Handshakes, Scripts: d.scripts,
	})
	plan, err := d.proxy.Plan(d.node.Proxy)
	if err != nil {
		return explainBind(err)
	}
	if err := d.openRest(hold); err != nil {
		plan.Discard()
		return err
	}
	if err := memory.begin(); err != nil {
		plan.Discard()
		return err
	}
	d.memory = memory
	d.proxy.Apply(plan)
	return nil
}

// openRest opens what stands beside the balancer.
func (d *Daemon) openRest(hold time.Duration) (err error) {
	if err := d.openChildren(hold); err != nil {
		return err
	}
	if err := dropPrivileges(); err != nil {
		return err
	}
	if d.host != nil {
		if err := d.openInstances(); err != nil {
			return err
		}
	}
	path := d.node.Admin.SocketPath
	if path == "" {
		path = filepath.Join(d.opt.RuntimeDir, SocketName)
	}
	d.admin, err = admin.Listen(admin.Config{Path: path, Mode: d.node.Admin.Mode, Group: d.node.Admin.Group}, d, d.log.Named("admin"))
	d.systemd = newSystemd(d.log)
	return err
}

// openChildren starts the processes that keep privileges which the daemon gives up.
func (d *Daemon) openChildren(hold time.Duration) (err error) {
	switch {
	case len(d.node.Instances) > 0:
		if err := d.openHost(hold); err != nil {
			return err
		}
		d.runner = d.host.runner
	case len(checkCommands(d.node)) > 0:
		if d.runner, err = runner.Start(runner.Config{Log: d.log.Named("runner")}); err != nil {
			return err
		}
		if err := d.runner.Configure(commands(d.node)); err != nil {
			return err
		}
	}
	d.scripts.client.Store(d.runner)
	return nil
}

func (d *Daemon) openHost(hold time.Duration) (err error) {
	until := time.Time{}
	if hold > 0 {
		until = d.started.Add(hold)
		d.log.Warn("the last run ended uncleanly: this node does not preempt for a while", "until", until.Format(time.RFC3339))
	}
	d.host, err = openHost(hostConfig{
		dir: d.opt.RuntimeDir, node: d.node.Name, lock: d.lock, started: d.started, recoveryUntil: until,
		proxy: d.proxy, realTime: d.node.RealTime, log: d.log, logJSON: d.node.Log.JSON, onChange: d.rejudge,
	})
	return err
}

// openInstances prepares the scripts, the trackers and the instances.
func (d *Daemon) openInstances() error {
	if err := d.host.runner.Configure(commands(d.node)); err != nil {
		return err
	}
	if err := d.host.trackers.Apply(trackerConfig(d.node)); err != nil {
		return err
	}
	d.host.setVirtual(virtualAddresses(d.node))
	for _, cfg := range groupsOf(d.node.Instances) {
		g, err := newGroup(d.host, cfg)
		if err != nil {
			return err
		}
		d.groups = append(d.groups, newRunning(g))
	}
	return nil
}

// close gives back what open took, of a daemon that never ran.
func (d *Daemon) close() error {
	var errs []error
	if d.admin != nil {
		errs = append(errs, d.admin.Close())
	}
	if d.host != nil {
		errs = append(errs, d.host.close())
	} else if d.runner != nil {
		d.runner.Close()
	}
	if d.lock != nil {
		errs = append(errs, d.lock.Close())
	}
	return errors.Join(errs...)
}

// Run runs the node until ctx ends, and resigns in order then. A part that cannot go on ends the node in the same way,
// and is the error: its peer serves meanwhile, and the service manager starts it anew. Run returns when nothing of it
// runs any more.
func (d *Daemon) Run(ctx context.Context) error {
	services, stop := context.WithCancel(context.WithoutCancel(ctx)) // instances need them to resign
	defer stop()
	var wg sync.WaitGroup
	run := func(name string, f func(context.Context) error) {
		wg.Go(func() {
			if err := f(services); err != nil {
				d.fail(name, err)
			}
		})
	}
	run("proxy", d.proxy.Run)
	run("systemd", d.systemd.run)
	if d.host == nil && d.runner != nil {
		run("runner", d.runner.Run)
	}
	d.startInstances(services)
	close(d.begun)
	run("admin", d.admin.Run)
	d.log.Info("started", "node", d.node.Name, "version", d.opt.Version, "file", d.opt.ConfigFile)
	d.systemd.ready()
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-d.failures:
		d.log.Error("the node cannot go on: it resigns", "err", failed)
	}
	d.systemd.stopping()
	d.stopInstances()
	stop()
	wg.Wait()
	return errors.Join(failed, d.end(failed == nil))
}

// fail ends the node because a part of it cannot go on. It never waits.
func (d *Daemon) fail(part string, err error) {
	select {
	case d.failures <- fmt.Errorf("%s: %w", part, err):
	default: // the node is ending already
	}
}

// startInstances starts the host's services and then the instances.
func (d *Daemon) startInstances(services context.Context) {
	if d.host == nil {
		return
	}
	d.host.start(services, d.fail)
	d.host.health.watch(services, backendNames(d.node))
	for _, r := range d.running() {
		r.start(d.fail)
	}
}

func (d *Daemon) running() []*running {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.groups
}

// setRunning says which groups there are. One is told of changed inputs from then on, so it comes before its start.
func (d *Daemon) setRunning(groups []*running) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.groups = groups
}

// stopInstances has every instance resign, all at once, and waits for them.
func (d *Daemon) stopInstances() {
	d.reloading.Lock() // a reload that is under way ends first
	defer d.reloading.Unlock()
	d.mu.Lock()
	d.ending = true
	groups := d.groups
	d.mu.Unlock()
	stopAll(groups)
}

// end closes what open opened, of a daemon that has run. clean: it ended because it was told to.
func (d *Daemon) end(clean bool) error {
	var errs []error
	if d.host != nil {
		errs = append(errs, d.host.stop())
	} else if d.runner != nil {
		d.runner.Close()
	}
	if clean {
		errs = append(errs, d.memory.endClean())
	}
	return errors.Join(append(errs, d.lock.Close())...)
}

// rejudge has every instance look at its inputs again. It never waits.
func (d *Daemon) rejudge() {
	d.inputs.raise()
	for _, r := range d.running() {
		r.rejudge()
	}
}

func virtualAddresses(nodes ...*config.Node) []netip.Addr {
	var all []netip.Addr
	for _, n := range nodes {
		for _, i := range n.Instances {
			for _, a := range i.VIP.Addresses {
				all = append(all, a.Prefix.Addr())
			}
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

func backendNames(n *config.Node) []string {
	var names []string
	for _, b := range n.Proxy.Backends {
		names = append(names, b.Name)
	}
	return names
}
