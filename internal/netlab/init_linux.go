package netlab

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// privateMarker carries the private directories to a node's init.
const privateMarker = marker + "_PRIVATE"

// initReady is the first line of a node's init; refused settings follow, one a line.
const initReady = "ready"

// nodeInit is process 1 of a node: it holds the node's namespaces, and the kernel kills the rest when it ends.
type nodeInit struct {
	cmd  *exec.Cmd
	life *os.File // its standard input: it ends when the last writer, this program, closes it or dies
}

// startInit starts an init in namespaces of its own and waits until they are furnished.
func startInit(private []string) (n *nodeInit, warnings []string, err error) {
	stdin, life, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make pipe: %w", err)
	}
	defer stdin.Close()
	report, reportEnd, err := os.Pipe()
	if err != nil {
		_ = life.Close() // nobody has the other end yet
		return nil, nil, fmt.Errorf("make pipe: %w", err)
	}
	defer report.Close()

	cmd := self(roleInit)
	cmd.Env = append(cmd.Env, privateMarker+"="+strings.Join(private, ":"))
	cmd.Stdin, cmd.Stdout = stdin, reportEnd
	// A process group of its own: a terminal's interrupt is for the program, which then closes the lab in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: nodeSpaces, Setpgid: true}
	err = cmd.Start()
	_ = reportEnd.Close() // the child has its own; ours would keep the report from ending
	if err != nil {
		_ = life.Close()
		return nil, nil, fmt.Errorf("start init: %w", err)
	}
	n = &nodeInit{cmd: cmd, life: life}
	if warnings, err = readReport(report); err != nil {
		n.kill()
		return nil, nil, err
	}
	return n, warnings, nil
}

// readReport reads what an init says until it closes its end.
func readReport(r io.Reader) (warnings []string, err error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read from init: %w", err)
	}
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	switch lines[0] {
	case initReady:
		return lines[1:], nil
	case "":
		return nil, fmt.Errorf("init ended at once: %w", errNoEnter)
	}
	return nil, fmt.Errorf("init: %s", lines[0])
}

// kill ends the init, and with it every process of the node, and waits until they are gone.
func (n *nodeInit) kill() {
	_ = n.cmd.Process.Kill() // fails only when it has ended already
	_ = n.life.Close()
	_ = n.cmd.Wait() // "signal: killed" is what we asked for
}

// runInit is the life of a node's init: furnish the namespaces, report, then wait for the end of the lab. All
// signals are ignored, and with SIGCHLD ignored the kernel reaps the orphans that a node's init inherits.
func runInit() (code int) {
	signal.Ignore()
	warnings, err := furnish(os.Getenv(privateMarker))
	report := append([]string{initReady}, warnings...)
	if err != nil {
		report = []string{err.Error()}
	}
	if _, err := fmt.Println(strings.Join(report, "\n")); err != nil {
		return 1 // nobody is there to hear it
	}
	_ = os.Stdout.Close() // the end of the report
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// furnish prepares the node's mounts and settings. Warnings are what a container may refuse and most labs can do
// without: a /proc of the node's own, and the setting for IPv6.
func furnish(private string) (warnings []string, err error) {
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, fmt.Errorf("make mounts private: %w", err)
	}
	for _, dir := range strings.FieldsFunc(private, func(r rune) bool { return r == ':' }) {
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
			return nil, fmt.Errorf("mount tmpfs on %s: %w", dir, err)
		}
	}
	// Duplicate address detection would keep an IPv6 address from use for a second.
	warnings = setSysctls(map[string]string{
		"net/ipv6/conf/all/accept_dad":     "0",
		"net/ipv6/conf/default/accept_dad": "0",
	})
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		warnings = append(warnings, fmt.Sprintf("mount /proc: %v", err))
	}
	return warnings, nil
}
