package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/internal/keeper"
)

// readRealTime finds out about a priority; 0: nothing.
func readRealTime(priority int) RealTime {
	if priority == 0 {
		return RealTime{}
	}
	return RealTime{Trial: text(tryRealTime(priority)), Keepers: keepers()}
}

// tryRealTime schedules this thread so for a moment.
func tryRealTime(priority int) error {
	runtime.LockOSThread()
	before, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("read how this thread is scheduled: %w", err)
	}
	attr := &unix.SchedAttr{Size: uint32(unsafe.Sizeof(unix.SchedAttr{})), Policy: unix.SCHED_RR, Priority: uint32(priority)}
	err = unix.SchedSetAttr(0, attr, 0)
	if err == nil && unix.SchedSetAttr(0, before, 0) != nil {
		return nil // the thread stays locked, and so ends with its goroutine
	}
	runtime.UnlockOSThread()
	return err
}

// keepers finds the keepers of this network namespace. Processes that end meanwhile, or may not be looked into, are passed
// over.
func keepers() []Keeper {
	here, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		return nil
	}
	var found []Keeper
	processes, _ := filepath.Glob("/proc/[0-9]*") // the pattern is well formed
	for _, dir := range processes {
		name, err := os.ReadFile(filepath.Join(dir, "comm"))
		if err != nil || strings.TrimSpace(string(name)) != keeper.ProcessName {
			continue
		}
		there, err := os.Readlink(filepath.Join(dir, "ns/net"))
		if err != nil || there != here {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		attr, err := unix.SchedGetAttr(pid, 0)
		if err != nil {
			continue
		}
		k := Keeper{PID: pid}
		if attr.Policy == unix.SCHED_RR {
			k.Priority = int(attr.Priority)
		}
		found = append(found, k)
	}
	return found
}
