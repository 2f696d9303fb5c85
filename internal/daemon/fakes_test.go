package daemon

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/internal/keeper"
	"github.com/tandem-lb/tandem/internal/notify"
	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/tracker"
	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vrrp"
)

// journal is what happened to the world around an instance, in order.
type journal struct {
	mu    sync.Mutex
	lines []string // guarded by mu
}

func (j *journal) note(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

// want compares what happened since the last want.
func (j *journal) want(t *testing.T, want ...string) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Equal(j.lines, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(j.lines, "\n  "), strings.Join(want, "\n  "))
	}
	j.lines = nil
}

// fakeKeeper holds wills and beats.
type fakeKeeper struct {
	*journal
	mu      sync.Mutex
	dead    bool                   // guarded by mu, as is all below
	refuses error                  // of SetBeat
	wills   map[string][]keeper.Op // by instance
	beats   map[string]keeper.Beat
	heard   []string // who sent heartbeats
}

func newFakeKeeper(j *journal) *fakeKeeper {
	return &fakeKeeper{journal: j, wills: map[string][]keeper.Op{}, beats: map[string]keeper.Beat{}}
}

func (k *fakeKeeper) SetWill(instance string, ops []keeper.Op) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.note("will %v", ops)
	k.wills[instance] = ops
	return k.absence()
}

func (k *fakeKeeper) SetBeat(instance string, b keeper.Beat) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.refuses != nil {
		return k.refuses
	}
	k.note("beat on %s to %s each %v", b.Interface, b.Dst, b.Interval)
	k.beats[instance] = b
	return k.absence()
}

func (k *fakeKeeper) StopBeat(instance string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.note("no beat")
	delete(k.beats, instance)
	return k.absence()
}

func (k *fakeKeeper) absence() error {
	if k.dead {
		return keeper.ErrNotRunning
	}
	return nil
}

func (k *fakeKeeper) Spoke(string) time.Duration { return 0 }

func (k *fakeKeeper) Alive() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.dead
}

func (k *fakeKeeper) Heartbeat(instance string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.heard = append(k.heard, instance)
}

func (k *fakeKeeper) set(change func(k *fakeKeeper)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change(k)
}

// fakeAddresses is a Set in front of a kernel that may refuse.
type fakeAddresses struct {
	*journal
	mu     sync.Mutex
	cfg    vip.Config // guarded by mu, as is all below
	held   bool
	refuse map[string]error // by operation
}

func (f *fakeAddresses) do(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.note("%s %v", what, prefixes(f.cfg.Addresses))
	return f.refuse[what]
}

func (f *fakeAddresses) fail(what string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refuse = map[string]error{what: err}
}

func (f *fakeAddresses) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
func (f *fakeAddresses) ClearLeftovers(context.Context) ([]vip.Address, error) { return nil, nil }
func (f *fakeAddresses) Announce()                                             { _ = f.do("announce") }
func (f *fakeAddresses) Answer()                                               { _ = f.do("answer") }

func (f *fakeAddresses) Acquire(context.Context) error {
	f.hold(true)
	return f.do("acquire")
}

func (f *fakeAddresses) Release(context.Context) error {
	f.hold(false)
	return f.do("release")
}

func (f *fakeAddresses) hold(held bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = held
}

func (f *fakeAddresses) Apply(_ context.Context, cfg vip.Config) error {
	err := f.do("replace")
	if err == nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.cfg = cfg
	}
	return err
}

func (f *fakeAddresses) Status() vip.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return vip.Status{Held: f.held}
}

// fakeRouter takes events; what it says of itself is set by the test.
type fakeRouter struct {
	*journal
	mu     sync.Mutex
	status vrrp.Status // guarded by mu
}

func (r *fakeRouter) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func (r *fakeRouter) Post(_ string, ev vrrp.Event) { r.note("%T%v", ev, ev) }

func (r *fakeRouter) StatusOf(string) vrrp.Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

func (r *fakeRouter) is(s vrrp.Status) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = s
}

// fakeInputs are the trackers and backends around an instance.
type fakeInputs struct {
	mu sync.Mutex
	in inputs // guarded by mu; but for the base, which is the configuration's
}

func (f *fakeInputs) inputs(cfg config.Instance) inputs {
	f.mu.Lock()
	defer f.mu.Unlock()
	in := f.in
	in.base = cfg.VRRP.Priority
	return in
}

func (f *fakeInputs) set(in inputs) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.in = in
}

// fakeSources has one address of each kind for every interface.
type fakeSources struct{}

func (fakeSources) findSource(s vip.Source) (netip.Addr, error) {
	return netip.MustParseAddr([]string{vip.SourceIPv4: "10.0.0.1", vip.SourceLinkLocal: "fe80::1", vip.SourceGlobalIPv6: "fd00::1"}[s.Kind]), nil
}

func (f fakeSources) watchSource(ctx context.Context, s vip.Source, fn func(netip.Addr)) {
	source, _ := f.findSource(s) // it always has one
	fn(source)
	<-ctx.Done()
}

// noScripts is for instances without a notify script.
type noScripts struct{ *journal }

func (n noScripts) Exec(_ context.Context, id string, args, _ []string) notify.Result {
	n.note("%s %v", id, args)
	return notify.Result{}
}

// world is what several instances share.
type world struct {
	*journal
	keeper *fakeKeeper
	gates  *gates
	inputs *fakeInputs
}

func newWorld() *world {
	j := &journal{}
	w := &world{journal: j, keeper: newFakeKeeper(j), inputs: &fakeInputs{}}
	w.gates = &gates{
		log:     hclog.NewNullLogger(),
		set:     func(a netip.Addr, s proxy.GateState) { j.note("gate %s %s", a, s) },
		end:     func(a netip.Addr) int { j.note("end connections on %s", a); return 1 },
		holders: map[netip.Addr]map[string]bool{},
	}
	return w
}

// part is an instance between fakes.
type part struct {
	*instance
	router *fakeRouter
	vips   *fakeAddresses
}

// alone is the group of an instance that is in no sync group.
func (p *part) alone() *group { return groupOf("", p) }

// groupOf is a group of these instances, with the router of the first.
func groupOf(sync string, parts ...*part) *group {
	g := &group{sync: sync, keeper: parts[0].keeper}
	for _, p := range parts {
		g.instances = append(g.instances, p.instance)
	}
	g.setRouter(parts[0].router)
	return g
}

func (w *world) instance(cfg config.Instance) *part {
	p := &part{router: &fakeRouter{journal: w.journal}, vips: &fakeAddresses{journal: w.journal, cfg: cfg.VIP}}
	p.instance = &instance{
		name: cfg.VRRP.Name, log: hclog.NewNullLogger(), sources: fakeSources{},
		inputs: w.inputs, keeper: w.keeper, gates: w.gates, router: p.router, vips: p.vips,
		exec: newExecutor(), beat: newBeatLine(w.keeper, hclog.NewNullLogger()),
		notify: notify.New(notifyConfig(cfg), noScripts{w.journal}, nil), judged: make(chan struct{}, 1), moved: make(chan struct{}, 1),
		applied: cfg.VIP, cfg: cfg, source: netip.MustParseAddr("10.0.0.1"),
		verdict: verdict{outcome: tracker.Outcome{Priority: cfg.VRRP.Priority}},
	}
	return p
}

// work carries out what is queued.
func (p *part) work(t *testing.T) {
	t.Helper()
	end := make(chan struct{})
	close(end)
	var beat sync.WaitGroup // a release waits for it
	beatEnd := make(chan struct{})
	beat.Go(func() { p.beat.run(t.Context(), beatEnd) })
	p.exec.run(t.Context(), end)
	close(beatEnd)
	beat.Wait()
}

// web is the configuration of an instance with these addresses.
func web(name string, prefixes ...string) config.Instance {
	cfg := config.Instance{
		VRRP: vrrp.Config{Name: name, Interface: "eth0", VRID: 51, Version: vrrp.V2, Priority: 100, AdvertInterval: time.Second},
		VIP:  vip.Config{Instance: name},
	}
	for _, p := range prefixes {
		prefix := netip.MustParsePrefix(p)
		cfg.VIP.Addresses = append(cfg.VIP.Addresses, vip.Address{Prefix: prefix, Interface: "eth0"})
		cfg.VRRP.Addresses = append(cfg.VRRP.Addresses, prefix.Addr())
	}
	return cfg
}

func prefixes(all []vip.Address) []string {
	var texts []string
	for _, a := range all {
		texts = append(texts, a.Prefix.String())
	}
	return texts
}

// packetOf is the packet of a will's farewell.
func packetOf(t *testing.T, op keeper.Op) []byte {
	t.Helper()
	farewell, ok := op.(keeper.SendPacket)
	if !ok {
		t.Fatalf("operation %v is no farewell", op)
	}
	return farewell.Data
}

func sprint(v any) string { return fmt.Sprint(v) }
