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
	"github.com/tandem-lb/tandem/internal/peers"
)

// frrFamily is what is another matter for IPv4 and IPv6.
type frrFamily struct {
	name    string
	vrrp    string       // the line of its configuration that has the address
	address netip.Prefix // on the macvlan
	// link is the macvlan that has the address all the time. FRRouting finds it by its MAC, and keeps it down ("protodown")
	// while it is no master: whether lb2 has the address is whether this interface has a carrier.
	link string
	mac  net.HardwareAddr // with which the virtual router answers (RFC 9568 section 7.3)

	config       string   // Tandem's
	tshark       []string // what each packet is
	tandem, peer string   // where adverts come from
}

func frrFamilies(t *testing.T) []frrFamily {
	// No backend is tracked, so that only what happens to the routers moves the address.
	config := edited(t, config3(t), "      track:\n        - {backend: web, min_up: 1, weight: -30}\n", "")
	return []frrFamily{
		{
			"FRR v3", " vrrp 51 ip 10.77.0.100\n", netip.PrefixFrom(drill.VIP, 32),
			"vrrp4-51", net.HardwareAddr{0x00, 0x00, 0x5e, 0x00, 0x01, 51},
			config, tsharkWants3, "10.77.0.1", "10.77.0.2",
		},
		{
			"FRR v3 IPv6", " vrrp 51 ipv6 fd00:77::100\n", netip.PrefixFrom(vip6, 128),
			"vrrp6-51", net.HardwareAddr{0x00, 0x00, 0x5e, 0x00, 0x02, 51},
			edited(t, config, "[10.77.0.100/24]", `["fd00:77::100/64"]`,
				"10.77.0.11:80", "[fd00:77::11]:80", "10.77.0.12:80", "[fd00:77::12]:80"), tsharkWants6, "fe80::1", frrLinkLocal.Addr().String(),
		},
	}
}

// frrLinkLocal is the macvlan's own: FRRouting's adverts on IPv6 come from it. The one that Linux would make of the MAC is
// the same on each router.
var frrLinkLocal = netip.MustParsePrefix("fe80::51:2/64")

// frr is Debian's FRRouting: zebra, which handles interfaces, and vrrpd.
type frr struct {
	frrFamily
	lab   *netlab.Lab
	node  *netlab.Node
	conf  string
	dir   string // on the node
	vrrpd *netlab.Process
}

// newFRRPair is Tandem on lb1, with priority 101, and FRRouting on lb2.
func newFRRPair(t *testing.T, family frrFamily, priority int) *mixedPair {
	t.Helper()
	peers.Find(t, "vrrpd")
	peers.Find(t, "zebra")
	p := newPairOf(t, family.config, family.address.Addr())
	check(t, p.StartServer(t.Context(), "lb2"))
	conf := fmt.Sprintf("interface eth0\n vrrp 51 version 3\n vrrp 51 priority %d\n vrrp 51 advertisement-interval 100\n%s", priority, family.vrrp)
	f := &frr{frrFamily: family, lab: p.Lab, node: p.Node("lb2"), conf: conf, dir: "/run/frr"}
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
	check(t, f.addLink())
	// eth0 must neither answer ARP for the macvlan's address nor use it when it asks; and the macvlan's link-local address
	// must not be detected anew at each takeover, for adverts wait for that.
	check(t, f.node.Do(func() error {
		for name, value := range map[string]string{
			"ipv4/conf/eth0/arp_ignore": "1", "ipv4/conf/eth0/arp_announce": "2",
			"ipv6/conf/" + f.link + "/accept_dad": "0", "ipv6/conf/" + f.link + "/addr_gen_mode": "1",
		} {
			if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0); err != nil {
				return err
			}
		}
		return nil
	}))
	for _, address := range []netip.Prefix{f.address, frrLinkLocal} {
		check(t, f.addAddress(address))
	}
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

func (f *frr) addLink() error {
	h := f.node.Netlink()
	parent, err := h.LinkByName("eth0")
	if err != nil {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.ParentIndex, attrs.HardwareAddr = f.link, parent.Attrs().Index, f.mac
	if err := h.LinkAdd(&netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_BRIDGE}); err != nil {
		return fmt.Errorf("add %s: %w", f.link, err)
	}
	return nil
}

func (f *frr) addAddress(address netip.Prefix) error {
	link, err := f.node.Netlink().LinkByName(f.link)
	if err != nil {
		return err
	}
	a := netlink.Addr{IPNet: &net.IPNet{IP: address.Addr().AsSlice(), Mask: net.CIDRMask(address.Bits(), address.Addr().BitLen())}}
	if address.Addr().Is6() {
		a.Flags = unix.IFA_F_NODAD
	}
	if err := f.node.Netlink().AddrAdd(link, &a); err != nil {
		return fmt.Errorf("add %v to %s: %w", address, f.link, err)
	}
	return nil
}

// run starts one of the daemons.
func (f *frr) run(t *testing.T, name string) *netlab.Process {
	t.Helper()
	p, err := f.node.Start(exec.Command(peers.Find(t, name), "--user", "frr", "--group", "frr",
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
	link, err := f.node.Netlink().LinkByName(f.link)
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
	return e.Node == "lb2" && e.Interface == f.link && e.Kind == want[kind]
}

func (f *frr) holds() (bool, error) {
	link, err := f.node.Netlink().LinkByName(f.link)
	if err != nil {
		return false, fmt.Errorf("look at %s: %w", f.link, err)
	}
	return link.Attrs().RawFlags&unix.IFF_RUNNING != 0, nil
}
