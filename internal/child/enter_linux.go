package child

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Enter is the first thing a child does. It takes the name and closes inherited descriptors but for the standard ones,
// the socket and the given number of files. Its error says, among others, that no parent started this process.
func Enter(name string, files int) error {
	kind, err := unix.GetsockoptInt(Socket, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil || kind != unix.SOCK_SEQPACKET {
		return fmt.Errorf("%s is started by the daemon, not by hand: descriptor %d is not its socket", name, Socket)
	}
	// To the kernel it is "exe" until now. The name of the first thread is the process's name.
	if err := os.WriteFile("/proc/self/comm", []byte(name), 0); err != nil {
		return fmt.Errorf("take the name %s: %w", name, err)
	}
	// What this process starts in its turn must have none of them.
	for fd := Socket; fd < FirstFile+files; fd++ {
		unix.CloseOnExec(fd)
	}
	return closeInherited(FirstFile + files)
}

// closeInherited closes the descriptors from first on that came through execve. Those are the ones without the
// close-on-exec flag, which the runtime sets on everything it opens.
func closeInherited(first int) error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("list open descriptors: %w", err)
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd < first {
			continue
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if errors.Is(err, unix.EBADF) { // the directory's own
			continue
		}
		if err == nil && flags&unix.FD_CLOEXEC == 0 {
			err = unix.Close(fd)
		}
		if err != nil {
			return fmt.Errorf("close inherited descriptor %d: %w", fd, err)
		}
	}
	return nil
}
