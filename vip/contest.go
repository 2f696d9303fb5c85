package vip

import (
	"net"
	"slices"
	"time"
)

// Foreign is who else claimed an address while it was held, by ARP or neighbour advertisements.
type Foreign struct {
	Claims uint64           // how many were heard
	MAC    net.HardwareAddr // who claimed last; not to be written to; nil: nobody
	At     time.Time        // when
}

// listen has claims to the addresses told. It has the turn, as hush.
func (s *Set) listen() {
	s.hush()
	if s.Listener != nil {
		s.deafen = s.Listener.Listen(s.cfg.Addresses, s.heard)
	}
}

// hush ends what listen began.
func (s *Set) hush() {
	if s.deafen != nil {
		s.deafen()
		s.deafen = nil
	}
}

// heard answers somebody else's claim to an address, remembers it, and tells the owner.
func (s *Set) heard(c Claim) {
	if !s.noteClaim(time.Now(), c) {
		return
	}
	s.rouse()
	if s.Contested != nil {
		s.Contested(c)
	}
}

// noteClaim counts a claim and plans the answer, while held. It logs a claimant that is not the last one, and no more than
// one a second of an address: whoever invents MACs must not fill the log.
func (s *Set) noteClaim(now time.Time, c Claim) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.held {
		return false
	}
	for i := range s.slots {
		sl := &s.slots[i]
		if sl.Prefix.Addr() != c.Addr || sl.Interface != c.Interface {
			continue
		}
		if f := sl.Foreign; !slices.Equal(f.MAC, c.MAC) && !now.Before(f.At.Add(burstGap)) {
			s.log.Warn("somebody else claims an address that is held here: announcing it",
				"address", sl.Prefix, "interface", sl.Interface, "mac", c.MAC.String())
		}
		sl.Foreign = Foreign{Claims: sl.Foreign.Claims + 1, MAC: c.MAC, At: now}
		s.count.ForeignClaims++
		s.sched.claim(now, graceOf(c.MAC))
	}
	return true
}

// virtualMAC begins the hardware addresses of virtual routers; 1 or 2 for the family and the VRID follow.
const virtualMAC = "\x00\x00\x5e\x00"

func graceOf(mac net.HardwareAddr) time.Duration {
	if len(mac) == 6 && string(mac[:4]) == virtualMAC && (mac[4] == 1 || mac[4] == 2) {
		return virtualGrace
	}
	return claimGrace
}
