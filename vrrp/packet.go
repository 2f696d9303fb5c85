package vrrp

import (
	"net/netip"
	"slices"

	"github.com/tandem-lb/tandem/vrrp/seal"
)

// Packet is a whole IP packet with an advert, header included, for a raw socket with IP_HDRINCL or IPV6_HDRINCL.
type Packet struct {
	Dst  netip.Addr // as in the header, whose family it is
	Data []byte
	// Signer seals Data just before it is sent: the last seal.Len octets of it. Zero: there is nothing to seal.
	Signer seal.Signer
}

// appendPackets appends the packets that say ad from src to each destination. It uses the memory of the Packets that out
// has room for.
func appendPackets(out []Packet, cfg *Config, src netip.Addr, dsts []netip.Addr, ad *Advert) ([]Packet, error) {
	start := len(out)
	out = slices.Grow(out, len(dsts))
	for _, dst := range dsts {
		out = out[:len(out)+1]
		p := &out[len(out)-1]
		data, err := appendPacket(p.Data[:0], src, dst, cfg.sendTTL(), ad)
		if err != nil {
			return out[:start], err
		}
		*p = Packet{Dst: dst, Data: data, Signer: cfg.HMAC.signer()}
	}
	return out, nil
}

func clonePackets(packets []Packet) []Packet {
	all := slices.Clone(packets)
	for i := range all {
		all[i].Data = slices.Clone(all[i].Data)
	}
	return all
}
