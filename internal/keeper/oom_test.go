package keeper

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// memoryGroup makes a memory cgroup with a limit, of either version, and returns its directory. It skips where none can be made.
func memoryGroup(t *testing.T, limit int) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Skipf("no cgroups: %v", err)
	}
	var refused []error
	for line := range strings.Lines(string(text)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 || (f[1] != "memory" && f[0] != "0") {
			continue
		}
		root, settings := "/sys/fs/cgroup/memory", []string{"memory.limit_in_bytes", "memory.memsw.limit_in_bytes"}
		if f[1] == "" {
			root, settings = "/sys/fs/cgroup", []string{"memory.max", "memory.swap.max"}
		}
		for _, parent := range []string{filepath.Join(root, f[2]), root} {
			dir, err := os.MkdirTemp(parent, "tandem-keeper-test")
			if err != nil {
				refused = append(refused, err)
				continue
			}
			t.Cleanup(func() { _ = os.Remove(dir) }) // empty by then
			if err := os.WriteFile(filepath.Join(dir, settings[0]), []byte(strconv.Itoa(limit)), 0); err != nil {
				refused = append(refused, err)
				continue
			}
			swap := limit // the sum in version 1
			if f[1] == "" {
				swap = 0
			}
			_ = os.WriteFile(filepath.Join(dir, settings[1]), []byte(strconv.Itoa(swap)), 0) // there is none without swap accounting
			return dir
		}
	}
	t.Skipf("no memory cgroup can be made here: %v", errors.Join(refused...))
	return ""
}

func TestIntegrationAnOutOfMemoryKillCarriesOutTheWill(t *testing.T) {
	t.Parallel()
	dir := memoryGroup(t, 200<<20) // both processes with the race detector fit
	p := startPair(t, 50*time.Millisecond, func(c *exec.Cmd) { c.Stderr = nil })
	s := p.status()
	for _, pid := range []int{p.cmd.Process.Pid, s.PID} { // as one unit has them
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0); err != nil {
			t.Skipf("a process can't be moved into %s: %v", dir, err)
		}
	}
	score, err := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", s.PID))
	if err != nil || strings.TrimSpace(string(score)) != strconv.Itoa(s.OOMScoreAdj) {
		t.Errorf("the keeper's out-of-memory score is %s (%v), want what it reports, %d", score, err, s.OOMScoreAdj)
	}
	p.tell("eat")
	took := p.expectWills(s.PID)
	p.awaitDaemon()
	if got := p.cmd.ProcessState.String(); got != "signal: killed" {
		t.Errorf("the daemon ended by %q, want signal: killed", got)
	}
	if took == 0 {
		t.Error("no address was removed")
	}
	events, err := os.ReadFile(filepath.Join(dir, "memory.oom_control")) // version 1
	if errors.Is(err, os.ErrNotExist) {
		events, err = os.ReadFile(filepath.Join(dir, "memory.events"))
	}
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(events), "oom_kill 1\n") {
		t.Errorf("the cgroup says %q, want one out-of-memory kill", events)
	}
}
