package keeper

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestMapping(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, line string
		from, to   uint64
		file, want bool
	}{
		{"the program", "00400000-00452000 r-xp 00000000 08:02 173521      /usr/local/bin/tandem", 0x400000, 0x452000, true, true},
		{"the heap", "c000000000-c000400000 rw-p 00000000 00:00 0 ", 0xc000000000, 0xc000400000, false, true},
		{"only reserved", "c000400000-c004000000 ---p 00000000 00:00 0 ", 0, 0, false, false},
		{"the kernel's data", "7ffd4a9fe000-7ffd4aa02000 r--p 00000000 00:00 0      [vvar]", 0, 0, false, false},
		{"the kernel's code", "7ffd4aa02000-7ffd4aa04000 r-xp 00000000 00:00 0      [vdso]", 0, 0, false, false},
		{"the stack", "7ffd4a9dd000-7ffd4a9fe000 rw-p 00000000 00:00 0      [stack]", 0x7ffd4a9dd000, 0x7ffd4a9fe000, false, true},
		{"nothing", "", 0, 0, false, false},
		{"no range", "7ffd4a9dd000 rw-p 00000000 00:00 0", 0, 0, false, false},
	} {
		from, to, file, ok := mapping(tt.line)
		if ok != tt.want || ok && (from != tt.from || to != tt.to || file != tt.file) {
			t.Errorf("%s: got %x to %x, %v, %v; want %x to %x, %v, %v", tt.name, from, to, file, ok, tt.from, tt.to, tt.file, tt.want)
		}
	}
}

// Every thread of a keeper that was asked to is in real time, also of one that was started again, and none of the daemon's.
func TestIntegrationRealTime(t *testing.T) {
	t.Parallel()
	const priority = 7
	if probe := exec.Command("chrt", "--rr", strconv.Itoa(priority), "true").Run(); probe != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("real time is not to be had here: %v", probe)
		}
		t.Skipf("real time is not to be had here: %v", probe)
	}
	p := startPair(t, 50*time.Millisecond, func(c *exec.Cmd) { c.Env = append(c.Env, fmt.Sprintf("%s=%d", envRealTime, priority)) })
	policies := func(pid int) (all []uint32) {
		for _, th := range threadsOf(pid) {
			attr, err := unix.SchedGetAttr(th.id, 0)
			if err != nil {
				continue // it has ended
			}
			all = append(all, attr.Policy<<8|attr.Priority)
		}
		return all
	}
	check := func(s Status) {
		t.Helper()
		if s.RTPriority != priority {
			t.Errorf("the keeper tells of real-time priority %d, want %d", s.RTPriority, priority)
		}
		for _, got := range policies(s.PID) {
			if want := uint32(unix.SCHED_RR<<8 | priority); got != want {
				t.Errorf("a thread of the keeper has policy and priority %#x, want %#x", got, want)
			}
		}
	}
	s := p.status()
	check(s)
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", s.PID))
	if err != nil {
		t.Fatal(err)
	}
	if _, after, _ := strings.Cut(string(limits), "Max realtime timeout"); !strings.HasPrefix(strings.TrimSpace(after), "10000000 ") {
		t.Errorf("a keeper that never rests is not ended after 10 s:\n%s", limits)
	}
	for _, got := range policies(p.cmd.Process.Pid) {
		if got != 0 {
			t.Errorf("a thread of the daemon has policy and priority %#x, want none", got)
		}
	}
	p.signal(s.PID, unix.SIGKILL)
	for _, want := range []string{"alive false", "alive true"} {
		if got := p.hear(); got != want {
			t.Fatalf("got %q, want %s", got, want)
		}
	}
	check(p.status())
}
