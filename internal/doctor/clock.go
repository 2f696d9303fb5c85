package doctor

// Clock is what is known of the host's clocks.
type Clock struct {
	BootTime string // why CLOCK_BOOTTIME cannot be read; empty: it can
	Asked    bool   // the kernel said whether the time is kept right
	Synced   bool   // it is, as far as the kernel was told (adjtimex(2))
}

func judgeClock(f *Facts) []Finding {
	var found []Finding
	if f.Clock.BootTime != "" {
		found = append(found, wrong("CLOCK_BOOTTIME: "+f.Clock.BootTime, "a node that was suspended knows by it that it overslept, and steps down before it speaks", "run Linux 2.6.39 or later"))
	}
	switch {
	case !f.Clock.Asked:
		found = append(found, warn("the kernel does not say whether the time is kept right", "logs of two nodes are compared by their time, and replayed adverts with HMAC are told by it", "timedatectl timesync-status, or chronyc tracking"))
	case !f.Clock.Synced:
		found = append(found, warn("nothing keeps the time right", "logs of two nodes are compared by their time, and replayed adverts with HMAC are told by it; VRRP itself does not need it", "timedatectl set-ntp true, or run chronyd"))
	case f.Clock.BootTime == "":
		found = append(found, fine("boot time is there, and the time is kept right"))
	}
	return found
}
