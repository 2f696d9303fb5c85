package accesslog

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func mustOpen(t *testing.T, path string) *file {
	t.Helper()
	f, err := openFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	return f
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFileIsAppendedToAndReopened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	if err := os.WriteFile(path, []byte("old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := mustOpen(t, path)
	write := func(text string) {
		t.Helper()
		if lost, err := f.write(t.Context(), []byte(text)); lost != 0 || err != nil {
			t.Fatalf("lost %d: %v", lost, err)
		}
	}
	write("one\n")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write("two\n")
	if err := f.reopen(); err != nil {
		t.Fatal(err)
	}
	write("three\n")
	if got, want := read(t, path+".1")+"|"+read(t, path), "old\none\ntwo\n|three\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("made with mode %v (%v), want nothing for others", info.Mode(), err)
	}
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	if err := f.reopen(); err == nil || err.Error() != "open "+path+": no such file or directory" {
		t.Errorf("reopen: %v, want that there is no such directory", err)
	}
	write("four\n") // to the file that is not in a directory any more
}

func TestOpenFaults(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path, want string }{
		{"directory", dir, "open " + dir + ": is a directory"},
		{"no directory", dir + "/a/b", "open " + dir + "/a/b: no such file or directory"},
		{"pipe that nobody reads", fifo, "open " + fifo + ": no such device or address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := openFile(c.path); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// A disk that is full takes a part of a line, and later whole ones again.
func TestTornLineIsEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	f := mustOpen(t, path)
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 10, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	lost, err := f.write(t.Context(), []byte("line 1\nline 2\nline 3\n"))
	if back := unix.Setrlimit(unix.RLIMIT_FSIZE, &old); back != nil {
		t.Fatal(back)
	}
	if want := "write " + path + ": file too large"; lost != 2 || err == nil || err.Error() != want {
		t.Errorf("lost %d: %v; want 2: %s", lost, err, want)
	}
	if _, err := f.write(t.Context(), []byte("line 4\n")); err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, path), "line 1\nlin\nline 4\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// pipe is a destination that somebody may read.
func pipe(t *testing.T) (*file, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	fd, err := unix.Dup(int(w.Fd())) // Fd makes it block, as standard output does
	if err != nil {
		t.Fatal(err)
	}
	f := &file{path: "a pipe", fd: fd}
	t.Cleanup(f.close)
	return f, r
}

func TestPipeGetsWholeLines(t *testing.T) {
	f, r := pipe(t)
	lines := []byte(strings.Repeat(strings.Repeat("x", 99)+"\n", 1000) + strings.Repeat("y", 3*piece) + "\n")
	got := make(chan []byte)
	go func() {
		var all []byte
		for b := make([]byte, 1<<16); len(all) < len(lines); {
			n, err := r.Read(b)
			if err != nil {
				break
			}
			all = append(all, b[:n]...)
		}
		got <- all
	}()
	if lost, err := f.write(t.Context(), lines); lost != 0 || err != nil {
		t.Errorf("lost %d: %v", lost, err)
	}
	if all := <-got; !bytes.Equal(all, lines) {
		t.Errorf("got %d octets, want all %d as they were", len(all), len(lines))
	}
}

func TestPieces(t *testing.T) {
	f := &file{}
	for _, c := range []struct {
		name string
		b    string
		want int
	}{
		{"little", "ab\ncd", 5},
		{"whole lines", strings.Repeat("x", 1000) + "\n" + strings.Repeat("y", piece), 1001},
		{"one long line", strings.Repeat("y", 2*piece), piece},
	} {
		if got := len(f.next([]byte(c.b))); got != c.want {
			t.Errorf("%s: %d octets, want %d", c.name, got, c.want)
		}
	}
}

// A pipe that is full and that nobody reads does not keep the balancer from ending.
func TestStuckPipeDoesNotHoldTheEnd(t *testing.T) {
	f, _ := pipe(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	begin := time.Now()
	lost, err := f.write(ctx, bytes.Repeat([]byte(strings.Repeat("x", 99)+"\n"), 10000))
	if err == nil || err.Error() != "write a pipe: nobody reads it" || lost == 0 || lost == 10000 {
		t.Errorf("lost %d: %v; want some of them, for nobody reads it", lost, err)
	}
	if took := time.Since(begin); took < lastWords || took > 10*lastWords {
		t.Errorf("took %v, want about %v", took, lastWords)
	}
}

func rotate(t *testing.T, path string) {
	t.Helper()
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// await waits until something is so that no event tells of.
func await(t *testing.T, so func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come")
		}
	}
}
