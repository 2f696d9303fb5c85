package netlab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// marker is the environment variable that tells a copy of this program what it is for.
const marker = "TANDEM_NETLAB"

// Values of the marker.
const (
	roleInside = "inside" // the program itself, re-executed in a user namespace
	roleInit   = "init"   // the init of a node
)

// nodeSpaces are the namespaces that every node has of its own.
const nodeSpaces = unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWNS

// Enter puts the program where it may build labs; it belongs at the start of main or TestMain, before anything with
// an effect, because nodes and the user namespace re-execute the program with the same arguments up to this call.
//
// With enough privileges it does nothing. Without, it runs the program again in a new user namespace whose root is
// the calling user, passes signals on to it and waits for its end. When done is true the work has been done by
// somebody else: the caller exits with code at once. An error, always with done false, is Available's.
func Enter() (code int, done bool, err error) {
	switch os.Getenv(marker) {
	case roleInit:
		return runInit(), true, nil
	case roleInside:
		return 0, false, loopbackUp()
	}
	if privileged() {
		return 0, false, nil
	}
	if err := Available(); err != nil {
		return 0, false, err
	}
	code, err = reexec()
	return code, err == nil, err
}

// Available returns nil where labs can be built (if need be by way of Enter), else one line saying what to enable.
func Available() error {
	if privileged() {
		return nil
	}
	if err := probe(userNamespace()); err != nil {
		return fmt.Errorf("make namespaces: %w: %s", err, remedy(readSetting))
	}
	return nil
}

func readSetting(key string) string {
	b, err := os.ReadFile("/proc/sys/" + key)
	if err != nil {
		return "" // a kernel without the setting
	}
	return strings.TrimSpace(string(b))
}

// remedy says which setting keeps user namespaces from ordinary users; setting returns the value of a key below
// /proc/sys, empty when there is none.
func remedy(setting func(key string) string) string {
	switch {
	case setting("user/max_user_namespaces") == "0":
		return "run sysctl user.max_user_namespaces=10000"
	case setting("kernel/unprivileged_userns_clone") == "0":
		return "run sysctl kernel.unprivileged_userns_clone=1" // Debian and its kin
	case setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
		return "run sysctl kernel.apparmor_restrict_unprivileged_userns=0" // Ubuntu since 23.10
	}
	return "run as root, or in a container that is privileged"
}

// privileged reports whether nodes can be made without a user namespace.
func privileged() bool {
	return hasCapabilities(unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_NET_RAW) &&
		probe(&syscall.SysProcAttr{Cloneflags: nodeSpaces}) == nil
}

func hasCapabilities(wanted ...int) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData // version 3 has 64 bits in two words
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	for _, c := range wanted {
		if data[c/32].Effective&(1<<(c%32)) == 0 {
			return false
		}
	}
	return true
}

// probe tries to start a process with the attributes. Its program cannot exist, so that nothing runs: the kernel
// looks for it only after the namespaces are made.
func probe(attr *syscall.SysProcAttr) error {
	_, _, err := syscall.StartProcess(os.DevNull+"/none", nil, &syscall.ProcAttr{Sys: attr})
	if errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	return err
}

// userNamespace asks for a user namespace in which the caller is root, and a network namespace that belongs to it.
func userNamespace() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | nodeSpaces&^unix.CLONE_NEWPID,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
}

// reexec runs the program again in a user namespace and returns its exit code, 128 + the signal's number if one
// ended it.
func reexec() (code int, err error) {
	runtime.LockOSThread() // the kernel kills the copy when the thread that started it ends
	defer runtime.UnlockOSThread()

	signals := make(chan os.Signal, 16) // sent by os/signal, which drops when full: room for a burst of each kind
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2)
	defer signal.Stop(signals)

	cmd := self(roleInside)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = userNamespace()
	cmd.SysProcAttr.Setpgid = true // a terminal's interrupt reaches the copy once, through us
	cmd.SysProcAttr.Pdeathsig = unix.SIGKILL
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start a copy in a user namespace: %w", err)
	}
	ended := make(chan error, 1) // one value, sent by the waiter
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s) // fails only when the copy has ended, which comes next
		case err := <-ended:
			return exitCode(cmd.ProcessState), waitError(err)
		}
	}
}

// waitError is what is wrong beyond an exit code.
func waitError(err error) error {
	var exit *exec.ExitError
	if err == nil || errors.As(err, &exit) {
		return nil
	}
	return fmt.Errorf("wait for the copy in a user namespace: %w", err)
}

func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}

// self is a command that runs this program again with its arguments in the given role.
func self(role string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(withoutMarker(os.Environ()), marker+"="+role)
	return cmd
}

func withoutMarker(environ []string) []string {
	var kept []string
	for _, e := range environ {
		if !strings.HasPrefix(e, marker) {
			kept = append(kept, e)
		}
	}
	return kept
}

// loopbackUp brings the loopback interface of the calling program's namespace up, so that tests which use it work.
func loopbackUp() error {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink socket: %w", err)
	}
	defer h.Close()
	return setLoopbackUp(h)
}

func setLoopbackUp(h *netlink.Handle) error {
	if err := h.LinkSetUp(&netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: loopbackIndex}}); err != nil {
		return fmt.Errorf("set lo up: %w", err)
	}
	return nil
}
