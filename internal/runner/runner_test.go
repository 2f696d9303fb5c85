package runner

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// me is the user of the test, who can run scripts without any capability.
func me(t *testing.T) string {
	t.Helper()
	id, err := newSystem().self()
	if err != nil {
		t.Fatal(err)
	}
	return id.name
}

// somebody is an ordinary user that this process can run scripts as.
func somebody(t *testing.T) string {
	t.Helper()
	if newSystem().canSwitch {
		return "nobody"
	}
	return me(t)
}

// shell is a command that runs a line of shell as the test's user.
func shell(t *testing.T, id, line string) Command {
	t.Helper()
	return Command{ID: id, Argv: []string{"/bin/sh", "-c", line, "sh"}, User: me(t), Timeout: 20 * time.Second}
}

// start starts a runner with a table, watched until the test ends.
func start(t *testing.T, table ...Command) *Client {
	t.Helper()
	c, err := Start(Config{Name: "lb1"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() {
		if err := c.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(func() {
		c.Close()
		cancel()
		run.Wait()
	})
	if err := c.Configure(table); err != nil {
		t.Fatal(err)
	}
	return c
}

func mustExec(t *testing.T, c *Client, id string, args ...string) Result {
	t.Helper()
	r, err := c.Exec(t.Context(), id, args, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestResults(t *testing.T) {
	t.Parallel()
	cases := []struct {
		line   string
		code   int
		signal string
		output string
	}{
		{"exit 0", 0, "", ""},
		{"exit 7", 7, "", ""},
		{"echo out; echo err >&2; exit 3", 3, "", "out\nerr\n"},
		{"kill -SEGV $$", 139, "SIGSEGV", ""},
		{"no-such-command-xyz", 127, "", "sh: 1: no-such-command-xyz: not found\n"},
		{"cat", 0, "", ""}, // standard input is empty
		{"pwd; umask; ulimit -c", 0, "", "/\n0022\n0\n"},
	}
	var table []Command
	for _, tc := range cases {
		table = append(table, shell(t, tc.line, tc.line))
	}
	c := start(t, table...)
	for _, tc := range cases {
		t.Run(tc.line, func(t *testing.T) {
			r := mustExec(t, c, tc.line)
			if r.ExitCode != tc.code || r.Signal != tc.signal || r.TimedOut || r.OK() != (tc.code == 0) {
				t.Errorf("got %+v, want exit code %d and signal %q", r, tc.code, tc.signal)
			}
			if r.Output != tc.output {
				t.Errorf("got output %q, want %q", r.Output, tc.output)
			}
		})
	}
}

func TestArgumentsAndEnvironment(t *testing.T) {
	t.Setenv("SECRET_OF_THE_DAEMON", "1")
	c := start(t, shell(t, "notify", `echo "$*"; env | cut -d= -f1 | sort | tr '\n' ' '; echo $TANDEM_EPOCH`))
	r, err := c.Exec(t.Context(), "notify", []string{"INSTANCE", "VI_1", "MASTER", "101"}, []string{"TANDEM_EPOCH=7"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "INSTANCE VI_1 MASTER 101\nHOME LOGNAME PATH PWD SHELL TANDEM_EPOCH USER 7\n"; r.Output != want {
		t.Errorf("got %q, want %q", r.Output, want)
	}
}

func TestNoDescriptorReachesAScript(t *testing.T) {
	t.Parallel()
	// A descriptor that this process leaks on purpose, as a careless parent of the daemon might.
	var pipe [2]int
	if err := unix.Pipe(pipe[:]); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = unix.Close(pipe[0]), unix.Close(pipe[1]) })
	c := start(t, Command{ID: "fds", Argv: []string{"/bin/ls", "/proc/self/fd"}, User: me(t), Timeout: time.Minute})
	if got, want := mustExec(t, c, "fds").Output, "0\n1\n2\n3\n"; got != want { // 3 is the directory that ls reads
		t.Errorf("got descriptors %q, want %q", got, want)
	}
}

func TestOutputIsBounded(t *testing.T) {
	t.Parallel()
	c := start(t, shell(t, "noisy", "echo first; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo last"))
	r := mustExec(t, c, "noisy")
	if len(r.Output) > 2*clipPart+100 {
		t.Errorf("got %d octets, want about %d", len(r.Output), 2*clipPart)
	}
	if !strings.HasPrefix(r.Output, "first\nxxx") || !strings.HasSuffix(r.Output, "xxx\nlast\n") || !strings.Contains(r.Output, "octets left out]") {
		t.Errorf("got %.20q ... %q, want the first and the last lines", r.Output, r.Output[len(r.Output)-20:])
	}
}

// fifo is a named pipe that scripts write their news to, and the lines that came.
func fifo(t *testing.T) (path string, lines <-chan string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "news")
	if err := unix.Mkfifo(path, 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	came := make(chan string, 100) // from the reader below, more than any test writes; closed by it
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(came)
		for s := bufio.NewScanner(f); s.Scan(); {
			came <- s.Text()
		}
	})
	t.Cleanup(func() {
		_ = f.Close()
		reader.Wait()
	})
	return path, came
}

func next(t *testing.T, lines <-chan string) string {
	t.Helper()
	select {
	case line := <-lines:
		return line
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came for 20 s")
		return ""
	}
}

// awaitGone waits until a process has ended, whoever its parent is.
func awaitGone(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.PidfdOpen(n, 0)
	if errors.Is(err, unix.ESRCH) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); {
		if n, _ := unix.Poll(polled, 1000); n == 1 {
			return
		}
	}
	t.Fatalf("process %s still lives after 20 s", pid)
}

// startTime is the timeout of scripts that must have come to a certain point before it is over: on a busy machine a shell
// and its children take a while to be there.
const startTime = 1500 * time.Millisecond

// family is a script with a child and a grandchild that all ignore SIGTERM, and tell their numbers.
func family(news string) string {
	return fmt.Sprintf(`trap '' TERM; (trap '' TERM; (trap '' TERM; sh -c 'echo $PPID >%[1]s'; sleep 600; true) & sh -c 'echo $PPID >%[1]s'; sleep 600; true) & echo $$ >%[1]s; wait; sleep 600; true`, news)
}

func TestTimeoutIsReportedAtTheDeadlineAndKillsTheWholeGroup(t *testing.T) {
	t.Parallel()
	news, lines := fifo(t)
	command := shell(t, "hangs", "echo begun; "+family(news))
	command.Timeout = startTime
	c := start(t, command)
	// The group ignores SIGTERM, so that a report which waits for its end is never within the grace. One which does not
	// may be late on a busy machine, but not each time.
	var took []time.Duration
	for range 5 {
		began := time.Now()
		r := mustExec(t, c, "hangs")
		took = append(took, time.Since(began))
		if !r.TimedOut || r.OK() || r.ExitCode != -1 || r.Output != "begun\n" {
			t.Errorf("got %+v, want a timeout with the output so far", r)
		}
		for range 3 {
			awaitGone(t, next(t, lines))
		}
		if took[len(took)-1] < command.Timeout+killGrace {
			break
		}
	}
	if slices.Min(took) < command.Timeout || slices.Min(took) >= command.Timeout+killGrace {
		t.Errorf("reported after %v, want at the deadline, %v", took, command.Timeout)
	}
}

func TestTermComesFirst(t *testing.T) {
	t.Parallel()
	news, lines := fifo(t)
	command := shell(t, "tidy", fmt.Sprintf("trap 'echo tidied up >%s; exit 0' TERM; while :; do sleep 0.01; done", news))
	command.Timeout = startTime
	c := start(t, command)
	if r := mustExec(t, c, "tidy"); !r.TimedOut {
		t.Errorf("got %+v, want a timeout", r)
	}
	if got := next(t, lines); got != "tidied up" {
		t.Errorf("got %q, want a script that could tidy up", got)
	}
}

func TestGivingUpKills(t *testing.T) {
	t.Parallel()
	news, lines := fifo(t)
	c := start(t, shell(t, "hangs", family(news)))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got error
	var call sync.WaitGroup
	call.Go(func() { _, got = c.Exec(ctx, "hangs", nil, nil) })
	pids := []string{next(t, lines), next(t, lines), next(t, lines)}
	cancel()
	call.Wait()
	if !errors.Is(got, context.Canceled) {
		t.Errorf("got %v, want %v", got, context.Canceled)
	}
	for _, pid := range pids {
		awaitGone(t, pid)
	}
}

func TestOneCommandNeverOverlapsItself(t *testing.T) {
	t.Parallel()
	news, lines := fifo(t)
	stubborn := shell(t, "stubborn", fmt.Sprintf(`trap '' TERM; echo $$ >%s; if [ "$1" = hang ]; then sleep 600; fi; true`, news))
	stubborn.Timeout = startTime
	c := start(t, stubborn)
	if r := mustExec(t, c, "stubborn", "hang"); !r.TimedOut {
		t.Fatalf("got %+v, want a timeout", r)
	}
	first := next(t, lines)
	if err := c.Configure([]Command{stubborn}); err != nil { // a reload in between changes nothing
		t.Fatal(err)
	}
	if r := mustExec(t, c, "stubborn"); !r.OK() {
		t.Errorf("the second run: got %+v, want success", r)
	}
	if next(t, lines); unix.Kill(mustAtoi(t, first), 0) == nil {
		t.Error("the first run was alive when the second one started")
	}
}

func mustAtoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCommandsRunSideBySide(t *testing.T) {
	t.Parallel()
	// Each waits for the other: one after the other they would never end.
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := unix.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := start(t,
		shell(t, "one", fmt.Sprintf("echo x >%[1]s/a; read l <%[1]s/b", dir)),
		shell(t, "two", fmt.Sprintf("read l <%[1]s/a; echo x >%[1]s/b", dir)))
	var both sync.WaitGroup
	for _, id := range []string{"one", "two"} {
		both.Go(func() {
			if r, err := c.Exec(t.Context(), id, nil, nil); err != nil || !r.OK() {
				t.Errorf("%s: got %+v and %v, want success", id, r, err)
			}
		})
	}
	both.Wait()
}

func TestWhatAScriptLeavesInTheBackgroundIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	news, lines := fifo(t)
	gate := filepath.Join(filepath.Dir(news), "gate")
	if err := unix.Mkfifo(gate, 0o600); err != nil {
		t.Fatal(err)
	}
	// The background job has the script's output open and ends only when the script's result is known.
	c := start(t, shell(t, "forks", fmt.Sprintf("(read word <%s; echo $word >%s) & exit 4", gate, news)))
	if r := mustExec(t, c, "forks"); r.ExitCode != 4 || r.TimedOut {
		t.Errorf("got %+v, want the script's own exit code, 4", r)
	}
	f, err := os.OpenFile(gate, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.WriteString("lives\n"); err != nil {
		t.Fatal(err)
	}
	if got := next(t, lines); got != "lives" {
		t.Errorf("got %q, want the background job to go on", got)
	}
}

func TestARunBeforeAnyTable(t *testing.T) {
	t.Parallel()
	c, err := Start(Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	_, err = c.Exec(t.Context(), "x", nil, nil)
	if want := `no command "x" is configured`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestUnknownCommand(t *testing.T) {
	t.Parallel()
	c := start(t)
	_, err := c.Exec(t.Context(), "rm", []string{"-rf", "/"}, nil)
	if want := `no command "rm" is configured`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestWhatCannotBeExecutedIsAnError(t *testing.T) {
	t.Parallel()
	path := write(t, openDir(t), "script", 0o755, "neither a program nor a script\n")
	c := start(t, Command{ID: "bad", Argv: []string{path}, User: somebody(t), Timeout: time.Minute})
	_, err := c.Exec(t.Context(), "bad", nil, nil)
	if want := fmt.Sprintf(`command "bad": fork/exec %s: exec format error`, path); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestARefusedTableLeavesTheFormerOne(t *testing.T) {
	t.Parallel()
	c := start(t, shell(t, "good", "echo good"))
	bad := []Command{
		{ID: "relative", Argv: []string{"check.sh"}, Timeout: time.Second},
		{ID: "missing", Argv: []string{"/no/such/file"}, User: me(t), Timeout: time.Second},
		{ID: "stranger", Argv: []string{"/bin/true"}, User: "no-such-user", Timeout: time.Second},
		{ID: "endless", Argv: []string{"/bin/true"}, User: me(t)},
		shell(t, "twice", "true"),
		shell(t, "twice", "true"),
	}
	err := c.Configure(bad)
	want := strings.Join([]string{
		`command "relative": check.sh is not an absolute path`,
		`command "missing": /no/such/file does not exist`,
		`command "stranger": user no-such-user does not exist`,
		`command "endless": timeout 0s, want more than 0s and at most 24h0m0s`,
		`command "twice" is there twice`,
	}, "\n")
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if r := mustExec(t, c, "good"); r.Output != "good\n" {
		t.Errorf("got %+v, want the former table", r)
	}
}

func TestARunnerThatDiedIsReplacedWithItsTable(t *testing.T) {
	t.Parallel()
	news, lines := fifo(t)
	c := start(t, shell(t, "runs", fmt.Sprintf(`echo $$ >%s; [ "$1" != hang ] || exec sleep 600`, news)))
	before := c.Status()
	var hung sync.WaitGroup
	hung.Go(func() {
		_, err := c.Exec(t.Context(), "runs", []string{"hang"}, nil)
		if !errors.Is(err, ErrNotRunning) {
			t.Errorf("the run under way: got %v, want %v", err, ErrNotRunning)
		}
	})
	script := next(t, lines)
	if err := unix.Kill(before.PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	hung.Wait()
	awaitGone(t, script)
	for {
		r, err := c.Exec(t.Context(), "runs", nil, nil)
		if err == nil {
			if !r.OK() {
				t.Errorf("got %+v, want success", r)
			}
			break
		}
		if !errors.Is(err, ErrNotRunning) || time.Since(killed) > 20*time.Second {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond) // the runner's process makes no event of its start
	}
	after := c.Status()
	if !after.Alive || after.PID == before.PID || after.Restarts != 1 || after.Commands != 1 {
		t.Errorf("got %+v, want another process with the same table", after)
	}
}

// workers are the processes whose parent is the guard.
func workers(t *testing.T, guard int) []string {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", guard))
	if err != nil {
		t.Fatal(err)
	}
	if len(lists) == 0 {
		t.Skip("the kernel does not list the children of a process (CONFIG_PROC_CHILDREN)")
	}
	var pids []string
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // that thread has ended
		}
		pids = append(pids, strings.Fields(string(text))...)
	}
	return pids
}

func TestAWorkerThatDiedIsReplacedByTheGuard(t *testing.T) {
	t.Parallel()
	news, lines := fifo(t)
	c := start(t, shell(t, "runs", fmt.Sprintf(`echo $$ >%s; [ "$1" != hang ] || exec sleep 600`, news)))
	before := c.Status()
	var hung sync.WaitGroup
	hung.Go(func() {
		_, err := c.Exec(t.Context(), "runs", []string{"hang"}, nil)
		if !errors.Is(err, ErrNotRunning) {
			t.Errorf("the run under way: got %v, want %v", err, ErrNotRunning)
		}
	})
	script := next(t, lines)
	old := workers(t, before.PID)
	if len(old) != 1 {
		t.Fatalf("got workers %q, want one", old)
	}
	if err := unix.Kill(mustAtoi(t, old[0]), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	hung.Wait()
	awaitGone(t, script)
	if r := mustExec(t, c, "runs"); !r.OK() { // it waits for the new worker, and that has the table
		t.Errorf("got %+v, want success", r)
	}
	after := c.Status()
	if !after.Alive || after.PID != before.PID || after.Restarts != 1 || after.Commands != 1 {
		t.Errorf("got %+v, want the same guard with another worker", after)
	}
}

func TestTheEndOfTheDaemonEndsTheRunnerAndItsRuns(t *testing.T) {
	t.Parallel()
	news, lines := fifo(t)
	c := start(t, shell(t, "hangs", family(news)))
	pid := strconv.Itoa(c.Status().PID)
	all := append(workers(t, c.Status().PID), pid)
	var call sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	call.Go(func() { _, _ = c.Exec(ctx, "hangs", nil, nil) }) // it ends in one way or another
	pids := []string{next(t, lines), next(t, lines), next(t, lines)}
	// What the runner sees of the daemon's end: both sockets closed.
	_ = c.process().Conn().CloseWrite()
	cancel()
	call.Wait()
	for _, p := range append(pids, all...) {
		awaitGone(t, p)
	}
}

func TestSignalsDoNotEndTheRunnerAndScriptsDoNotInheritThat(t *testing.T) {
	t.Parallel()
	c := start(t, shell(t, "ignored", "grep SigIgn /proc/self/status"))
	pid := c.Status().PID // the table is there, so the worker has prepared itself
	for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT} {
		for _, p := range append(workers(t, pid), strconv.Itoa(pid)) {
			if err := unix.Kill(mustAtoi(t, p), s); err != nil {
				t.Fatal(err)
			}
		}
	}
	// Signals from 32 on are the C library's, and whoever started this test may have had them ignored.
	var ignored uint64
	if got := mustExec(t, c, "ignored").Output; sscanf(got, "SigIgn:\t%x\n", &ignored) != nil || ignored&0x7fffffff != 0 {
		t.Errorf("got %q, want no signal below 32", got)
	}
	if s := c.Status(); s.PID != pid || s.Restarts != 0 {
		t.Errorf("got %+v, want process %d", s, pid)
	}
}

func sscanf(text, format string, to ...any) error {
	_, err := fmt.Sscanf(text, format, to...)
	return err
}

func TestTheProcessHasItsName(t *testing.T) {
	t.Parallel()
	c := start(t)
	if err := c.Configure(nil); err != nil { // it answers, so it has its name
		t.Fatal(err)
	}
	dir := fmt.Sprintf("/proc/%d/", c.Status().PID)
	for name, want := range map[string]string{"comm": "tandem-runner\n", "cmdline": "tandem-runner\x00lb1\x00"} {
		if got, err := os.ReadFile(dir + name); err != nil || string(got) != want {
			t.Errorf("%s: got %q and %v, want %q", name, got, err, want)
		}
	}
}

// openDir is a temporary directory that everybody may enter.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tandem-runner-test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t *testing.T, dir, name string, mode os.FileMode, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return path
}
