package vrrp

import (
	"bytes"
	"net/netip"
	"testing"
)

func TestResignation(t *testing.T) {
	cfg := testConfig()
	packets, err := Resignation(cfg, netip.MustParseAddr("10.0.0.1"))
	if err != nil || len(packets) != 1 || packets[0].Dst != groupIPv4() {
		t.Fatalf("got %v, %v", packets, err)
	}
	if want := packetFrom(t, "10.0.0.1", PriorityResign, nil); !bytes.Equal(packets[0].Data, want) {
		t.Errorf("got %x, want %x", packets[0].Data, want)
	}
	const want = "resignation of VI_1: source fd00::1, want an IPv4 address"
	if _, err := Resignation(cfg, netip.MustParseAddr("fd00::1")); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
