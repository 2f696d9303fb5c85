package keeper

import (
	"fmt"
	"slices"
	"time"
)

// Beat is an advert that is sent again and again.
type Beat struct {
	Packet   `json:"packet"`
	Also     []Packet      `json:"also,omitempty"` // the same advert to further peers, by the same way
	Interval time.Duration `json:"interval"`       // between two adverts, minInterval to maxInterval
	Patience time.Duration `json:"patience"`       // after which the peer takes silence for death; at least Interval
}

const (
	minInterval = 10 * time.Millisecond // VRRPv3's smallest, one centisecond (RFC 9568 section 5.2.7)
	maxInterval = 255 * time.Second     // VRRPv2's largest (RFC 3768 section 5.3.7)
)

func (b Beat) check() error {
	if b.Interval < minInterval || b.Interval > maxInterval {
		return fmt.Errorf("beat on %s: interval %v, want %v to %v", b.Interface, b.Interval, minInterval, maxInterval)
	}
	if b.Patience < b.Interval {
		return fmt.Errorf("beat on %s: patience %v, want at least the interval, %v", b.Interface, b.Patience, b.Interval)
	}
	for _, p := range b.Also {
		if p.way() != b.way() {
			return fmt.Errorf("beat on %s: a packet on %s", b.way(), p.way())
		}
		if err := p.check(); err != nil {
			return err
		}
	}
	return b.Packet.check()
}

// packets is what is sent at each interval.
func (b Beat) packets() []Packet { return append([]Packet{b.Packet}, b.Also...) }

// clone is b that shares no packet with it.
func (b Beat) clone() Beat {
	b.Data = slices.Clone(b.Data)
	b.Also = slices.Clone(b.Also)
	for i := range b.Also {
		b.Also[i].Data = slices.Clone(b.Also[i].Data)
	}
	return b
}
