package doctor

import (
	"fmt"
	"time"
)

// RealTime is what is known of real-time scheduling, where the plan asks for it.
type RealTime struct {
	Trial   string   // why this process cannot be scheduled so; empty: it can, or it was not tried
	Keepers []Keeper // that run here
}

// Keeper is a keeper process of a Tandem that runs.
type Keeper struct {
	PID      int
	Priority int // of SCHED_RR; 0: it is scheduled as other processes are
}

// shortInterval is below what the delays of a busy host's scheduler are no danger to.
const shortInterval = 100 * time.Millisecond

func judgeRealTime(f *Facts) []Finding {
	asked := f.Plan.RTPriority
	if asked == 0 {
		for _, r := range f.Plan.Routers {
			if r.Interval < shortInterval {
				return []Finding{warn(fmt.Sprintf("%s advertises each %v, and vrrp.rt_priority is 0", r.Name, r.Interval),
					"on a host whose processors other processes want, adverts may be 40 ms late: the other node takes over from a master that lives",
					"vrrp: {rt_priority: 10}, or an advert_interval of 100ms and more")}
			}
		}
		return []Finding{fine("real time is not asked for, and with these advert intervals not needed")}
	}
	for _, k := range f.RealTime.Keepers {
		if k.Priority != asked {
			return []Finding{warn(fmt.Sprintf("the keeper that runs here (pid %d) has real-time priority %d, the configuration says %d", k.PID, k.Priority, asked),
				"adverts are late when other processes want the processors", "restart tandem: no reload changes it")}
		}
	}
	switch {
	case len(f.RealTime.Keepers) > 0:
		return []Finding{fine(fmt.Sprintf("the keeper runs at real-time priority %d", asked))}
	case f.RealTime.Trial != "":
		return []Finding{wrong(fmt.Sprintf("real-time priority %d: %s", asked, f.RealTime.Trial), "a start that does not get it is refused",
			fmt.Sprintf("in the unit LimitRTPRIO=%d and no RestrictRealtime", asked),
			"in a container --cap-add SYS_NICE, and with CONFIG_RT_GROUP_SCHED a control group with cpu.rt_runtime_us above 0")}
	}
	return []Finding{fine(fmt.Sprintf("real-time priority %d can be had", asked))}
}
