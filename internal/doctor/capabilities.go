package doctor

import "fmt"

// Capabilities are what processes may have on this host (capabilities(7)).
type Capabilities struct {
	Effective Privileges // this process has them
	Bounding  Privileges // a process that is started here can have them
}

// Privileges are the capabilities that Tandem uses.
type Privileges struct {
	NetAdmin       bool
	NetRaw         bool
	NetBindService bool
}

// judgeCapabilities looks at what a daemon could get: its unit, or root, hands it out of the bounding set.
func judgeCapabilities(f *Facts) []Finding {
	may := f.Capabilities.Bounding
	grant := func(name string) []string {
		return []string{
			fmt.Sprintf("in a container: --cap-add %s", name),
			fmt.Sprintf("in a unit of systemd: %s in CapabilityBoundingSet and AmbientCapabilities, as in deploy/tandem.service", name),
		}
	}
	var found []Finding
	if !may.NetAdmin {
		found = append(found, wrong("CAP_NET_ADMIN cannot be had here", "virtual addresses are added and removed with it", grant("CAP_NET_ADMIN")...))
	}
	if !may.NetRaw {
		found = append(found, wrong("CAP_NET_RAW cannot be had here", "adverts and ARP are sent with it", grant("CAP_NET_RAW")...))
	}
	if !may.NetBindService {
		if len(f.Plan.LowPorts) > 0 {
			found = append(found, wrong("CAP_NET_BIND_SERVICE cannot be had here", "it takes this to listen on "+joined(texts(f.Plan.LowPorts)), grant("CAP_NET_BIND_SERVICE")...))
		} else {
			found = append(found, warn("CAP_NET_BIND_SERVICE cannot be had here", "it takes this to listen on ports below 1024, such as 80 and 443", grant("CAP_NET_BIND_SERVICE")...))
		}
	}
	if len(found) == 0 {
		found = append(found, fine("CAP_NET_ADMIN, CAP_NET_RAW and CAP_NET_BIND_SERVICE can be had"))
	}
	return found
}
