package vrrp

import (
	"fmt"
	"net/netip"
)

// Resignation is the packet, IP header included, by which a master of this configuration says from src that it gives up
// (RFC 3768 section 6.4.3: "Send an ADVERTISEMENT with Priority = 0"). Whoever acts for a node that cannot speak any more
// sends it to dst. An src that no advert of the instance is sent from is an error.
func Resignation(cfg Config, src netip.Addr) (packet []byte, dst netip.Addr, err error) {
	dst = cfg.Family().group()
	from := cfg.source(src)
	if !from.IsValid() {
		return nil, dst, fmt.Errorf("resignation of %s: source %v, want %s", cfg.Name, src, cfg.wantSource())
	}
	ad := cfg.advert(PriorityResign)
	packet, err = appendPacket(nil, from, dst, &ad)
	return packet, dst, err
}
