package daemon

import (
	"time"

	"golang.org/x/sys/unix"
)

// bootTime is the time since boot, suspension included: a machine that slept shows it here.
func bootTime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic("CLOCK_BOOTTIME, which every kernel since 2.6.39 has: " + err.Error())
	}
	return time.Duration(ts.Nano())
}

// monotonic is CLOCK_MONOTONIC, on which the service manager counts.
func monotonic() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic("CLOCK_MONOTONIC, which every kernel has: " + err.Error())
	}
	return time.Duration(ts.Nano())
}
