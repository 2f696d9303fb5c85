package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
)

// What a pair with adverts every 10 ms does while other processes want every core: `make long` runs it for 10 minutes each
// way. TANDEM_SATURATED is the time for each pair; empty: the test is skipped.
const (
	saturatedTime     = "TANDEM_SATURATED"
	saturatedRound    = 30 * time.Second // at most; rounds of all pairs follow each other in turns, so that what else the machine does meets all
	saturatedInterval = 10 * time.Millisecond
	hogsPerCore       = 2
)

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

const saturatedKeepalived = `global_defs {
	router_id lb1
	vrrp_version 3
}

vrrp_instance VI_1 {
	state BACKUP
	interface eth0
	virtual_router_id 51
	priority 101
	advert_int 0.01
	virtual_ipaddress {
		10.77.0.100/24
	}
}
`

// contender is a pair of one kind, and what became of it so far.
type contender struct {
	name    string
	command func(node, dir string) []string
	files   map[string]string // by name

	lasted    time.Duration
	takeovers int           // how often a node took the address
	gap       time.Duration // the longest between two adverts of anybody
	load      string        // when the last round ended
}

func contenders(t *testing.T) []*contender {
	tandem := func(node, dir string) []string {
		return []string{binary(t), "run", "--config", filepath.Join(dir, "tandem.yaml"), "--node", node}
	}
	keepalived := func(node, dir string) []string {
		return []string{needPeer(t, "keepalived"), "--dont-fork", "--log-console", "--vrrp", "--use-file", filepath.Join(dir, node+".conf")}
	}
	realtime := edited(t, saturatedTandem, "vrrp:\n", "vrrp:\n  rt_priority: 10\n  no_swap: true\n")
	confs := func(master string) map[string]string {
		return map[string]string{"lb1.conf": master, "lb2.conf": edited(t, master, "router_id lb1", "router_id lb2", "priority 101", "priority 100")}
	}
	return []*contender{
		{name: "Tandem, rt_priority 10", command: tandem, files: map[string]string{"tandem.yaml": realtime}},
		{name: "Tandem", command: tandem, files: map[string]string{"tandem.yaml": saturatedTandem}},
		{name: "Keepalived, vrrp_rt_priority 10", command: keepalived,
			files: confs(edited(t, saturatedKeepalived, "vrrp_version 3\n", "vrrp_version 3\n\tvrrp_rt_priority 10\n\tvrrp_no_swap\n\tvrrp_rlimit_rttime 1000000\n"))},
		{name: "Keepalived", command: keepalived, files: confs(saturatedKeepalived)},
	}
}

func TestIntegrationSaturated(t *testing.T) {
	total, err := time.ParseDuration(os.Getenv(saturatedTime))
	if err != nil {
		t.Skipf("%s is no duration: make long sets it", saturatedTime)
	}
	needLab(t)
	only := os.Getenv("TANDEM_SATURATED_ONLY")
	all := contenders(t)
	for left := total; left > 0; left -= saturatedRound {
		for _, c := range all {
			if only == "" || slices.Contains(strings.Split(only, ";"), c.name) {
				c.round(t, min(left, saturatedRound))
			}
		}
	}
	for _, c := range all {
		t.Logf("figure | %s | %v | %d takeovers | longest gap %v | load %s", c.name, c.lasted, c.takeovers, c.gap.Round(100*time.Microsecond), c.load)
	}
}

// round runs a new pair for a while under the hogs.
func (c *contender) round(t *testing.T, length time.Duration) {
	t.Helper()
	lab, err := netlab.New(netlab.Config{Private: []string{"/run"}, Events: 1 << 17})
	check(t, err)
	defer func() { check(t, lab.Close()) }()
	dir := t.TempDir()
	for name, text := range c.files {
		check(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	lan, err := lab.LAN("lan")
	check(t, err)
	start := lab.Mark()
	for i, name := range []string{"lb1", "lb2"} {
		node, err := lab.Node(name)
		check(t, err)
		_, err = node.Connect(t.Context(), lan, "eth0", netip.MustParsePrefix(fmt.Sprintf("10.77.0.%d/24", i+1)))
		check(t, err)
		args := c.command(name, dir)
		cmd := exec.Command(args[0], args[1:]...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a service of its own to the scheduler, as the hogs are
		p, err := node.Start(cmd)
		check(t, err)
		if os.Getenv("TANDEM_SATURATED_LOG") != "" {
			defer func() { t.Logf("%s: %s", name, p.Output()) }()
		}
		if i == 0 {
			if _, err := lab.Await(t.Context(), start, func(e netlab.Event) bool {
				return e.Kind == netlab.AddressAdded && e.Node == name && e.Address.Addr() == drill.VIP
			}); err != nil {
				t.Fatalf("%s: %v\n%s", c.name, err, p.Output())
			}
		}
	}
	pause(t, 2*time.Second)
	defer hog(t)()
	pause(t, time.Second)
	mark, began := lab.Mark(), time.Now()
	pause(t, length)
	text, _ := os.ReadFile("/proc/loadavg")
	c.load = strings.Fields(string(text))[0]
	events, err := lab.Since(mark)
	check(t, err)
	c.lasted += time.Since(began)
	before := c.takeovers
	var last, worst time.Time
	var roundGap time.Duration
	for _, e := range events {
		switch {
		case e.Kind == netlab.AddressAdded && e.Address.Addr() == drill.VIP:
			c.takeovers++
		case e.Kind == netlab.AdvertSeen:
			if gap := e.Time.Sub(last); !last.IsZero() && gap > roundGap {
				roundGap, worst = gap, e.Time
			}
			last = e.Time
		}
	}
	c.gap = max(c.gap, roundGap)
	t.Logf("%s: %d takeovers, longest gap %v before %v, load %s", c.name, c.takeovers-before, roundGap, worst.Format("15:04:05.000"), c.load)
}

// hog has processes of other sessions want every core, until the function that it returns is called.
func hog(t *testing.T) (stop func()) {
	t.Helper()
	var all []*exec.Cmd
	for range hogsPerCore * runtime.NumCPU() {
		cmd := exec.Command("/bin/sh", "-c", "while :; do :; done")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
		check(t, cmd.Start())
		all = append(all, cmd)
	}
	return func() {
		for _, cmd := range all {
			_ = cmd.Process.Kill() // it never ends by itself
			_ = cmd.Wait()
		}
	}
}
