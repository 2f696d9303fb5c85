package daemon

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/internal/keeper"
	"github.com/tandem-lb/tandem/vip/viptest"
	"github.com/tandem-lb/tandem/vrrp"
)

// A farewell leaves as it was written, header and all.
func TestIntegrationSender(t *testing.T) {
	n := viptest.NewNamespace(t)
	for _, p := range []string{"10.77.0.1/24", "fe80::1/64", "fd00:77::1/64"} {
		if err := n.AddAddress(viptest.Interface, netip.MustParsePrefix(p)); err != nil {
			t.Fatal(err)
		}
	}
	effects, err := newEffects()
	if err != nil {
		t.Fatal(err)
	}
	defer effects.close()
	for _, tt := range []struct {
		name, vip, source, dst, ethernet string
	}{
		{"IPv4", "10.77.0.100", "10.77.0.1", "224.0.0.18", "01:00:5e:00:00:12"},
		{"IPv6", "fd00:77::100", "fe80::1", "ff02::12", "33:33:00:00:00:12"},
		{"IPv6 from an address that is gone or not ready yet", "fd00:77::100", "fe80::99", "ff02::12", "33:33:00:00:00:12"},
	} { // no subtests: those would leave the namespace
		cfg := vrrp.Config{
			Name: "VI_1", Interface: viptest.Interface, VRID: 51, Version: vrrp.V3, Priority: 100,
			AdvertInterval: time.Second, Addresses: []netip.Addr{netip.MustParseAddr(tt.vip)},
		}
		packets, err := vrrp.Resignation(cfg, netip.MustParseAddr(tt.source))
		if err != nil {
			t.Fatal(err)
		}
		frame := sent(t, effects, packets[0])
		if got := net.HardwareAddr(frame[:6]).String(); got != tt.ethernet {
			t.Errorf("%s: Ethernet destination: got %s, want %s", tt.name, got, tt.ethernet)
		}
		got := bytes.Clone(frame[14:])
		if packets[0].Dst.Is4() { // Linux fills in an identification and with it the header's checksum
			copy(got[4:6], packets[0].Data[4:6])
			copy(got[10:12], packets[0].Data[10:12])
		}
		if !bytes.Equal(got, packets[0].Data) || packets[0].Dst != netip.MustParseAddr(tt.dst) {
			t.Errorf("%s: got %x, want %x to %s", tt.name, got, packets[0].Data, tt.dst)
		}
	}
	if _, err := effects.OpenSender(keeper.Way{Interface: "eth9", IPv6: true}); err == nil ||
		err.Error() != "find interface eth9: route ip+net: no such network interface" {
		t.Errorf("got %v, want that there is no such interface", err)
	}
}

// sent sends a packet as a keeper does, and returns the frame that came out at the other end of the cable.
func sent(t *testing.T, e *effects, p vrrp.Packet) []byte {
	t.Helper()
	s, err := e.OpenSender(keeper.Way{Interface: viptest.Interface, IPv6: p.Dst.Is6()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := openWire(t, viptest.PeerInterface)
	if err := s.Send(p.Dst, p.Data); err != nil {
		t.Fatal(err)
	}
	return w.read(t, p.Dst)
}

// wire is one end of a cable, listened on.
type wire int

func openWire(t *testing.T, ifname string) wire {
	t.Helper()
	ifi, err := net.InterfaceByName(ifname)
	if err != nil {
		t.Fatal(err)
	}
	const all = unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8 // in network byte order, on a little-endian machine
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: ifi.Index}); err != nil {
		t.Fatal(err)
	}
	return wire(fd)
}

// read is the next frame with a packet of protocol 112 to dst.
func (w wire) read(t *testing.T, dst netip.Addr) []byte {
	t.Helper()
	b := make([]byte, 2048)
	for {
		n, _, err := unix.Recvfrom(int(w), b, 0)
		if err != nil {
			t.Fatalf("nothing to %s: %v", dst, err)
		}
		protocol, at := 14+9, 14+16
		if dst.Is6() {
			protocol, at = 14+6, 14+24
		}
		if to := dst.AsSlice(); n >= at+len(to) && b[protocol] == 112 && bytes.Equal(b[at:at+len(to)], to) {
			return b[:n]
		}
	}
}
