package vrrp

import "time"

// downAdverts is how many adverts a backup misses before it believes that the master is gone.
const downAdverts = 3

// skewTime lets the backup of the highest priority be the first to take over. In version 2 it is "( (256 - Priority) /
// 256 )" seconds, whatever the interval (RFC 3768 section 6.1), in version 3 "(((256 - Priority) * Active_Adver_Interval) /
// 256)" (RFC 9568 section 6.1), which is not rounded to centiseconds here: at short ones too few steps would be left.
// interval is at most 255 s, so nothing overflows.
func skewTime(v Version, interval time.Duration, priority uint8) time.Duration {
	if v == V2 {
		interval = time.Second
	}
	return (256 - time.Duration(priority)) * interval / 256
}

// SuccessorWithin is how long after an Offer a backup of any priority has surely taken over: its down interval counts
// from the last advert before the Offer, and the addresses and adverts take their time too.
func (c *Config) SuccessorWithin() time.Duration {
	return masterDownInterval(c.Version, c.AdvertInterval, 0) + c.AdvertInterval
}

// masterDownInterval is Master_Down_Interval: "(3 * Advertisement_Interval) + Skew_time" (RFC 3768 section 6.1; RFC 9568
// has the same, of the master's interval). priority is the router's own, as trackers have it now.
func masterDownInterval(v Version, interval time.Duration, priority uint8) time.Duration {
	return downAdverts*interval + skewTime(v, interval, priority)
}
