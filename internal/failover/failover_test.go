package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/tandem-lb/tandem/internal/netlab"
)

func TestMain(m *testing.M) {
	code, done, err := netlab.Enter()
	if done {
		os.Exit(code)
	}
	if err != nil {
		unavailable = err
	}
	goleak.VerifyTestMain(m)
}

// unavailable is why no namespaces can be made here; nil: they can.
var unavailable error

// Both systems come up, are measured, and go: a tool that nobody runs every day must not rot. What they cost is not for a
// test that runs beside others.
func TestIntegrationBothSystems(t *testing.T) {
	if testing.Short() {
		t.Skip("whole daemons take seconds each")
	}
	skip := t.Skip
	if os.Getenv("CI") == "true" {
		skip = t.Fatal
	}
	if unavailable != nil {
		skip(unavailable)
	}
	for _, peer := range []string{"keepalived", "haproxy", "killall"} {
		if _, err := exec.LookPath(peer); err != nil {
			skip(err)
		}
	}
	c, err := parse([]string{"-settings", "v2", "-rows", "^reload$", "-tandem", binary(t)})
	if err != nil {
		t.Fatal(err)
	}
	c.progress = t.Output()
	rows, err := run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows["v2"]) != 1 || len(rows["v2"][0].cost) != 2 {
		t.Fatalf("got %v, want one row of two systems", rows["v2"])
	}
	for kind, r := range rows["v2"][0].cost {
		if r.requests == 0 || len(r.holders) != 1 {
			t.Errorf("%s: %v; want one holder, and requests", kind, r)
		}
	}
}

func binary(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("TANDEM_BIN"); path != "" {
		return path
	}
	path := filepath.Join(t.TempDir(), "tandem")
	cmd := exec.Command("go", "build", "-o", path, "../../cmd/tandem")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build tandem: %v: %s", err, out)
	}
	return path
}
