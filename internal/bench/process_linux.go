package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// startPatience is how long a proxy may take until it accepts connections.
	startPatience = 10 * time.Second
	// stopPatience is how long one may take to end when it is asked to.
	stopPatience = 5 * time.Second
	// files is how many descriptors this process and those it starts may have.
	files = 20000
)

// cores are which processors of the machine are used.
type cores struct{ proxy, load int }

// chooseCores takes the first two processors that this process may use; one for all where there is no other.
func chooseCores() (cores, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return cores{}, fmt.Errorf("read the processors: %w", err)
	}
	var usable []int
	for i := 0; i < 1024 && len(usable) < 2; i++ {
		if set.IsSet(i) {
			usable = append(usable, i)
		}
	}
	if len(usable) == 0 {
		return cores{}, fmt.Errorf("none of the first 1024 processors is usable")
	}
	return cores{proxy: usable[0], load: usable[len(usable)-1]}, nil
}

func only(core int) *unix.CPUSet {
	var set unix.CPUSet
	set.Set(core)
	return &set
}

// moveTo puts every thread of this process on a processor; threads that come later are where their parents are.
func moveTo(core int) error {
	for moved := 0; ; {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, t := range tasks {
			tid, err := strconv.Atoi(t.Name())
			if err != nil {
				return err
			}
			if err := unix.SchedSetaffinity(tid, only(core)); err != nil && err != unix.ESRCH {
				return fmt.Errorf("move thread %d to processor %d: %w", tid, core, err)
			}
		}
		if len(tasks) <= moved { // none was born meanwhile
			return nil
		}
		moved = len(tasks)
	}
}

// allowFiles raises the limit of descriptors, for this process and those it starts.
func allowFiles() error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("read the limit of descriptors: %w", err)
	}
	if l.Max < files {
		return fmt.Errorf("at most %d descriptors, want %d: raise the limit (ulimit -Hn)", l.Max, files)
	}
	l.Cur, l.Max = files, files
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("raise the limit of descriptors: %w", err)
	}
	return nil
}

// process is a proxy that runs.
type process struct {
	proxy proxy
	place place
	cmd   *exec.Cmd
	said  *os.File      // standard error
	ended chan struct{} // closed by the waiter when it has ended; nothing is sent
}

// start starts a proxy on a processor and waits until it accepts connections.
func start(ctx context.Context, p proxy, at place, core int) (*process, error) {
	path, err := p.find()
	if err != nil {
		return nil, err
	}
	config, err := p.write(at)
	if err != nil {
		return nil, err
	}
	said, err := os.Create(filepath.Join(at.dir, p.name+".err"))
	if err != nil {
		return nil, err
	}
	r := &process{proxy: p, place: at, said: said, ended: make(chan struct{})}
	r.cmd = exec.Command(path, p.args(at.dir, config)...)
	r.cmd.Stdout, r.cmd.Stderr = said, said
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} // it does not outlive a bench that was killed
	if err := startOn(r.cmd, core); err != nil {
		_ = said.Close() // the first error is the one to tell
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	go func() {
		_ = r.cmd.Wait() // how it ended shows in what it said
		close(r.ended)
	}()
	if err := r.ready(ctx); err != nil {
		r.stop()
		return nil, fmt.Errorf("start %s: %w\n%s", p.name, err, r.output())
	}
	return r, nil
}

// startOn starts a command on a processor: a child is where the thread that starts it is.
func startOn(cmd *exec.Cmd, core int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	if err := unix.SchedSetaffinity(0, only(core)); err != nil {
		return err
	}
	err := cmd.Start()
	if back := unix.SchedSetaffinity(0, &before); err == nil {
		err = back
	}
	return err
}

// ready waits until all ports accept connections.
func (r *process) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for _, at := range []netip.AddrPort{r.place.plain, r.place.tls, r.place.logged, r.place.tcp} {
		for {
			c, err := net.DialTimeout("tcp", at.String(), time.Second)
			if err == nil {
				_ = c.Close() // it has shown what it was for
				break
			}
			select {
			case <-r.ended:
				return fmt.Errorf("it ended")
			case <-ctx.Done():
				return fmt.Errorf("nothing accepts at %v: %w", at, err)
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	return nil
}

// stop ends the proxy: by TERM, and by KILL where that does not do.
func (r *process) stop() {
	_ = r.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-r.ended:
	case <-time.After(stopPatience):
		_ = r.cmd.Process.Kill() // as above
		<-r.ended
	}
	_ = r.said.Close() // what is in it can still be read
}

// output is the end of what the proxy said.
func (r *process) output() string {
	b, err := os.ReadFile(r.said.Name())
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-2000):])
}

// tree is the process and all that came of it.
func tree(pid int) []int {
	all := []int{pid}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is well-formed
	for _, l := range lists {
		b, err := os.ReadFile(l)
		if err != nil {
			continue // the thread has ended
		}
		for f := range strings.FieldsSeq(string(b)) {
			if child, err := strconv.Atoi(f); err == nil {
				all = append(all, tree(child)...)
			}
		}
	}
	return all
}

// cpu is the time that the proxy's processes have used, user and system, by their CPU clocks (clock_getcpuclockid(3)).
func (r *process) cpu() (time.Duration, error) {
	var sum time.Duration
	for _, pid := range tree(r.cmd.Process.Pid) {
		var ts unix.Timespec
		if err := unix.ClockGettime(int32(^pid<<3|2), &ts); err != nil {
			return 0, fmt.Errorf("clock of process %d: %w", pid, err)
		}
		sum += time.Duration(ts.Nano())
	}
	return sum, nil
}

// memory is how much of the proxy's processes is in memory, bytes.
func (r *process) memory() (int, error) {
	sum := 0
	for _, pid := range tree(r.cmd.Process.Pid) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return 0, err
		}
		kb, err := resident(b)
		if err != nil {
			return 0, fmt.Errorf("process %d: %w", pid, err)
		}
		sum += kb << 10
	}
	return sum, nil
}

// resident reads VmRSS of /proc/PID/status, kB.
func resident(status []byte) (int, error) {
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmRSS:")); ok {
			var kb int
			if _, err := fmt.Sscanf(string(rest), "%d kB", &kb); err != nil {
				return 0, fmt.Errorf("VmRSS %q: %w", rest, err)
			}
			return kb, nil
		}
	}
	return 0, fmt.Errorf("no VmRSS in its status")
}
