package vrrp

import (
	"fmt"
	"net/netip"
)

// Resignation is the packet, IP header included, by which a master of this configuration says from src that it gives up
// (RFC 3768 section 6.4.3: "Send an ADVERTISEMENT with Priority = 0"). Whoever acts for a node that cannot speak any more
// sends it to dst. An src that is no IPv4 address is an error.
func Resignation(cfg Config, src netip.Addr) (packet []byte, dst netip.Addr, err error) {
	dst = groupIPv4()
	if !src.Is4() {
		return nil, dst, fmt.Errorf("resignation of %s: source %v, want an IPv4 address", cfg.Name, src)
	}
	ad := cfg.advert(PriorityResign)
	packet, err = appendPacket(nil, src, dst, &ad)
	return packet, dst, err
}
