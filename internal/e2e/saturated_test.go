package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/peers"
)

// What a pair with adverts each 10 ms does while other processes want every core: `make long` runs it for 10 minutes for each
// contender. It takes too much of a machine for `make test`.
const (
	saturatedTime  = "TANDEM_SATURATED" // the time for each contender, a duration; empty: the test is skipped
	saturatedRound = 30 * time.Second   // at most: then all start anew
	hogsPerCore    = 2
)

// saturatedTandem has the virtual router alone: the balancer's checks would be work that Keepalived does not have.
const saturatedTandem = `nodes:
  lb1: {address: 10.77.0.1}
  lb2: {address: 10.77.0.2}
vrrp:
  instances:
    - name: VI_1
      interface: eth0
      virtual_router_id: 51
      version: 3
      priority: {lb1: 101, lb2: 100}
      advert_interval: 10ms
      virtual_addresses: [10.77.0.100/24]
`

// contender is a pair of one kind, and what became of it so far.
type contender struct {
	name     string
	realTime bool
	files    map[string]string // by name: what it needs
	command  func(node, dir string) []string

	lasted    time.Duration
	takeovers int           // how often a node took the address
	gap       time.Duration // the longest between two adverts, whose ever
	load      []string      // average of the last minute, at the end of each round
}

func contenders(t *testing.T) []*contender {
	tandem := func(node, dir string) []string {
		return []string{binary(t), "run", "--config", filepath.Join(dir, "tandem.yaml"), "--node", node}
	}
	keepalived := func(node, dir string) []string {
		return []string{peers.Find(t, "keepalived"), "--dont-fork", "--log-console", "--vrrp", "--use-file", filepath.Join(dir, node+".conf")}
	}
	plain := edited(t, keepalivedConf3(t), "advert_int 0.1\n", "advert_int 0.01\n")
	conf := func(lb2 string) map[string]string {
		return map[string]string{"lb1.conf": edited(t, lb2, "router_id lb2", "router_id lb1", "priority 100", "priority 101"), "lb2.conf": lb2}
	}
	return []*contender{
		{name: "Tandem, rt_priority 10", realTime: true, command: tandem,
			files: map[string]string{"tandem.yaml": edited(t, saturatedTandem, "vrrp:\n", "vrrp:\n  rt_priority: 10\n  no_swap: true\n")}},
		{name: "Tandem", command: tandem, files: map[string]string{"tandem.yaml": saturatedTandem}},
		{name: "Keepalived, vrrp_rt_priority 10", realTime: true, command: keepalived, files: conf(edited(t, plain,
			// Its default limit of real time has the kernel end it.
			"vrrp_version 3\n", "vrrp_version 3\n\tvrrp_rt_priority 10\n\tvrrp_no_swap\n\tvrrp_rlimit_rttime 1000000\n"))},
		{name: "Keepalived", command: keepalived, files: conf(plain)},
	}
}

func TestIntegrationSaturated(t *testing.T) {
	total, err := time.ParseDuration(os.Getenv(saturatedTime))
	if err != nil {
		t.Skipf("%s is no duration: make long sets it", saturatedTime)
	}
	needLab(t)
	needRealTime(t)
	all := contenders(t)
	for left := total; left > 0; left -= saturatedRound {
		saturate(t, all, min(left, saturatedRound))
	}
	for _, c := range all {
		t.Logf("figure | %s | %v | takeovers %d | longest gap %v | load %s",
			c.name, c.lasted.Round(time.Second), c.takeovers, c.gap.Round(100*time.Microsecond), strings.Join(c.load, " "))
		if c.realTime && c.takeovers > 0 && strings.HasPrefix(c.name, "Tandem") {
			t.Errorf("%s: %d takeovers of a master that lived, want none", c.name, c.takeovers)
		}
	}
}

// saturate runs a new pair of each kind under the same hogs for a while, all at once: none has a better time than the others.
func saturate(t *testing.T, all []*contender, length time.Duration) {
	t.Helper()
	labs := make([]*netlab.Lab, len(all))
	for i, c := range all {
		lab, err := netlab.New(netlab.Config{Private: []string{"/run"}})
		check(t, err)
		defer func() { check(t, lab.Close()) }()
		labs[i] = lab
		c.start(t, lab)
	}
	defer hog(t)()
	pause(t, time.Second)
	marks, began := make([]netlab.Mark, len(all)), time.Now()
	for i, lab := range labs {
		marks[i] = lab.Mark()
	}
	pause(t, length)
	for i, c := range all {
		events, err := labs[i].Since(marks[i])
		check(t, err)
		c.lasted += time.Since(began)
		c.count(events)
		text, err := os.ReadFile("/proc/loadavg")
		check(t, err)
		c.load = append(c.load, strings.Fields(string(text))[0])
		t.Logf("%s: takeovers so far %d, longest gap %v, load %s", c.name, c.takeovers, c.gap, c.load[len(c.load)-1])
	}
}

// start starts both nodes, lb1 as master, each a service of its own to the scheduler, as the hogs are.
func (c *contender) start(t *testing.T, lab *netlab.Lab) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range c.files {
		check(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	lan, err := lab.LAN("lan")
	check(t, err)
	mark := lab.Mark()
	for i, name := range []string{"lb1", "lb2"} {
		node, err := lab.Node(name)
		check(t, err)
		_, err = node.Connect(t.Context(), lan, "eth0", netip.MustParsePrefix(fmt.Sprintf("10.77.0.%d/24", i+1)))
		check(t, err)
		args := c.command(name, dir)
		cmd := exec.Command(args[0], args[1:]...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		p, err := node.Start(cmd)
		check(t, err)
		if i > 0 {
			continue
		}
		_, err = lab.Await(t.Context(), mark, func(e netlab.Event) bool { return e.Node == name && tookAddress(e) })
		if err != nil {
			t.Fatalf("%s: %v\n%s", c.name, err, p.Output())
		}
	}
	pause(t, 2*time.Second) // lb2 has no event to tell that it listens
}

func tookAddress(e netlab.Event) bool {
	return e.Kind == netlab.AddressAdded && e.Address.Addr() == drill.VIP
}

// count adds what a round showed. Times of packets are the kernel's, so that a late reader makes no gap.
func (c *contender) count(events []netlab.Event) {
	var last time.Time
	for _, e := range events {
		if tookAddress(e) {
			c.takeovers++
		}
		if e.Kind != netlab.AdvertSeen {
			continue
		}
		if !last.IsZero() {
			c.gap = max(c.gap, e.Time.Sub(last))
		}
		last = e.Time
	}
}

// hog has processes of other sessions want every core, until the function that it returns is called.
func hog(t *testing.T) (stop func()) {
	t.Helper()
	var all []*exec.Cmd
	for range hogsPerCore * runtime.NumCPU() {
		cmd := exec.Command("/bin/sh", "-c", "while kill -0 $PPID; do i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; done")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		check(t, cmd.Start())
		all = append(all, cmd)
	}
	return func() {
		for _, cmd := range all {
			_ = cmd.Process.Kill() // it does not end by itself while this test runs
			_ = cmd.Wait()         // which is what this says
		}
	}
}
