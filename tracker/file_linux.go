package tracker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// changes are the events of a directory after which a file in it may hold another number, or be another one. Writing
// itself is none: what counts is the close.
const changes = unix.IN_CLOSE_WRITE | unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO | unix.IN_ATTRIB |
	unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR

// inotify is the kernel's directories (inotify(7)).
type inotify struct {
	file    *os.File // of the runtime's poller, which makes deadlines and close end a read
	watches map[int]bool
	buf     [16 << 10]byte // some hundred events; what does not fit comes with the next wait
}

var _ directories = (*inotify)(nil)

func openDirectories() (directories, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("open inotify: %w", err)
	}
	return &inotify{file: os.NewFile(uintptr(fd), "inotify")}, nil
}

// watch adds all of dirs anew each time: for a directory that is watched already the kernel returns the same number, for
// another of the same name a new one. What is left over goes.
func (n *inotify) watch(dirs []string) error {
	conn, err := n.file.SyscallConn()
	if err != nil {
		return err
	}
	var errs []error
	err = conn.Control(func(fd uintptr) {
		wanted := map[int]bool{}
		for _, dir := range dirs {
			wd, err := unix.InotifyAddWatch(int(fd), dir, changes)
			switch {
			case err == nil:
				wanted[wd] = true
			case !errors.Is(err, fs.ErrNotExist):
				errs = append(errs, fmt.Errorf("watch %s: %w", dir, err))
			}
		}
		for wd := range n.watches {
			if !wanted[wd] {
				_, _ = unix.InotifyRmWatch(int(fd), uint32(wd)) // it goes by itself with its directory
			}
		}
		n.watches = wanted
	})
	return errors.Join(append(errs, err)...)
}

// wait drops the events: whatever they say, the file is looked at.
func (n *inotify) wait(d time.Duration) error {
	if err := n.file.SetReadDeadline(time.Now().Add(d)); err != nil {
		return err
	}
	if _, err := n.file.Read(n.buf[:]); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return nil
}

func (n *inotify) close() { _ = n.file.Close() } // nothing was written
