package drill

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tandem-lb/tandem/internal/netlab"
)

// The addresses of a pair's LAN.
var (
	VIP = netip.MustParseAddr("10.77.0.100") // the virtual address

	addressesOf = map[string]string{
		"lb1": "10.77.0.1/24 fd00:77::1/64 fe80::1/64", "lb2": "10.77.0.2/24 fd00:77::2/64 fe80::2/64",
		"web1": "10.77.0.11/24 fd00:77::11/64", "web2": "10.77.0.12/24 fd00:77::12/64",
		"client": "10.77.0.21/24 fd00:77::21/64",
	}
)

// settle bounds the wait for anything that a pair does when it is healthy.
const settle = 15 * time.Second

// Config is the configuration of the pair's two balancers: the main job, as the README shows it.
const Config = `nodes:
  lb1: {address: 10.77.0.1}
  lb2: {address: 10.77.0.2}
vrrp:
  instances:
    - name: VI_1
      interface: eth0
      virtual_router_id: 51
      priority: {lb1: 101, lb2: 100}
      advert_interval: 1s
      authentication: {type: PASS, password: s3cret77}
      virtual_addresses: [10.77.0.100/24]
      track:
        - {backend: web, min_up: 1, weight: -30}
proxy:
  frontends:
    - name: http_front
      bind: [{address: ":80"}]
      default_backend: web
  backends:
    - name: web
      health_check: {http: {path: /health}, interval: 500ms, timeout: 400ms, rise: 1, fall: 2}
      servers:
        - {name: web1, address: "10.77.0.11:80"}
        - {name: web2, address: "10.77.0.12:80"}
`

// PairConfig says what a pair is made of.
type PairConfig struct {
	Binary string // tandem itself
	Config string // the configuration of both balancers; empty: Config
	Dir    string // for the configuration file; the caller removes it
	// Site is what the server on a node answers; nil: every path with the node's name.
	Site func(node string) http.Handler
	VIP  netip.Addr // the virtual address that the client asks; zero: VIP
}

// Pair is two balancers, two servers and a client on one LAN. Its nodes are lb1, lb2, web1, web2 and client.
type Pair struct {
	Lab    *netlab.Lab
	Record *Record    // what the client sees
	File   string     // the configuration file
	VIP    netip.Addr // the virtual address

	cfg     PairConfig
	nodes   map[string]*netlab.Node
	cables  map[string]*netlab.Cable
	daemons map[string]*netlab.Process
	servers map[string]*http.Server

	stop context.CancelFunc // ends the client
	wg   sync.WaitGroup
}

// NewPair builds the LAN and starts the servers, but no balancer and no client. It needs netlab.Enter.
func NewPair(ctx context.Context, cfg PairConfig) (*Pair, error) {
	if cfg.Config == "" {
		cfg.Config = Config
	}
	if cfg.Site == nil {
		cfg.Site = nameOf
	}
	if !cfg.VIP.IsValid() {
		cfg.VIP = VIP
	}
	lab, err := netlab.New(netlab.Config{Private: []string{"/run"}})
	if err != nil {
		return nil, err
	}
	p := &Pair{
		Lab: lab, Record: &Record{}, File: filepath.Join(cfg.Dir, "tandem.yaml"), VIP: cfg.VIP, cfg: cfg,
		nodes: map[string]*netlab.Node{}, cables: map[string]*netlab.Cable{},
		daemons: map[string]*netlab.Process{}, servers: map[string]*http.Server{},
		stop: func() {},
	}
	if err := p.build(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Pair) build(ctx context.Context) error {
	if err := p.WriteConfig(p.cfg.Config); err != nil {
		return err
	}
	lan, err := p.Lab.LAN("lan")
	if err != nil {
		return err
	}
	for name, texts := range addressesOf {
		var addresses []netip.Prefix
		for text := range strings.FieldsSeq(texts) {
			addresses = append(addresses, netip.MustParsePrefix(text))
		}
		node, err := p.Lab.Node(name)
		if err != nil {
			return err
		}
		cable, err := node.Connect(ctx, lan, "eth0", addresses...)
		if err != nil {
			return err
		}
		p.nodes[name], p.cables[name] = node, cable
	}
	for _, name := range []string{"web1", "web2"} {
		if err := p.StartServer(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// Node returns a node by its name.
func (p *Pair) Node(name string) *netlab.Node { return p.nodes[name] }

// Cable returns the cable of a node.
func (p *Pair) Cable(name string) *netlab.Cable { return p.cables[name] }

// Daemon returns the balancer that was last started on a node, nil when none was.
func (p *Pair) Daemon(name string) *netlab.Process { return p.daemons[name] }

// WriteConfig replaces the configuration file.
func (p *Pair) WriteConfig(text string) error {
	if err := os.WriteFile(p.File, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write the pair's configuration: %w", err)
	}
	return nil
}

// StartDaemon starts the balancer of a node. A wrapper is a program, with arguments, that gets the command line and
// becomes it.
func (p *Pair) StartDaemon(name string, wrapper ...string) error {
	args := append(wrapper[:len(wrapper):len(wrapper)], p.cfg.Binary, "run", "--config", p.File, "--node", name)
	d, err := p.nodes[name].Start(exec.Command(args[0], args[1:]...))
	if err != nil {
		return err
	}
	p.daemons[name] = d
	return nil
}

// Command runs a command of the binary on a node and returns what it prints.
func (p *Pair) Command(ctx context.Context, name string, args ...string) (string, error) {
	c, err := p.nodes[name].Start(exec.Command(p.cfg.Binary, args...))
	if err != nil {
		return "", err
	}
	if err := c.Wait(ctx); err != nil {
		return c.Output(), fmt.Errorf("tandem %v on %s: %w: %s", args, name, err, c.Output())
	}
	return c.Output(), nil
}

// nameOf is the site of a server that says its name.
func nameOf(node string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(ServerHeader, node)
		_, _ = fmt.Fprintln(w, node) // the client went away: its own affair
	})
}

// StartServer starts a web server on a node, at port 80 of its every address.
func (p *Pair) StartServer(ctx context.Context, name string) error {
	return p.StartServerAt(ctx, name, ":80")
}

// StartServerAt starts a web server on a node, at an address of its own; a node has one at most.
func (p *Pair) StartServerAt(ctx context.Context, name, address string) error {
	l, err := p.nodes[name].Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	s := &http.Server{Handler: p.cfg.Site(name)}
	p.servers[name] = s
	p.wg.Go(func() { _ = s.Serve(l) }) // ends with ErrServerClosed
	return nil
}

// StopServer ends the web server of a node, with its connections.
func (p *Pair) StopServer(name string) error { return p.servers[name].Close() }

// Start starts lb1, which takes the address, then lb2, then the client, and returns when requests succeed.
func (p *Pair) Start(ctx context.Context) error {
	if err := p.StartDaemon("lb1"); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { // a daemon that ends is not waited for
		select {
		case <-p.daemons["lb1"].Done():
			cancel(errors.New("it ended"))
		case <-ctx.Done():
		}
	}()
	if err := p.AwaitSole(ctx, "lb1"); err != nil {
		return fmt.Errorf("%w: %w\n%s", err, context.Cause(ctx), p.daemons["lb1"].Output())
	}
	if err := p.StartDaemon("lb2"); err != nil {
		return err
	}
	p.StartClient()
	return p.AwaitService(ctx, time.Now())
}

// StartClient starts the client: 200 requests per second, each over a new connection and with 100 ms to succeed.
func (p *Pair) StartClient() {
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = cancel
	c := Client{
		Address: netip.AddrPortFrom(p.VIP, 80).String(), Interval: 5 * time.Millisecond, Deadline: 100 * time.Millisecond,
		Dial: p.nodes["client"].Dial, Record: p.Record,
	}
	p.wg.Go(func() { _ = c.Run(ctx) }) // it has no error to tell
}

// AwaitHolder waits until a node has the virtual address.
func (p *Pair) AwaitHolder(ctx context.Context, name string) error {
	return p.awaitHolders(ctx, name+" has the address", func(holders []string) bool { return slices.Contains(holders, name) })
}

// AwaitSole waits until a node has the virtual address and no other node does.
func (p *Pair) AwaitSole(ctx context.Context, name string) error {
	return p.awaitHolders(ctx, name+" alone has the address", func(holders []string) bool { return slices.Equal(holders, []string{name}) })
}

func (p *Pair) awaitHolders(ctx context.Context, what string, ok func(holders []string) bool) error {
	ctx, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	for {
		mark := p.Lab.Mark() // before looking, so that no change is missed
		holders, err := p.Holders()
		if err != nil || ok(holders) {
			return err
		}
		_, err = p.Lab.Await(ctx, mark, func(e netlab.Event) bool {
			return (e.Kind == netlab.AddressAdded || e.Kind == netlab.AddressRemoved) && e.Address.Addr() == p.VIP
		})
		if err != nil {
			return fmt.Errorf("wait until %s, now on %v: %w", what, holders, err)
		}
	}
}

// serviceRun is how many requests in a row must succeed for the service to count as back: a tenth of a second of them.
const serviceRun = 20

// AwaitService waits until requests that started after since succeed, one after the other.
func (p *Pair) AwaitService(ctx context.Context, since time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	for {
		if p.Record.goodRun(since) >= serviceRun {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("requests succeed again: %w (%v)", ctx.Err(), p.Record.Since(since))
		case <-time.After(10 * time.Millisecond): // the record has no events; the client adds to it every 5 ms
		}
	}
}

// Holders returns the names of the nodes that have the virtual address now.
func (p *Pair) Holders() ([]string, error) {
	nodes, err := p.Lab.Holders(p.VIP)
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = n.Name()
	}
	return names, err
}

// Close ends everything.
func (p *Pair) Close() error {
	p.stop()
	for _, s := range p.servers {
		_ = s.Close() // its listener's error is of no use now
	}
	err := p.Lab.Close()
	p.wg.Wait()
	return err
}
