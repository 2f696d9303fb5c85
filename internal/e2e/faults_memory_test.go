package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// memoryGroup is a memory cgroup, of either version.
type memoryGroup struct {
	dir                  string
	usageFile, limitFile string
}

// newMemoryGroup makes a memory cgroup, or skips the test where none can be made, whatever the machine: it takes root, and
// a container may not.
func newMemoryGroup(t *testing.T) memoryGroup {
	t.Helper()
	name := "tandem-e2e-" + strconv.Itoa(os.Getpid())
	g := memoryGroup{filepath.Join("/sys/fs/cgroup/memory", name), "memory.usage_in_bytes", "memory.limit_in_bytes"}
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		g = memoryGroup{filepath.Join("/sys/fs/cgroup", name), "memory.current", "memory.max"}
	}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		t.Skipf("no memory cgroup can be made: %v", err)
	}
	t.Cleanup(func() { _ = os.Remove(g.dir) }) // it is empty: its processes have ended by then
	if _, err := os.Stat(filepath.Join(g.dir, g.limitFile)); err != nil {
		t.Skipf("no memory cgroup can be made: %v", err)
	}
	return g
}

func (g memoryGroup) usage(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(g.dir, g.usageFile))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (g memoryGroup) limit(t *testing.T, bytes int) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(g.dir, g.limitFile), []byte(strconv.Itoa(bytes)), 0); err != nil {
		t.Fatal(err)
	}
}
