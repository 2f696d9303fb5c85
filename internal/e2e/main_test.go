package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tandem-lb/tandem/internal/drill"
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
	if os.Getenv(holderMarker) != "" {
		os.Exit(runHolder())
	}
	if os.Getenv(flooderMarker) != "" {
		os.Exit(runFlooder())
	}
	os.Exit(run(m))
}

// unavailable is why no namespaces can be made here; nil: they can.
var unavailable error

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "tandem-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	builtIn = dir
	return m.Run()
}

var builtIn string // where buildBinary puts the binary

// buildBinary builds the program under test, once.
var buildBinary = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("TANDEM_BIN"); path != "" {
		return path, nil
	}
	path := filepath.Join(builtIn, "tandem")
	cmd := exec.Command("go", "build", "-o", path, "../../cmd/tandem")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build tandem: %w: %s", err, out)
	}
	return path, nil
})

func binary(t *testing.T) string {
	t.Helper()
	path, err := buildBinary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// needLab skips where no namespaces can be made, saying why; in CI that is a failure.
func needLab(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("whole daemons take seconds each")
	}
	if unavailable == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(unavailable)
	}
	t.Skip(unavailable)
}

// newPair builds a pair without starting its balancers; the test's end ends it.
func newPair(t *testing.T, config string) *drill.Pair {
	t.Helper()
	return newPairOf(t, config, drill.VIP)
}

// newPairOf is newPair whose client asks another address.
func newPairOf(t *testing.T, config string, vip netip.Addr) *drill.Pair {
	t.Helper()
	needLab(t)
	p, err := drill.NewPair(t.Context(), drill.PairConfig{Binary: binary(t), Config: config, Dir: t.TempDir(), VIP: vip})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, name := range []string{"lb1", "lb2"} {
				if d := p.Daemon(name); d != nil {
					t.Logf("log of %s:\n%s", name, d.Output())
				}
			}
		}
		if err := p.Close(); err != nil {
			t.Errorf("close the pair: %v", err)
		}
	})
	return p
}
