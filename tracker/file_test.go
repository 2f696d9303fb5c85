package tracker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// fakeDirectories are directories whose changes the test tells.
type fakeDirectories struct {
	changed chan struct{}
	closed  chan struct{}
	once    sync.Once
	refuse  error // what watch returns

	mu      sync.Mutex
	watched []string // guarded by mu: by the last watch
}

func newFakeDirectories() *fakeDirectories {
	return &fakeDirectories{changed: make(chan struct{}, 1), closed: make(chan struct{})}
}

func (f *fakeDirectories) watch(dirs []string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watched = dirs
	return f.refuse
}

func (f *fakeDirectories) wait(d time.Duration) error {
	select {
	case <-f.closed:
		return errors.New("closed")
	case <-f.changed:
	case <-time.After(d):
	}
	return nil
}

func (f *fakeDirectories) close() { f.once.Do(func() { close(f.closed) }) }

// write replaces the content of a file.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestLookAtAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, text string // what the file holds
		path       string // instead of such a file
		want       observation
	}{
		{"a number", "50\n", "", observation{ok: true, value: 50, text: "50"}},
		{"a negative number and blanks", " -300 \n\n", "", observation{ok: true, value: -300, text: "-300"}},
		{"a plus sign", "+7", "", observation{ok: true, value: 7, text: "7"}},
		{"a zero in front", "010", "", observation{ok: true, value: 10, text: "10"}},
		{"the least", "-2147483648", "", observation{ok: true, value: -1 << 31, text: "-2147483648"}},
		{"no number of 32 bits", "2147483648", "", observation{text: `9 as before, "2147483648" is no whole number of 32 bits`}},
		{"empty", "", "", observation{ok: true, value: 9, text: "9 as before, the file is empty"}},
		{"blank", " \n", "", observation{ok: true, value: 9, text: "9 as before, the file is empty"}},
		{"a word", "drain", "", observation{text: `9 as before, "drain" is no whole number of 32 bits`}},
		{"a number and a word", "5 apples", "", observation{text: `9 as before, "5 apples" is no whole number of 32 bits`}},
		{"hexadecimal", "0x10", "", observation{text: `9 as before, "0x10" is no whole number of 32 bits`}},
		{"a fraction", "1.5", "", observation{text: `9 as before, "1.5" is no whole number of 32 bits`}},
		{"the longest", strings.Repeat(" ", 63) + "1", "", observation{ok: true, value: 1, text: "1"}},
		{"too long", strings.Repeat(" ", 64) + "1", "", observation{text: "9 as before, PATH holds more than 64 bytes"}},
		{"missing", "", filepath.Join(dir, "none"), observation{ok: true, value: -20, text: "-20, as there is no file"}},
		{"in a directory that is missing", "", filepath.Join(dir, "no", "ne"), observation{ok: true, value: -20, text: "-20, as there is no file"}},
		{"below a file", "", fifo + "/x", observation{text: "9 as before, open PATH: not a directory"}},
		{"a directory", "", dir, observation{text: "9 as before, PATH is no regular file"}},
		{"a pipe that nobody writes to", "", fifo, observation{text: "9 as before, PATH is no regular file"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := tt.path
			if path == "" {
				path = filepath.Join(t.TempDir(), "number")
				write(t, path, tt.text)
			}
			got := fileWatcher{file: File{Path: path, Missing: -20}}.look(9)
			got.text = strings.ReplaceAll(got.text, path, "PATH")
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// runFile starts a Set whose only tracker is a file that open's directories watch.
func runFile(t *testing.T, path string, open func() (directories, error), onChange func(State)) *Set {
	t.Helper()
	s := NewSet(Sources{}, onChange, nil)
	id := ID{Kind: KindFile, Name: "drain"}
	if err := s.Apply(Config{Files: []File{{Name: "drain", Path: path}}, Bindings: []Binding{{ID: id, Weight: 1}}}); err != nil {
		t.Fatal(err)
	}
	w := s.entries[id].watcher.(fileWatcher)
	w.open = open
	s.entries[id].watcher = w
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: got %v, want nil", err)
		}
	})
	return s
}

// A change is looked at when it is told; one that is not, within a second. A number alone is a change too.
func TestFileLoop(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "number")
	synctest.Test(t, func(t *testing.T) {
		dirs, changes := newFakeDirectories(), newJournal()
		set := runFile(t, path, func() (directories, error) { return dirs, nil }, changes.note)
		state := func() string {
			s := set.Snapshot()[0]
			return s.verdict() + ": " + s.Text
		}
		sleep(10 * time.Millisecond)
		if got, want := state(), "up, 0: 0, as there is no file"; got != want {
			t.Errorf("at the start: got %q, want %q", got, want)
		}
		write(t, path, "5")
		sleep(500 * time.Millisecond)
		if got := set.Snapshot()[0].Value; got != 0 {
			t.Errorf("written, but not told: got %d, want 0", got)
		}
		dirs.changed <- struct{}{}
		synctest.Wait()
		if got, want := state(), "up, 5: 5"; got != want {
			t.Errorf("written and told: got %q, want %q", got, want)
		}
		write(t, path, "6")
		dirs.changed <- struct{}{}
		synctest.Wait()
		if got := set.Snapshot()[0].Value; got != 5 {
			t.Errorf("at once after a look: got %d, want 5", got)
		}
		sleep(lookPause)
		if got := set.Snapshot()[0].Value; got != 6 {
			t.Errorf("after a pause: got %d, want 6", got)
		}
		write(t, path, "junk")
		sleep(lookAgain + lookPause)
		if got, want := state(), `down, 6: 6 as before, "junk" is no whole number of 32 bits`; got != want {
			t.Errorf("written, never told: got %q, want %q", got, want)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		sleep(lookAgain + lookPause)
		if got, want := state(), "up, 0: 0, as there is no file"; got != want {
			t.Errorf("deleted: got %q, want %q", got, want)
		}
		if got := len(strings.Split(changes.String(), ", ")); got != 5 {
			t.Errorf("got %s, want 5 changes", changes)
		}
	})
}

func TestFileThatCannotBeWatched(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "number")
	write(t, path, "5")
	synctest.Test(t, func(t *testing.T) {
		dirs := newFakeDirectories()
		dirs.refuse = errors.New("watch /run: no space left on device")
		set := runFile(t, path, func() (directories, error) { return dirs, nil }, func(State) {})
		sleep(time.Millisecond)
		if got, want := set.Snapshot()[0].Text, "5 (looked at every 1s: watch /run: no space left on device)"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		set := runFile(t, path, func() (directories, error) { return nil, errors.New("open inotify: too many open files") }, func(State) {})
		sleep(time.Millisecond)
		if got := set.Snapshot()[0]; got.Status != down || got.Text != "cannot watch: open inotify: too many open files" {
			t.Errorf("got %v, %q; want down, cannot watch: open inotify: too many open files", got.Status, got.Text)
		}
	})
}

// A reload that names another file keeps the number until that has been read.
func TestApplyOfAChangedFile(t *testing.T) {
	t.Parallel()
	a, b := fileWatcher{file: File{Name: "drain", Path: "/a"}}, fileWatcher{file: File{Name: "drain", Path: "/b"}}
	if !a.same(a) || a.same(b) || a.same(scriptWatcher{}) {
		t.Error("want the same file to be kept, and another to be replaced")
	}
	tr := b.newTrack(State{Status: up, Value: 7, Runs: 3}, nil)
	if tr.state.Value != 7 || tr.state.Status != up {
		t.Errorf("got %+v, want the number of before", tr.state)
	}
	_, err := newFileWatcher(ID{Kind: KindFile, Name: "none"}, Config{}, Sources{})
	if err == nil || err.Error() != "no such file" {
		t.Errorf("got %v, want no such file", err)
	}
}

func FuzzFileNumber(f *testing.F) {
	for _, s := range []string{"50", "-254\n", "", "0x10", "5 apples", "99999999999", "\x00"} {
		f.Add([]byte(s))
	}
	path := filepath.Join(f.TempDir(), "number")
	f.Fuzz(func(t *testing.T, text []byte) {
		write(t, path, string(text))
		o := fileWatcher{file: File{Path: path}}.look(9)
		if !o.ok && o.value != 0 {
			t.Errorf("%q: got %+v, want no number with a failure", text, o)
		}
		if o.value < -1<<31 || o.value > 1<<31-1 {
			t.Errorf("%q: got %d, want 32 bits", text, o.value)
		}
		if o.text == "" || len(o.text) > maxText {
			t.Errorf("%q: got %q, want a line", text, o.text)
		}
	})
}
