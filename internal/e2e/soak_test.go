package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/loadtest"
	"github.com/tandem-lb/tandem/internal/status"
)

var (
	soakFor     = flag.Duration("soak", 40*time.Second, "how long the mixed load lasts")
	soakSeed    = flag.Uint64("soak.seed", 1, "makes the requests")
	soakWorkers = flag.Int("soak.workers", 24, "how many scenarios run at a time")
	soakOnly    = flag.String("soak.only", "", "a scenario to play alone")
	soakReload  = flag.Duration("soak.reload", 3*time.Second, "how often the configuration changes")
	soakKill    = flag.Duration("soak.kill", 7*time.Second, "how often a server dies")
	soakRace    = flag.Bool("soak.race", false, "build the daemon with the race detector; memory is not judged then, for it keeps some of each TLS handshake (docs/benchmarks.md, Long runs)")
)

const (
	soakRounds = 4           // after each, everything is closed and counted; the first is to warm up
	deadFor    = time.Second // before a server comes back
)

// What may be more after the last round than after the first. Connections and goroutines follow the requests, of which
// there are none then; health checks and the runtime socket come and go, with a few of each. Memory that the garbage
// collector has freed goes back to the kernel by and by, and the heap's fragmentation differs from round to round; a
// leak of 100 octets a request would be 100 MiB in half an hour.
const (
	moreDescriptors = 8
	moreGoroutines  = 16
	moreMemory      = 16 << 20 // bytes
)

// Every kind of traffic at once, while servers die and the configuration changes: each octet is right, each error has its
// reason, and nothing stays behind.
func TestIntegrationSoak(t *testing.T) {
	s := newStage(t, soakProgram(t), func(s *stage) string { return s.soakConfig(0) })
	report, scenarios := loadtest.NewReport(), soakScenarios(t)
	var pauses loadtest.Pauses
	go pauses.Run(t.Context())
	var footprints []footprint
	for round := range soakRounds {
		ctx, cancel := context.WithTimeout(t.Context(), *soakFor/soakRounds)
		var wg sync.WaitGroup
		wg.Go(func() { s.disturb(ctx) })
		loadtest.Run(ctx, loadtest.Config{
			Target: s.target, Ways: s.ways(), Origins: s.origins, Scenarios: scenarios, Workers: *soakWorkers, Seed: *soakSeed<<8 + uint64(round), Report: report,
		})
		cancel()
		wg.Wait()
		footprints = append(footprints, s.rest())
		t.Logf("after round %d of %d: %v", round+1, soakRounds, footprints[round])
	}
	s.judge(report)
	t.Logf("the test itself, with its servers: %v", &pauses)
	for _, sc := range scenarios {
		if report.Good(sc.Name)+report.Expected(sc.Name) == 0 {
			t.Errorf("scenario %s made no request", sc.Name)
		}
	}
	for _, what := range []string{loadtest.NoteResumed, loadtest.NoteGzip, loadtest.NoteZstd, loadtest.NoteCookie} {
		if *soakOnly == "" && report.Noted(what) == 0 {
			t.Errorf("no %s", what)
		}
	}
	footprints[soakRounds-1].wantFlat(t, footprints[0])
}

// soakScenarios are those of the load.
func soakScenarios(t *testing.T) []loadtest.Scenario {
	t.Helper()
	all := loadtest.Scenarios()
	if *soakOnly == "" {
		return all
	}
	all = slices.DeleteFunc(all, func(s loadtest.Scenario) bool { return s.Name != *soakOnly })
	if len(all) == 0 {
		t.Fatalf("no scenario %q", *soakOnly)
	}
	return all
}

// soakProgram is the daemon that is loaded.
func soakProgram(t *testing.T) string {
	t.Helper()
	if !*soakRace {
		return binary(t)
	}
	path := filepath.Join(t.TempDir(), "tandem")
	cmd := exec.Command("go", "build", "-race", "-o", path, "../../cmd/tandem")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build tandem with the race detector: %v: %s", err, out)
	}
	t.Setenv("GORACE", "halt_on_error=1") // the end of the daemon fails the test, with the report in its log
	return path
}

// disturb reloads and kills until the context ends; then all servers live. None is killed before the balancer knows that all
// others live, so there is always one that can answer.
func (s *stage) disturb(ctx context.Context) {
	reload, kill := time.NewTicker(*soakReload), time.NewTicker(*soakKill)
	defer reload.Stop()
	defer kill.Stop()
	for generation, victim := 1, 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-reload.C:
			s.reload(generation)
			generation++
		case <-kill.C:
			if !s.healthy(ctx) {
				return
			}
			s.origins.Kill(victim)
			time.Sleep(deadFor) // of no event: it is how long the server is away
			if err := s.origins.Start(s.Context(), victim); err != nil {
				s.Errorf("bring a server back: %v", err)
				return
			}
			victim = (victim + 1) % len(stageServers)
		}
	}
}

// healthy waits until the balancer holds all servers for healthy, and is false when the context ends before.
func (s *stage) healthy(ctx context.Context) bool {
	for ctx.Err() == nil {
		now, err := s.status()
		if err != nil {
			s.Error(err)
			return false
		}
		if now.Backends[0].Healthy == len(now.Backends[0].Servers) { // app
			return true
		}
		time.Sleep(20 * time.Millisecond) // the status has no events
	}
	return false
}

func (s *stage) reload(generation int) {
	if err := os.WriteFile(s.file, []byte(s.soakConfig(generation)), 0o644); err != nil {
		s.Error(err)
		return
	}
	if _, err := s.call("reload"); err != nil {
		s.Errorf("reload: %v", err)
	}
}

// footprint is what a daemon has.
type footprint struct {
	descriptors, goroutines int
	memory                  loadtest.Memory
}

func (f footprint) String() string {
	return fmt.Sprintf("%d descriptors, %d goroutines, %d MiB resident, %d MiB at most", f.descriptors, f.goroutines, f.memory.Now>>20, f.memory.Peak>>20)
}

// rest waits until every connection has ended, and says what is left.
func (s *stage) rest() (f footprint) {
	s.Helper()
	s.origins.DropIdle()
	still := 0 // how often in a row nothing had changed
	s.await("its connections have ended", func(now status.Snapshot) bool {
		n, err := loadtest.Descriptors(s.daemon.Pid())
		check(s.T, err)
		if n == f.descriptors && now.Goroutines == f.goroutines {
			still++
		} else {
			still = 0
		}
		f.descriptors, f.goroutines = n, now.Goroutines
		return now.Frontends[0].Connections == 0 && still > 5
	})
	f.memory = s.memory()
	return f
}

// wantFlat compares with the footprint after the first round.
func (f footprint) wantFlat(t *testing.T, first footprint) {
	t.Helper()
	if f.descriptors > first.descriptors+moreDescriptors {
		t.Errorf("%d descriptors after %d: they are not given back", f.descriptors, first.descriptors)
	}
	if f.goroutines > first.goroutines+moreGoroutines {
		t.Errorf("%d goroutines after %d: they do not end", f.goroutines, first.goroutines)
	}
	if limit := first.memory.Now + first.memory.Now/4 + moreMemory; f.memory.Now > limit && !*soakRace {
		t.Errorf("%d MiB resident after %d MiB, want at most %d: it grows", f.memory.Now>>20, first.memory.Now>>20, limit>>20)
	}
}
