package runner

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// TestMain is the runner's process too: Start executes the running binary, which is the test's.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == ProcessName {
		os.Exit(Main())
	}
	goleak.VerifyTestMain(m)
}
