package doctor

// check is one line of the table: a name, and how facts are judged.
type check struct {
	name  string
	judge func(*Facts) []Finding
}

// checks is the one table of checks, in the order in which their findings are told: the host first, then its interfaces.
func checks() []check {
	return []check{
		{"capabilities", judgeCapabilities},
		{"users", judgeUsers},
		{"kernel", judgeKernel},
		{"clock", judgeClock},
		{"realtime", judgeRealTime},
		{"rivals", judgeRivals},
		{"names", judgeNames},
		{"link", each(judgeLink)},
		{"sysctls", each(judgeSysctls)},
		{"multicast", each(judgeMulticast)},
		{"snooping", each(judgeSnooping)},
		{"firewall", each(judgeFirewall)},
		{"vrid", each(judgeVRID)},
		{"holders", each(judgeHolders)},
	}
}

// each makes a check of the host of one that looks at an interface.
func each(judge func(*Facts, *Interface) []Finding) func(*Facts) []Finding {
	return func(f *Facts) []Finding {
		var all []Finding
		for i := range f.Interfaces {
			for _, found := range judge(f, &f.Interfaces[i]) {
				found.Subject = f.Interfaces[i].Name
				all = append(all, found)
			}
		}
		return all
	}
}

// Judge says what the facts mean.
func Judge(f *Facts) []Finding {
	var all []Finding
	for _, c := range checks() {
		for _, found := range c.judge(f) {
			found.Check = c.name
			all = append(all, found)
		}
	}
	return all
}
