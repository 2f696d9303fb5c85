package loop

import (
	"golang.org/x/sys/unix"
)

// Pipe implements Kernel. The kernel refuses large pipes to a user who has many (pipe-user-pages-soft of pipe(7)) and leaves them
// as they were.
func (k *Epoll) Pipe(size int) (read, write, granted int, err error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		return 0, 0, 0, err
	}
	read, write = ends[0], ends[1]
	if granted, err = unix.FcntlInt(uintptr(write), unix.F_SETPIPE_SZ, size); err != nil {
		granted, err = unix.FcntlInt(uintptr(write), unix.F_GETPIPE_SZ, 0)
	}
	if err != nil {
		_, _ = unix.Close(read), unix.Close(write) // the first error is the one to tell
		return 0, 0, 0, err
	}
	return read, write, granted, nil
}

// Splice implements Kernel.
func (k *Epoll) Splice(from, to, most int) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0, uintptr(most), unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
