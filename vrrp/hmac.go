package vrrp

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/tandem-lb/tandem/vrrp/seal"
)

// HMACMode says what an instance with keys makes of adverts without a trailer, and whether it sends some itself. Through the
// modes a pair gets to signed adverts without one that is lost. A trailer that is there must be right in each of them.
type HMACMode uint8

// The modes, as Keepalived has them.
const (
	HMACEnforce     HMACMode = iota // signs, and drops what is not signed
	HMACPermissive                  // signs, and accepts what is not signed
	HMACReceiveOnly                 // does not sign, and accepts what is not signed
)

// String is the mode as users write it.
func (m HMACMode) String() string {
	switch m {
	case HMACPermissive:
		return "permissive"
	case HMACReceiveOnly:
		return "receive-only"
	default:
		return "enforce"
	}
}

// maxWindow is the longest window that Keepalived takes.
const maxWindow = 300 * time.Second

// HMAC says how adverts are signed: see package seal. The zero value: they are not.
type HMAC struct {
	Keys   []seal.Key // each of which counts; their ids differ
	Active uint8      // the id of the one to sign with
	Mode   HMACMode
	// Window is by how much a sender's clock may differ from this node's, in whole seconds up to 300. 0: by any time, and only
	// copies are refused.
	Window time.Duration
}

func (h *HMAC) on() bool { return len(h.Keys) > 0 }

// signs reports whether adverts are sent with a trailer.
func (h *HMAC) signs() bool { return h.on() && h.Mode != HMACReceiveOnly }

// signer is what seals the adverts. Its offset is for who has a clock.
func (h *HMAC) signer() seal.Signer {
	if !h.signs() {
		return seal.Signer{}
	}
	i := slices.IndexFunc(h.Keys, func(k seal.Key) bool { return k.ID == h.Active })
	return seal.Signer{Key: h.Keys[i], Slack: h.Window} // Config.Validate has seen that it is there
}

// status is what users may know of it.
func (h *HMAC) status() HMACStatus {
	if !h.on() {
		return HMACStatus{}
	}
	s := HMACStatus{Mode: h.Mode.String(), Active: h.Active, Window: h.Window}
	for _, k := range h.Keys {
		s.Keys = append(s.Keys, k.ID)
	}
	return s
}

func (h *HMAC) validate(c *Config) error {
	switch {
	case !h.on():
		return nil
	case c.Auth != Auth{}:
		return fmt.Errorf("instance %s: a password and HMAC keys, want one of them", c.Name)
	case h.Mode > HMACReceiveOnly:
		return fmt.Errorf("instance %s: unknown HMAC mode %d", c.Name, h.Mode)
	case h.Window < 0 || h.Window > maxWindow || h.Window%time.Second != 0:
		return fmt.Errorf("instance %s: HMAC window %v, want 1 to 300 whole seconds, or 0", c.Name, h.Window)
	case !slices.ContainsFunc(h.Keys, func(k seal.Key) bool { return k.ID == h.Active }):
		return fmt.Errorf("instance %s: no HMAC key with the id %d, which is to sign", c.Name, h.Active)
	}
	for i, k := range h.Keys {
		if k.IsZero() || slices.ContainsFunc(h.Keys[:i], func(other seal.Key) bool { return other.ID == k.ID }) {
			return fmt.Errorf("instance %s: HMAC %v stands there twice, or is none", c.Name, k)
		}
	}
	return nil
}

// wants says whether an advert may have a trailer, or has to.
func (h *HMAC) wants(ad *Advert) DropReason {
	switch {
	case ad.Sealed && !h.on():
		return DropAuthType
	case !ad.Sealed && h.on() && h.Mode == HMACEnforce:
		return DropHMACMissing
	}
	return accepted
}

// verify judges the trailer of a message, which has one. skew is by how much the sender's clock is behind.
func (h *HMAC) verify(m *seal.Memory, from netip.Addr, message []byte, now time.Time) (why DropReason, skew time.Duration) {
	policy := seal.Policy{Keys: h.Keys, Window: h.Window}
	fault, skew := policy.Verify(m, from, message, now)
	switch fault {
	case seal.OK:
		return accepted, skew
	case seal.Stale:
		return DropHMACStale, skew
	case seal.UnknownKey:
		return DropHMACKey, skew
	case seal.Forged:
		return DropHMAC, skew
	case seal.Replayed:
		return DropHMACReplay, skew
	default:
		return DropHMACMalformed, skew
	}
}
