package daemon

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestRecoveryHoldDoubles(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name        string
		last        runRecord
		wantUnclean int
		want        time.Duration
	}{
		{"first run since boot", runRecord{}, 0, 0},
		{"the last run ended in order", runRecord{Clean: true, Unclean: 4, Started: now.Add(-time.Minute)}, 0, 0},
		{"first unclean end", runRecord{Started: now.Add(-time.Minute)}, 1, 30 * time.Second},
		{"second in a row", runRecord{Unclean: 1, Started: now.Add(-time.Minute)}, 2, time.Minute},
		{"fifth in a row", runRecord{Unclean: 4, Started: now.Add(-time.Minute)}, 5, 8 * time.Minute},
		{"the doubling ends", runRecord{Unclean: 40, Started: now.Add(-time.Minute)}, 41, 16 * time.Minute},
		{"a run that lasted starts the count again", runRecord{Unclean: 4, Started: now.Add(-11 * time.Minute)}, 1, 30 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			next, hold := tt.last.next(now)
			if hold != tt.want || next.Unclean != tt.wantUnclean || next.Clean || !next.Started.Equal(now) {
				t.Errorf("next = %+v, hold %v; want %d unclean, hold %v", next, hold, tt.wantUnclean, tt.want)
			}
		})
	}
}

func TestRecoveryRemembersAcrossRuns(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	start := func() (*recovery, time.Duration) {
		t.Helper()
		r, hold, err := openRecovery(dir, "lb1", now)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.begin(); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Minute)
		return r, hold
	}
	if _, hold := start(); hold != 0 {
		t.Errorf("first run: hold %v, want none", hold)
	}
	r, hold := start() // the first run said no goodbye
	if hold != 30*time.Second {
		t.Errorf("after an unclean end: hold %v, want 30s", hold)
	}
	if err := r.endClean(); err != nil {
		t.Fatal(err)
	}
	if _, hold := start(); hold != 0 {
		t.Errorf("after a clean end: hold %v, want none", hold)
	}
}

func TestRecoveryTakesNonsenseForAnUncleanEnd(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "lb1.run"), []byte("{half a rec"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, hold, err := openRecovery(dir, "lb1", time.Unix(1000, 0))
	if err != nil || hold != 30*time.Second {
		t.Errorf("openRecovery = hold %v, %v; want 30s, nil", hold, err)
	}
}

// A daemon that crashed, and whose next start was refused because a port was taken, must still not preempt.
func TestRefusedStartForgetsNoUncleanEnd(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	crashed, _, err := openRecovery(dir, "lb1", now)
	if err != nil {
		t.Fatal(err)
	}
	if err := crashed.begin(); err != nil {
		t.Fatal(err)
	}
	for n := range 2 { // the first start is refused, the second is not
		_, hold, err := openRecovery(dir, "lb1", now.Add(time.Minute))
		if err != nil || hold != 30*time.Second {
			t.Errorf("start %d: hold %v, %v; want 30s", n+1, hold, err)
		}
	}
}
