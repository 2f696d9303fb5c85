package vip_test

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vip/viptest"
)

// A neighbour that did not answer is asked for at once, not when the kernel would ask by itself, and what waits for it is
// not lost.
func TestIntegrationAskNeighbours(t *testing.T) {
	for _, tt := range []struct {
		family, neigh, node, neighbour string
		isQuestion                     func(frame, neighbour []byte) bool
	}{
		{"IPv4", "ipv4", "10.77.0.1/24", "10.77.0.9", func(f, n []byte) bool {
			return len(f) >= 42 && f[12] == 0x08 && f[13] == 0x06 && f[21] == 1 && bytes.Equal(f[38:42], n)
		}},
		{"IPv6", "ipv6", "fd00:77::1/64", "fd00:77::9", func(f, n []byte) bool {
			return len(f) >= 78 && f[12] == 0x86 && f[13] == 0xdd && f[20] == unix.IPPROTO_ICMPV6 && f[54] == 135 && bytes.Equal(f[62:78], n)
		}},
	} {
		t.Run(tt.family, func(t *testing.T) {
			env, ns := viptest.RealEnv(t)
			kernel := env.Kernel.(*vip.Netlink)
			for _, of := range []string{"all", viptest.Interface} { // the greater one counts: 0 has an address usable at once
				sysctl(t, "ipv6/conf/"+of+"/accept_dad", "0")
			}
			if err := ns.AddAddress(viptest.Interface, netip.MustParsePrefix(tt.node)); err != nil {
				t.Fatal(err)
			}
			// By itself the kernel asks a second time after this test.
			sysctl(t, tt.neigh+"/neigh/"+viptest.Interface+"/retrans_time_ms", "600000")
			if asked, err := kernel.AskNeighbours(viptest.Interface); asked != 0 || err != nil {
				t.Fatalf("before anybody was asked for: got %d, %v", asked, err)
			}
			lan := listen(t)
			neighbour := netip.MustParseAddr(tt.neighbour)
			sendTo(t, neighbour)
			question := func(f []byte) bool { return tt.isQuestion(f, neighbour.AsSlice()) }
			lan.await(t, "the kernel's own question", question)
			if asked, err := kernel.AskNeighbours(viptest.Interface); asked != 1 || err != nil {
				t.Fatalf("got %d neighbours asked, %v, want 1", asked, err)
			}
			lan.await(t, "the question asked again", question)
			answerFor(t, neighbour)
			lan.await(t, "the packet that waited", func(f []byte) bool { return bytes.Contains(f, []byte("waits")) })
			if asked, err := kernel.AskNeighbours(viptest.Interface); asked != 0 || err != nil {
				t.Fatalf("once it has answered: got %d, %v", asked, err)
			}
		})
	}
}

func TestIntegrationAskNeighboursOfNoInterface(t *testing.T) {
	env, _ := viptest.RealEnv(t)
	_, err := env.Kernel.(*vip.Netlink).AskNeighbours("none0")
	if want := "ask for neighbours on none0: no such interface"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func sysctl(t *testing.T, name, value string) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}

// lan is a packet socket at the other end of the cable.
type lan int

func listen(t *testing.T) lan {
	t.Helper()
	peer, err := net.InterfaceByName(viptest.PeerInterface)
	if err != nil {
		t.Fatal(err)
	}
	const all = unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8 // network byte order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all & 0xffff, Ifindex: peer.Index}); err != nil {
		t.Fatal(err)
	}
	return lan(fd)
}

// await reads frames until one is what is looked for.
func (l lan) await(t *testing.T, what string, is func(frame []byte) bool) {
	t.Helper()
	b := make([]byte, 2048)
	for {
		n, err := unix.Read(int(l), b)
		if err != nil {
			t.Fatalf("%s did not come: %v", what, err)
		}
		if is(b[:n]) {
			return
		}
	}
}

// sendTo sends a datagram that waits for its neighbour.
func sendTo(t *testing.T, neighbour netip.Addr) {
	t.Helper()
	conn, err := net.Dial("udp", netip.AddrPortFrom(neighbour, 9).String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }() // sent is sent
	if _, err := fmt.Fprint(conn, "waits"); err != nil {
		t.Fatal(err)
	}
}

// answerFor gives the kernel the neighbour's hardware address, as its answer would.
func answerFor(t *testing.T, neighbour netip.Addr) {
	t.Helper()
	own, err := net.InterfaceByName(viptest.Interface)
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.NeighSet(&netlink.Neigh{
		LinkIndex: own.Index, IP: neighbour.AsSlice(), State: netlink.NUD_REACHABLE, HardwareAddr: net.HardwareAddr{0x02, 0, 0, 0, 0, 9},
	}); err != nil {
		t.Fatal(err)
	}
}
