package keeper

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/vrrp/seal"
)

// bootTime is CLOCK_BOOTTIME, which both processes read alike and which goes on while the machine sleeps.
func bootTime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic("keeper: CLOCK_BOOTTIME: " + err.Error()) // Linux has had it since 2.6.39
	}
	return time.Duration(ts.Nano())
}

// bothClocks reads the clocks that a seal tells.
func bothClocks() seal.Now { return seal.Read(realTime, bootTime) }

// realTime is the wall clock.
func realTime() time.Time {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME, &ts); err != nil {
		panic("keeper: CLOCK_REALTIME: " + err.Error()) // there is no Linux without it
	}
	return time.Unix(ts.Unix())
}
