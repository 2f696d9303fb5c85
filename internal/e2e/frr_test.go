package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
)

// frrConf is the other half of config3: FRRouting with the same virtual router, one below lb1's 101.
const frrConf = `interface eth0
 vrrp 51 version 3
 vrrp 51 priority 100
 vrrp 51 advertisement-interval 100
 vrrp 51 ip 10.77.0.100
`

// frrLink is the macvlan that has the virtual address all the time. FRRouting finds it by its MAC, and keeps it down
// ("protodown") while it is no master: whether lb2 has the address is whether this interface has a carrier.
const frrLink = "vrrp4-51"

// frrMAC is what IPv4 router 51 answers ARP with (RFC 9568 section 7.3).
var frrMAC = net.HardwareAddr{0x00, 0x00, 0x5e, 0x00, 0x01, 51}

// frr is Debian's FRRouting: zebra, which handles interfaces, and vrrpd.
type frr struct {
	lab   *netlab.Lab
	node  *netlab.Node
	conf  string
	dir   string // on the node
	vrrpd *netlab.Process
}

// newFRRPair is Tandem on lb1 and FRRouting on lb2.
func newFRRPair(t *testing.T, config, conf string) *mixedPair {
	t.Helper()
	needPeer(t, "vrrpd")
	needPeer(t, "zebra")
	p := newPair(t, config)
	check(t, p.StartServer(t.Context(), "lb2"))
	f := &frr{lab: p.Lab, node: p.Node("lb2"), conf: conf, dir: "/run/frr"}
	f.prepare(t)
	return &mixedPair{Pair: p, peer: f}
}

// prepare does what an administrator does before FRRouting starts, and starts zebra.
func (f *frr) prepare(t *testing.T) {
	t.Helper()
	dir := f.node.Path(f.dir)
	check(t, os.MkdirAll(dir, 0o755))
	check(t, os.WriteFile(filepath.Join(dir, "frr.conf"), []byte(f.conf), 0o644))
	if err := giveToFRR(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	// eth0 must neither answer for the macvlan's address nor use it when it asks.
	check(t, f.node.Do(func() error {
		for name, value := range map[string]string{"arp_ignore": "1", "arp_announce": "2"} {
			if err := os.WriteFile("/proc/sys/net/ipv4/conf/eth0/"+name, []byte(value), 0); err != nil {
				return err
			}
		}
		return nil
	}))
	check(t, f.addLink(frrLink, frrMAC, netip.PrefixFrom(drill.VIP, 32)))
	f.run(t, "zebra")
	eventually(t, "zebra listens", func() (bool, any) { // a vrrpd that finds nobody tries again after 10 s
		_, err := os.Stat(filepath.Join(dir, "zserv.api"))
		return err == nil, err
	})
}

// giveToFRR makes a directory the daemons' own; a user namespace knows no such user.
func giveToFRR(dir string) error {
	u, err := user.Lookup("frr")
	if err != nil {
		return fmt.Errorf("FRRouting's daemons need their user: %w", err)
	}
	uid, uidErr := strconv.Atoi(u.Uid)
	gid, gidErr := strconv.Atoi(u.Gid)
	if uidErr != nil || gidErr != nil {
		return fmt.Errorf("user frr has numbers %s and %s", u.Uid, u.Gid)
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		return fmt.Errorf("FRRouting's daemons need their user: %w", err)
	}
	return nil
}

func (f *frr) addLink(name string, mac net.HardwareAddr, address netip.Prefix) error {
	h := f.node.Netlink()
	parent, err := h.LinkByName("eth0")
	if err != nil {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.ParentIndex, attrs.HardwareAddr = name, parent.Attrs().Index, mac
	link := &netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_BRIDGE}
	if err := h.LinkAdd(link); err != nil {
		return fmt.Errorf("add %s: %w", name, err)
	}
	n := &net.IPNet{IP: address.Addr().AsSlice(), Mask: net.CIDRMask(address.Bits(), address.Addr().BitLen())}
	if err := h.AddrAdd(link, &netlink.Addr{IPNet: n}); err != nil {
		return fmt.Errorf("add %v to %s: %w", address, name, err)
	}
	return nil
}

// run starts one of the daemons.
func (f *frr) run(t *testing.T, name string) *netlab.Process {
	t.Helper()
	p, err := f.node.Start(exec.Command(needPeer(t, name), "--user", "frr", "--group", "frr",
		"--config_file", f.dir+"/frr.conf", "--socket", f.dir+"/zserv.api", "--vty_socket", f.dir,
		"--vty_port", "0", "--pid_file", f.dir+"/"+name+".pid", "--log", "stdout"))
	check(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of %s:\n%s", name, p.Output())
		}
	})
	return p
}

// start starts vrrpd, as a backup. The macvlan answers for its address from the moment it is up until vrrpd keeps it down.
func (f *frr) start(t *testing.T) {
	t.Helper()
	link, err := f.node.Netlink().LinkByName(frrLink)
	check(t, err)
	check(t, f.node.Netlink().LinkSetUp(link))
	mark := f.lab.Mark()
	held, err := f.holds()
	check(t, err)
	f.vrrpd = f.run(t, "vrrpd")
	if held {
		_, err := f.lab.Await(t.Context(), mark, func(e netlab.Event) bool { return f.moved(e, netlab.AddressRemoved) })
		check(t, err)
	}
}

func (f *frr) running() *netlab.Process { return f.vrrpd }

func (f *frr) moved(e netlab.Event, kind netlab.Kind) bool {
	want := map[netlab.Kind]netlab.Kind{netlab.AddressAdded: netlab.CarrierUp, netlab.AddressRemoved: netlab.CarrierDown}
	return e.Node == "lb2" && e.Interface == frrLink && e.Kind == want[kind]
}

func (f *frr) holds() (bool, error) {
	link, err := f.node.Netlink().LinkByName(frrLink)
	if err != nil {
		return false, fmt.Errorf("look at %s: %w", frrLink, err)
	}
	return link.Attrs().RawFlags&unix.IFF_RUNNING != 0, nil
}
