package vip

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
)

// TestRule89NeighbourAdvertisement: "to ff02::1, hop limit 255, S=0, O=1, R=1 when a router, target = VIP, target-LL option".
func TestRule89NeighbourAdvertisement(t *testing.T) {
	mac := net.HardwareAddr{0x02, 0x00, 0x5e, 0x10, 0x00, 0x01}
	for _, tt := range []struct {
		name, addr string
		mac        net.HardwareAddr
		router     bool
		want       string // hexadecimal, from the IPv6 header on
		wantErr    string
	}{
		{name: "Keepalived 2.2.7 on a veth, v3", addr: "fd00:77::100", mac: mac, want: naPacket},
		{
			name: "Keepalived 2.2.7, a link-local VIP", addr: "fe80::51", mac: mac,
			want: "60000000 0020 3a ff fe800000000000000000000000000051 ff020000000000000000000000000001" +
				" 88 00 f8ea 20000000 fe800000000000000000000000000051 0201 02005e100001",
		},
		{
			name: "Keepalived 2.2.7, forwarding on", addr: "fd00:77::100", mac: mac, router: true,
			want: "60000000 0020 3a ff fd000077000000000000000000000100 ff020000000000000000000000000001" +
				" 88 00 799e a0000000 fd000077000000000000000000000100 0201 02005e100001",
		},
		{name: "a tunnel without an address", addr: "fd00:77::100", wantErr: "the interface has no Ethernet address"},
		{name: "IPv4", addr: "10.77.0.100", mac: mac, wantErr: `ndp: invalid IPv6 address: "10.77.0.100"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := unsolicitedNA(tt.mac, netip.MustParseAddr(tt.addr), tt.router)
			if tt.wantErr != "" {
				if err == nil || err.Error() != tt.wantErr {
					t.Errorf("got error %v, want %s", err, tt.wantErr)
				}
				return
			}
			if want := unhex(t, tt.want); err != nil || !bytes.Equal(got, want) {
				t.Errorf("got %x and error %v, want %x", got, err, want)
			}
		})
	}
}

func TestParseForwarding(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		want, ok     bool
	}{
		{"router", "0a000000 08000100 07000000 08000200 01000000", true, true},
		{"host", "0a000000 08000100 07000000 08000200 00000000", false, true},
		{"not told", "0a000000 08000100 07000000", false, false},
		{"of an odd length", "0a000000 06000200 0100 0000", false, false},
		{"empty", "0a", false, false},
	} {
		if got, ok := parseForwarding(unhex(t, tt.answer)); got != tt.want || ok != tt.ok {
			t.Errorf("%s: got %v, %v, want %v, %v", tt.name, got, ok, tt.want, tt.ok)
		}
	}
}
