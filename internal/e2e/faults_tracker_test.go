package e2e

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/status"
)

// The scripts of these tests are one-line shell commands which look for files in the node's own /run. They run as root,
// because in a user namespace there is nobody else. A run takes milliseconds, and ten times that where others use the
// processor: none but the one that hangs may come near its timeout.
const (
	scriptInterval = 200 * time.Millisecond
	scriptFall     = 2
	hangTimeout    = time.Second

	trackedScripts = `tracker:
  scripts:
    app:  {command: [/bin/sh, -c, "test ! -e /run/app.bad"], interval: 200ms, timeout: 5s, rise: 2, fall: 2, user: root}
    hang: {command: [/bin/sh, -c, "test ! -e /run/hang.bad || sleep 60"], interval: 200ms, timeout: 1s, fall: 2, user: root}
    veto: {command: [/bin/sh, -c, "test ! -e /run/veto.bad"], interval: 200ms, timeout: 5s, fall: 2, user: root}
proxy:`
)

func scriptConfig() string {
	config := strings.Replace(localConfig(), "proxy:", trackedScripts, 1)
	return strings.Replace(config, "      track:\n", `      track:
        - {script: app, weight: -20}
        - {script: hang, weight: -20}
        - {script: veto}
`, 1)
}

// A script that fails lowers the priority, or is a FAULT: the other node takes over, and gives the address back after.
func TestIntegrationFaultScript(t *testing.T) {
	p := newPair(t, scriptConfig())
	startLocal(t, p, "lb1", nil)
	startLocal(t, p, "lb2", nil)
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	bad := func(name string) func(context.Context) error {
		return func(context.Context) error { return os.WriteFile(p.Node("lb1").Path("/run/"+name+".bad"), nil, 0o644) }
	}
	good := func(name string) func(context.Context) error {
		return func(context.Context) error { return os.Remove(p.Node("lb1").Path("/run/" + name + ".bad")) }
	}
	// How long until enough runs have failed, and for the last of them to end.
	noticed := (scriptFall + 1) * scriptInterval
	for _, tt := range []struct {
		name, script string
		state        string        // of lb1 afterwards
		priority     uint8         // then
		moves        time.Duration // how long the address may take to move
	}{
		// lb2 ignores adverts below its own priority, and takes over when it has heard no other for as long as a
		// master may be silent. Until then lb1 serves.
		{"weight -20", "app", status.Backup, 81, noticed + 3*interval + skew},
		{"weight -20, a run that hangs", "hang", status.Backup, 81, scriptFall*(hangTimeout+scriptInterval) + 3*interval + skew},
		// lb1 resigns.
		{"weight 0", "veto", status.Fault, 101, noticed + skew},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ready(t, p, "lb1")
			mark, began := p.Lab.Mark(), time.Now()
			f := figure{"script fails, " + tt.name, contestBound}
			if tt.state == status.Fault {
				f.bound = stopBound
			}
			measure(t, p, f, "lb2", bad(tt.script))
			taken := await(t, p, mark, "lb2 takes over", added("lb2"))
			within(t, f.fault+": address moved after", taken.Time.Sub(began), tt.moves)
			s := awaitStatus(t, p, "lb1", "is "+tt.state, func(s status.Snapshot) bool { return s.Instances[0].State == tt.state })
			if got := s.Instances[0].Priority.Effective; got != tt.priority {
				t.Errorf("lb1 has priority %d, want %d", got, tt.priority)
			}
			for _, tr := range s.Trackers {
				if failed := tr.Name == "script "+tt.script; failed != (tr.Status == "down") {
					t.Errorf("tracker %s is %s: %s", tr.Name, tr.Status, tr.Text)
				}
			}
			measure(t, p, figure{"script succeeds again, " + tt.name, contestBound}, "lb1", good(tt.script))
		})
	}
	t.Run("nothing of a hanging run stays", func(t *testing.T) {
		if out, err := try(t, p, "lb1", "pgrep", "-x", "sleep"); err == nil {
			t.Errorf("processes of runs that timed out are still there: %s", out)
		}
	})
}

// The balancer's health is the priority: a node without servers gives way to one that has some. When neither has any,
// nothing moves, and clients get a 503, which beats no address.
func TestIntegrationFaultBackend(t *testing.T) {
	p := newPair(t, localConfig())
	stop := map[string]func(){}
	for _, node := range []string{"lb1", "lb2"} {
		stop[node] = startLocal(t, p, node, nil)
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The checks of drill.Config: every 500 ms, and two failures in a row.
	const noticed = 3 * 500 * time.Millisecond
	t.Run("the master's servers fail", func(t *testing.T) {
		ready(t, p, "lb1")
		mark, began := p.Lab.Mark(), time.Now()
		measure(t, p, figure{"no healthy server on the master", noticed + 3*interval + skew}, "lb2", func(context.Context) error {
			stop["lb1"]()
			return nil
		})
		taken := await(t, p, mark, "lb2 takes over", added("lb2"))
		within(t, "no healthy server on the master: address moved after", taken.Time.Sub(began), noticed+3*interval+skew)
		if s := mustSnapshot(t, p, "lb1").Instances[0]; s.State != status.Backup || s.Priority.Effective != 71 {
			t.Errorf("lb1 is %s with priority %d, want BACKUP with 71", s.State, s.Priority.Effective)
		}
	})
	t.Run("a node that starts without servers", func(t *testing.T) {
		if err := p.Daemon("lb1").Signal(15); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		start(t, p, "lb1")
		s := awaitStatus(t, p, "lb1", "holds back", func(s status.Snapshot) bool {
			return s.Backends[0].Known && len(s.Instances[0].Holds) > 0
		})
		if got, want := s.Instances[0].Holds[0], "backend web has no healthy server"; got != want {
			t.Errorf("lb1 holds back because %q, want %q", got, want)
		}
		pause(t, 4*interval+skew)
		wantHolder(t, p, "lb2")
		figure{"a node without servers started beside", 0}.judge(t, p.Record.Since(began))
	})
	t.Run("neither node has servers", func(t *testing.T) {
		stop["lb2"]()
		awaitStatus(t, p, "lb2", "has no server", func(s status.Snapshot) bool { return s.Backends[0].Healthy == 0 })
		mark := p.Lab.Mark()
		pause(t, 4*interval+skew)
		// lb1's 71 is above lb2's 70. But it is as sick, so the address stays.
		wantHolder(t, p, "lb2")
		if events, _ := p.Lab.Since(mark); len(filter(events, added("lb1"))) > 0 || len(filter(events, removed("lb2"))) > 0 {
			t.Errorf("the address moved: %v", events)
		}
		if code, err := get(t, p, drill.VIP.String()+":80", "/"); err != nil || code != http.StatusServiceUnavailable {
			t.Errorf("a request got status %d, %v; want 503", code, err)
		}
	})
	t.Run("servers come back", func(t *testing.T) {
		for _, node := range []string{"lb1", "lb2"} {
			startLocal(t, p, node, nil)
		}
		if err := p.AwaitSole(t.Context(), "lb1"); err != nil {
			t.Fatal(err)
		}
		if err := p.AwaitService(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
	})
}
