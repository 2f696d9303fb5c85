package doctor

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// readCapabilities reads the sets of this process.
func readCapabilities() (Capabilities, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData // version 3 has 64 bits in two words
	if err := unix.Capget(&header, &data[0]); err != nil {
		return Capabilities{}, fmt.Errorf("read own capabilities: %w", err)
	}
	effective := func(c int) bool { return data[c/32].Effective&(1<<(c%32)) != 0 }
	bounding := func(c int) bool {
		have, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(c), 0, 0, 0)
		return err == nil && have == 1 // an error is of a capability that the kernel does not know
	}
	return Capabilities{Effective: privileges(effective), Bounding: privileges(bounding)}, nil
}

func privileges(has func(capability int) bool) Privileges {
	return Privileges{NetAdmin: has(unix.CAP_NET_ADMIN), NetRaw: has(unix.CAP_NET_RAW), NetBindService: has(unix.CAP_NET_BIND_SERVICE)}
}

func lookUpUsers(names []string) (Users, error) {
	users := Users{}
	for _, name := range names {
		_, err := user.Lookup(name)
		if err != nil && !errors.As(err, new(user.UnknownUserError)) {
			return nil, fmt.Errorf("look up user %s: %w", name, err)
		}
		users[name] = err == nil
	}
	return users, nil
}

// tryKernel tries what Tandem uses, on things of this process alone.
func tryKernel(h *netlink.Handle) (Kernel, error) {
	var k Kernel
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return k, fmt.Errorf("ask for the kernel's release: %w", err)
	}
	k.Release = unix.ByteSliceToString(uts.Release[:])
	k.FreeBind, k.PidFD = text(tryFreeBind()), text(tryPidFD())
	list, err := h.AddrList(nil, netlink.FAMILY_V4)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) { // some of the list is enough
		return k, fmt.Errorf("list addresses: %w", err)
	}
	if len(list) > 0 {
		// Kernels that know lifetimes tell that of every address: for ever is the greatest number, not 0.
		k.Lifetimes = Fails
		if list[0].ValidLft != 0 {
			k.Lifetimes = Works
		}
	}
	return k, nil
}

// tryFreeBind binds a socket, which listens to nothing, to an address that no host has (RFC 5737).
func tryFreeBind() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }() // nothing was written
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_FREEBIND, 1); err != nil {
		return err
	}
	return unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{192, 0, 2, 1}})
}

func tryPidFD() error {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func readClock() Clock {
	var c Clock
	var now unix.Timespec
	c.BootTime = text(unix.ClockGettime(unix.CLOCK_BOOTTIME, &now))
	var t unix.Timex // Modes 0: nothing is set
	state, err := unix.Adjtimex(&t)
	c.Asked = err == nil
	c.Synced = state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
	return c
}

// readSysctls reads the settings of an interface in the calling thread's network namespace.
func readSysctls(ifname string) Sysctls {
	read := func(key string) int { return readNumber("/proc/sys/net/ipv4/" + key) }
	both := func(key string) int { return combine(read("conf/all/"+key), read("conf/"+ifname+"/"+key)) }
	return Sysctls{
		RPFilter:           both("rp_filter"),
		ARPIgnore:          both("arp_ignore"),
		ARPAnnounce:        both("arp_announce"),
		ARPFilter:          both("arp_filter"),
		PromoteSecondaries: both("promote_secondaries"),
		NonlocalBind:       read("ip_nonlocal_bind"),
	}
}

func readNumber(path string) int {
	b, err := os.ReadFile(path)
	if err != nil {
		return Unknown
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return Unknown
	}
	return n
}

// joined4 says whether the kernel lists the group of adverts among those of an interface.
func joined4(ifname string) (bool, error) {
	b, err := os.ReadFile("/proc/thread-self/net/igmp")
	if err != nil {
		return false, fmt.Errorf("list multicast groups: %w", err)
	}
	return listsGroup(string(b), ifname, groupAddr()), nil
}

// listsGroup looks for a group in the format of /proc/net/igmp: a line an interface, and below it, indented, one a group.
func listsGroup(list, ifname string, group netip.Addr) bool {
	four := group.As4()
	want := fmt.Sprintf("%02X%02X%02X%02X", four[3], four[2], four[1], four[0]) // of little-endian machines
	swapped := fmt.Sprintf("%02X%02X%02X%02X", four[0], four[1], four[2], four[3])
	current := ""
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		switch {
		case len(fields) < 2:
		case line[0] != '\t' && line[0] != ' ':
			current = strings.TrimSuffix(fields[1], ":") // "2", "eth0", ":", ...; a long name has the colon at its end
		case current == ifname && (fields[0] == want || fields[0] == swapped):
			return true
		}
	}
	return false
}
