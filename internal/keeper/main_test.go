package keeper

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// TestMain is all three processes: the keeper and the stand-in for a daemon are the test's binary under other names.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case ProcessName:
		os.Exit(Main(newNews()))
	case standInName:
		os.Exit(standIn())
	}
	// With the race detector each child would sleep for a second at its end.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
