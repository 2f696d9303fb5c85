package config

import (
	"time"

	"github.com/tandem-lb/tandem/vrrp"
)

const (
	// minLease is the shortest lease: it is renewed at a third of it, and the kernel counts in seconds.
	minLease = 2 * time.Second
	// leaseSlack is by how much the kernel may be late to drop an address: seen on Linux 6.18, up to 0.4 s.
	leaseSlack = 400 * time.Millisecond
)

// lease returns how long the addresses of an instance stay in the kernel of a node that no longer renews them: so short
// that they are gone before the first of the other nodes takes over, if that allows minLease.
func (b *builder) lease(i int, node string) time.Duration {
	raw := b.raw.VRRP.Instances[i]
	patience := time.Duration(-1)
	for _, other := range b.nodes {
		if d := masterDown(raw, raw.Priority.on(other)); other != node && (patience < 0 || d < patience) {
			patience = d
		}
	}
	if patience < 0 { // the peer is not in this file
		patience = masterDown(raw, raw.Priority.on(node))
	}
	return leaseWithin(patience)
}

// masterDown is Master_Down_Interval of a backup (RFC 3768 section 6.1): 3 * Advertisement_Interval + Skew_Time, where
// Skew_Time is (256 - priority) / 256 seconds, or intervals in version 3 (RFC 9568 section 6.1). The interval is the master's,
// which is the same one in the same file.
func masterDown(raw rawInstance, priority uint8) time.Duration {
	skewed := time.Second
	if vrrp.Version(raw.Version) == vrrp.V3 {
		skewed = raw.AdvertInterval
	}
	return 3*raw.AdvertInterval + time.Duration(256-int(priority))*skewed/256
}

// leaseWithin returns the longest lease, in whole seconds, that has surely ended before patience has.
func leaseWithin(patience time.Duration) time.Duration {
	return max((patience - leaseSlack - 1).Truncate(time.Second), minLease)
}
