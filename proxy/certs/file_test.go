package certs

import (
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
