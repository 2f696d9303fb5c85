package netlab

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func sleeper() *exec.Cmd { return exec.Command("sleep", "1000") }

func shell(script string) *exec.Cmd { return exec.Command("sh", "-c", script) }

// run runs a script on a node and returns its output.
func run(t *testing.T, n *Node, script string) string {
	t.Helper()
	p, err := n.Start(shell(script))
	must(t, "start", err)
	must(t, "run "+script, p.Wait(patient(t)))
	return strings.TrimSpace(p.Output())
}

func TestIntegrationProcessSeesItsNodeOnly(t *testing.T) {
	p := newPair(t, Config{Private: []string{"/run"}})
	t.Run("interfaces", func(t *testing.T) {
		got := run(t, p.one, "cut -d: -f1 /proc/net/dev | grep -v '|' | tr -d ' \n'")
		if got != "loeth0" {
			t.Errorf("interfaces: got %q, want %q", got, "loeth0")
		}
	})
	t.Run("processes", func(t *testing.T) {
		other, err := p.two.Start(sleeper())
		must(t, "start", err)
		same, err := p.one.Start(sleeper())
		must(t, "start", err)
		const count = `n=0; for f in /proc/[0-9]*/comm; do read c <$f && test "$c" = sleep && n=$((n+1)); done; echo $n`
		if got := run(t, p.one, count); got != "1" {
			t.Errorf("sleeping processes seen on the node: got %s, want 1", got)
		}
		must(t, "kill", same.Kill())
		if got := run(t, p.one, count); got != "0" {
			t.Errorf("after the kill: got %s, want 0", got)
		}
		must(t, "kill", other.Kill())
		if err := other.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("signal after the end: got %v, want %v", err, os.ErrProcessDone)
		}
	})
	t.Run("private directory", func(t *testing.T) {
		run(t, p.one, "echo 1 >/run/tandem.pid")
		if got := run(t, p.two, "ls -A /run"); got != "" {
			t.Errorf("the other node's /run: got %q, want it empty", got)
		}
		got, err := os.ReadFile(p.one.Path("/run/tandem.pid"))
		must(t, "read", err)
		if string(got) != "1\n" {
			t.Errorf("the node's file: got %q, want %q", got, "1\n")
		}
	})
	t.Run("working directory and environment", func(t *testing.T) {
		dir, err := os.Getwd()
		must(t, "getwd", err)
		if got, want := run(t, p.one, "pwd; env | grep -c "+marker+" || true"), dir+"\n0"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestIntegrationOrphansAreReaped(t *testing.T) {
	n, err := newLab(t, Config{}).Node("one")
	must(t, "make node", err)
	// The orphan's parent is the node's init once the subshell has gone; the fifo tells when the orphan ends.
	fifo := filepath.Join(t.TempDir(), "fifo")
	script := `mkfifo ` + fifo + `; (sh -c 'echo $$ >` + fifo + `' &); read pid <` + fifo + `
		while test -e /proc/$pid && test "$(cut -d' ' -f3 /proc/$pid/stat 2>/dev/null)" != Z; do :; done
		test ! -e /proc/$pid && echo reaped`
	if got := run(t, n, script); got != "reaped" {
		t.Errorf("orphan: got %q, want it reaped", got)
	}
}

// A daemon that left its process group and session, ignores signals and has no parent still ends with the lab.
func TestIntegrationStragglersDie(t *testing.T) {
	lab := newLab(t, Config{})
	n, err := lab.Node("one")
	must(t, "make node", err)
	reader, writer, err := os.Pipe()
	must(t, "make pipe", err)
	defer reader.Close()
	cmd := shell(`trap '' TERM HUP INT; setsid sh -c 'echo up >&3; exec sleep 1000' >/dev/null 2>&1 &`)
	cmd.ExtraFiles = []*os.File{writer}
	p, err := n.Start(cmd)
	must(t, "start", err)
	must(t, "close pipe", writer.Close())
	must(t, "run", p.Wait(patient(t)))
	line := make([]byte, 3)
	_, err = io.ReadFull(reader, line)
	must(t, "read from straggler", err)
	must(t, "close", lab.Close())
	must(t, "set deadline", reader.SetReadDeadline(time.Now().Add(5*time.Second)))
	if _, err := reader.Read(line); err != io.EOF {
		t.Errorf("read from straggler after the lab: got %v, want %v", err, io.EOF)
	}
}

func TestIntegrationProcess(t *testing.T) {
	t.Parallel()
	n, err := newLab(t, Config{}).Node("one")
	must(t, "make node", err)
	t.Run("exit code", func(t *testing.T) {
		p, err := n.Start(shell("echo out; echo err >&2; exit 3"))
		must(t, "start", err)
		err = p.Wait(patient(t))
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 3 {
			t.Errorf("got %v, want exit status 3", err)
		}
		if got, want := p.Output(), "out\nerr\n"; got != want {
			t.Errorf("output: got %q, want %q", got, want)
		}
	})
	t.Run("kill leaves the children", func(t *testing.T) {
		p, err := n.Start(shell("sleep 1000 & wait"))
		must(t, "start", err)
		const alive = "for f in /proc/[0-9]*/comm; do read c <$f && test $c = sleep && echo alive; done; true"
		for run(t, n, alive) != "alive" { // until the shell has come so far
		}
		must(t, "kill", p.Kill())
		if got := run(t, n, alive); got != "alive" {
			t.Errorf("child of the killed process: got %q, want it alive", got)
		}
	})
	t.Run("signal group", func(t *testing.T) {
		p, err := n.Start(shell("sleep 1000 & wait"))
		must(t, "start", err)
		must(t, "signal", p.SignalGroup(syscall.SIGKILL))
		if err := p.Wait(patient(t)); err == nil || err.Error() != "signal: killed" {
			t.Errorf("got %v, want signal: killed", err)
		}
		if err := p.SignalGroup(syscall.SIGKILL); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("again: got %v, want %v", err, os.ErrProcessDone)
		}
	})
	t.Run("wait ends with its context", func(t *testing.T) {
		p, err := n.Start(sleeper())
		must(t, "start", err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		err = p.Wait(ctx)
		if got, want := err.Error(), "wait for sleep: context deadline exceeded"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("no such program", func(t *testing.T) {
		_, err := n.Start(exec.Command("/no/such/program"))
		want := "start program on one: fork/exec /no/such/program: no such file or directory"
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}

func TestIntegrationDo(t *testing.T) {
	n, err := newLab(t, Config{}).Node("one")
	must(t, "make node", err)
	before := namespace(t)
	t.Run("inside", func(t *testing.T) {
		must(t, "do", n.Do(func() error {
			link, err := os.Readlink("/proc/thread-self/ns/net")
			if err == nil && link == before {
				t.Error("the function runs in the program's own namespace")
			}
			return err
		}))
	})
	t.Run("error", func(t *testing.T) {
		want := errors.New("why not")
		if got := n.Do(func() error { return want }); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	})
	t.Run("Goexit", func(t *testing.T) {
		err := n.Do(func() error {
			runtime.Goexit()
			return nil
		})
		if err != errAbandoned {
			t.Errorf("got %v, want %v", err, errAbandoned)
		}
	})
}

func namespace(t *testing.T) string {
	t.Helper()
	link, err := os.Readlink("/proc/self/ns/net")
	must(t, "read namespace", err)
	return link
}

// A goroutine that is on the main thread when it calls Do must not take it into a namespace, which it would never
// leave: the main thread cannot be thrown away.
func TestDoLeavesTheMainThreadAlone(t *testing.T) {
	executable, err := os.Executable()
	must(t, "find executable", err)
	cmd := exec.CommandContext(t.Context(), executable)
	cmd.Env = append(os.Environ(), taskKey+"="+taskThread)
	if err := cmd.Run(); err != nil {
		t.Errorf("a function called on the main thread: got %v, want it on another", err)
	}
}

func TestTail(t *testing.T) {
	var got tail
	var want string
	for i := range 3000 {
		line := strconv.Itoa(i) + strings.Repeat(".", i%90) + "\n"
		want += line
		if n, err := got.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatalf("write: got %d, %v, want %d, nil", n, err, len(line))
		}
	}
	want = want[len(want)-tailLen:]
	if got.String() != want {
		t.Error("the kept output is not the end of what was written")
	}
	_, _ = got.Write([]byte(strings.Repeat("a", 3*tailLen) + "b"))
	if want := strings.Repeat("a", tailLen-1) + "b"; got.String() != want {
		t.Error("one long write is not kept by its end")
	}
}
