package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/internal/admin"
	"github.com/tandem-lb/tandem/internal/config"
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
	host    *host // nil: the configuration has no instances
	admin   *admin.Server
	systemd *systemd
	started time.Time

	reloading sync.Mutex // held during a reload: one at a time

	mu        sync.Mutex
	cfg       *config.Config // guarded by mu, as is all below; replaced by a reload
	node      *config.Node
	instances []*running // in configured order
	loaded    status.Config
	ending    bool // no instance may be started any more
}

// running is an instance whose loops run.
type running struct {
	*instance
	ctx  context.Context // of the loops; ended by stop
	stop context.CancelFunc
	done chan struct{} // closed when the instance has resigned and its loops have ended
}

func newRunning(i *instance) *running {
	ctx, stop := context.WithCancel(context.Background())
	return &running{instance: i, ctx: ctx, stop: stop, done: make(chan struct{})}
}

func (r *running) start() {
	go func() {
		defer close(r.done)
		r.run(r.ctx)
	}()
}

// New takes the node's lock and opens everything. What it returns holds no virtual address yet. Everything that can
// keep a node from starting is an error here.
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
	d = &Daemon{opt: opt, log: opt.Log(node.Log), cfg: cfg, node: node, started: time.Now()}
	d.loaded = status.Config{File: cfg.File, Hash: cfg.Hash, LoadedAt: d.started}
	for _, w := range problems.Warnings() {
		d.log.Warn(w.String())
	}
	if err := d.open(ctx); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *Daemon) open(ctx context.Context) (err error) {
	if err := os.MkdirAll(d.opt.RuntimeDir, 0o755); err != nil {
		return fmt.Errorf("make the runtime directory: %w", err)
	}
	if d.lock, err = lockNode(ctx, d.opt.RuntimeDir, d.node.Name); err != nil {
		return err
	}
	var hold time.Duration
	if d.memory, hold, err = startRecovery(d.opt.RuntimeDir, d.node.Name, d.started); err != nil {
		return err
	}
	d.proxy = proxy.New(proxy.Options{Log: d.log.Named("proxy")})
	if len(d.node.Instances) > 0 {
		if err := d.openHost(hold); err != nil {
			return err
		}
	}
	plan, err := d.proxy.Plan(d.node.Proxy)
	if err != nil {
		return err
	}
	d.proxy.Apply(plan)
	path := d.node.Admin.SocketPath
	if path == "" {
		path = filepath.Join(d.opt.RuntimeDir, SocketName)
	}
	d.admin, err = admin.Listen(admin.Config{Path: path, Mode: d.node.Admin.Mode, Group: d.node.Admin.Group}, d, d.log.Named("admin"))
	if err != nil {
		return err
	}
	d.systemd = newSystemd(d.log)
	return nil
}

func (d *Daemon) openHost(hold time.Duration) (err error) {
	until := time.Time{}
	if hold > 0 {
		until = d.started.Add(hold)
		d.log.Warn("the last run ended uncleanly: this node does not preempt for a while", "until", until.Format(time.RFC3339))
	}
	d.host, err = openHost(hostConfig{
		dir: d.opt.RuntimeDir, node: d.node.Name, lock: d.lock, recoveryUntil: until,
		proxy: d.proxy, log: d.log, onChange: d.rejudge,
	})
	if err != nil {
		return err
	}
	if err := dropPrivileges(); err != nil {
		return err
	}
	if err := d.host.runner.Configure(commands(d.node)); err != nil {
		return err
	}
	d.host.setVirtual(virtualAddresses(d.node))
	return d.host.trackers.Apply(trackerConfig(d.node))
}

// close gives back what open took, of a daemon that never ran.
func (d *Daemon) close() error {
	var errs []error
	if d.admin != nil {
		errs = append(errs, d.admin.Close())
	}
	if d.host != nil {
		errs = append(errs, d.host.close())
	}
	if d.memory != nil {
		errs = append(errs, d.memory.endClean())
	}
	if d.lock != nil {
		errs = append(errs, d.lock.Close())
	}
	return errors.Join(errs...)
}

// Run runs the node until ctx ends, and resigns in order then. It returns when nothing of it runs any more.
func (d *Daemon) Run(ctx context.Context) error {
	services, stop := context.WithCancel(context.WithoutCancel(ctx)) // instances need them to resign
	defer stop()
	var wg sync.WaitGroup
	run := func(name string, f func(context.Context) error) {
		wg.Go(func() {
			if err := f(services); err != nil {
				d.log.Error("service ended", "service", name, "err", err)
			}
		})
	}
	run("proxy", d.proxy.Run)
	run("admin", d.admin.Run)
	run("systemd", d.systemd.run)
	err := d.startInstances(services)
	if err == nil {
		d.log.Info("started", "node", d.node.Name, "version", d.opt.Version, "file", d.opt.ConfigFile)
		d.systemd.ready()
		<-ctx.Done()
	}
	d.systemd.stopping()
	d.stopInstances()
	stop()
	wg.Wait()
	return errors.Join(err, d.end())
}

// startInstances starts the host's services and then the instances.
func (d *Daemon) startInstances(services context.Context) error {
	if d.host == nil {
		return nil
	}
	d.host.start(services)
	d.host.health.watch(services, backendNames(d.node))
	var instances []*running
	for _, cfg := range d.node.Instances {
		i, err := newInstance(d.host, d.proxy, cfg, d.log)
		if err != nil {
			return err
		}
		instances = append(instances, newRunning(i))
	}
	d.setInstances(instances)
	for _, r := range instances {
		r.start()
	}
	return nil
}

// setInstances says which instances there are. One is told of changed inputs from then on, so it comes before its start.
func (d *Daemon) setInstances(instances []*running) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.instances = instances
}

// stopInstances has every instance resign, all at once, and waits for them.
func (d *Daemon) stopInstances() {
	d.reloading.Lock() // a reload that is under way ends first
	defer d.reloading.Unlock()
	d.mu.Lock()
	d.ending = true
	instances := d.instances
	d.mu.Unlock()
	for _, r := range instances {
		r.stop()
	}
	for _, r := range instances {
		<-r.done
	}
}

// end closes what open opened, of a daemon that has run.
func (d *Daemon) end() error {
	var errs []error
	if d.host != nil {
		errs = append(errs, d.host.stop())
	}
	errs = append(errs, d.memory.endClean(), d.lock.Close())
	return errors.Join(errs...)
}

// rejudge has every instance look at its inputs again. It never waits.
func (d *Daemon) rejudge() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.instances {
		r.rejudge()
	}
}

func virtualAddresses(n *config.Node) []netip.Addr {
	var all []netip.Addr
	for _, i := range n.Instances {
		for _, a := range i.VIP.Addresses {
			all = append(all, a.Prefix.Addr())
		}
	}
	return all
}

func backendNames(n *config.Node) []string {
	var names []string
	for _, b := range n.Proxy.Backends {
		names = append(names, b.Name)
	}
	return names
}
