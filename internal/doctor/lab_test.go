package doctor

import (
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/internal/netlab"
)

// ward is a lab of two nodes: us, which is examined, and them, who speaks.
type ward struct {
	*netlab.Lab
	us, them *netlab.Node
}

func newWard(t *testing.T) ward {
	t.Helper()
	if available != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(available)
		}
		t.Skip(available)
	}
	lab, err := netlab.New(netlab.Config{})
	must(t, "make lab", err)
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	lan, err := lab.LAN("front")
	must(t, "make LAN", err)
	w := ward{Lab: lab}
	w.us, err = lab.Node("us")
	must(t, "make node", err)
	w.them, err = lab.Node("them")
	must(t, "make node", err)
	_, err = w.us.Connect(patient(t), lan, "eth0", netip.MustParsePrefix("10.77.0.1/24"))
	must(t, "connect", err)
	_, err = w.them.Connect(patient(t), lan, "eth0", netip.MustParsePrefix("10.77.0.2/24"))
	must(t, "connect", err)
	return w
}

// speak has a node send adverts from an address of its own until the test ends.
func (w ward) speak(t *testing.T, n *netlab.Node, source string, message string) {
	t.Helper()
	var conn net.PacketConn
	must(t, "open raw socket", n.Do(func() (err error) {
		conn, err = net.ListenPacket("ip4:112", source)
		return err
	}))
	payload, to := fromHex(t, message), &net.IPAddr{IP: groupAddr().AsSlice()}
	// What is lost shows in what the doctor heard.
	every(t, func() { _, _ = conn.WriteTo(payload, to) }, conn)
}

// repeat has a node send a frame until the test ends.
func (w ward) repeat(t *testing.T, n *netlab.Node, frame []byte) {
	t.Helper()
	var conn *packet.Conn
	must(t, "open packet socket", n.Do(func() error {
		ifi, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		conn, err = packet.Listen(ifi, packet.Raw, unix.ETH_P_LOOPBACK, nil)
		return err
	}))
	to := &packet.Addr{HardwareAddr: net.HardwareAddr(frame[:6])}
	every(t, func() { _, _ = conn.WriteTo(frame, to) }, conn)
}

// every calls send each 50 ms until the test ends, and then closes what it sent by.
func every(t *testing.T, send func(), conn io.Closer) {
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for beat := time.NewTicker(50 * time.Millisecond); ; {
			send()
			select {
			case <-beat.C:
			case <-stop:
				beat.Stop()
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-ended
		_ = conn.Close()
	})
}

// Messages of version 2, interval 1 s, without a password; their checksums do not matter to the doctor.
const (
	peersMessage     = "21335a01 00010000 0a4d0064 0000000000000000" // VRID 51, priority 90, 10.77.0.100
	strangersMessage = "2133c801 00010000 0a4d00c8 0000000000000000" // VRID 51, priority 200, 10.77.0.200
)

// labPlan is what us would run.
func labPlan() Plan { return healthy().Plan.withoutScripts() }

func (p Plan) withoutScripts() Plan {
	p.Scripts = nil
	return p
}

// netFindings are those that tell of the network, where the machine of the test decides about the host.
func (e examination) netFindings() []Finding {
	var all []Finding
	for _, check := range []string{"rivals", "link", "multicast", "snooping", "firewall", "vrid", "holders"} {
		all = append(all, e.of(check)...)
	}
	return all
}

func addAddress(t *testing.T, n *netlab.Node, address string) {
	t.Helper()
	link, err := n.Netlink().LinkByName("eth0")
	must(t, "find link", err)
	addr, err := netlink.ParseAddr(address)
	must(t, "parse address", err)
	must(t, "add address", n.Netlink().AddrAdd(link, addr))
}

func wantOne(t *testing.T, e examination, check string, level Level, saw string) {
	t.Helper()
	found := e.netFindings()
	if len(found) != 1 || found[0].Check != check || found[0].Level != level || !strings.Contains(found[0].Saw, saw) {
		t.Errorf("got %+v, want one %s of %s that says %q", found, level, check, saw)
	}
}

func TestIntegrationCleanLAN(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	addAddress(t, w.them, "10.77.0.100/24")
	w.speak(t, w.them, "10.77.0.2", peersMessage)
	e := examineOn(t, w.us, labPlan())
	if found := e.netFindings(); len(found) > 0 {
		t.Errorf("got %+v, want nothing to mend", found)
	}
	h := e.facts.Interfaces[0].Heard
	if len(h.Speakers) != 1 {
		t.Fatalf("speakers: got %v, want the other node", h.Speakers)
	}
	s := h.Speakers[0]
	if s.Local || s.VRID != 51 || s.Priority != 90 || s.Interval != time.Second || s.Source.String() != "10.77.0.2" ||
		!slices.Equal(s.Addresses, addrs("10.77.0.100")) {
		t.Errorf("got %+v, want the other node as it speaks", s)
	}
	if s.Wire < 5 || s.Socket < s.Wire-1 { // one that was sent between the end of the tap and that of the socket may be more
		t.Errorf("got %d adverts on the wire and %d at the socket, want 5 at least and all of them", s.Wire, s.Socket)
	}
	if len(h.Answers) != 1 || h.Answers[0].MAC != s.MAC || h.Asked != 1 {
		t.Errorf("answers: got %v of %d asked, want one of %v", h.Answers, h.Asked, s.MAC)
	}
	if e.facts.Kernel.FreeBind != "" || e.facts.Kernel.PidFD != "" || e.facts.Kernel.Lifetimes != Works || e.facts.Clock.BootTime != "" {
		t.Errorf("kernel and clock: got %+v, %+v, want that all works here", e.facts.Kernel, e.facts.Clock)
	}
}

// Nothing that the doctor does may look like VRRP, or like a claim to an address.
func TestIntegrationTheDoctorSendsNoAdvertAndClaimsNothing(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	mark := w.Mark()
	examineOn(t, w.us, labPlan())
	events, err := w.Since(mark)
	must(t, "events", err)
	asked := 0
	for _, e := range events {
		switch {
		case e.Kind == netlab.AdvertSeen, e.Address.Addr().String() == "10.77.0.100":
			t.Errorf("got %v, want that the doctor sends no advert and takes no address", e)
		case e.Kind == netlab.ARPSeen && e.ARP.TargetIP.String() == "10.77.0.100":
			asked++
			if !e.ARP.SenderIP.IsUnspecified() {
				t.Errorf("got %v, want a question from nobody", e)
			}
		}
	}
	if asked != 2 {
		t.Errorf("got %d questions for the virtual address, want 2", asked)
	}
}

func TestIntegrationStrangerWithOurVRID(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	addAddress(t, w.them, "10.77.0.9/24")
	w.speak(t, w.them, "10.77.0.9", strangersMessage)
	e := examineOn(t, w.us, labPlan())
	wantOne(t, e, "vrid", Problem, "VRID 51 of VI_1 is spoken by a stranger: 10.77.0.9")
	if found := e.of("vrid"); len(found) > 0 && !strings.Contains(found[0].Do[0], "VRID 61 is free") {
		t.Errorf("what to do: %q, want a free VRID", found[0].Do)
	}
}

func TestIntegrationFirewall(t *testing.T) {
	t.Parallel()
	const protocolAt, destinationAt = 9, 16 // in the IPv4 header
	tests := []struct {
		name  string
		rule  packetRule
		check string
		saw   string
	}{
		{"protocol 112, in", packetRule{unix.NF_INET_LOCAL_IN, protocolAt, []byte{112}}, "firewall",
			"adverts of 10.77.0.2 are on the wire and no socket gets them: a firewall on this host drops protocol 112"},
		{"protocol 112, before routing", packetRule{unix.NF_INET_PRE_ROUTING, protocolAt, []byte{112}}, "firewall",
			"adverts of 10.77.0.2 are on the wire and no socket gets them: a firewall on this host drops protocol 112"},
		{"to the group, out", packetRule{unix.NF_INET_LOCAL_OUT, destinationAt, []byte{224, 0, 0, 18}}, "multicast",
			"a datagram to 224.0.0.18 cannot be sent: operation not permitted"},
		{"to the group, after routing", packetRule{unix.NF_INET_POST_ROUTING, destinationAt, []byte{224, 0, 0, 18}}, "multicast",
			"a datagram to 224.0.0.18 cannot be sent: operation not permitted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWard(t)
			w.speak(t, w.them, "10.77.0.2", peersMessage)
			dropOn(t, w.us, tt.rule)
			wantOne(t, examineOn(t, w.us, labPlan()), tt.check, Problem, tt.saw)
		})
	}
}

func TestIntegrationFilteredBySource(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	addAddress(t, w.them, "10.99.0.2/24")
	must(t, "set rp_filter", w.us.Do(func() error {
		return os.WriteFile("/proc/sys/net/ipv4/conf/eth0/rp_filter", []byte("1"), 0)
	}))
	w.speak(t, w.them, "10.99.0.2", peersMessage)
	wantOne(t, examineOn(t, w.us, labPlan()), "firewall", Problem, "rp_filter is 1, and they come from no subnet of eth0")
}

func TestIntegrationAddressIsTaken(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	addAddress(t, w.them, "10.77.0.100/24")
	found := examineOn(t, w.us, labPlan()).of("holders")
	if len(found) != 1 || found[0].Level != Problem || !strings.HasPrefix(found[0].Saw, "10.77.0.100 is answered for by ") {
		t.Errorf("got %+v, want that somebody answers", found)
	}
}

// What a VLAN's interface hears is not its parent's to judge, though a tap on the parent sees it. A tag of VLAN 0 has a
// priority only: the frame is the interface's own.
func TestIntegrationVLANsAreApart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		tag   string
		heard bool
	}{
		{"VLAN 10", "8100 000a", false},
		{"VLAN 10 with a priority", "8100 e00a", false},
		{"a priority alone", "8100 e000", true},
	}
	const header = "45c0 0028 0000 0000 ff70 0a91 0a4d0009 e0000012 "
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWard(t)
			w.repeat(t, w.them, fromHex(t, "01005e000012 020000000009 "+tt.tag+"0800 "+header+strangersMessage))
			heard := examineOn(t, w.us, PlanInterface("eth0")).facts.Interfaces[0].Heard.Speakers
			if got := len(heard) > 0; got != tt.heard {
				t.Errorf("got %v, want heard: %t", heard, tt.heard)
			}
		})
	}
}

func TestIntegrationBridge(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	h := w.us.Netlink()
	on := true
	bridge := &netlink.Bridge{LinkAttrs: netlink.NewLinkAttrs(), MulticastSnooping: &on}
	bridge.Name = "br0"
	must(t, "add bridge", h.LinkAdd(bridge))
	eth0, err := h.LinkByName("eth0")
	must(t, "find link", err)
	must(t, "join bridge", h.LinkSetMaster(eth0, bridge))
	must(t, "set up", h.LinkSetUp(bridge))

	wantOne(t, examineOn(t, w.us, PlanInterface("eth0")), "link", Problem, "it is a port of br0 (bridge)")
	found := examineOn(t, w.us, PlanInterface("br0")).of("snooping")
	if len(found) != 1 || found[0].Level != Warning || !strings.HasPrefix(found[0].Saw, "br0 snoops IGMP and is no querier") {
		t.Errorf("got %+v, want a warning of snooping", found)
	}
	off := false
	bridge.MulticastSnooping = &off
	must(t, "stop snooping", h.LinkModify(bridge))
	if found := examineOn(t, w.us, PlanInterface("br0")).of("snooping"); len(found) > 0 {
		t.Errorf("without snooping: got %+v, want nothing to mend", found)
	}
}

func TestIntegrationRivals(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleKey+"="+roleHold)
	out, err := cmd.StdoutPipe()
	must(t, "make pipe", err)
	_, err = w.us.Start(cmd)
	must(t, "start a rival", err)
	if _, err := out.Read(make([]byte, len("holding\n"))); err != nil {
		t.Fatal(err)
	}
	w.speak(t, w.them, "10.77.0.2", peersMessage)
	wantOne(t, examineOn(t, w.us, labPlan()), "rivals", Warning, "exe (process ")
}

// A program of another PID namespace, as in a container, is seen by its socket alone. This one speaks our VRID.
func TestIntegrationRivalThatCannotBeSeen(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.speak(t, w.us, "10.77.0.1", peersMessage)
	w.speak(t, w.them, "10.77.0.2", peersMessage)
	wantOne(t, examineOn(t, w.us, labPlan()), "rivals", Problem, "a process that cannot be seen from here speaks VRRP here, with the VRID of VI_1")
}

func TestIntegrationInterfaceThatIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	wantOne(t, examineOn(t, w.us, PlanInterface("eth7")), "link", Problem, "there is no interface eth7")
}
