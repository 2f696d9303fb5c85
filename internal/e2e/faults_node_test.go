package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/peers"
	"github.com/tandem-lb/tandem/internal/status"
)

// What happens on a node by hand: none of it may cost the address.
func TestIntegrationFaultByHand(t *testing.T) {
	p := newPair(t, "")
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Run("address deleted", func(t *testing.T) { addressDeleted(t, p) })
	t.Run("address claimed by another host", func(t *testing.T) { addressClaimed(t, p) })
	t.Run("second daemon", func(t *testing.T) { secondDaemon(t, p) })
	t.Run("names of the processes", func(t *testing.T) {
		s := mustSnapshot(t, p, "lb1")
		for name, pid := range map[string]int{"tandem": s.PID, "tandem-keeper": s.Keeper.PID, "tandem-runner": s.Runner.PID} {
			got := strings.Fields(command(t, p, "lb1", "pgrep", "-x", name))
			if !slices.Contains(got, fmt.Sprint(pid)) {
				t.Errorf("pgrep -x %s finds %v, want process %d", name, got, pid)
			}
			if name != "tandem-runner" && len(got) > 1 { // the runner has a worker
				t.Errorf("pgrep -x %s finds %v, want one process", name, got)
			}
		}
	})
}

// addressClaimed: a gratuitous ARP of another host is answered within a second, so that it leads nobody astray for long.
func addressClaimed(t *testing.T, p *drill.Pair) {
	peers.Find(t, "arping")
	ready(t, p, "lb1")
	quiet(t, p) // the takeover's own announcements are over
	mark := p.Lab.Mark()
	web1, err := p.Node("web1").Netlink().LinkByName("eth0")
	if err != nil {
		t.Fatal(err)
	}
	command(t, p, "web1", "ip", "address", "add", drill.VIP.String()+"/32", "dev", "eth0")
	command(t, p, "web1", "arping", "-U", "-c", "1", "-I", "eth0", drill.VIP.String())
	command(t, p, "web1", "ip", "address", "del", drill.VIP.String()+"/32", "dev", "eth0")
	claim := await(t, p, mark, "web1 claims the address", func(e netlab.Event) bool { return e.Node == "web1" && e.Gratuitous(drill.VIP) })
	answer := await(t, p, mark, "lb1 answers", func(e netlab.Event) bool {
		return e.Node == "lb1" && e.Gratuitous(drill.VIP) && e.Time.After(claim.Time)
	})
	within(t, "address claimed by another host: answered after", answer.Time.Sub(claim.Time), time.Second)
	s := mustSnapshot(t, p, "lb1").Instances[0]
	if s.Counters.ForeignClaims == 0 || s.Addresses[0].ClaimedBy != web1.Attrs().HardwareAddr.String() {
		t.Errorf("%d claims, by %q; want some by %v", s.Counters.ForeignClaims, s.Addresses[0].ClaimedBy, web1.Attrs().HardwareAddr)
	}
}

// quiet waits until lb1 has announced nothing for longer than the pause between its two bursts.
func quiet(t *testing.T, p *drill.Pair) {
	t.Helper()
	for {
		mark := p.Lab.Mark()
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
		_, err := p.Lab.Await(ctx, mark, func(e netlab.Event) bool { return e.Node == "lb1" && e.Gratuitous(drill.VIP) })
		cancel()
		if err != nil {
			return
		}
	}
}

// addressDeleted: `ip addr del` of the virtual address is undone at once, announced and counted.
func addressDeleted(t *testing.T, p *drill.Pair) {
	ready(t, p, "lb1")
	before := mustSnapshot(t, p, "lb1").Instances[0]
	mark := p.Lab.Mark()
	measure(t, p, figure{"address deleted by hand", 0}, "lb1", func(context.Context) error {
		link, err := p.Node("lb1").Netlink().LinkByName("eth0")
		if err != nil {
			return err
		}
		return p.Node("lb1").Netlink().AddrDel(link, &netlink.Addr{
			IPNet: &net.IPNet{IP: drill.VIP.AsSlice(), Mask: net.CIDRMask(24, 32)},
		})
	})
	gone := await(t, p, mark, "the address is deleted", removed("lb1"))
	back := await(t, p, mark, "the address is back", added("lb1"))
	within(t, "address deleted by hand: back after", back.Time.Sub(gone.Time), 10*time.Millisecond)
	if took := back.Time.Sub(gone.Time); took > 200*time.Millisecond { // a first try that failed is repeated after 250 ms
		t.Errorf("the address was back after %v: not at the first try", took)
	}
	if back.ValidLifetime == 0 {
		t.Error("the address came back without a lease")
	}
	await(t, p, mark, "the address is announced again", announcedBy("lb1"))
	after := mustSnapshot(t, p, "lb1").Instances[0]
	if got, want := after.Counters.ForeignDeletions, before.Counters.ForeignDeletions+1; got != want {
		t.Errorf("%d foreign deletions counted, want %d", got, want)
	}
	if after.State != status.Master || after.Epoch != before.Epoch {
		t.Errorf("lb1 is %s in epoch %d, want MASTER in %d as before", after.State, after.Epoch, before.Epoch)
	}
}

// secondDaemon: one that is started by mistake beside another of the same node is refused, and touches nothing.
func secondDaemon(t *testing.T, p *drill.Pair) {
	ready(t, p, "lb1")
	mark := p.Lab.Mark()
	began := time.Now()
	out, err := try(t, p, "lb1", binary(t), "run", "--config", p.File, "--node", "lb1")
	want := fmt.Sprintf("tandem: node lb1 is already running here (/run/tandem/lb1.lock is held by process %d)\n", mustSnapshot(t, p, "lb1").PID)
	if err == nil || out != want {
		t.Errorf("a second daemon ended with %v and said %q, want %q", err, out, want)
	}
	wantHolder(t, p, "lb1")
	events, err := p.Lab.Since(mark)
	if lost := filter(events, removed("lb1")); err != nil || len(lost) > 0 {
		t.Errorf("the address went when a second daemon started: %v, %v", lost, err)
	}
	figure{"a second daemon started", 0}.judge(t, p.Record.Since(began))
	if _, err := os.Stat(p.Node("lb1").Path("/run/tandem/admin.sock")); err != nil {
		t.Errorf("the runtime socket is gone: %v", err)
	}
}

// otherVIP is the second address of the pair with two instances.
const otherVIP = "10.77.0.200"

// activeConfig is a pair with an instance on each node.
func activeConfig() string {
	instances, proxy, _ := strings.Cut(drill.Config, "proxy:")
	_, first, _ := strings.Cut(instances, "  instances:\n")
	second := strings.NewReplacer("VI_1", "VI_2", "virtual_router_id: 51", "virtual_router_id: 52",
		"{lb1: 101, lb2: 100}", "{lb1: 100, lb2: 101}", drill.VIP.String(), otherVIP).Replace(first)
	return instances + second + "proxy:" + proxy
}

// Each node holds an address and serves on it; when one is cut off the other holds and serves both.
func TestIntegrationFaultActiveActive(t *testing.T) {
	p := newPair(t, activeConfig())
	for _, node := range []string{"lb1", "lb2"} {
		if err := p.StartDaemon(node); err != nil {
			t.Fatal(err)
		}
	}
	p.StartClient()
	second := startClient(t, p, otherVIP+":80")
	split := func(t *testing.T) {
		t.Helper()
		wantActive(t, p, "lb1", map[string]bool{drill.VIP.String(): true, otherVIP: false})
		wantActive(t, p, "lb2", map[string]bool{drill.VIP.String(): false, otherVIP: true})
	}
	split(t)
	if err := p.AwaitService(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}

	f := figure{"two instances, cable pulled on lb1, VI_1", silenceBound}
	began := time.Now()
	measure(t, p, f, "lb2", p.Cable("lb1").Pull)
	figure{"two instances, cable pulled on lb1, VI_2 on lb2", 0}.judge(t, second.Since(began))
	wantActive(t, p, "lb2", map[string]bool{drill.VIP.String(): true, otherVIP: true})

	began = time.Now()
	measure(t, p, figure{"two instances, cable back, VI_1", contestBound}, "lb1", p.Cable("lb1").Restore)
	split(t)
	figure{"two instances, cable back, VI_2 on lb2", 0}.judge(t, second.Since(began))
}

// startClient asks for a second address, as the pair's own client does for the first.
func startClient(t *testing.T, p *drill.Pair, address string) *drill.Record {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	record := &drill.Record{}
	c := drill.Client{
		Address: address, Interval: 20 * time.Millisecond, Deadline: 100 * time.Millisecond,
		Dial: p.Node("client").Dial, Record: record,
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Run(ctx) // it has no error to tell
	}()
	t.Cleanup(func() { cancel(); <-done })
	return record
}

// wantActive waits until a node holds these addresses and not those, and its gates are as open.
func wantActive(t *testing.T, p *drill.Pair, node string, want map[string]bool) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s has %v", node, want), func() (bool, any) {
		s, err := snapshot(t, p, node)
		if err != nil {
			return false, err
		}
		ok := len(s.Instances) == len(want)
		for _, i := range s.Instances {
			a := i.Addresses[0]
			ok = ok && a.Held == want[a.Prefix.Addr().String()] && (i.State == status.Master) == a.Held
		}
		for _, b := range s.Frontends[0].Binds {
			ok = ok && (b.Gate == "open") == want[b.Address.Addr().String()]
		}
		return ok && len(s.Frontends[0].Binds) == len(want), fmt.Sprintf("%+v %+v", s.Instances, s.Frontends)
	})
}

// A configuration without vrrp is a plain load balancer, which needs no privileges.
func TestIntegrationPlainBalancer(t *testing.T) {
	p := newPair(t, "")
	const dir = "/run/plain" // the node's own, and open to every user
	at := func(name string) string { return filepath.Join(p.Node("lb1").Path(dir), name) }
	if err := os.Mkdir(at(""), 0o755); err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(binary(t))
	if err != nil {
		t.Fatal(err)
	}
	_, balancer, _ := strings.Cut(drill.Config, "proxy:")
	config := "proxy:" + strings.Replace(balancer, `":80"`, `":8080"`, 1)
	for name, text := range map[string]string{"tandem": string(program), "plain.yaml": config} {
		if err := os.WriteFile(at(name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(at("run"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(at("run"), 0o777); err != nil { // past the umask
		t.Fatal(err)
	}
	args := []string{dir + "/tandem", "run", "--config", dir + "/plain.yaml", "--runtime-dir", dir + "/run"}
	if realRoot() {
		args = append([]string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = "/"
	d, err := p.Node("lb1").Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the plain balancer serves", func() (bool, any) {
		code, err := get(t, p, "10.77.0.1:8080", "/")
		return code == 200, fmt.Sprintf("status %d, %v: %s", code, err, d.Output())
	})
	if out := command(t, p, "lb1", "sh", "-c", "ls "+dir+"/run; pgrep -x tandem-keeper || true"); strings.Contains(out, ".will") || strings.ContainsAny(out, "0123456789") {
		t.Errorf("a plain balancer has what an instance needs: %s", out)
	}
	if err := d.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := d.Wait(ctx); err != nil {
		t.Errorf("the plain balancer ended with %v, want exit status 0: %s", err, d.Output())
	}
	if realRoot() {
		info, err := os.Stat(at("run"))
		if err != nil {
			t.Fatal(err)
		}
		entries, _ := os.ReadDir(at("run"))
		for _, e := range entries {
			if fi, err := e.Info(); err == nil && fi.Sys().(*syscall.Stat_t).Uid != 65534 {
				t.Errorf("%s in %s is user %d's: the daemon was not nobody's", e.Name(), info.Name(), fi.Sys().(*syscall.Stat_t).Uid)
			}
		}
	}
}

// realRoot says whether there is another user to become: in the user namespace that an ordinary user's tests run in there
// is none.
func realRoot() bool {
	text, err := os.ReadFile("/proc/self/uid_map")
	return os.Geteuid() == 0 && err == nil && strings.Fields(string(text))[2] == "4294967295"
}

// notifyScript appends its arguments and the epoch to a file, when it may: the file "hold" keeps it.
const notifyScript = `while test -e /run/hold; do sleep 0.05; done; echo "$@ $TANDEM_STATE $TANDEM_EPOCH" >> /run/notify.log`

func notifyConfig() string {
	return strings.Replace(drill.Config, "      track:\n",
		"      notify: {script: [/bin/sh, -c, '"+notifyScript+"', notify], user: root}\n      track:\n", 1)
}

// A notify script hears every state in order, the newest one last, and never two at once.
func TestIntegrationNotify(t *testing.T) {
	p := newPair(t, notifyConfig())
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ready(t, p, "lb1")
	var calls []string
	heard := func(want ...string) {
		t.Helper()
		eventually(t, fmt.Sprintf("the script has heard %v", want), func() (bool, any) {
			text, err := os.ReadFile(p.Node("lb1").Path("/run/notify.log"))
			calls = strings.Split(strings.TrimSpace(string(text)), "\n")
			var states []string
			for _, c := range calls {
				if f := strings.Fields(c); len(f) > 2 {
					states = append(states, f[2])
				}
			}
			return err == nil && slices.Equal(states, want), string(text)
		})
	}
	heard("BACKUP", "MASTER")
	// While the script of FAULT runs, the cable comes back: BACKUP, and then MASTER, which replaces it.
	hold := p.Node("lb1").Path("/run/hold")
	if err := os.WriteFile(hold, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := p.Cable("lb1").Pull(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.AwaitSole(t.Context(), "lb2"); err != nil {
		t.Fatal(err)
	}
	if err := p.Cable("lb1").Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.AwaitSole(t.Context(), "lb1"); err != nil {
		t.Fatal(err)
	}
	awaitStatus(t, p, "lb1", "has replaced a state that waited", func(s status.Snapshot) bool {
		return s.Instances[0].State == status.Master && s.Notify[0].Running && s.Notify[0].Coalesced == 1
	})
	if err := os.Remove(hold); err != nil {
		t.Fatal(err)
	}
	heard("BACKUP", "MASTER", "FAULT", "MASTER")
	if err := p.Daemon("lb1").Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.Daemon("lb1").Done()
	heard("BACKUP", "MASTER", "FAULT", "MASTER", "STOP")
	last := 0
	for _, c := range calls {
		var state, again string
		var priority, epoch int
		if _, err := fmt.Sscanf(c, "INSTANCE VI_1 %s %d %s %d", &state, &priority, &again, &epoch); err != nil {
			t.Errorf("call %q: %v; want INSTANCE VI_1 STATE PRIORITY", c, err)
		}
		if again != state || epoch <= last || (priority != 101 && priority != 71) {
			t.Errorf("call %q: want TANDEM_STATE %s, an epoch above %d, priority 101 or, without servers, 71", c, state, last)
		}
		last = epoch
	}
}
