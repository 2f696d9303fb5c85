package netlab

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// errAbandoned is the result of a function that ended its goroutine (runtime.Goexit, as testing's FailNow does).
var errAbandoned = errors.New("the function ended its goroutine")

// space is a namespace held open by a file, and what kind it is (a CLONE_NEW constant).
type space struct {
	file *os.File
	kind int
}

func openSpace(path string, kind int) (space, error) {
	f, err := os.Open(path)
	if err != nil {
		return space{}, fmt.Errorf("open namespace: %w", err)
	}
	return space{file: f, kind: kind}, nil
}

func (s space) close() {
	if s.file != nil {
		_ = s.file.Close() // a read-only descriptor: nothing can be lost
	}
}

// enter moves the calling thread into the namespace. A mount namespace can be entered only by a thread that shares
// neither root nor working directory with the others.
func (s space) enter() error {
	if s.kind == unix.CLONE_NEWNS {
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return fmt.Errorf("unshare working directory: %w", err)
		}
	}
	conn, err := s.file.SyscallConn()
	if err != nil {
		return fmt.Errorf("enter namespace: %w", err)
	}
	var setns error
	if err := conn.Control(func(fd uintptr) { setns = unix.Setns(int(fd), s.kind) }); err != nil {
		return fmt.Errorf("enter namespace: %w", err)
	}
	if setns != nil {
		return fmt.Errorf("enter namespace: %w", setns)
	}
	return nil
}

// inside runs f on a thread of its own that has entered the spaces, and waits for it. The thread is thrown away
// afterwards, so nothing that f does to it can reach other goroutines.
func inside(f func() error, spaces ...space) error {
	result := make(chan error, 1) // one value, sent by the thread; buffered so that the thread never waits
	go onThread(func() {
		err := errAbandoned
		defer func() { result <- err }()
		for _, s := range spaces {
			if err = s.enter(); err != nil {
				return
			}
		}
		err = errAbandoned
		err = f()
	})
	return <-result
}

// onThread calls f with the goroutine locked to its thread for good: the thread ends with the goroutine. It never
// uses the main thread, which cannot end and whose namespaces are what /proc/self shows.
func onThread(f func()) {
	runtime.LockOSThread()
	if unix.Gettid() != unix.Getpid() {
		f()
		return
	}
	done := make(chan struct{}) // closed by the other goroutine, which cannot get this thread while we hold it
	go func() {
		defer close(done)
		onThread(f)
	}()
	<-done
	runtime.UnlockOSThread()
}

// newNetwork makes an empty network namespace that is good for bridges: without IPv6, so that it never speaks by
// itself, and without a firewall on the bridges, which would judge the frames.
func newNetwork() (network space, warnings []string, err error) {
	err = inside(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make network namespace: %w", err)
		}
		warnings = setSysctls(map[string]string{
			"net/ipv6/conf/all/disable_ipv6":      "1",
			"net/ipv6/conf/default/disable_ipv6":  "1",
			"net/bridge/bridge-nf-call-arptables": "0",
			"net/bridge/bridge-nf-call-iptables":  "0",
			"net/bridge/bridge-nf-call-ip6tables": "0",
		})
		network, err = openSpace("/proc/thread-self/ns/net", unix.CLONE_NEWNET)
		return err
	})
	return network, warnings, err
}

// setSysctls writes values for the calling thread's network namespace and returns a line for each that was refused,
// as in containers with a read-only /proc/sys. A key that the kernel lacks needs no value.
func setSysctls(values map[string]string) (warnings []string) {
	for key, value := range values {
		err := os.WriteFile("/proc/sys/"+key, []byte(value), 0)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			warnings = append(warnings, err.Error())
		}
	}
	return warnings
}
