package certs

import (
	"os"
	"testing"
	"time"
)

// Time stamps prove nothing about a file that has just changed: a clock of a file system may be coarse. Such a file is read
// once more.
func TestFreshFilesAreReadAgain(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	before, after := root.issue(t, ecKey(t), "example.com"), root.issue(t, ecKey(t), "example.com")
	dir := t.TempDir()
	path := Path{Certificate: bundle(t, dir, "x.pem", before)}
	now := time.Now()
	old := lookAt(path, nil, now)
	if !old.fresh {
		t.Fatal("a file that was written a moment ago is not fresh")
	}
	if later := lookAt(path, old, now.Add(freshFor+time.Minute)); later.fresh || later.pair != old.pair {
		t.Errorf("later: got fresh %v, another pair %v; want neither", later.fresh, later.pair != old.pair)
	}
	bundle(t, dir, "x.pem", after)
	for fresh, want := range map[bool]issued{true: after, false: before} {
		seen := *old
		seen.fresh, seen.seen = fresh, []identity{look(path.Certificate)} // as if the second writing had left no trace
		if got := lookAt(path, &seen, now.Add(time.Hour)); !got.cert.Leaf.Equal(want.cert) {
			t.Errorf("fresh %v: got the other certificate", fresh)
		}
	}
}

// A look at the wrong moment, such as that of each minute, finds half a file. That is no alarm before the file has been left
// in peace.
func TestFilesBeingWrittenAreNoAlarm(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	c := root.issue(t, ecKey(t), "example.com")
	path := Path{Certificate: bundle(t, t.TempDir(), "x.pem", c)}
	old := lookAt(path, nil, time.Now().Add(time.Hour))
	must(t, os.WriteFile(path.Certificate, certPEM(c.cert), 0o600))
	written := time.Unix(0, look(path.Certificate).changed)
	for _, tt := range []struct {
		after time.Duration
		alarm bool
	}{{0, false}, {quiet - 1, false}, {quiet, true}, {-time.Hour, true}} { // the last one: the clock was set back
		if got := lookAt(path, old, written.Add(tt.after)); got.fault != "" != tt.alarm || got.pair != old.pair {
			t.Errorf("%v after the writing: got %q, want an alarm: %v, and the certificate of before", tt.after, got.fault, tt.alarm)
		}
	}
	must(t, os.WriteFile(path.Certificate, join(certPEM(c.cert), keyPEM(t, c.key)), 0o600))
	between := lookAt(path, old, written)
	if got := lookAt(path, between, time.Now().Add(time.Hour)); got.fault != "" || got.fresh {
		t.Errorf("whole again: got %q, fresh %v; want neither", got.fault, got.fresh)
	}
}
