package child

import (
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"
)

// withAmbient calls start on a thread that has none of the ambient capabilities but those to keep (capabilities(7)).
// The set belongs to a thread and is inherited by fork, so the others of this process keep theirs.
func withAmbient(keep []uintptr, start func() error) error {
	runtime.LockOSThread()
	lowered, err := lowerAmbient(keep)
	if err == nil {
		err = start()
	}
	for _, c := range lowered {
		if raised := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, c, 0, 0); raised != nil {
			// The thread stays locked, so that it ends with this goroutine and nothing else runs on it.
			return fmt.Errorf("take back ambient capability %d: %w", c, raised)
		}
	}
	runtime.UnlockOSThread()
	return err
}

func lowerAmbient(keep []uintptr) (lowered []uintptr, err error) {
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		set, err := unix.PrctlRetInt(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_IS_SET, c, 0, 0)
		if err != nil || set == 0 || slices.Contains(keep, c) { // an error: the kernel does not know this one
			continue
		}
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_LOWER, c, 0, 0); err != nil {
			return lowered, fmt.Errorf("lower ambient capability %d: %w", c, err)
		}
		lowered = append(lowered, c)
	}
	return lowered, nil
}
