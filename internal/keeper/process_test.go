package keeper

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience bounds every wait for something that must happen.
const patience = 20 * time.Second

// item is one line of news from a keeper.
type item struct {
	at   time.Duration // CLOCK_BOOTTIME
	text string
}

// pair is a stand-in daemon with its keeper, both real processes.
type pair struct {
	t      *testing.T
	dir    string
	cmd    *exec.Cmd
	stdin  io.Writer
	said   chan string   // lines of the stand-in; closed by its reader at the end
	news   chan item     // lines of the keeper; closed by its reader at the end
	ended  chan struct{} // closed when the stand-in has ended
	keeper int           // the keeper that status told of last; 0: none yet
}

// willLines is what both wills do, in order.
func willLines() []string {
	return []string{
		"remove 10.77.0.100/24 from eth0", "send 213300 to 224.0.0.18 on eth0",
		"remove 10.77.0.101/24 from eth0", "send 213400 to 224.0.0.18 on eth0",
	}
}

func startPair(t *testing.T, interval time.Duration, change ...func(*exec.Cmd)) *pair {
	t.Helper()
	p := &pair{t: t, dir: t.TempDir(), said: make(chan string, 1000), news: make(chan item, 10000), ended: make(chan struct{})}
	pipe := p.fifo("news")
	p.cmd = &exec.Cmd{
		Path:   "/proc/self/exe",
		Args:   []string{standInName},
		Stderr: os.Stderr,
		Env:    append(os.Environ(), envDir+"="+p.dir, envNews+"="+pipe, envInterval+"="+interval.String()),
	}
	for _, c := range change {
		c(p.cmd)
	}
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin = stdin
	news, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	readers.Go(func() {
		defer close(p.news)
		for s := bufio.NewScanner(news); s.Scan(); {
			at, text, _ := strings.Cut(s.Text(), " ")
			n, _ := strconv.ParseInt(at, 10, 64)
			p.news <- item{time.Duration(n), text}
		}
	})
	readers.Go(func() {
		defer close(p.said)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			p.said <- s.Text()
		}
		_ = p.cmd.Wait() // how it ended is the test's choice
		close(p.ended)
	})
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		if p.keeper != 0 { // it has a will to carry out, and somebody must be there to read of it
			p.awaitEnd(p.keeper)
		}
		_ = news.Close()
		readers.Wait()
	})
	if got := p.hear(); got != "ready" {
		t.Fatalf("the stand-in says %q, want ready", got)
	}
	return p
}

func (p *pair) fifo(name string) string {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := unix.Mkfifo(path, 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// hear is the next line of the stand-in.
func (p *pair) hear() string {
	p.t.Helper()
	select {
	case line := <-p.said:
		return line
	case <-time.After(patience):
		p.t.Fatalf("the stand-in said nothing for %v", patience)
		return ""
	}
}

func (p *pair) tell(command string) {
	p.t.Helper()
	if _, err := io.WriteString(p.stdin, command+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pair) status() Status {
	p.t.Helper()
	p.tell("status")
	var s Status
	for {
		line := p.hear()
		if strings.HasPrefix(line, "{") {
			if err := json.Unmarshal([]byte(line), &s); err != nil {
				p.t.Fatal(err)
			}
			p.keeper = s.PID
			return s
		}
	}
}

func (p *pair) signal(pid int, s unix.Signal) {
	p.t.Helper()
	if err := unix.Kill(pid, s); err != nil {
		p.t.Fatalf("%s to %d: %v", unix.SignalName(s), pid, err)
	}
}

// next is the next news that match picks.
func (p *pair) next(match func(string) bool) item {
	p.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case n := <-p.news:
			if match(n.text) {
				return n
			}
		case <-timeout:
			p.t.Fatalf("the keeper told nothing of interest for %v", patience)
		}
	}
}

func notAdvert(text string) bool { return !isAdvert(text) && !strings.HasPrefix(text, "open ") }

// expectWills awaits that both wills are carried out, once, and the keeper's end. It returns when the last removal was done.
func (p *pair) expectWills(keeper int) time.Duration {
	p.t.Helper()
	var got []string
	var done time.Duration
	for range willLines() {
		n := p.next(notAdvert)
		got = append(got, n.text)
		if strings.HasPrefix(n.text, "remove ") {
			done = n.at
		}
	}
	if !slices.Equal(got, willLines()) {
		p.t.Errorf("got %q, want %q", got, willLines())
	}
	p.expectSilence(keeper)
	return done
}

// expectSilence awaits the keeper's end and makes sure that it did nothing further, and left no will on disk.
func (p *pair) expectSilence(keeper int) {
	p.t.Helper()
	p.awaitEnd(keeper)
	if err := (p.mark("the end")); err != nil {
		p.t.Fatal(err)
	}
	if n := p.next(notAdvert); n.text != "the end" {
		p.t.Errorf("the keeper did %q, want nothing further", n.text)
	}
	if _, err := os.Stat(filepath.Join(p.dir, "lb1.will")); !errors.Is(err, os.ErrNotExist) {
		p.t.Errorf("the will file: got %v, want %v", err, os.ErrNotExist)
	}
}

func (p *pair) mark(text string) error {
	pipe, err := os.OpenFile(filepath.Join(p.dir, "news"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(pipe, "0 %s\n", text)
	return errors.Join(err, pipe.Close())
}

func (p *pair) awaitDaemon() {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("the daemon still lives after %v", patience)
	}
}

func (p *pair) awaitEnd(pid int) {
	p.t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return
	}
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for until := time.Now().Add(patience); time.Now().Before(until); {
		if n, _ := unix.Poll(polled, 1000); n == 1 {
			return
		}
	}
	p.t.Fatalf("process %d still lives after %v", pid, patience)
}

func TestTheWillIsCarriedOutHoweverTheDaemonEnds(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		end  func(*pair)
	}{
		{"killed", func(p *pair) { p.signal(p.cmd.Process.Pid, unix.SIGKILL) }},
		{"panic", func(p *pair) { p.tell("panic") }},
		{"aborted", func(p *pair) { p.signal(p.cmd.Process.Pid, unix.SIGABRT) }},
		{"segmentation fault", func(p *pair) { p.signal(p.cmd.Process.Pid, unix.SIGSEGV) }},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			// What a crashing Go program has to say is of no interest here.
			p := startPair(t, 50*time.Millisecond, func(c *exec.Cmd) { c.Stderr = nil })
			keeper := p.status().PID
			p.next(isAdvert)
			began := bootTime()
			tc.end(p)
			took := p.expectWills(keeper) - began
			t.Logf("addresses gone %v after the end", took)
			if took > time.Second { // milliseconds where the machine has time
				t.Errorf("the addresses were gone after %v", took)
			}
		})
	}
}

func TestAFrozenDaemonIsKilledAndItsWillCarriedOut(t *testing.T) {
	t.Parallel()
	p := startPair(t, 50*time.Millisecond)
	keeper := p.status().PID
	began := bootTime()
	p.signal(p.cmd.Process.Pid, unix.SIGSTOP)
	took := p.expectWills(keeper) - began
	p.awaitDaemon()
	if got := p.cmd.ProcessState.String(); got != "signal: killed" {
		t.Errorf("the daemon ended by %q, want signal: killed", got)
	}
	t.Logf("addresses gone %v after SIGSTOP", took)
	if took < defaultSilence-300*time.Millisecond || took > 2*time.Second+500*time.Millisecond {
		t.Errorf("the addresses were gone after %v, want within 2s", took)
	}
}

// What the keeper says stands among the daemon's lines, with time and level as they have them.
func TestTheKeepersLastWordsAreLinesOfTheLog(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, json, want string }{
		{"text", "", `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\S* \[ERROR\] tandem\.keeper: last words: err="the daemon was silent for 1\.5s: killed it"\n$`},
		{"JSON", "1", `^\{"@level":"error","@message":"last words","@module":"tandem\.keeper","@timestamp":"\S+","err":"the daemon was silent for 1\.5s: killed it"\}\n$`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			log, err := os.Create(filepath.Join(t.TempDir(), "log"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = log.Close() }()
			p := startPair(t, 50*time.Millisecond, func(c *exec.Cmd) {
				c.Stderr = log
				c.Env = append(c.Env, envLogJSON+"="+tt.json)
			})
			keeper := p.status().PID
			p.signal(p.cmd.Process.Pid, unix.SIGSTOP)
			p.expectWills(keeper)
			p.awaitEnd(keeper)
			got, err := os.ReadFile(log.Name())
			if err != nil || !regexp.MustCompile(tt.want).Match(got) {
				t.Errorf("got %q, %v, want %s", got, err, tt.want)
			}
		})
	}
}

func TestOneSilentLoopIsEnough(t *testing.T) {
	t.Parallel()
	p := startPair(t, 50*time.Millisecond)
	keeper := p.status().PID
	p.tell("mute") // VI_1 only
	p.expectWills(keeper)
	p.awaitDaemon()
	if got := p.cmd.ProcessState.String(); got != "signal: killed" {
		t.Errorf("the daemon ended by %q, want signal: killed", got)
	}
}

func TestACleanStopCancelsTheWill(t *testing.T) {
	t.Parallel()
	p := startPair(t, 50*time.Millisecond)
	keeper := p.status().PID
	p.tell("close")
	p.awaitDaemon()
	if got := p.cmd.ProcessState.String(); got != "exit status 0" {
		t.Errorf("the daemon ended by %q, want exit status 0", got)
	}
	p.expectSilence(keeper)
}

func TestACancelledWillIsNotCarriedOut(t *testing.T) {
	t.Parallel()
	p := startPair(t, 50*time.Millisecond)
	keeper := p.status().PID
	p.tell("cancel") // VI_1, its beat too
	for p.hear() != "cancelled" {
	}
	if s := p.status(); s.Wills != 1 || s.Beats != 0 {
		t.Errorf("got %+v, want one will and no beat", s)
	}
	if err := p.mark("cancelled"); err != nil {
		t.Fatal(err)
	}
	p.next(func(s string) bool { return s == "cancelled" })
	p.signal(p.cmd.Process.Pid, unix.SIGKILL)
	for _, want := range willLines()[2:] {
		if n := p.next(func(string) bool { return true }); n.text != want {
			t.Errorf("got %q, want %q", n.text, want)
		}
	}
	p.expectSilence(keeper)
}

func TestBothKilledLeavesTheWillsOnDisk(t *testing.T) {
	t.Parallel()
	p := startPair(t, 50*time.Millisecond)
	keeper := p.status().PID
	p.signal(p.cmd.Process.Pid, unix.SIGSTOP) // so that it can start no other keeper
	p.signal(keeper, unix.SIGKILL)
	p.signal(p.cmd.Process.Pid, unix.SIGKILL)
	p.awaitDaemon()
	p.awaitEnd(keeper)
	var j journal
	if n, err := Replay(p.dir, "lb1", &j); n != 2 || err != nil {
		t.Errorf("got %d and %v, want 2 wills", n, err)
	}
	got := slices.DeleteFunc(j.lines, func(s string) bool { return strings.HasPrefix(s, "open ") || strings.HasPrefix(s, "close ") })
	if !slices.Equal(got, willLines()) {
		t.Errorf("got %q, want %q", got, willLines())
	}
	p.expectSilence(keeper)
}

func TestAKeeperThatEndsIsReplacedWithItsState(t *testing.T) {
	t.Parallel()
	for _, s := range []unix.Signal{unix.SIGKILL, unix.SIGSTOP} {
		t.Run(unix.SignalName(s), func(t *testing.T) {
			t.Parallel()
			p := startPair(t, 50*time.Millisecond)
			before := p.status().PID
			began := time.Now()
			p.signal(before, s)
			if got := p.hear(); got != "alive false" {
				t.Fatalf("got %q, want alive false", got)
			}
			noticed := time.Since(began)
			if got := p.hear(); got != "alive true" {
				t.Fatalf("got %q, want alive true", got)
			}
			t.Logf("noticed after %v, replaced after %v", noticed, time.Since(began))
			if s == unix.SIGKILL && noticed > time.Second {
				t.Errorf("noticed after %v, want within 1s", noticed)
			}
			after := p.status()
			if after.PID == before || after.Restarts != 1 || after.Wills != 2 || after.Beats != 1 {
				t.Errorf("got %+v, want another process with two wills and a beat", after)
			}
			if err := p.mark("replaced"); err != nil {
				t.Fatal(err)
			}
			p.next(func(s string) bool { return s == "replaced" })
			p.next(isAdvert)
			p.signal(p.cmd.Process.Pid, unix.SIGKILL)
			p.expectWills(after.PID)
		})
	}
}

func TestSignalsDoNotEndTheKeeper(t *testing.T) {
	t.Parallel()
	p := startPair(t, 50*time.Millisecond)
	keeper := p.status().PID
	for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGABRT, unix.SIGQUIT, unix.SIGUSR1} {
		p.signal(keeper, s)
	}
	if err := p.mark("signalled"); err != nil {
		t.Fatal(err)
	}
	p.next(func(s string) bool { return s == "signalled" })
	p.next(isAdvert)
	p.next(isAdvert)
	if s := p.status(); s.PID != keeper || s.Restarts != 0 {
		t.Errorf("got %+v, want process %d, never replaced", s, keeper)
	}
	p.signal(p.cmd.Process.Pid, unix.SIGKILL)
	p.expectWills(keeper)
}

func TestTheBeatKeepsItsInterval(t *testing.T) {
	t.Parallel()
	const interval = 50 * time.Millisecond
	p := startPair(t, interval)
	first := p.next(isAdvert)
	at := first.at
	var gaps []time.Duration
	for range 20 {
		n := p.next(isAdvert)
		gaps = append(gaps, n.at-at)
		at = n.at
	}
	slices.Sort(gaps)
	if median := gaps[len(gaps)/2]; median < interval-10*time.Millisecond || median > interval+20*time.Millisecond {
		t.Errorf("median of %v between adverts, want %v; all: %v", median, interval, gaps)
	}
	// The phase stays: twenty intervals take twenty intervals, however late single adverts were.
	if total := at - first.at; total < 19*interval || total > 30*interval {
		t.Errorf("20 intervals took %v, want about %v", total, 20*interval)
	}
	// All 21 are counted. The daemon hears of it with the answer to a ping, which may be half a second later.
	s := p.status()
	for range patience / interval {
		if s.Adverts > 20 {
			break
		}
		p.next(isAdvert)
		s = p.status()
	}
	if s.Adverts < 21 || s.AdvertErrors != 0 {
		t.Errorf("got %+v, want at least 21 adverts and no error", s)
	}
}

func TestProcessesHaveTheirNames(t *testing.T) {
	t.Parallel()
	p := startPair(t, time.Second)
	dir := fmt.Sprintf("/proc/%d/", p.status().PID)
	for name, want := range map[string]string{"comm": "tandem-keeper\n", "cmdline": "tandem-keeper\x00lb1\x00"} {
		if got, err := os.ReadFile(dir + name); err != nil || string(got) != want {
			t.Errorf("%s: got %q and %v, want %q", name, got, err, want)
		}
	}
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		t.Fatal(err)
	}
	// pid (comm) state ppid pgrp session
	fields := strings.Fields(string(stat))
	if fields[5] != fields[0] {
		t.Errorf("session %s, want one of its own, %s", fields[5], fields[0])
	}
}

func TestNothingIsInheritedThatIsNotGiven(t *testing.T) {
	t.Parallel()
	leak, err := os.Open("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = leak.Close() })
	// Descriptor 12, behind all that the keeper is given.
	p := startPair(t, time.Second, func(c *exec.Cmd) { c.ExtraFiles = []*os.File{9: leak} })
	holds := func(pid int) bool {
		dir := fmt.Sprintf("/proc/%d/fd", pid)
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
			target, _ := os.Readlink(filepath.Join(dir, e.Name())) // one that was closed meanwhile leads nowhere
			return target == "/etc/passwd"
		})
	}
	if !holds(p.cmd.Process.Pid) {
		t.Fatal("the daemon does not have the descriptor that this test is about")
	}
	if holds(p.status().PID) {
		t.Error("the keeper has a descriptor that its daemon leaked")
	}
}

func TestTheLockIsHeldUntilTheWillIsDone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gate")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	gate, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = gate.Close() })
	p := startPair(t, time.Second, func(c *exec.Cmd) { c.Env = append(c.Env, envHoldUp+"="+path) })
	keeper := p.status().PID
	t.Cleanup(func() { _ = unix.Kill(keeper, unix.SIGKILL) }) // before it is awaited: a failed test would leave it waiting for ever
	lock, err := os.Open(filepath.Join(p.dir, "lb1.lock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lock.Close() })
	p.signal(p.cmd.Process.Pid, unix.SIGKILL)
	p.awaitDaemon()
	for range 2 { // one removal a will
		if n := p.next(func(s string) bool { return strings.HasPrefix(s, "remove ") }); n.text == "" {
			t.Fatal("no removal")
		}
		if err := unix.Flock(int(lock.Fd()), unix.LOCK_SH|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
			t.Errorf("the daemon is dead and its will not done: got %v for its lock, want %v", err, unix.EWOULDBLOCK)
		}
		if _, err := gate.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
	}
	p.awaitEnd(keeper)
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_SH|unix.LOCK_NB); err != nil {
		t.Errorf("afterwards: got %v for the lock, want it free", err)
	}
}

func TestByHand(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "news")
	if err := os.WriteFile(pipe, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: []string{ProcessName}, Env: append(os.Environ(), envNews+"="+pipe)}
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	if !errors.As(err, &failed) || failed.ExitCode() != exitMisuse {
		t.Errorf("got %v, want exit status %d", err, exitMisuse)
	}
	if want := "tandem-keeper is started by the daemon, not by hand: descriptor 3 is not its socket\n"; string(out) != want {
		t.Errorf("got %q, want %q", out, want)
	}
}
