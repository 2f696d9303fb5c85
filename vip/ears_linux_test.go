package vip

import (
	"net"
	"net/netip"
	"reflect"
	"testing"
)

func TestClaimsOnTheWire(t *testing.T) {
	keepalived := net.HardwareAddr{0x02, 0x00, 0x5e, 0x10, 0x00, 0x01}
	sender := net.HardwareAddr{0x02, 0xdd, 0, 0, 0, 9}
	ours := Claim{Addr: netip.MustParseAddr("10.77.0.100"), MAC: keepalived}
	ours6 := Claim{Addr: netip.MustParseAddr("fd00:77::100"), MAC: keepalived}
	fromSender := Claim{Addr: ours6.Addr, MAC: sender}
	const header = "60000000 0020 3a ff fd000077000000000000000000000100 ff020000000000000000000000000001"
	const na = " 88 00 0000 20000000 fd000077000000000000000000000100"
	for _, tt := range []struct {
		name   string
		parse  func([]byte, net.HardwareAddr) (Claim, bool)
		packet string
		from   net.HardwareAddr
		want   Claim
		ok     bool
	}{
		{"Keepalived's gratuitous ARP", arpClaim, arpPacket, sender, ours, true},
		{"a reply", arpClaim, "0001 0800 0604 0002 02005e100001 0a4d0064 02dd00000009 0a4d0001", sender, ours, true},
		{"with the padding of Ethernet", arpClaim, arpPacket + "0000000000000000", sender, ours, true},
		{"ARP cut short", arpClaim, arpPacket[:50], sender, Claim{}, false},
		{"ARP of another protocol", arpClaim, "0001 0801 0604 0001 02005e100001 0a4d0064 ffffffffffff 0a4d0064", sender, Claim{}, false},
		{"ARP with short hardware addresses", arpClaim, "0001 0800 0204 0001 0200 0a4d0064 ffff 0a4d0064", sender, Claim{}, false},
		{"Keepalived's advertisement", naClaim, naPacket, sender, ours6, true},
		{"without an option", naClaim, header + na, sender, fromSender, true},
		{"with a source's option", naClaim, header + na + " 0101 02005e100001", sender, fromSender, true},
		{"without an option, from no Ethernet", naClaim, header + na, nil, Claim{}, false},
		{"advertisement cut short", naClaim, header + na[:33], sender, Claim{}, false},
		{"header cut short", naClaim, header[:61], sender, Claim{}, false},
		{"a solicitation", naClaim, header + " 87" + na[3:], sender, Claim{}, false},
		{"an echo", naClaim, header + " 80" + na[3:], sender, Claim{}, false},
		{"from afar", naClaim, "60000000 0020 3a fe" + header[19:] + na, sender, Claim{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := tt.parse(unhex(t, tt.packet), tt.from)
			if ok != tt.ok || ok && !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, %v, want %+v, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

// FuzzClaims: whatever is on the wire, a claim has an address of its family and an Ethernet address.
func FuzzClaims(f *testing.F) {
	f.Add([]byte("\x00\x01\x08\x00\x06\x04\x00\x01\x02\x00\x5e\x10\x00\x01\x0a\x4d\x00\x64\xff\xff\xff\xff\xff\xff\x0a\x4d\x00\x64"))
	f.Add(append([]byte("\x60\x00\x00\x00\x00\x20\x3a\xff"), append(make([]byte, 32),
		[]byte("\x88\x00\x00\x00\x20\x00\x00\x00\xfd\x00\x00\x77\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x02\x01\x02\x00\x5e\x10\x00\x01")...)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, ok := arpClaim(b, nil); ok && (!c.Addr.Is4() || len(c.MAC) != 6) {
			t.Errorf("ARP: got %+v", c)
		}
		if c, ok := naClaim(b, nil); ok && (!c.Addr.Is6() || len(c.MAC) != 6) {
			t.Errorf("neighbour advertisement: got %+v", c)
		}
	})
}
