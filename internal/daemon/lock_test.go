package daemon

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestOneDaemonPerNode(t *testing.T) {
	dir := t.TempDir()
	first, err := lockNode(t.Context(), dir, "lb1")
	if err != nil {
		t.Fatal(err)
	}
	soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond) // not lockWait, for which nobody is coming
	defer cancel()
	_, err = lockNode(soon, dir, "lb1")
	want := fmt.Sprintf("node lb1 is already running here (%s is held by process %d)", filepath.Join(dir, "lb1.lock"), os.Getpid())
	if err == nil || err.Error() != want {
		t.Errorf("second lock: %v, want %q", err, want)
	}
	other, err := lockNode(t.Context(), dir, "lb2")
	if err != nil {
		t.Errorf("another node's lock: %v", err)
	} else {
		_ = other.Close()
	}
	_ = first.Close()
	again, err := lockNode(t.Context(), dir, "lb1")
	if err != nil {
		t.Fatalf("lock after the holder's end: %v", err)
	}
	_ = again.Close()
}
