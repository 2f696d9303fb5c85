package e2e

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/status"
)

var (
	scaleInstances = flag.String("scale", "", "numbers of instances to measure all of, with commas; empty: a short run with 64")
	scaleAddresses = flag.Int("scale.addresses", 20, "addresses of each instance")
	scaleVersion   = flag.Int("scale.version", 2, "2: adverts every second; 3: every 100 ms")
)

// burstsOver is a wait after which no announcement is due any more: the second burst comes after 5 s, and all repeats of 5100
// addresses take as long each time.
const burstsOver = 15 * time.Second

// takeoverBound is what a node may take from a down timer until it holds the addresses, with 5100 of them at once.
const takeoverBound = 1500 * time.Millisecond

// A node with many instances starts, reloads, is killed and stops. What it prints with -scale is in docs/benchmarks.md.
func TestIntegrationScale(t *testing.T) {
	if *scaleInstances == "" {
		c := newCrowd(t, 64, 20, 2)
		c.begin()
		c.reload()
		c.end()
		return
	}
	for field := range strings.SplitSeq(*scaleInstances, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 || n > 255 {
			t.Fatalf("-scale %s: want numbers from 1 to 255", *scaleInstances)
		}
		t.Run(fmt.Sprintf("%dx%d", n, *scaleAddresses), func(t *testing.T) {
			c := newCrowd(t, n, *scaleAddresses, *scaleVersion)
			c.begin()
			pause(t, burstsOver)
			c.footprint("lb1")
			c.footprint("lb2")
			c.reload()
			c.end()
			c.returns("lb1")
			c.takes("cable pulled", "lb2", "", func() { check(t, c.cables["lb1"].Pull(t.Context())) })
		})
	}
}

// crowd is a pair with many instances on one interface, lb1 MASTER of all.
type crowd struct {
	*testing.T
	lab       *netlab.Lab
	nodes     map[string]*netlab.Node
	cables    map[string]*netlab.Cable
	daemons   map[string]*netlab.Process
	file      string
	instances int
	addresses []netip.Prefix       // of all instances
	vrids     map[netip.Addr]uint8 // whose they are
	interval  time.Duration
	skew      time.Duration // of lb2
}

func newCrowd(t *testing.T, instances, each, version int) *crowd {
	t.Helper()
	needLab(t)
	c := &crowd{
		T: t, instances: instances, file: filepath.Join(t.TempDir(), "tandem.yaml"),
		nodes: map[string]*netlab.Node{}, cables: map[string]*netlab.Cable{}, daemons: map[string]*netlab.Process{}, vrids: map[netip.Addr]uint8{},
		interval: time.Second, skew: skew,
	}
	if version == 3 {
		c.interval, c.skew = 100*time.Millisecond, skew/10
	}
	check(t, os.WriteFile(c.file, []byte(c.config(each, version)), 0o644))
	lab, err := netlab.New(netlab.Config{Private: []string{"/run"}, Events: 1 << 19})
	check(t, err)
	c.lab = lab
	t.Cleanup(func() {
		if t.Failed() {
			for name, d := range c.daemons {
				t.Logf("log of %s:\n%s", name, d.Output())
			}
		}
		check(t, lab.Close())
	})
	lan, err := lab.LAN("lan")
	check(t, err)
	for name, address := range map[string]string{"lb1": "10.77.0.1/16", "lb2": "10.77.0.2/16"} {
		c.nodes[name], err = lab.Node(name)
		check(t, err)
		c.cables[name], err = c.nodes[name].Connect(t.Context(), lan, "eth0", netip.MustParsePrefix(address))
		check(t, err)
	}
	return c
}

// config has the addresses in the subnet of the nodes' own, as on a LAN of hosts.
func (c *crowd) config(each, version int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "nodes:\n  lb1: {address: 10.77.0.1}\n  lb2: {address: 10.77.0.2}\nvrrp:\n  instances:\n")
	for i := range c.instances {
		var list []string
		for a := range each {
			p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 77, byte(1 + i%254), byte(1 + a + i/254*100)}), 16)
			c.addresses = append(c.addresses, p)
			c.vrids[p.Addr()] = uint8(i + 1)
			list = append(list, p.String())
		}
		fmt.Fprintf(&b, "    - name: VI_%d\n      interface: eth0\n      virtual_router_id: %d\n      version: %d\n"+
			"      priority: {lb1: 101, lb2: 100}\n      advert_interval: %v\n      virtual_addresses: [%s]\n",
			i+1, i+1, version, c.interval, strings.Join(list, ", "))
	}
	return b.String()
}

// begin starts lb1, which takes everything, and lb2.
func (c *crowd) begin() {
	c.takes("start", "lb1", "", func() { c.start("lb1") })
	c.start("lb2")
	c.settle("lb2", status.Backup)
	c.settle("lb1", status.Master)
}

// end kills lb1, has it come back, and stops it.
func (c *crowd) end() {
	c.takes("kill -9", "lb2", "lb1", func() { check(c.T, c.daemons["lb1"].Signal(syscall.SIGKILL)) })
	c.returns("lb1")
	ended := make(chan time.Duration, 1)
	c.takes("clean stop", "lb2", "lb1", func() {
		began := time.Now()
		check(c.T, c.daemons["lb1"].Signal(syscall.SIGTERM))
		go func() {
			<-c.daemons["lb1"].Done()
			ended <- time.Since(began)
		}()
	})
	c.row("clean stop: the daemon has ended", <-ended)
}

// start starts the daemon of a node.
func (c *crowd) start(node string) {
	c.Helper()
	d, err := c.nodes[node].Start(exec.Command(binary(c.T), "run", "--config", c.file, "--node", node))
	check(c.T, err)
	c.daemons[node] = d
}

// row prints a figure for docs/benchmarks.md.
func (c *crowd) row(what string, figure any) {
	if d, ok := figure.(time.Duration); ok {
		figure = d.Round(time.Millisecond)
	}
	c.Logf("scale | %d x %d | %s | %v", c.instances, len(c.addresses)/c.instances, what, figure)
}

// settle waits until every instance of a node is in a state, and hears its peer if that is BACKUP.
func (c *crowd) settle(node, state string) {
	c.Helper()
	eventually(c.T, node+" is "+state, func() (bool, any) {
		s, err := c.status(node)
		if err != nil {
			return false, err
		}
		for _, i := range s.Instances {
			if i.State != state || state == status.Backup && (i.Peer == nil || len(i.Holds) > 0) {
				return false, fmt.Sprintf("%s is %s, holds %v", i.Name, i.State, i.Holds)
			}
		}
		return true, nil
	})
}
