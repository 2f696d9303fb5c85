package vrrp

import (
	"fmt"
	"net/netip"
)

// Resignation is the packets by which a master of this configuration says from src that it gives up (RFC 3768 section
// 6.4.3: "Send an ADVERTISEMENT with Priority = 0"): one, or one for each peer. Whoever acts for a node that cannot speak any
// more sends them. An src that no advert of the instance is sent from is an error.
func Resignation(cfg Config, src netip.Addr) ([]Packet, error) {
	from := cfg.source(src)
	if !from.IsValid() {
		return nil, fmt.Errorf("resignation of %s: source %v, want %s", cfg.Name, src, cfg.wantSource())
	}
	ad := cfg.advert(PriorityResign)
	return appendPackets(nil, &cfg, from, cfg.destinations(), &ad)
}
