package e2e

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/peers"
)

// workload is the name of the process that scripts look for; killall compares 15 characters.
const workload = "drill_workload"

// scriptDelay is the longest that a script's verdict takes: it runs once a second, and one failure or success is enough.
const scriptDelay = time.Second

// startWorkload starts a process named workload on a node.
func startWorkload(t *testing.T, node *netlab.Node) *netlab.Process {
	t.Helper()
	path := filepath.Join(t.TempDir(), workload)
	check(t, copyProgram(peers.Find(t, "sleep"), path))
	p, err := node.Start(exec.Command(path, "1h"))
	check(t, err)
	return p
}

func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if closed := out.Close(); err == nil {
		err = closed
	}
	return err
}

// needRootScripts skips where the file belongs to nobody, as in a user namespace: neither daemon runs it as root there.
func needRootScripts(t *testing.T, path string) {
	t.Helper()
	var st syscall.Stat_t
	check(t, syscall.Stat(path, &st))
	if st.Uid == 0 {
		return
	}
	reason := path + " does not belong to root here (a user namespace): no script may run as root"
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// A vrrp_script of the killall kind costs Keepalived 10: 102 is 92, below Tandem's 101.
func TestIntegrationKeepalivedsScriptFails(t *testing.T) {
	killall := peers.Find(t, "killall")
	needRootScripts(t, killall)
	m := newMixedPair(t, "", edited(t, keepalivedConf,
		"vrrp_instance VI_1 {", `vrrp_script workload {
	script "`+killall+` -0 `+workload+`"
	interval 1
	weight -10
	fall 1
	rise 1
}

vrrp_instance VI_1 {
	track_script {
		workload
	}`, "priority 100", "priority 102"))
	w := startWorkload(t, m.Node("lb2"))
	m.start(t, "lb2")
	m.run(t, []move{
		{
			name: "Keepalived's script fails", do: func(t *testing.T) { check(t, w.Kill()) },
			kind: netlab.AddressAdded, node: "lb1", in: scriptDelay + tandemDown + slack, why: "1 s + 3 x 1 s + skew", sole: "lb1",
			outage: giveBack,
		},
		{
			name: "Keepalived's script succeeds again", do: func(t *testing.T) { startWorkload(t, m.Node("lb2")) },
			kind: netlab.AddressAdded, node: "lb2", in: scriptDelay + keepalivedDown + slack, why: "1 s + 3 x 1 s + skew", sole: "lb2",
			outage: giveBack,
		},
	})
}

// The same script costs Tandem 20: 101 is 81, below Keepalived's 100.
func TestIntegrationTandemsScriptFailsBesideKeepalived(t *testing.T) {
	killall := peers.Find(t, "killall")
	needRootScripts(t, killall)
	m := newMixedPair(t, edited(t, drill.Config,
		"      track:\n", "      track:\n        - {script: workload, weight: -20}\n",
		"proxy:\n", `tracker:
  scripts:
    workload: {command: [`+killall+`, "-0", `+workload+`], interval: 1s, timeout: 900ms, rise: 1, fall: 1, user: root}
proxy:
`), keepalivedConf)
	w := startWorkload(t, m.Node("lb1"))
	m.start(t, "lb1")
	m.run(t, []move{
		{
			name: "Tandem's script fails", do: func(t *testing.T) { check(t, w.Kill()) },
			kind: netlab.AddressAdded, node: "lb2", in: scriptDelay + keepalivedDown + slack, why: "1 s + 3 x 1 s + skew", sole: "lb2",
			outage: giveBack,
		},
		{
			name: "Tandem's script succeeds again", do: func(t *testing.T) { startWorkload(t, m.Node("lb1")) },
			kind: netlab.AddressAdded, node: "lb1", in: scriptDelay + tandemDown + slack, why: "1 s + 3 x 1 s + skew", sole: "lb1",
			outage: giveBack,
		},
	})
}
