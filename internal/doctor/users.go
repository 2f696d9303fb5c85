package doctor

import (
	"fmt"
	"slices"
)

// daemonUser is whom the unit runs the daemon as.
const daemonUser = "tandem"

// Users are the names that exist on this host, of those that Tandem looks for.
type Users map[string]bool

// wantedUsers are the names that a plan needs to exist, each once.
func wantedUsers(p Plan) []string {
	names := []string{daemonUser}
	for _, s := range p.Scripts {
		if !slices.Contains(names, s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

func judgeUsers(f *Facts) []Finding {
	create := func(name string) []string {
		if name == daemonUser || name == defaultScriptUser {
			return []string{"systemd-sysusers (make install puts sysusers.d/tandem.conf in place)", "or: useradd --system --shell /usr/sbin/nologin " + name}
		}
		return []string{"useradd --system --shell /usr/sbin/nologin " + name, "or name another user in the configuration"}
	}
	var found []Finding
	if !f.Users[daemonUser] {
		found = append(found, warn("there is no user "+daemonUser, "the unit runs the daemon as this user; without it it does not start", create(daemonUser)...))
	}
	for _, s := range f.Plan.Scripts {
		if !f.Users[s.Name] {
			found = append(found, wrong("there is no user "+s.Name, fmt.Sprintf("%s would run as this user, and a script that cannot run keeps the daemon from starting", joined(s.For)), create(s.Name)...))
		}
	}
	if len(found) == 0 {
		found = append(found, fine(joined(wantedUsers(f.Plan))+": there"))
	}
	return found
}
