package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/peers"
)

// realTimeConfig is drill.Config with a keeper in real time, whose memory is locked.
func realTimeConfig(t *testing.T) string {
	return edited(t, drill.Config, "vrrp:\n", "vrrp:\n  rt_priority: 10\n  no_swap: true\n")
}

// needRealTime skips where no process gets real time, saying why; in CI that is a failure.
func needRealTime(t *testing.T) {
	t.Helper()
	out, err := exec.Command("chrt", "--rr", "10", "true").CombinedOutput()
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("real time is not to be had here: %v: %s", err, out)
	}
	t.Skipf("real time is not to be had here: %v: %s", err, out)
}

// mostLocked is the unit's LimitMEMLOCK.
const mostLocked = 128 << 20

func TestIntegrationRealTime(t *testing.T) {
	p := newPair(t, realTimeConfig(t))
	needRealTime(t)
	check(t, p.StartDaemon("lb1"))
	check(t, p.AwaitSole(t.Context(), "lb1"))
	k := mustSnapshot(t, p, "lb1").Keeper
	if k.RTPriority != 10 || k.Locked == 0 || k.Locked > mostLocked {
		t.Errorf("the keeper has real-time priority %d and %d octets locked; want 10, and some up to %d", k.RTPriority, k.Locked, mostLocked)
	}
	if out := command(t, p, "lb1", binary(t), "status"); !strings.Contains(out, ", real-time priority 10, memory locked\n") {
		t.Errorf("status does not tell of real time:\n%s", out)
	}
	threads := command(t, p, "lb1", "ps", "-L", "-A", "-o", "pid=,cls=,args=")
	for line := range strings.Lines(threads) {
		fields := strings.Fields(line)
		if want := map[bool]string{true: "RR", false: "TS"}[fields[0] == strconv.Itoa(k.PID)]; fields[1] != want {
			t.Errorf("a thread is scheduled as %s, want %s: %s", fields[1], want, line)
		}
	}
}

// What was asked for and cannot be had is an error of the start, and says what to do.
func TestIntegrationRealTimeDenied(t *testing.T) {
	p := newPair(t, realTimeConfig(t))
	check(t, p.StartDaemon("lb1", peers.Find(t, "setpriv"), "--bounding-set", "-sys_nice", "--inh-caps", "-sys_nice"))
	err := p.Daemon("lb1").Wait(t.Context())
	const want = "keeper: run at real-time priority 10: operation not permitted: it takes CAP_SYS_NICE, or LimitRTPRIO=10 with RestrictRealtime=no in the unit, " +
		"and a control group with real-time budget (cpu.rt_runtime_us)"
	if out := p.Daemon("lb1").Output(); fmt.Sprint(err) != "exit status 1" || !strings.Contains(out, want) {
		t.Errorf("the daemon ended with %v, want exit status 1 and %q in\n%s", err, want, out)
	}
}
