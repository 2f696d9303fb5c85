package vip

import (
	"bytes"
	"encoding/hex"
	"net"
	"net/netip"
	"testing"
)

// TestRule88GratuitousARP: "ARP request, broadcast, sender IP = target IP = VIP, sender MAC = the interface's".
func TestRule88GratuitousARP(t *testing.T) {
	mac := net.HardwareAddr{0x02, 0x00, 0x5e, 0x10, 0x00, 0x01}
	for _, tt := range []struct {
		name, addr string
		mac        net.HardwareAddr
		want       string // hexadecimal
		wantErr    string
	}{
		{
			name: "Keepalived 2.2.7 on a veth, one VIP", addr: "10.77.0.100", mac: mac,
			want: "0001 0800 0604 0001 02005e100001 0a4d0064 ffffffffffff 0a4d0064",
		},
		{
			name: "Keepalived 2.2.7, another VIP", addr: "10.77.0.103", mac: mac,
			want: "0001 0800 0604 0001 02005e100001 0a4d0067 ffffffffffff 0a4d0067",
		},
		{name: "a tunnel without an address", addr: "10.77.0.100", wantErr: "the interface has no Ethernet address"},
		{
			name: "InfiniBand", addr: "10.77.0.100", mac: make(net.HardwareAddr, 20),
			wantErr: "the interface has no Ethernet address",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := gratuitousARP(tt.mac, netip.MustParseAddr(tt.addr))
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

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(s), []byte(" "), nil)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
