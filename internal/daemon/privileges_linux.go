package daemon

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// dropPrivileges gives up every capability but those that the daemon itself uses: addresses and routes, raw sockets, low
// ports. The runner, started before, alone keeps what it takes to become another user. A daemon that runs as root keeps
// root: it was started so by hand, and its files may be root's.
func dropPrivileges() error {
	if os.Geteuid() == 0 {
		return nil
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData // version 3 has 64 bits in two words
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("read own capabilities: %w", err)
	}
	var keep [2]uint32
	for _, c := range []uint{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_NET_BIND_SERVICE} {
		keep[c/32] |= 1 << (c % 32)
	}
	changed := false
	for i := range data {
		changed = changed || data[i].Permitted&^keep[i] != 0
		data[i].Permitted &= keep[i]
		data[i].Effective &= keep[i]
		data[i].Inheritable &= keep[i]
	}
	if !changed {
		return nil
	}
	// Capabilities belong to threads. What leaves the permitted set leaves the ambient one too (capabilities(7)).
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0)
	if errno != 0 {
		return fmt.Errorf("drop capabilities: %w", errno)
	}
	return nil
}
