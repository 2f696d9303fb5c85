package doctor

// Kernel is what the kernel can do. An error is empty where it can.
type Kernel struct {
	Release   string // as uname -r prints it
	FreeBind  string // why IP_FREEBIND does not work
	PidFD     string // why a process cannot be held by a descriptor
	Lifetimes Tried  // IPv4 addresses with a lifetime
}

// Tried is the outcome of a trial.
type Tried uint8

// The outcomes.
const (
	Untried Tried = iota // there was nothing to try it on
	Works
	Fails
)

func judgeKernel(f *Facts) []Finding {
	k := f.Kernel
	newer := "run Linux 5.4 or later"
	var found []Finding
	if k.FreeBind != "" {
		found = append(found, wrong("IP_FREEBIND: "+k.FreeBind, "listeners are bound to virtual addresses before these arrive, so that the first client is served", newer))
	}
	if k.PidFD != "" {
		found = append(found, wrong("pidfd_open: "+k.PidFD, "the daemon notices by it that its keeper or a script has ended", newer, "in a container: a seccomp profile that lets pidfd_open through"))
	}
	if k.Lifetimes == Fails {
		found = append(found, wrong("addresses have no lifetime", "the kernel itself drops the virtual addresses of a node that is dead by their lifetime", newer))
	}
	if len(found) > 0 {
		return found
	}
	saw := "Linux " + k.Release + ": IP_FREEBIND, pidfd_open"
	if k.Lifetimes == Works {
		return []Finding{fine(saw + " and lifetimes of addresses work")}
	}
	return []Finding{fine(saw + " work; there is no address whose lifetime could be looked at")}
}
