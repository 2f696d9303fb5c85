package runner

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// TestMain is the runner's process too: Start executes the running binary, which is the test's.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case ProcessName:
		os.Exit(Main())
	case ordinaryName:
		os.Exit(ordinary())
	}
	// With the race detector each child would sleep for a second at its end.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
