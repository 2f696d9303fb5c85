package peers

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a program may take to end after it was told to.
const patience = 10 * time.Second

// Find returns the path of a peer's program, in $PATH or where Debian has daemons. Where there is none the test skips and says so; in CI it
// fails.
func Find(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/sbin", "/usr/lib/frr") {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed: make test-deps installs it as root on Debian", name)
	}
	t.Skipf("%s is not installed: make test-deps installs it as root on Debian", name)
	return ""
}

// version is a number with two dots, as programs tell theirs.
var version = regexp.MustCompile(`[0-9]+\.[0-9]+\.[0-9]+`)

// Version returns what a peer says that its version is, such as 2.6.12.
func Version(t testing.TB, program string) string {
	t.Helper()
	out, err := exec.Command(program, "-v").CombinedOutput()
	if err != nil {
		t.Fatalf("%s -v: %v", program, err)
	}
	v := version.FindString(string(out))
	if v == "" {
		t.Fatalf("%s -v tells no version: %s", program, out)
	}
	return v
}

// Want is Find for a peer of one version, which v begins: what it does is compared with what that one does. Another one is as good as none.
func Want(t testing.TB, name, v string) string {
	t.Helper()
	path := Find(t, name)
	if is := Version(t, path); !strings.HasPrefix(is, v+".") {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is %s, want %s", name, is, v)
		}
		t.Skipf("%s is %s, and what differs is known of %s", name, is, v)
	}
	return path
}

// Run starts a peer, and ends it with the test; it does not outlive the test's process either. What it has written is shown when the test fails. The
// channel gets one error, when it ends by itself before.
func Run(t testing.TB, cmd *exec.Cmd) <-chan error {
	t.Helper()
	var out strings.Builder // written until the peer has ended, read after that
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second                                                         // processes that it has left behind may hold the pipe
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}                  // which processes with children pass on
	started, early, ended := make(chan error), make(chan error, 1), make(chan struct{}) // one error of Start, and one of Wait
	go func() {
		runtime.LockOSThread() // prctl(2): it is the end of the thread that has started it which kills
		defer runtime.UnlockOSThread()
		defer close(ended)
		err := cmd.Start()
		if started <- err; err == nil {
			early <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // one that has ended already needs none
		select {
		case <-ended:
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("%s: %s", cmd.Path, &out)
		}
	})
	return early
}
