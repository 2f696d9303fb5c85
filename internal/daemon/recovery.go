package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	// recoveryHold is how long a node that ended uncleanly does not preempt; each further unclean end doubles it, so a
	// node that crashes again and again cannot make the address flap.
	recoveryHold = 30 * time.Second
	// maxRecoveryHold ends the doubling: longer than this nobody would wait before looking at the logs.
	maxRecoveryHold = 16 * time.Minute
	// stableRun is how long a run must have lasted for its unclean end to count as the first.
	stableRun = 10 * time.Minute
)

// runRecord is what a run leaves in the runtime directory for the next one.
type runRecord struct {
	Clean   bool      `json:"clean"`   // the run ended in order
	Unclean int       `json:"unclean"` // unclean ends in a row before this run
	Started time.Time `json:"started"`
}

// next is the record of a run that starts now, and how long it must not preempt.
func (r runRecord) next(now time.Time) (runRecord, time.Duration) {
	n := runRecord{Started: now}
	if r.Clean || r.Started.IsZero() {
		return n, 0
	}
	n.Unclean = 1
	if now.Sub(r.Started) < stableRun {
		n.Unclean = r.Unclean + 1
	}
	hold := recoveryHold
	for i := 1; i < n.Unclean && hold < maxRecoveryHold; i++ {
		hold *= 2
	}
	return n, min(hold, maxRecoveryHold)
}

// recovery is the record on disk.
type recovery struct {
	path   string
	record runRecord
}

// openRecovery reads what the former run left, and says how long this one must not preempt. It writes nothing: a start
// that is refused later on leaves the record of the run before. One that cannot be understood counts as an unclean end:
// holding back for 30 s is the safe mistake.
//
// The record is in the runtime directory, which a reboot clears: no machine reboots faster than a hold lasts.
func openRecovery(dir, node string, now time.Time) (*recovery, time.Duration, error) {
	r := &recovery{path: filepath.Join(dir, node+".run")}
	var last runRecord
	switch text, err := os.ReadFile(r.path); {
	case errors.Is(err, fs.ErrNotExist): // the first run since boot
	case err != nil:
		return nil, 0, fmt.Errorf("read the record of the last run: %w", err)
	case json.Unmarshal(text, &last) != nil || last.Started.IsZero():
		last = runRecord{Started: now}
	}
	var hold time.Duration
	r.record, hold = last.next(now)
	return r, hold, nil
}

// begin notes that this run is under way.
func (r *recovery) begin() error { return r.write() }

// endClean notes that this run ended in order.
func (r *recovery) endClean() error {
	r.record.Clean = true
	return r.write()
}

func (r *recovery) write() error {
	text, err := json.Marshal(r.record)
	if err != nil {
		return fmt.Errorf("encode the record of this run: %w", err)
	}
	tmp := r.path + ".tmp"
	if err := os.WriteFile(tmp, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the record of this run: %w", err)
	}
	if err := os.Rename(tmp, r.path); err != nil {
		return fmt.Errorf("write the record of this run: %w", err)
	}
	return nil
}
