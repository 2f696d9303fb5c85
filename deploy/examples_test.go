package deploy

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/proxy/rule"
	"github.com/tandem-lb/tandem/vrrp"
)

// Examples are copied. They load for every node, without so much as a warning, and their rules compile.
func TestExamplesLoad(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("examples/*.yaml")
	if err != nil || len(files) != 13 {
		t.Fatalf("got examples %q, %v; want thirteen", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			cfg, problems := config.Load(file)
			for _, p := range problems {
				t.Errorf("%s: got a problem, want none: %+v", file, p)
			}
			if cfg == nil {
				return
			}
			nodes := cfg.Nodes
			if len(nodes) == 0 {
				nodes = []string{"any"}
			}
			for _, name := range nodes {
				node, err := cfg.Node(name)
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range node.Proxy.Frontends {
					if _, err := rule.Compile(f.Rules); err != nil {
						t.Errorf("frontend %s of %s: %v", f.Name, name, err)
					}
				}
			}
		})
	}
}

func exampleNode(t *testing.T, file, name string) *config.Node {
	t.Helper()
	cfg, problems := config.Load(file)
	if cfg == nil {
		t.Fatal(problems.Err())
	}
	node, err := cfg.Node(name)
	if err != nil {
		t.Fatal(err)
	}
	return node
}

// The example of version 3 is for a takeover within half a second.
func TestFastPairIsFast(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"lb1", "lb2"} {
		in := exampleNode(t, "examples/fast-pair.yaml", name).Instances[0]
		if in.VRRP.Version != vrrp.V3 || 4*in.VRRP.AdvertInterval > 500*time.Millisecond {
			t.Errorf("%s: got version %d with an advert every %v, want 3 and 125ms at most", name, in.VRRP.Version, in.VRRP.AdvertInterval)
		}
	}
}

// The example of both families moves them together, whatever befalls one.
func TestDualStackMovesTogether(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"lb1", "lb2"} {
		in := exampleNode(t, "examples/dual-stack.yaml", name).Instances
		if len(in) != 2 || in[0].VRRP.Family() != vrrp.IPv4 || in[1].VRRP.Family() != vrrp.IPv6 {
			t.Fatalf("%s: got %+v, want an instance for either family", name, in)
		}
		if in[0].SyncGroup == "" || in[0].SyncGroup != in[1].SyncGroup || in[0].VRRP.Priority != in[1].VRRP.Priority {
			t.Errorf("%s: got sync groups %q and %q, priorities %d and %d, want the same", name, in[0].SyncGroup, in[1].SyncGroup, in[0].VRRP.Priority, in[1].VRRP.Priority)
		}
		if !slices.Equal(in[0].Track, in[1].Track) {
			t.Errorf("%s: VI_4 tracks %v and VI_6 %v, want the same", name, in[0].Track, in[1].Track)
		}
	}
}

// The two configurations of a mixed pair agree in all that a peer drops adverts for.
func TestMixedPairAgrees(t *testing.T) {
	t.Parallel()
	in := exampleNode(t, "examples/beside-keepalived.yaml", "lb1").Instances[0]
	text, err := os.ReadFile("examples/beside-keepalived.conf")
	if err != nil {
		t.Fatal(err)
	}
	value := func(pattern string) string {
		t.Helper()
		found := regexp.MustCompile(`(?m)^\s*` + pattern).FindSubmatch(text)
		if found == nil {
			t.Fatalf("beside-keepalived.conf has no %s", pattern)
		}
		return string(found[1])
	}
	if got, want := value(`virtual_router_id (\d+)`), "51"; got != want || in.VRRP.VRID != 51 {
		t.Errorf("VRID: got %s and %d, want %s", got, in.VRRP.VRID, want)
	}
	if got := value(`version (\d)`); got != "2" || in.VRRP.Version != vrrp.V2 {
		t.Errorf("version: got %s and %d, want 2", got, in.VRRP.Version)
	}
	if got := value(`advert_int (\d+)`) + "s"; got != in.VRRP.AdvertInterval.String() {
		t.Errorf("interval: got %s and %v", got, in.VRRP.AdvertInterval)
	}
	if got := value(`auth_pass (\S+)`); got != in.VRRP.Auth.Password || len(got) > 8 || in.VRRP.Auth.Type != vrrp.AuthPass {
		t.Errorf("password: got %q and %q, want the same 8 octets at most", got, in.VRRP.Auth.Password)
	}
	if got := value(`(\S+/\d+)\s`); netip.MustParsePrefix(got) != in.VIP.Addresses[0].Prefix {
		t.Errorf("virtual address: got %s and %v", got, in.VIP.Addresses[0].Prefix)
	}
	if got := value(`priority (\d+)`); got != "100" || in.VRRP.Priority != 101 {
		t.Errorf("priority: got %s and %d, want 100 and 101", got, in.VRRP.Priority)
	}
}

// TestIntegrationKeepalivedReadsItsExample has Keepalived check its half of the mixed pair, in a namespace with an eth0.
func TestIntegrationKeepalivedReadsItsExample(t *testing.T) {
	t.Parallel()
	keepalived, unshare, ip := tool(t, "keepalived"), tool(t, "unshare"), tool(t, "ip")
	tool(t, "killall") // the check script
	if os.Getuid() != 0 {
		// It runs a check script only where every folder above it is root's.
		missing(t, "needs root: in a namespace of an ordinary user the system's files are nobody's")
	}
	if out, err := exec.CommandContext(t.Context(), unshare, "--net", "true").CombinedOutput(); err != nil {
		missing(t, "no network namespace: "+err.Error()+" "+string(out))
	}
	text, err := os.ReadFile("examples/beside-keepalived.conf")
	if err != nil {
		t.Fatal(err)
	}
	// Keepalived 2.2.7 kills itself in --config-test when scripts run as anyone but root: it looks for a parent that only
	// the daemon has.
	conf := filepath.Join(t.TempDir(), "keepalived.conf")
	if err := os.WriteFile(conf, []byte(strings.Replace(string(text), "script_user nobody", "script_user root", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	script := `"$1" link add eth0 type veth peer name eth1 && "$1" link set eth0 up && "$1" addr add 192.168.1.12/24 dev eth0 &&
		exec "$2" --config-test --use-file="$3"`
	command := exec.CommandContext(t.Context(), unshare, "--net", "sh", "-c", script, "sh", ip, keepalived, conf)
	if out, err := command.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("keepalived --config-test: %v\n%s", err, out)
	}
}
