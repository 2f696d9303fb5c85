package tracker

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/mdlayher/ndp"
	"golang.org/x/net/bpf"
)

var (
	ourIPv6     = netip.MustParseAddr("fd00:9::2")
	gatewayIPv6 = netip.MustParseAddr("fd00:9::1")
	otherIPv6   = netip.MustParseAddr("fd00:9::9")
	allNodes    = netip.MustParseAddr("ff02::1")
)

// lanGateway6 is lanGateway with IPv6.
func lanGateway6() Gateway {
	g := lanGateway()
	g.Address = gatewayIPv6
	return g
}

// The bytes of a solicitation, by RFC 4861 section 4.3; the checksum was computed by hand of RFC 8200 section 8.1.
func TestSolicitationOnTheWire(t *testing.T) {
	t.Parallel()
	s := solicitation{mac: ourMAC, source: ourIPv6, gateway: gatewayIPv6}
	want, err := hex.DecodeString("60000000" + "0020" + "3a" + "ff" + // ICMPv6, hop limit 255
		"fd000009000000000000000000000002" + "ff0200000000000000000001ff000001" + // to the solicited-node group
		"87007d86" + "00000000" + // type 135 and the checksum
		"fd000009000000000000000000000001" + "0101020000000001") // the target, our link-layer address
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.packet()
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("got  %x, %v\nwant %x", got, err, want)
	}
	if got, want := s.groupMAC().String(), "33:33:ff:00:00:01"; got != want {
		t.Errorf("to %s, want %s", got, want)
	}
	if _, err := (solicitation{source: ourIPv6, gateway: gatewayIPv6}).packet(); !errors.Is(err, errNoEthernet) {
		t.Errorf("without a MAC: got %v, want %v", err, errNoEthernet)
	}
}

// advertisement is a neighbour advertisement on the wire, from its IPv6 header on. No mac: without the option.
func advertisement(t testing.TB, source, dst, target netip.Addr, mac net.HardwareAddr, solicited bool) []byte {
	t.Helper()
	na := &ndp.NeighborAdvertisement{Router: true, Solicited: solicited, Override: true, TargetAddress: target}
	if mac != nil {
		na.Options = []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Target, Addr: mac}}
	}
	icmp, err := ndp.MarshalMessageChecksum(na, source, dst)
	if err != nil {
		t.Fatal(err)
	}
	b := []byte{6 << 4, 0, 0, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(len(icmp)))
	b = append(b, protoICMP6, hopLimitND)
	return slices.Concat(b, source.AsSlice(), dst.AsSlice(), icmp)
}

func TestWhatIsAnAdvertisementForUs(t *testing.T) {
	t.Parallel()
	s := solicitation{mac: ourMAC, source: ourIPv6, gateway: gatewayIPv6}
	reply := advertisement(t, gatewayIPv6, ourIPv6, gatewayIPv6, gatewayMAC, true)
	with := func(offset int, octets ...byte) []byte {
		b := slices.Clone(reply)
		copy(b[offset:], octets)
		return b
	}
	solicits, err := solicitation{mac: gatewayMAC, source: gatewayIPv6, gateway: ourIPv6}.packet()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		b    []byte
		want net.HardwareAddr // nil: no answer
	}{
		{"the gateway's answer", reply, gatewayMAC},
		{"padded to an Ethernet frame", append(slices.Clone(reply), make([]byte, 18)...), gatewayMAC},
		{"from another address of the gateway", advertisement(t, netip.MustParseAddr("fe80::1"), ourIPv6, gatewayIPv6, gatewayMAC, true), gatewayMAC},
		{"another MAC than the frame's", advertisement(t, gatewayIPv6, ourIPv6, gatewayIPv6, otherMAC, true), otherMAC},
		{"without the option", advertisement(t, gatewayIPv6, ourIPv6, gatewayIPv6, nil, true), gatewayMAC},
		{"an announcement", advertisement(t, gatewayIPv6, allNodes, gatewayIPv6, gatewayMAC, false), nil},
		{"an announcement that says it was solicited", advertisement(t, gatewayIPv6, allNodes, gatewayIPv6, gatewayMAC, true), nil},
		{"an announcement to us alone", advertisement(t, gatewayIPv6, ourIPv6, gatewayIPv6, gatewayMAC, false), nil},
		{"the answer to somebody else", advertisement(t, gatewayIPv6, otherIPv6, gatewayIPv6, gatewayMAC, true), nil},
		{"an answer of somebody else", advertisement(t, otherIPv6, ourIPv6, otherIPv6, otherMAC, true), nil},
		{"the gateway's solicitation", solicits, nil},
		{"through a router", with(7, 254), nil},
		{"another protocol", with(6, 17), nil},
		{"another version", with(0, 4<<4), nil},
		{"another code", with(41, 1), nil},
		{"a damaged checksum", with(42, reply[42]^1), nil},
		{"a damaged target", with(63, 2), nil},
		{"an option without a length", with(65, 0), nil},
		{"cut short", reply[:len(reply)-1], nil},
		{"shorter than its header says", with(4, 0, 200), nil},
		{"longer than its header says", with(4, 0, 8), nil},
		{"nothing", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mac, ok := s.answeredBy(tt.b, gatewayMAC)
			if ok != (tt.want != nil) || ok && !slices.Equal(mac, tt.want) {
				t.Errorf("got %v, %v; want %v", mac, ok, tt.want)
			}
		})
	}
}

// The filter lets nothing through that is no advertisement of the target, and every one that is.
func TestAdvertisementFilter(t *testing.T) {
	t.Parallel()
	vm, err := bpf.NewVM(advertisementFilter(gatewayIPv6))
	if err != nil {
		t.Fatal(err)
	}
	solicits, err := solicitation{mac: gatewayMAC, source: gatewayIPv6, gateway: ourIPv6}.packet()
	if err != nil {
		t.Fatal(err)
	}
	reply := advertisement(t, gatewayIPv6, ourIPv6, gatewayIPv6, gatewayMAC, true)
	udp := slices.Clone(reply)
	udp[6] = 17
	for _, tt := range []struct {
		name string
		b    []byte
		want bool
	}{
		{"the gateway's", reply, true},
		{"without the option", advertisement(t, gatewayIPv6, ourIPv6, gatewayIPv6, nil, true), true},
		{"another's", advertisement(t, otherIPv6, ourIPv6, otherIPv6, otherMAC, true), false},
		{"another's, different in its first octets", advertisement(t, otherIPv6, ourIPv6, netip.MustParseAddr("fe00:9::1"), otherMAC, true), false},
		{"another's, different in its second quarter", advertisement(t, otherIPv6, ourIPv6, netip.MustParseAddr("fd00:9:1::1"), otherMAC, true), false},
		{"another's, different in its third quarter", advertisement(t, otherIPv6, ourIPv6, netip.MustParseAddr("fd00:9::1:0:0:1"), otherMAC, true), false},
		{"a solicitation", solicits, false},
		{"UDP", udp, false},
		{"cut short", reply[:60], false},
	} {
		n, err := vm.Run(tt.b)
		if err != nil || (n > 0) != tt.want {
			t.Errorf("%s: got %d octets, %v; want some: %v", tt.name, n, err, tt.want)
		}
	}
}

func TestWhoSolicits(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, gateway, addresses, virtual, want string }{
		{"the own address", "fd00:9::1", "fe80::2/64 fd00:9::2/64", "", "fd00:9::2"},
		{"never a virtual one", "fd00:9::1", "fd00:9::100/64 fe80::2/64", "fd00:9::100", "fe80::2"},
		{"a virtual one of a single host", "fd00:9::1", "fd00:9::100/128 fd00:9::2/64", "fd00:9::100", "fd00:9::2"},
		{"never a link-local virtual one", "fe80::1", "fe80::100/64 fe80::2/64", "fe80::100", "fe80::2"},
		{"a link-local gateway", "fe80::1", "fd00:9::2/64 fe80::2/64", "", "fe80::2"},
		{"another network: link-local before others", "fd00:9::1", "fd00:8::2/64 fe80::2/64 fe80::3/64", "", "fe80::2"},
		{"another network", "fd00:9::1", "10.9.0.2/24 fd00:8::2/64 fd00:7::2/64", "", "fd00:8::2"},
		{"none but virtual ones", "fd00:9::1", "fd00:9::100/64 fe80::100/64", "fd00:9::100 fe80::100", ""},
		{"none of IPv6", "fd00:9::1", "10.9.0.2/24", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := Gateway{Address: netip.MustParseAddr(tt.gateway)}
			for _, v := range strings.Fields(tt.virtual) {
				g.Virtual = append(g.Virtual, netip.MustParseAddr(v))
			}
			var addresses []netip.Prefix
			for _, a := range strings.Fields(tt.addresses) {
				addresses = append(addresses, netip.MustParsePrefix(a))
			}
			got, err := sourceFor6(g, addresses)
			if tt.want == "" {
				if !errors.Is(err, errNoIPv6) {
					t.Errorf("got %v, %v; want %v", got, err, errNoIPv6)
				}
				return
			}
			if err != nil || got.String() != tt.want {
				t.Errorf("got %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

// Whatever arrives: no panic, and nothing is an answer that does not name the gateway and us.
func FuzzGatewayAdvertisement(f *testing.F) {
	f.Add(advertisement(f, gatewayIPv6, ourIPv6, gatewayIPv6, gatewayMAC, true))
	f.Add(advertisement(f, gatewayIPv6, allNodes, gatewayIPv6, nil, false))
	f.Add(make([]byte, 64))
	f.Fuzz(func(t *testing.T, b []byte) {
		mac, ok := solicitation{mac: ourMAC, source: ourIPv6, gateway: gatewayIPv6}.answeredBy(b, gatewayMAC)
		if !ok {
			return
		}
		if len(mac) != 6 || len(b) < 64 || b[7] != 255 || b[40] != 136 || !bytes.Equal(b[24:40], ourIPv6.AsSlice()) ||
			!bytes.Equal(b[48:64], gatewayIPv6.AsSlice()) || b[44]&0x40 == 0 {
			t.Errorf("%x is no answer, but %v counted as its sender", b, mac)
		}
	})
}
