package loadtest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Memory is what a process has in memory.
type Memory struct {
	Now  int // bytes resident
	Peak int // the most that it had since it began, or since ForgetPeak
}

// ForgetPeak has a process's peak begin anew at what is resident now.
func ForgetPeak(pid int) error {
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		return fmt.Errorf("forget the peak of a process's memory: %w", err)
	}
	return nil
}

// ReadMemory returns that of a process.
func ReadMemory(pid int) (m Memory, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return m, fmt.Errorf("read the memory of a process: %w", err)
	}
	for name, to := range map[string]*int{"VmRSS:": &m.Now, "VmHWM:": &m.Peak} {
		_, after, _ := strings.Cut(string(text), name)
		kib, _, _ := strings.Cut(strings.TrimSpace(after), " ")
		n, err := strconv.Atoi(kib)
		if err != nil {
			return m, fmt.Errorf("read the memory of process %d: no %s", pid, name)
		}
		*to = n << 10
	}
	return m, nil
}

// Descriptors returns how many a process has open.
func Descriptors(pid int) (int, error) {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0, fmt.Errorf("count the descriptors of a process: %w", err)
	}
	return len(entries), nil
}
