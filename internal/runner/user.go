package runner

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// identity is whom a command runs as.
type identity struct {
	name   string
	home   string
	uid    uint32
	gid    uint32
	groups []uint32 // supplementary ones, gid among them
	self   bool     // the runner's own user: nothing is changed
}

func (id identity) inGroup(gid uint32) bool { return id.gid == gid || slices.Contains(id.groups, gid) }

// system is what this process is and may do.
type system struct {
	uid       uint32
	canSwitch bool // it may become another user
	realRoot  bool // user 0 is more than an ordinary user here
}

func newSystem() system {
	s := system{uid: uint32(os.Geteuid())}
	// A user namespace with a single user (unshare --map-root-user) has all capabilities and nobody to become.
	s.realRoot = mappedUsers() > 1
	s.canSwitch = s.realRoot && hasCapability(unix.CAP_SETUID) && hasCapability(unix.CAP_SETGID)
	return s
}

// mappedUsers counts the users of this user namespace (user_namespaces(7)). What can't be read counts as all.
func mappedUsers() uint64 {
	const all = 1 << 32
	text, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return all
	}
	var n uint64
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) != 3 {
			return all
		}
		size, err := strconv.ParseUint(f[2], 10, 64)
		if err != nil {
			return all
		}
		n += size
	}
	return n
}

// hasCapability says whether the effective set has the capability.
func hasCapability(c int) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false // no capability can be used, then
	}
	return data[c/32].Effective&(1<<(c%32)) != 0
}

// identityOf finds out whom a command with that user runs as.
func (s system) identityOf(name string, strict bool) (identity, error) {
	if name == "" && !s.canSwitch {
		return s.self()
	}
	explicit := name != ""
	if !explicit {
		name = DefaultUser
	}
	u, err := user.Lookup(name)
	switch {
	case errors.As(err, new(user.UnknownUserError)) && explicit:
		return identity{}, fmt.Errorf("user %s does not exist", name)
	case errors.As(err, new(user.UnknownUserError)):
		return identity{}, fmt.Errorf("user %s does not exist: create it (useradd --system --shell /usr/sbin/nologin %s), or name another user (`user: root` where the script must be root)", name, name)
	case err != nil:
		return identity{}, fmt.Errorf("look up user %s: %w", name, err)
	}
	id, err := identityFrom(u)
	if err != nil {
		return identity{}, err
	}
	if id.uid == s.uid && !s.canSwitch {
		id.self = true
	}
	if strict && !id.self && !s.canSwitch {
		return identity{}, fmt.Errorf("user %s: the runner is user %d and may not become another one (CAP_SETUID and CAP_SETGID)", name, s.uid)
	}
	return id, nil
}

// self is the identity of this process, which may have no line in /etc/passwd.
func (s system) self() (identity, error) {
	u, err := user.LookupId(strconv.Itoa(int(s.uid)))
	if errors.As(err, new(user.UnknownUserIdError)) {
		id := identity{name: strconv.Itoa(int(s.uid)), home: "/", uid: s.uid, gid: uint32(os.Getegid()), self: true}
		groups, err := os.Getgroups()
		for _, g := range groups {
			id.groups = append(id.groups, uint32(g))
		}
		return id, err
	}
	if err != nil {
		return identity{}, fmt.Errorf("look up user %d: %w", s.uid, err)
	}
	id, err := identityFrom(u)
	id.self = true
	return id, err
}

func identityFrom(u *user.User) (identity, error) {
	id := identity{name: u.Username, home: u.HomeDir}
	var err error
	if id.uid, err = parseID(u.Uid); err != nil {
		return identity{}, fmt.Errorf("user %s: %w", u.Username, err)
	}
	if id.gid, err = parseID(u.Gid); err != nil {
		return identity{}, fmt.Errorf("user %s: %w", u.Username, err)
	}
	groups, err := u.GroupIds()
	if err != nil {
		return identity{}, fmt.Errorf("groups of user %s: %w", u.Username, err)
	}
	for _, g := range groups {
		gid, err := parseID(g)
		if err != nil {
			return identity{}, fmt.Errorf("groups of user %s: %w", u.Username, err)
		}
		id.groups = append(id.groups, gid)
	}
	return id, nil
}

func parseID(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err
}
