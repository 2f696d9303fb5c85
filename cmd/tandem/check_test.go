package main

import (
	"strings"
	"testing"
)

const checkedConfig = `nodes: {lb1: {address: 10.77.0.1}, lb2: {address: 10.77.0.2}}
vrrp:
  instances:
    - name: VI_1
      interface: eth0
      virtual_router_id: 51
      priority: {lb1: 101, lb2: 100}
      virtual_addresses: [10.77.0.100/24]
`

func TestCheck(t *testing.T) {
	t.Parallel()
	good := write(t, "good.yaml", checkedConfig)
	warned := write(t, "warned.yaml", strings.Replace(checkedConfig, "{lb1: 101, lb2: 100}", "100", 1))
	bad := write(t, "bad.yaml", strings.Replace(checkedConfig, "_router_id: 51", "_router_ids: 51", 1))
	t.Run("good", func(t *testing.T) {
		t.Parallel()
		code, stdout, stderr := tandem(t, "check", "--offline", good)
		if want := good + ": ok; only the file was checked\n"; code != 0 || stdout != want || stderr != "" {
			t.Errorf("exit %d, printed %q, said %q; want %q", code, stdout, stderr, want)
		}
	})
	t.Run("a warning", func(t *testing.T) {
		t.Parallel()
		code, stdout, stderr := tandem(t, "check", "--offline", warned)
		if want := warned + ": ok, 1 warning; only the file was checked\n"; code != 0 || stdout != want {
			t.Errorf("exit %d, printed %q, want %q", code, stdout, want)
		}
		for _, want := range []string{
			warned + ":7:17: warning: vrrp.instances[0].priority: lb1 and lb2 both have 100",
			"\n    7 |       priority: 100\n      |                 ^\n", // the source line and a marker
		} {
			if !strings.Contains(stderr, want) {
				t.Errorf("said\n%s\nwithout %q", stderr, want)
			}
		}
	})
	t.Run("errors", func(t *testing.T) {
		t.Parallel()
		code, stdout, stderr := tandem(t, "check", "--offline", bad)
		if code != 1 || stdout != "" || !strings.HasSuffix(stderr, "\n"+bad+": 2 errors\n") {
			t.Errorf("exit %d, printed %q, said\n%s", code, stdout, stderr)
		}
		for _, want := range []string{bad + ":6:7: ", "virtual_router_ids", "virtual_router_id?"} {
			if !strings.Contains(stderr, want) {
				t.Errorf("said\n%s\nwithout %q", stderr, want)
			}
		}
	})
	t.Run("a node that the file lacks", func(t *testing.T) {
		t.Parallel()
		code, stdout, stderr := tandem(t, "check", "--node", "lb9", good)
		want := "tandem: " + good + ` has no node "lb9", want one of lb1, lb2: name it with --node or $TANDEM_NODE` + "\n"
		if code != 1 || stdout != "" || stderr != want {
			t.Errorf("exit %d, printed %q, said %q; want %q", code, stdout, stderr, want)
		}
	})
	t.Run("no file", func(t *testing.T) {
		t.Parallel()
		code, stdout, stderr := tandem(t, "check", "/none/tandem.yaml")
		want := "/none/tandem.yaml: open: no such file or directory\n/none/tandem.yaml: 1 error\n"
		if code != 1 || stdout != "" || stderr != want {
			t.Errorf("exit %d, printed %q, said %q; want %q", code, stdout, stderr, want)
		}
	})
}
