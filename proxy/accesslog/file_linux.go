package accesslog

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// piece is what is written at once to what is no file: PIPE_BUF, for which there is room whenever poll says that there is any.
	piece = 4096
	// glance is how long is waited for room before it is looked whether the end has come.
	glance = 100 * time.Millisecond
	// lastWords is how long writing may take once the end has come.
	lastWords = 500 * time.Millisecond
)

// file is a destination that octets are appended to: a regular file, or a pipe, terminal or socket, which may take nothing for as long
// as it likes.
type file struct {
	path    string // empty: standard output
	fd      int
	regular bool
	torn    bool // the last line is there in part
}

// openFile opens a file, and makes it where there is none: those who are in its group may read it.
func openFile(path string) (*file, error) {
	f := &file{path: path, fd: unix.Stdout}
	if path != "" {
		fd, err := unix.Open(path, unix.O_WRONLY|unix.O_APPEND|unix.O_CREAT|unix.O_CLOEXEC|unix.O_NONBLOCK, 0o640)
		if err != nil {
			return nil, &os.PathError{Op: "open", Path: path, Err: err}
		}
		f.fd = fd
	}
	var st unix.Stat_t
	if err := unix.Fstat(f.fd, &st); err != nil {
		f.close()
		return nil, fmt.Errorf("open %s: %w", f.name(), err)
	}
	f.regular = st.Mode&unix.S_IFMT == unix.S_IFREG
	return f, nil
}

func (f *file) name() string {
	if f.path == "" {
		return "standard output"
	}
	return f.path
}

// reopen opens the file of that name, which may be another one by now.
func (f *file) reopen() error {
	if f.path == "" {
		return nil
	}
	next, err := openFile(f.path)
	if err != nil {
		return err
	}
	f.close()
	*f = *next
	return nil
}

func (f *file) close() {
	if f.path != "" {
		_ = unix.Close(f.fd) // all is written, as far as it could be
	}
}

// write implements destination.
func (f *file) write(ctx context.Context, lines []byte) (lost int, err error) {
	if f.torn { // by an error; the next line is whole
		if _, err := f.put(ctx, []byte{'\n'}); err != nil {
			return count(lines), err
		}
		f.torn = false
	}
	n, err := f.put(ctx, lines)
	if err == nil {
		return 0, nil
	}
	f.torn = n > 0 && lines[n-1] != '\n'
	return count(lines[n:]), err
}

// put writes all of b, or says how much of it.
func (f *file) put(ctx context.Context, b []byte) (n int, err error) {
	for n < len(b) {
		if !f.regular {
			if err := f.await(ctx); err != nil {
				return n, err
			}
		}
		m, err := unix.Write(f.fd, f.next(b[n:]))
		switch {
		case m > 0:
			n += m
		case err != unix.EINTR && err != unix.EAGAIN:
			return n, &os.PathError{Op: "write", Path: f.name(), Err: err}
		}
	}
	return n, nil
}

// next is what is written at once: of what others may write to as well whole lines, as far as they go.
func (f *file) next(b []byte) []byte {
	if f.regular || len(b) <= piece {
		return b
	}
	if i := bytes.LastIndexByte(b[:piece], '\n'); i >= 0 {
		return b[:i+1]
	}
	return b[:piece]
}

// await waits until there is room for a piece. The descriptor may be shared with processes that rely on its blocking, so that it
// must not be told not to.
func (f *file) await(ctx context.Context) error {
	left := int(lastWords / glance)
	for {
		fds := []unix.PollFd{{Fd: int32(f.fd), Events: unix.POLLOUT}}
		n, err := unix.Poll(fds, int(glance/time.Millisecond))
		switch {
		case n > 0:
			return nil // an error shows when it is written to
		case err != nil && err != unix.EINTR:
			return &os.PathError{Op: "poll", Path: f.name(), Err: err}
		case ctx.Err() == nil:
		case left == 0:
			return fmt.Errorf("write %s: nobody reads it", f.name())
		default:
			left--
		}
	}
}
