package child

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// Socket is the child's descriptor of the pair that connects it to its parent.
	Socket = 3
	// FirstFile is the child's descriptor of Config.Files[0]; the others follow.
	FirstFile = 4
	// maxName is what the kernel keeps of a process's name (TASK_COMM_LEN less the final zero).
	maxName = 15
)

// ErrEnded says that the child's end of the socket is closed: it has ended, or is about to.
var ErrEnded = errors.New("the process has ended")

// Config says what to start.
type Config struct {
	Name  string     // the process's name and argv[0]; 1 to 15 octets
	Args  []string   // further arguments, for those who read ps
	Path  string     // the executable; empty: /proc/self/exe, which stays this binary after an upgrade on disk
	Files []*os.File // descriptors that the child gets besides the socket, from FirstFile on; a nil one stays closed

	// Capabilities are the ambient capabilities that the child keeps of those this process has; it gets no others.
	// They matter where the daemon runs as an ordinary user; a process of root's inherits root's.
	Capabilities []uintptr
}

// Process is a started child. Its methods may be called from any goroutine.
type Process struct {
	name  string
	cmd   *exec.Cmd
	conn  *net.UnixConn
	pidfd *os.File

	end   sync.Once
	ended chan struct{} // closed by End, before it closes the others
}

// Start starts a child. It starts no goroutine; End must be called in the end.
func Start(cfg Config) (*Process, error) {
	if cfg.Name == "" || len(cfg.Name) > maxName {
		return nil, fmt.Errorf("start %q: a process's name has 1 to %d octets", cfg.Name, maxName)
	}
	ours, theirs, err := pair(unix.SOCK_SEQPACKET)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", cfg.Name, err)
	}
	defer func() { _ = theirs.Close() }() // the child has a copy by then
	path := cfg.Path
	if path == "" {
		path = "/proc/self/exe"
	}
	cmd := &exec.Cmd{
		Path:        path,
		Args:        append([]string{cfg.Name}, cfg.Args...),
		Stderr:      os.Stderr, // its last words; standard output is the daemon's alone
		ExtraFiles:  append([]*os.File{theirs}, cfg.Files...),
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	if err := withAmbient(cfg.Capabilities, cmd.Start); err != nil {
		_ = ours.Close() // the start's error is the one to tell
		return nil, fmt.Errorf("start %s: %w", cfg.Name, err)
	}
	p := &Process{name: cfg.Name, cmd: cmd, conn: ours, ended: make(chan struct{})}
	if p.pidfd, err = watchable(p.PID()); err != nil {
		p.End()
		return nil, fmt.Errorf("watch %s: %w", cfg.Name, err)
	}
	return p, nil
}

// watchable opens a pidfd of an own child that the runtime's poller can wait for. It is not the one that os/exec can
// give: that shares its flags with the one os/exec waits on, and waiting on a non-blocking pidfd fails.
func watchable(pid int) (*os.File, error) {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, os.NewSyscallError("pidfd_open", err)
	}
	if err := unix.SetNonblock(pidfd, true); err != nil {
		return nil, errors.Join(err, unix.Close(pidfd))
	}
	return os.NewFile(uintptr(pidfd), "pidfd"), nil
}

// Conn is this side of the socket. Each Write is one message, and each Read; io.EOF once the child has ended.
func (p *Process) Conn() *net.UnixConn { return p.conn }

// PID is the child's process number, for logs and status.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// TrySend sends one message, with descriptors, and never waits: a full socket is an error. ErrEnded when nobody
// listens any more.
func (p *Process) TrySend(message []byte, fds ...int) error {
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	raw, err := p.conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("send to %s: %w", p.name, err)
	}
	var sent error
	// Control and not Write, which would wait for another writer.
	err = raw.Control(func(fd uintptr) {
		_, sent = unix.SendmsgN(int(fd), message, rights, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	})
	switch {
	case err != nil: // closed on this side
		return fmt.Errorf("send to %s: %w", p.name, ErrEnded)
	case errors.Is(sent, unix.EPIPE), errors.Is(sent, unix.ECONNRESET), errors.Is(sent, unix.ENOTCONN):
		return fmt.Errorf("send to %s: %w", p.name, ErrEnded)
	case sent != nil:
		return fmt.Errorf("send to %s: %w", p.name, sent)
	}
	return nil
}

// Wait returns nil once the process has ended, of itself or by Kill, and ctx's error when that ends first. One Wait at
// a time.
func (p *Process) Wait(ctx context.Context) error {
	err := p.wait(ctx)
	select {
	case <-p.ended:
		return nil // and the error is that of a closed pidfd
	default:
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("wait for %s: %w", p.name, err)
}

func (p *Process) wait(ctx context.Context) error {
	raw, err := p.pidfd.SyscallConn()
	if err != nil {
		return err
	}
	if err := p.pidfd.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = p.pidfd.SetReadDeadline(time.Unix(1, 0)) }) // fails only when closed
	defer stop()
	return raw.Read(func(fd uintptr) bool {
		polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, _ := unix.Poll(polled, 0) // an interrupted poll is asked again after the next event
		return n == 1
	})
}

// Kill ends the process at once, without its help. Wait notices.
func (p *Process) Kill() { _ = p.cmd.Process.Kill() } // fails only when it has ended

// Stop closes the way to the child, which reads end-of-file and is to end by itself; after wait it is killed. Then as End.
func (p *Process) Stop(wait time.Duration) (how string) {
	_ = p.conn.CloseWrite() // fails only when that has ended
	until := time.Now().Add(wait)
	if raw, err := p.pidfd.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { // fails only when End was faster
			polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			for left := wait; left > 0; left = time.Until(until) {
				if n, err := unix.Poll(polled, int(left.Milliseconds())+1); n == 1 || err != nil && !errors.Is(err, unix.EINTR) {
					return
				}
			}
		})
	}
	return p.End()
}

// End makes sure that the process has ended, by SIGKILL where it has not, and lets go of it. It tells how it ended:
// "exit status 2", "signal: killed". Only the first call tells.
func (p *Process) End() (how string) {
	p.end.Do(func() {
		p.Kill()
		_ = p.cmd.Wait() // its error is the state below, in other words
		how = p.cmd.ProcessState.String()
		close(p.ended)
		_ = p.conn.Close()
		if p.pidfd != nil {
			_ = p.pidfd.Close()
		}
	})
	return how
}

// Pair makes a connected pair of stream sockets: a connection for this process, and a file to pass on.
func Pair() (ours *net.UnixConn, theirs *os.File, err error) { return pair(unix.SOCK_STREAM) }

func pair(kind int) (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "theirs")
	ours, err := FileConn(fds[0])
	if err != nil {
		return nil, nil, errors.Join(err, theirs.Close())
	}
	return ours, theirs, nil
}

// FileConn makes a connection of a Unix socket's descriptor, which it takes over.
func FileConn(fd int) (*net.UnixConn, error) {
	file := os.NewFile(uintptr(fd), "socket")
	defer func() { _ = file.Close() }() // FileConn has a copy
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, fmt.Errorf("use descriptor %d: %w", fd, err)
	}
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("use descriptor %d: it is no Unix socket", fd), conn.Close())
	}
	return unixConn, nil
}
