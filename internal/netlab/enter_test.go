package netlab

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// taskKey is the environment variable that makes the test binary do something else than test.
const taskKey = "NETLAB_TASK"

const taskThread = "thread"

func init() {
	if os.Getenv(taskKey) == taskThread {
		runtime.LockOSThread() // in init: this keeps the main goroutine on the main thread
	}
}

// perform does a task in a copy of the test binary, after Enter, and returns the exit code.
func perform(task string) int {
	switch task {
	case "exit":
		return 7
	case "loopback":
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err == nil {
			_, err = net.Dial("tcp", listener.Addr().String())
		}
		if err == nil {
			return 0
		}
	case taskThread:
		var thread int
		onThread(func() { thread = syscall.Gettid() })
		if thread != os.Getpid() {
			return 0
		}
	case "abort":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "signal": // say so when ready, then exit with the number of the signal that comes
		signals := make(chan os.Signal, 1) // one is all we want
		signal.Notify(signals, syscall.SIGTERM, syscall.SIGUSR1)
		fmt.Println("ready", os.Getpid())
		if s, ok := (<-signals).(syscall.Signal); ok {
			return int(s)
		}
	}
	return 1
}

// asNobody is a command that runs this test binary as a user without any privilege.
func asNobody(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	requireNamespaces(t)
	if os.Getenv(marker) == roleInside {
		t.Skip("this process is itself the copy of an ordinary user's")
	}
	dir, err := os.MkdirTemp("", "netlab") // t.TempDir is below a directory that others cannot enter
	must(t, "make directory", err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, "open directory", os.Chmod(dir, 0o755))
	program := filepath.Join(dir, "netlab.test")
	executable, err := os.Executable()
	must(t, "find executable", err)
	content, err := os.ReadFile(executable)
	must(t, "read executable", err)
	must(t, "copy executable", os.WriteFile(program, content, 0o755))

	const nobody = 65534
	cmd := exec.CommandContext(patient(t), program, args...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return cmd
}

func TestIntegrationOrdinaryUser(t *testing.T) {
	t.Parallel()
	cmd := asNobody(t, "-test.v", "-test.run=^TestIntegration(NodesTalk|Mute|Pull|ProcessSeesItsNodeOnly|Tap.*|Close)$")
	cmd.Env = append(cmd.Environ(), "CI=true") // a skip would prove nothing
	output, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "--- PASS: TestIntegrationNodesTalk") {
		t.Errorf("tests as nobody: got %v, want success:\n%s", err, output)
	}
}

func TestIntegrationEnterReturnsTheExitCode(t *testing.T) {
	t.Parallel()
	for task, want := range map[string]int{"exit": 7, "abort": 128 + int(syscall.SIGKILL), "loopback": 0} {
		t.Run(task, func(t *testing.T) {
			cmd := asNobody(t)
			cmd.Env = append(cmd.Environ(), taskKey+"="+task)
			if err := cmd.Run(); cmd.ProcessState.ExitCode() != want {
				t.Errorf("got %v, want exit status %d", err, want)
			}
		})
	}
}

// startWaiting starts the task "signal" as nobody and returns its output after the line that says it is ready.
func startWaiting(t *testing.T) (cmd *exec.Cmd, output *bufio.Reader, pid int) {
	t.Helper()
	cmd = asNobody(t)
	cmd.Env = append(cmd.Environ(), taskKey+"=signal")
	reader, writer, err := os.Pipe()
	must(t, "make pipe", err)
	t.Cleanup(func() { _ = reader.Close() })
	must(t, "set deadline", reader.SetReadDeadline(time.Now().Add(20*time.Second)))
	cmd.Stdout = writer
	must(t, "start", cmd.Start())
	must(t, "close pipe", writer.Close())
	output = bufio.NewReader(reader)
	line, err := output.ReadString('\n')
	must(t, "read", err)
	pid, err = strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(line), "ready "))
	must(t, "parse "+line, err)
	if pid == cmd.Process.Pid {
		t.Fatal("the program was not run again")
	}
	return cmd, output, pid
}

func TestIntegrationEnterPassesSignalsOn(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGUSR1} {
		t.Run(s.String(), func(t *testing.T) {
			cmd, _, _ := startWaiting(t)
			must(t, "signal", cmd.Process.Signal(s))
			if err := cmd.Wait(); cmd.ProcessState.ExitCode() != int(s) {
				t.Errorf("got %v, want exit status %d", err, int(s))
			}
		})
	}
}

func TestIntegrationEnterLeavesNothingWhenKilled(t *testing.T) {
	cmd, output, _ := startWaiting(t)
	must(t, "kill", cmd.Process.Kill())
	if _, err := output.ReadByte(); err != io.EOF { // the copy holds the other end as long as it lives
		t.Errorf("after the kill: got %v, want %v", err, io.EOF)
	}
	_ = cmd.Wait() // "signal: killed" is what we asked for
}

func TestRemedy(t *testing.T) {
	tests := []struct {
		name     string
		settings map[string]string
		want     string
	}{
		{"no user namespaces", map[string]string{"user/max_user_namespaces": "0"},
			"run sysctl user.max_user_namespaces=10000"},
		{"Debian", map[string]string{"user/max_user_namespaces": "9", "kernel/unprivileged_userns_clone": "0"},
			"run sysctl kernel.unprivileged_userns_clone=1"},
		{"Ubuntu", map[string]string{"kernel/apparmor_restrict_unprivileged_userns": "1"},
			"run sysctl kernel.apparmor_restrict_unprivileged_userns=0"},
		{"container", map[string]string{"user/max_user_namespaces": "9", "kernel/unprivileged_userns_clone": "1"},
			"run as root, or in a container that is privileged"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := remedy(func(key string) string { return tt.settings[key] }); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReadReport(t *testing.T) {
	tests := []struct{ name, report, warnings, err string }{
		{name: "ready", report: "ready\n"},
		{name: "warnings", report: "ready\nno this\nno that\n", warnings: "no this,no that"},
		{name: "ended", err: "init ended at once: the program must call netlab.Enter before it makes a lab"},
		{name: "refused", report: "mount tmpfs on /nowhere: no such file or directory\n",
			err: "init: mount tmpfs on /nowhere: no such file or directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			warnings, err := readReport(strings.NewReader(tt.report))
			if got := strings.Join(warnings, ","); got != tt.warnings {
				t.Errorf("warnings: got %q, want %q", got, tt.warnings)
			}
			if got := errorText(err); got != tt.err {
				t.Errorf("error: got %q, want %q", got, tt.err)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestIntegrationPrivateDirectoryMustExist(t *testing.T) {
	lab := newLab(t, Config{Private: []string{"/no/such/directory"}})
	_, err := lab.Node("one")
	want := "make node one: init: mount tmpfs on /no/such/directory: no such file or directory"
	if got := errorText(err); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
