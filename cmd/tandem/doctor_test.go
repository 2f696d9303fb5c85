package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/netlab"
)

// commandKey is in the environment of a copy of this program that is to be the command itself.
const commandKey = "TANDEM_COMMAND_TEST"

// noLab is why labs cannot be built here, nil where they can.
var noLab error

func TestMain(m *testing.M) {
	if os.Getenv(commandKey) != "" { // first: Enter would give it privileges that it is to do without
		main() // it ends the process
	}
	code, done, err := netlab.Enter()
	if done {
		os.Exit(code)
	}
	noLab = err
	os.Exit(m.Run())
}

// command runs tandem, on a node where there is one, and returns its exit status and what it printed.
func command(t *testing.T, n *netlab.Node, change func(*exec.Cmd), args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), commandKey+"=1")
	cmd.Stdout, cmd.Stderr = &out, &errs
	if change != nil {
		change(cmd)
	}
	var err error
	if n == nil {
		err = cmd.Run()
	} else {
		var p *netlab.Process
		if p, err = n.Start(cmd); err == nil {
			err = p.Wait(ctx)
		}
	}
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

const doctorConfig = `
nodes: {lb1: {address: 10.77.0.1}, lb2: {address: 10.77.0.2}}
vrrp:
  instances:
    - {name: VI_1, interface: eth0, virtual_router_id: 51, priority: {lb1: 101, lb2: 100}, virtual_addresses: [10.77.0.100/24]}
`

// Exit status 2: what could not be looked at, and why.
func TestDoctorThatCannotLook(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, bad := filepath.Join(dir, "tandem.yaml"), filepath.Join(dir, "bad.yaml")
	for path, text := range map[string]string{file: doctorConfig, bad: "vrrp: 1\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name string
		args []string
		want string // the end of what it says
	}{
		{"nothing to examine", nil, "tandem doctor: want --config FILE or --interface NAME: which interface is to be examined?\n"},
		{"node without configuration", []string{"--interface", "eth0", "--node", "lb1"}, "tandem doctor: --node is of a configuration: want --config FILE too\n"},
		{"unknown flag", []string{"--all"}, "tandem doctor: unknown flag: --all\n"},
		{"no such argument", []string{"eth0"}, "tandem doctor: unknown command \"eth0\" for \"tandem doctor\"\n"},
		{"too short", []string{"--interface", "eth0", "--listen", "1s"}, "tandem doctor: --listen 1s: want 2s to 5m0s\n"},
		{"too long", []string{"--interface", "eth0", "--listen", "1h"}, "tandem doctor: --listen 1h0m0s: want 2s to 5m0s\n"},
		{"bad configuration", []string{"--config", bad}, "tandem doctor: " + bad + " has errors: tandem check " + bad + "\n"},
		{"unknown node", []string{"--config", file, "--node", "lb3"}, "tandem doctor: " + file + ` has no node "lb3", want one of lb1, lb2: name it with --node or $TANDEM_NODE` + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := command(t, nil, nil, append([]string{"doctor"}, tt.args...)...)
			if code != 2 || stdout != "" || !strings.HasSuffix(stderr, tt.want) {
				t.Errorf("exit %d, printed %q, said %q; want exit 2, nothing, and %q", code, stdout, stderr, tt.want)
			}
		})
	}
}

// newDoctorNode makes a node of its own LAN.
func newDoctorNode(t *testing.T) *netlab.Node {
	t.Helper()
	if noLab != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(noLab)
		}
		t.Skip(noLab)
	}
	lab, err := netlab.New(netlab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	lan, err := lab.LAN("front")
	if err != nil {
		t.Fatal(err)
	}
	n, err := lab.Node("lb1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Connect(t.Context(), lan, "eth0", netip.MustParsePrefix("10.77.0.1/24")); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestIntegrationDoctor(t *testing.T) {
	t.Parallel()
	n := newDoctorNode(t)
	file := filepath.Join(t.TempDir(), "tandem.yaml")
	if err := os.WriteFile(file, []byte(doctorConfig), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Run("no problem", func(t *testing.T) {
		t.Parallel()
		code, stdout, stderr := command(t, n, nil, "doctor", "--config", file, "--node", "lb1", "--listen", "2s")
		if code != 0 || stderr != "" || !strings.Contains(stdout, "nobody answers for the 1 of 1 virtual addresses") || !strings.Contains(stdout, "\n0 problems, ") {
			t.Errorf("exit %d, said %q, printed\n%s\nwant exit 0 and no problem", code, stderr, stdout)
		}
	})
	t.Run("a problem", func(t *testing.T) {
		t.Parallel()
		code, stdout, stderr := command(t, n, nil, "doctor", "--interface", "eth7", "--json", "--listen", "2s")
		var printed struct {
			Problems int
			Findings []struct{ Check, Subject, Level, Saw string }
		}
		if err := json.Unmarshal([]byte(stdout), &printed); err != nil {
			t.Fatalf("%v: %s%s", err, stdout, stderr)
		}
		if code != 1 || printed.Problems != 1 || !strings.Contains(stdout, `"saw": "there is no interface eth7"`) {
			t.Errorf("exit %d, printed\n%s\nwant exit 1 and one problem", code, stdout)
		}
	})
	t.Run("one interface of a configuration", func(t *testing.T) {
		t.Parallel()
		code, stdout, _ := command(t, n, nil, "doctor", "--config", file, "--node", "lb1", "--interface", "lo", "--listen", "2s")
		if code != 1 || strings.Contains(stdout, "eth0") || !strings.Contains(stdout, "it has no Ethernet address") {
			t.Errorf("exit %d, printed\n%s\nwant exit 1, lo's findings and none of eth0", code, stdout)
		}
	})
}

// Without the capability nothing is examined, and the one that it takes is named.
func TestIntegrationDoctorWithoutPrivileges(t *testing.T) {
	t.Parallel()
	n := newDoctorNode(t)
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("setpriv is not installed: make test-deps installs util-linux as root on Debian")
		}
		t.Skip("setpriv is not installed")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The capabilities of root are lost when a program is executed without them in the bounding set.
	drop := func(cmd *exec.Cmd) {
		cmd.Args = append([]string{setpriv, "--inh-caps", "-net_raw", "--bounding-set", "-net_raw", self}, cmd.Args[1:]...)
		cmd.Path = setpriv
	}
	code, stdout, stderr := command(t, n, drop, "doctor", "--interface", "eth0")
	want := "tandem doctor: listening for adverts and asking by ARP need CAP_NET_RAW: run it as root (sudo tandem doctor)\n"
	if code != 2 || stdout != "" || stderr != want {
		t.Errorf("exit %d, printed %q, said %q; want exit 2, nothing, and %q", code, stdout, stderr, want)
	}
}
