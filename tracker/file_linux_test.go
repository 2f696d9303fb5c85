package tracker

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// eventsAlone never looks again by itself, so that a change that inotify misses stays unseen.
type eventsAlone struct{ directories }

func (e eventsAlone) wait(time.Duration) error { return e.directories.wait(time.Hour) }

// numbers are those that the tracker of a file has told, for the test to wait for.
type numbers chan State

func followFile(t *testing.T, path string) numbers {
	t.Helper()
	told := make(numbers, 64)
	runFile(t, path, func() (directories, error) {
		dirs, err := openDirectories()
		return eventsAlone{dirs}, err
	}, func(s State) { told <- s })
	told.expect(t, "at the start", 0)
	return told
}

// expect waits for the next number, which has to be want: what was told in between, half a number for example, is wrong.
func (n numbers) expect(t *testing.T, step string, want int) {
	t.Helper()
	select {
	case s := <-n:
		if s.Value != want || s.Status != up {
			t.Fatalf("%s: got %v %d (%s), want up %d", step, s.Status, s.Value, s.Text, want)
		}
	case <-time.After(5 * time.Second):
		t.Fatalf("%s: nothing was seen, want %d", step, want)
	}
}

func TestFileEvents(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, other := filepath.Join(dir, "number"), filepath.Join(dir, "other")
	told := followFile(t, path)
	did := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	write(t, path, "1\n")
	told.expect(t, "created", 1)
	write(t, path, "2\n")
	told.expect(t, "written", 2)

	f, err := os.Create(path)
	did(err)
	_, err = f.WriteString("-")
	did(err)
	_, err = f.WriteString("30")
	did(err)
	did(f.Close())
	told.expect(t, "written in two pieces", -30)

	elsewhere := filepath.Join(t.TempDir(), "new")
	write(t, elsewhere, "4")
	did(os.Rename(elsewhere, path))
	told.expect(t, "replaced by a rename", 4)
	did(os.Rename(path, elsewhere))
	told.expect(t, "moved away", 0)
	write(t, other, "4")
	did(os.Symlink("other", path))
	told.expect(t, "a link in its place", 4)
	write(t, other, "5")
	told.expect(t, "written behind the link", 5)
	did(os.Remove(path))
	told.expect(t, "deleted", 0)
}

// Links that are swapped at once, as those of a mounted ConfigMap are: number -> ..data/number, ..data -> v1.
func TestFileBehindSwappedLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for version, text := range map[string]string{"v1": "1", "v2": "2"} {
		if err := os.Mkdir(filepath.Join(dir, version), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, version, "number"), text)
	}
	data := filepath.Join(dir, "..data")
	swap := func(version string) {
		t.Helper()
		for _, err := range []error{os.Symlink(version, data+"_tmp"), os.Rename(data+"_tmp", data)} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	path := filepath.Join(dir, "number")
	if err := os.Symlink("..data/number", path); err != nil {
		t.Fatal(err)
	}
	told := followFile(t, path)
	swap("v1")
	told.expect(t, "the link leads somewhere", 1)
	swap("v2")
	told.expect(t, "swapped", 2)
	write(t, filepath.Join(dir, "v2", "number"), "3")
	told.expect(t, "written behind the new links", 3)
}

// happened reports whether there are events, and drops them.
func happened(t *testing.T, n *inotify) bool {
	t.Helper()
	if err := n.file.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	_, err := n.file.Read(n.buf[:])
	return err == nil
}

// A file that is being written may hold half a number: the event is the close.
func TestInotifyWaitsForTheClose(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "number")
	write(t, path, "50")
	opened, err := openDirectories()
	if err != nil {
		t.Fatal(err)
	}
	defer opened.close()
	n := opened.(*inotify)
	if err := n.watch([]string{dir}); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("-"); err != nil {
		t.Fatal(err)
	}
	if happened(t, n) {
		t.Error("got an event of a file that is being written")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if !happened(t, n) {
		t.Error("got no event of a file that was closed")
	}
}

// Directories that are not needed any more are not watched any more.
func TestInotifyForgetsDirectories(t *testing.T) {
	t.Parallel()
	opened, err := openDirectories()
	if err != nil {
		t.Fatal(err)
	}
	defer opened.close()
	n := opened.(*inotify)
	a, b := t.TempDir(), t.TempDir()
	for _, step := range []struct {
		dirs []string
		want int
	}{{[]string{a, b}, 2}, {[]string{a, b, a}, 2}, {[]string{b, filepath.Join(a, "none")}, 1}, {nil, 0}} {
		if err := n.watch(step.dirs); err != nil || len(n.watches) != step.want {
			t.Errorf("watch %q: got %v and %d watches, want %d", step.dirs, err, len(n.watches), step.want)
		}
	}
	if err := n.wait(time.Second); err != nil { // what the kernel says of the removed ones
		t.Fatal(err)
	}
	write(t, filepath.Join(b, "file"), "")
	if happened(t, n) {
		t.Error("got an event of a directory that is not watched")
	}
	file := filepath.Join(a, "file")
	write(t, file, "")
	if err := n.watch([]string{file}); err == nil || err.Error() != "watch "+file+": not a directory" {
		t.Errorf("got %v, want not a directory", err)
	}
}
