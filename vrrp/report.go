package vrrp

import (
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// maxStrangers bounds the foreign routers that a Link remembers having told of: an attacker has addresses enough.
const maxStrangers = 64

// report counts and logs what happens to the packets of an instance, or to those of none. Everything is counted. Each
// kind of trouble is logged once until another master is heard, and only adverts that count can make it so: who
// sends rubbish cannot fill the log.
//
// Its owner guards it, but the counters may be read at any time.
type report struct {
	log    hclog.Logger
	master netip.Addr // who sent the last advert that counted

	told          [numDrops]bool
	toldAddresses bool
	toldOwner     bool
	toldInterval  bool
	toldFirst     bool
	toldSkew      bool
	strangers     map[stranger]struct{}

	received        atomic.Uint64
	resigns         atomic.Uint64
	addressesDiffer atomic.Uint64
	whileOwner      atomic.Uint64
	intervalDiffers atomic.Uint64
	bareChecksum    atomic.Uint64
	firstNotLocal   atomic.Uint64
	unsigned        atomic.Uint64
	dropped         [numDrops]atomic.Uint64
}

// stranger is a router that nobody here is configured to know.
type stranger struct {
	addr netip.Addr
	vrid uint8
}

// drop notes a packet that does not count.
func (r *report) drop(why DropReason, from netip.Addr) {
	r.dropped[why].Add(1)
	if r.told[why] {
		return
	}
	r.told[why] = true
	level := hclog.Warn
	if why == DropInterval || why == DropIntervalLong {
		level = hclog.Error // both nodes are about to be master
	}
	r.log.Log(level, "advert dropped", "reason", why.Error(), "peer", from)
}

// stranger notes an advert for a VRID that no instance here has.
func (r *report) stranger(from netip.Addr, ad *Advert) {
	r.dropped[DropVRID].Add(1)
	s := stranger{addr: from, vrid: ad.VRID}
	if _, known := r.strangers[s]; known || len(r.strangers) == maxStrangers {
		return
	}
	if r.strangers == nil {
		r.strangers = make(map[stranger]struct{})
	}
	r.strangers[s] = struct{}{}
	r.log.Info("another virtual router on this LAN", "peer", from, "vrid", ad.VRID, "priority", ad.Priority)
}

// accept notes an advert that counts.
func (r *report) accept(cfg *Config, from netip.Addr, ad *Advert) {
	r.received.Add(1)
	if ad.Priority == PriorityResign {
		r.resigns.Add(1)
	} else if from != r.master {
		r.master = from
		r.told = [numDrops]bool{}
		r.toldAddresses, r.toldOwner, r.toldInterval, r.toldFirst, r.toldSkew = false, false, false, false, false
	}
	if !sameAddresses(cfg, ad) {
		r.addressesDiffer.Add(1)
		r.once(&r.toldAddresses, "peer advertises other addresses", from, ad)
	}
	if cfg.Priority == PriorityOwner {
		r.whileOwner.Add(1)
		r.once(&r.toldOwner, "peer advertises addresses that this node owns", from, ad)
	}
	if ad.Interval != cfg.AdvertInterval {
		r.intervalDiffers.Add(1)
		r.once(&r.toldInterval, "peer advertises another interval", from, ad)
	}
	if ad.BareChecksum {
		r.bareChecksum.Add(1)
	}
	if cfg.HMAC.on() && !ad.Sealed {
		r.unsigned.Add(1)
	}
	// "the first address MUST be the IPv6 link-local address associated with the virtual router" (RFC 9568 section 5.2.9).
	// Most people configure none, and Keepalived takes it so.
	if first := ad.Addresses; len(first) > 0 && first[0].Is6() && !first[0].IsLinkLocalUnicast() {
		r.firstNotLocal.Add(1)
		r.once(&r.toldFirst, "peer's first address is not link-local", from, ad)
	}
}

func (r *report) once(told *bool, message string, from netip.Addr, ad *Advert) {
	if *told {
		return
	}
	*told = true
	r.log.Warn(message, "peer", from, "priority", ad.Priority, "interval", ad.Interval, "addresses", ad.Addresses)
}

// skewed tells of a sender whose clock will soon differ too much.
func (r *report) skewed(from netip.Addr, skew, window time.Duration) {
	if !r.toldSkew {
		r.toldSkew = true
		r.log.Warn("peer's clock differs by more than half of what HMAC allows", "peer", from, "behind", skew, "window", window)
	}
}

func (r *report) drops() (d Drops) {
	for i := range d {
		d[i] = r.dropped[i].Load()
	}
	return d
}

// count adds what was received to c.
func (r *report) count(c *Counters) {
	c.Received = r.received.Load()
	c.ResignReceived = r.resigns.Load()
	c.AddressesDiffer = r.addressesDiffer.Load()
	c.WhileOwner = r.whileOwner.Load()
	c.IntervalDiffers = r.intervalDiffers.Load()
	c.BareChecksum = r.bareChecksum.Load()
	c.FirstNotLinkLocal = r.firstNotLocal.Load()
	c.Unsigned = r.unsigned.Load()
	c.Dropped = r.drops()
}
