package config

import (
	"fmt"
	"time"

	"github.com/tandem-lb/tandem/vrrp"
)

const (
	maxIntervalV3    = 4095 * centisecond // 12 bits (RFC 9568 section 5.2.7)
	learnedIntervals = 10                 // how many own intervals a learned one may last, where the file does not say
)

// checkProtocol reports what an instance asks of a version that does not have it.
func (b *builder) checkProtocol(i int) {
	raw := b.raw.VRRP.Instances[i]
	switch vrrp.Version(raw.Version) {
	case vrrp.V2:
		b.checkV2(i, raw)
	case vrrp.V3:
		b.checkV3(i, raw)
	}
}

func (b *builder) checkV2(i int, raw rawInstance) {
	if d := raw.AdvertInterval; d%time.Second != 0 {
		b.errorAt(instancePath(i, "advert_interval"), fmt.Sprintf("%v is not in whole seconds", d), intervalV2+", or version 3 on all nodes")
	}
	if raw.MaxLearned != 0 {
		b.errorAt(instancePath(i, "max_learned_interval"), "version 2 learns no interval", "it with version 3 alone")
	}
	if raw.BareChecksum {
		b.errorAt(instancePath(i, "v3_checksum_as_v2"), "version 2 has but one checksum", "it with version 3 alone")
	}
}

func (b *builder) checkV3(i int, raw rawInstance) {
	if d := raw.AdvertInterval; d > maxIntervalV3 {
		b.errorAt(instancePath(i, "advert_interval"), fmt.Sprintf("%v is out of range", d), intervalV3+" with version 3")
	}
	if d := raw.MaxLearned; d != 0 && d < raw.AdvertInterval {
		b.errorAt(instancePath(i, "max_learned_interval"), fmt.Sprintf("%v is below the own interval, %v", d, raw.AdvertInterval), "at least that one")
	}
	if raw.Authentication != nil && raw.Authentication.Type == "PASS" {
		// "VRRPv3 does not include any authentication" (RFC 9568 section 9): there is no room for a password.
		want := "type HMAC, or none, or version 2"
		if b.family(i) == vrrp.IPv6 {
			want = "type HMAC, or none"
		}
		b.errorAt(instancePath(i, "authentication"), "version 3 has no passwords", want)
	}
}

// maxLearned returns the longest interval that an instance learns, which version 2 does not do.
func maxLearned(raw rawInstance) time.Duration {
	if vrrp.Version(raw.Version) != vrrp.V3 || raw.MaxLearned != 0 {
		return raw.MaxLearned
	}
	return min(learnedIntervals*raw.AdvertInterval, maxIntervalV3)
}
