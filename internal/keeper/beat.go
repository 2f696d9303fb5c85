package keeper

import (
	"fmt"
	"time"
)

// Beat is an advert that is sent again and again.
type Beat struct {
	Packet   `json:"packet"`
	Interval time.Duration `json:"interval"` // between two adverts, minInterval to maxInterval
}

const (
	minInterval = 10 * time.Millisecond // VRRPv3's smallest, one centisecond (RFC 9568 section 5.2.7)
	maxInterval = 255 * time.Second     // VRRPv2's largest (RFC 3768 section 5.3.7)
)

func (b Beat) check() error {
	if b.Interval < minInterval || b.Interval > maxInterval {
		return fmt.Errorf("beat on %s: interval %v, want %v to %v", b.Interface, b.Interval, minInterval, maxInterval)
	}
	return b.Packet.check()
}
