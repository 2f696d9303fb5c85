package main

import (
	"os"
	"os/exec"
	"testing"
)

// A first start by hand, as an ordinary user, is told what it lacks and leaves nothing behind.
func TestIntegrationRunWithoutPrivileges(t *testing.T) {
	t.Parallel()
	if noLab != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(noLab)
		}
		t.Skip(noLab)
	}
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
		cmd.Args = append([]string{setpriv, "--bounding-set", "-net_raw,-net_admin", self}, cmd.Args[1:]...)
		cmd.Path = setpriv
	}
	dir := t.TempDir()
	code, stdout, stderr := command(t, nil, drop, "run", "--config", write(t, "tandem.yaml", checkedConfig), "--node", "lb1", "--runtime-dir", dir)
	want := "tandem: virtual addresses need CAP_NET_ADMIN (to add addresses) and CAP_NET_RAW (to send adverts and ARP): run it as root, or by its systemd unit\n"
	if code != 1 || stdout != "" || stderr != want {
		t.Errorf("exit %d, printed %q, said %q; want exit 1 and %q", code, stdout, stderr, want)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v in the runtime directory", left, err)
	}
}
