package daemon

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// capability is one that the daemon uses itself.
type capability struct {
	number uint
	name   string
	why    string
}

// capabilities of the daemon: those that it keeps.
func capabilities() []capability {
	return []capability{
		{unix.CAP_NET_ADMIN, "CAP_NET_ADMIN", "to add addresses"},
		{unix.CAP_NET_RAW, "CAP_NET_RAW", "to send adverts and ARP"},
		{unix.CAP_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE", "to listen on low ports"},
	}
}

// capabilitySets are those of the calling thread. Version 3 has 64 bits in two words.
type capabilitySets [2]unix.CapUserData

func readCapabilities() (sets capabilitySets, err error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return sets, fmt.Errorf("read own capabilities: %w", err)
	}
	return sets, nil
}

func (s *capabilitySets) effective(number uint) bool {
	return s[number/32].Effective&(1<<(number%32)) != 0
}

// restrict takes everything out of the sets but the capabilities given, and reports whether there was anything.
func (s *capabilitySets) restrict(to []capability) (changed bool) {
	var keep [2]uint32
	for _, c := range to {
		keep[c.number/32] |= 1 << (c.number % 32)
	}
	for i := range s {
		changed = changed || (s[i].Permitted|s[i].Inheritable)&^keep[i] != 0
		s[i].Permitted &= keep[i]
		s[i].Effective &= keep[i]
		s[i].Inheritable &= keep[i]
	}
	return changed
}

// needPrivileges says what a node with virtual addresses lacks, before anything fails for it in words of its own.
func needPrivileges() error {
	sets, err := readCapabilities()
	if err != nil {
		return err
	}
	return sets.missing()
}

// missing is the error of a process that lacks what virtual addresses need. High ports need nothing.
func (s *capabilitySets) missing() error {
	var missing []string
	for _, c := range capabilities() {
		if c.number != unix.CAP_NET_BIND_SERVICE && !s.effective(c.number) {
			missing = append(missing, c.name+" ("+c.why+")")
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("virtual addresses need %s: run it as root, or by its systemd unit", strings.Join(missing, " and "))
	}
	return nil
}

// explainBind adds to an error of binding a socket what the system's word for it leaves open.
func explainBind(err error) error {
	if !errors.Is(err, unix.EACCES) {
		return err
	}
	sets, readErr := readCapabilities()
	if readErr != nil || sets.effective(unix.CAP_NET_BIND_SERVICE) {
		return err
	}
	return fmt.Errorf("%w: ports below 1024 need CAP_NET_BIND_SERVICE: run it as root, or by its systemd unit", err)
}

// dropPrivileges gives up every capability but those that the daemon itself uses: addresses and routes, raw sockets, low
// ports. The runner, started before, alone keeps what it takes to become another user. A daemon that runs as root keeps
// root: it was started so by hand, and its files may be root's.
func dropPrivileges() error {
	if os.Geteuid() == 0 {
		return nil
	}
	sets, err := readCapabilities()
	if err != nil || !sets.restrict(capabilities()) {
		return err
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	// Capabilities belong to threads. What leaves the permitted set leaves the ambient one too (capabilities(7)).
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&sets[0])), 0)
	if errno != 0 {
		return fmt.Errorf("drop capabilities: %w", errno)
	}
	return nil
}
