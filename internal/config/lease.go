package config

import (
	"fmt"
	"time"

	"github.com/tandem-lb/tandem/vrrp"
)

const (
	// minLease is the shortest lease: it is renewed at a third of it, and the kernel counts in seconds.
	minLease = 2 * time.Second
	// leaseSlack is by how much the kernel may be late to drop an address: seen on Linux 6.18, up to 0.4 s.
	leaseSlack = 400 * time.Millisecond

	// leaseAddresses is how many addresses a node renews with leases as short as the peers' patience asks for. Each renewal
	// costs CPU time, under a lock that all else concerning the node's interfaces needs too: docs/benchmarks.md has how much.
	leaseAddresses = 500
	// leaseStep is how long leases are for each leaseAddresses that a node has, if it has more: so at most leaseAddresses
	// of them are renewed in a second, however many there are.
	leaseStep = 3 * time.Second
)

// lease returns how long the addresses of an instance stay in the kernel of a node that no longer renews them: so short
// that they are gone before the first of the other nodes takes over, if that allows minLease and the node has no more
// than leaseAddresses.
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
	return max(leaseWithin(patience), leaseOfMany(b.leased()))
}

// leased is how many addresses have a lease; all nodes have the same ones.
func (b *builder) leased() int {
	n := 0
	for _, in := range b.raw.VRRP.Instances {
		if in.Lease {
			n += len(in.Addresses) + len(in.Excluded)
		}
	}
	return n
}

// leaseOfMany returns the shortest lease that a node with so many addresses can keep renewing; 0: any.
func leaseOfMany(addresses int) time.Duration {
	if addresses <= leaseAddresses {
		return 0
	}
	return leaseStep * time.Duration((addresses+leaseAddresses-1)/leaseAddresses)
}

// checkLeases says that the leases are longer than they would be with fewer addresses.
func (b *builder) checkLeases() {
	n := b.leased()
	if lease := leaseOfMany(n); lease > 0 {
		b.warnAt("vrrp.instances", fmt.Sprintf("%d addresses: their leases are at least %v, and where daemon and keeper are killed at once the addresses stay for that long beside those of the next holder",
			n, lease), fmt.Sprintf("%d at most for the shortest leases", leaseAddresses))
	}
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
