package vrrp

import (
	"net/netip"
	"slices"
)

// judge says whether an advert may count for the instance that runs its VRID, as far as it shows who sends it. source is this
// node's own address; the advert went from one to another. The order is that of RFC 3768 section 7.1: a trailer is verified
// next, then judgeInterval has its say.
func judge(cfg *Config, source, from, to netip.Addr, ad *Advert) DropReason {
	if ad.Version != cfg.Version {
		return DropVersion
	}
	// Linux lets 0.0.0.0 through where the group is a link-local one. No answer could reach it, and it loses each comparison.
	if from.IsUnspecified() || from.IsLoopback() || from.IsMulticast() {
		return DropSource
	}
	if r := cfg.addressed(from, to); r != accepted {
		return r
	}
	// An advert with our own address is a loop or a copy of our address; either way the machine must not answer itself.
	if from == source {
		return DropOwnSource
	}
	if r := cfg.Auth.authorize(ad); r != accepted {
		return r
	}
	return cfg.HMAC.wants(ad)
}

// judgeInterval says whether an advert counts with its interval.
func judgeInterval(cfg *Config, ad *Advert) DropReason {
	// "MUST verify that the Adver Interval in the packet is the same as the locally configured for this virtual router. If
	// the above check fails, the receiver MUST discard the packet" (RFC 3768 section 7.1). RFC 9568 lifted this for v3.
	if ad.Version == V2 && ad.Interval != cfg.AdvertInterval {
		return DropInterval
	}
	// A backup waits for three of the master's intervals, so nobody may make it wait as long as he likes.
	if ad.Version == V3 && ad.Interval > cfg.maxLearned() {
		return DropIntervalLong
	}
	return accepted
}

// sameAddresses reports whether an advert lists what the instance does, in any order. A difference is told and the advert
// counts all the same, as Keepalived has it since 2025: RFC 3768 section 7.1 says MAY.
func sameAddresses(cfg *Config, ad *Advert) bool {
	if slices.Equal(cfg.Addresses, ad.Addresses) {
		return true
	}
	if len(cfg.Addresses) != len(ad.Addresses) {
		return false
	}
	a, b := slices.Clone(cfg.Addresses), slices.Clone(ad.Addresses)
	slices.SortFunc(a, netip.Addr.Compare)
	slices.SortFunc(b, netip.Addr.Compare)
	return slices.Equal(a, b)
}
