package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lockWait is how long a start waits for the lock: a keeper that still carries out the last will of a former run holds
// it, and needs milliseconds.
const lockWait = 2 * time.Second

// lockNode takes the node's lock. Only one daemon per node name may run; the lock is taken before leftovers are cleared,
// so a second daemon started by mistake removes nothing. The file is handed to the keeper too, so that the lock is held
// until the last will has been carried out.
func lockNode(ctx context.Context, dir, node string) (*os.File, error) {
	path := filepath.Join(dir, node+".lock")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the lock of node %s: %w", node, err)
	}
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			_ = file.Close() // the lock's error is the one to tell
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			holder, _ := os.ReadFile(path) // an unknown holder is told as such
			_ = file.Close()
			return nil, fmt.Errorf("node %s is already running here (%s is held by process %s)", node, path, orUnknown(string(holder)))
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err := file.Truncate(0); err != nil {
		return file, fmt.Errorf("note the process in %s: %w", path, err)
	}
	if _, err := file.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0); err != nil {
		return file, fmt.Errorf("note the process in %s: %w", path, err)
	}
	return file, nil
}

func orUnknown(pid string) string {
	if pid = strings.TrimSpace(pid); pid == "" {
		return "unknown"
	}
	return pid
}
