package proxy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// listenUnix binds a Unix socket. A file that nobody listens on any more is replaced; one that somebody does, and what is no socket, is
// left alone.
func listenUnix(u Unix) (*socket, error) {
	if err := u.fault(); err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	s := &socket{fd: fd, unix: u}
	if err := s.bindUnix(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// fault says what is wrong with it.
func (u Unix) fault() error {
	switch {
	case len(u.Path) > maxUnixPath:
		return fmt.Errorf("%d octets, at most %d fit a Unix socket's address", len(u.Path), maxUnixPath)
	case !u.abstract() && !filepath.IsAbs(u.Path):
		return errors.New("want an absolute path, or @ and a name")
	}
	_, _, err := u.owner()
	return err
}

// maxUnixPath is what sockaddr_un has room for, with the octet that ends it (unix(7)).
const maxUnixPath = 107

// abstract reports whether it has a name that is no file's (unix(7)).
func (u Unix) abstract() bool { return strings.HasPrefix(u.Path, "@") }

// owner returns whose the file is to be; -1: whoever makes it.
func (u Unix) owner() (uid, gid int, err error) {
	uid, gid = -1, -1
	if u.User != "" {
		if uid, err = strconv.Atoi(u.User); err != nil {
			found, err := user.Lookup(u.User)
			if err != nil {
				return 0, 0, err
			}
			uid, _ = strconv.Atoi(found.Uid) // a number, on Linux
		}
	}
	if u.Group != "" {
		if gid, err = strconv.Atoi(u.Group); err != nil {
			found, err := user.LookupGroup(u.Group)
			if err != nil {
				return 0, 0, err
			}
			gid, _ = strconv.Atoi(found.Gid) // as above
		}
	}
	return uid, gid, nil
}

// bindUnix binds it and listens. Between the two nobody can connect, so that the file's mode is the one from the first moment on.
func (s *socket) bindUnix() error {
	to := &unix.SockaddrUnix{Name: s.unix.Path}
	err := unix.Bind(s.fd, to)
	if errors.Is(err, unix.EADDRINUSE) && !s.unix.abstract() {
		if err := removeStale(s.unix.Path); err != nil {
			return err
		}
		err = unix.Bind(s.fd, to)
	}
	if err != nil {
		return err
	}
	if !s.unix.abstract() {
		if s.file, err = os.Lstat(s.unix.Path); err != nil {
			return err
		}
		if err := s.setAccess(s.unix); err != nil {
			return err
		}
	}
	return unix.Listen(s.fd, backlog)
}

// setAccess says who may connect. s is a file.
func (s *socket) setAccess(u Unix) error {
	uid, gid, err := u.owner()
	if err != nil {
		return err
	}
	if uid >= 0 || gid >= 0 {
		if err := os.Lchown(u.Path, uid, gid); err != nil {
			return err
		}
	}
	return os.Chmod(u.Path, u.Mode)
}

// removeStale removes the file of a process that has ended without doing so itself.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist): // by whoever it belonged to, just now
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSocket == 0:
		return errors.New("it is there, and no socket")
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }() // nothing was sent on it
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); !errors.Is(err, unix.ECONNREFUSED) {
		if err == nil || errors.Is(err, unix.EAGAIN) { // or its backlog is full
			return unix.EADDRINUSE
		}
		return err
	}
	return os.Remove(path)
}

// unlink removes the file, unless it is another one's by now: that of a process which has taken the place over.
func (s *socket) unlink() {
	if s.file == nil {
		return
	}
	if now, err := os.Lstat(s.unix.Path); err == nil && os.SameFile(now, s.file) {
		_ = os.Remove(s.unix.Path) // or else it is stale, and replaced as such
	}
}
