package vrrp

import (
	"bytes"
	"net/netip"
	"testing"
)

func TestResignation(t *testing.T) {
	cfg := testConfig()
	packet, dst, err := Resignation(cfg, netip.MustParseAddr("10.0.0.1"))
	if err != nil || dst != groupIPv4() {
		t.Fatalf("got %v to %v", err, dst)
	}
	if want := packetFrom(t, "10.0.0.1", PriorityResign, nil); !bytes.Equal(packet, want) {
		t.Errorf("got %x, want %x", packet, want)
	}
	const want = "resignation of VI_1: source fd00::1, want an IPv4 address"
	if _, _, err := Resignation(cfg, netip.MustParseAddr("fd00::1")); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
