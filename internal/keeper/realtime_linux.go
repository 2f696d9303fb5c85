package keeper

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// longestRun is how long one of the keeper's threads may occupy a processor in real time without a pause, before the kernel
// ends it and the daemon starts another one. A beat takes microseconds; a will of 5000 IPv6 addresses takes 5 s.
const longestRun = 10 * time.Second

// threadPasses bounds the search for threads that were started while others were changed; they inherit then.
const threadPasses = 10

// goRealTime puts every thread of this process under SCHED_RR. It is not only the one that runs the loop: the language's
// runtime has others, and one of theirs that is not let run while it holds what the loop needs would hold that up too.
// Threads that follow inherit it, so SCHED_RESET_ON_FORK is not set; the keeper starts no process.
func goRealTime(priority int) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_RTTIME, &limit); err != nil {
		return fmt.Errorf("read RLIMIT_RTTIME: %w", err)
	}
	longest := min(limit.Max, uint64(longestRun.Microseconds()))
	if err := unix.Setrlimit(unix.RLIMIT_RTTIME, &unix.Rlimit{Cur: longest, Max: longest}); err != nil {
		return fmt.Errorf("set RLIMIT_RTTIME: %w", err)
	}
	done := map[int]bool{}
	for range threadPasses {
		more := false
		for _, id := range ownThreads() {
			if done[id] {
				continue
			}
			done[id], more = true, true
			attr := &unix.SchedAttr{Size: uint32(unsafe.Sizeof(unix.SchedAttr{})), Policy: unix.SCHED_RR, Priority: uint32(priority)}
			switch err := unix.SchedSetAttr(id, attr, 0); {
			case errors.Is(err, unix.ESRCH): // it has ended
			case errors.Is(err, unix.EPERM):
				return fmt.Errorf("run at real-time priority %d: %w: it takes CAP_SYS_NICE, or LimitRTPRIO=%d with RestrictRealtime=no in the unit, and a control group with real-time budget (cpu.rt_runtime_us)", priority, err, priority)
			case err != nil:
				return fmt.Errorf("run at real-time priority %d: %w", priority, err)
			}
		}
		if !more {
			return nil
		}
	}
	return fmt.Errorf("run at real-time priority %d: new threads without end", priority)
}

// ownThreads are the numbers of this process's threads.
func ownThreads() []int {
	entries, _ := os.ReadDir("/proc/self/task") // without /proc nothing is found, and the keeper has failed before
	var all []int
	for _, e := range entries {
		if id, err := strconv.Atoi(e.Name()); err == nil {
			all = append(all, id)
		}
	}
	return all
}

// lockMemory keeps what this process has mapped in memory, and says how many octets that is: the program's file at once, for
// the code of a will has not been needed yet, and the rest as far as it is used, now or later. mlockall would not do: it
// counts what the runtime has only reserved, more than a gigabyte, against RLIMIT_MEMLOCK. What is mapped later is
// locked by another call.
func lockMemory() (locked uint64, err error) {
	text, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return 0, fmt.Errorf("list own memory: %w", err)
	}
	for lines := bufio.NewScanner(strings.NewReader(string(text))); lines.Scan(); {
		from, to, file, ok := mapping(lines.Text())
		if !ok {
			continue
		}
		when := uintptr(unix.MLOCK_ONFAULT)
		if file {
			when = 0
		}
		if _, _, errno := unix.Syscall(unix.SYS_MLOCK2, uintptr(from), uintptr(to-from), when); errno != 0 {
			return locked, fmt.Errorf("lock %d KiB of memory after %d KiB: %w: it takes CAP_IPC_LOCK, or LimitMEMLOCK=%dM in the unit",
				(to-from)>>10, locked>>10, errno, memoryLimit>>20)
		}
		locked += to - from
	}
	return locked, nil
}

// memoryLimit is the unit's LimitMEMLOCK: the runtime's tables are 70 MiB of addresses, nearly all of them unused.
const memoryLimit = 128 << 20

// mapping reads a line of /proc/PID/maps: a range of addresses that can be read and is memory, and whether it is a file's.
// The kernel's own pages are no memory of ours, nor is what is only reserved.
func mapping(line string) (from, to uint64, file, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 5 || fields[1][0] != 'r' || len(fields) > 5 && strings.HasPrefix(fields[5], "[v") {
		return 0, 0, false, false
	}
	first, last, _ := strings.Cut(fields[0], "-")
	from, err1 := strconv.ParseUint(first, 16, 64)
	to, err2 := strconv.ParseUint(last, 16, 64)
	return from, to, len(fields) > 5 && fields[5][0] == '/', err1 == nil && err2 == nil && from < to
}
