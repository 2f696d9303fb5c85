package vrrp

import "time"

// downAdverts is how many adverts a backup misses before it believes that the master is gone.
const downAdverts = 3

// skewTime is Skew_Time of version 2: "( (256 - Priority) / 256 )" seconds (RFC 3768 section 6.1), whatever the interval. It
// lets the backup of the highest priority be the first to take over.
func skewTime(priority uint8) time.Duration {
	return (256 - time.Duration(priority)) * time.Second / 256
}

// masterDownInterval is Master_Down_Interval: "(3 * Advertisement_Interval) + Skew_time" (RFC 3768 section 6.1). priority
// is the router's own, as trackers have it now.
func masterDownInterval(interval time.Duration, priority uint8) time.Duration {
	return downAdverts*interval + skewTime(priority)
}
