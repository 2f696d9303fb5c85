package daemon

import (
	"os"
	"strings"
	"testing"
)

func TestTheDaemonIsNotSparedByTheOOMKiller(t *testing.T) {
	before, err := os.ReadFile(oomScore)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(oomScore, []byte("-900"), 0); err != nil {
		t.Logf("cannot be protected here, so only the usual case is tried: %v", err)
	}
	t.Cleanup(func() { _ = os.WriteFile(oomScore, before, 0) }) // as good as it may
	if err := exposeToOOM(); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(oomScore)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(string(after), "-") {
		t.Errorf("out-of-memory score %q, want at least 0", after)
	}
}
