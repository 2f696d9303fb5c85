package tracker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// lookAgain is how long a change can stay unseen that the kernel does not tell: in a directory above, on a file
	// system of another host, by a writer who never closes, or where a directory cannot be watched.
	lookAgain = time.Second

	// lookPause is the least time between two looks. Whatever goes on in a busy directory, a file costs no more.
	lookPause = 20 * time.Millisecond

	// maxNumber bounds what is read of a file, in bytes: a number, and room for blanks.
	maxNumber = 64
)

// directories tells when something changes in some directories.
type directories interface {
	// watch makes dirs the directories that wait waits for. Those that do not exist are left out.
	watch(dirs []string) error
	// wait returns nil after something changed in the directories since the last wait, and after d at the latest. It
	// fails once close was called.
	wait(d time.Duration) error
	close()
}

// fileWatcher reads a number when its file has been replaced, moved or deleted, and when it has been written and closed:
// not in between, when there may be half a number.
//
// It is up while there is a number, be it the one that a missing file stands for, and down while there is something else.
// Then, as for an empty file, the last number holds: a shell empties a file before it writes it.
type fileWatcher struct {
	file File
	open func() (directories, error)
}

func newFileWatcher(id ID, cfg Config, _ Sources) (watcher, error) {
	i := slices.IndexFunc(cfg.Files, func(f File) bool { return f.Name == id.Name })
	if i < 0 {
		return nil, errors.New("no such file")
	}
	return fileWatcher{file: cfg.Files[i], open: openDirectories}, nil
}

func (w fileWatcher) newTrack(last State, report func(State)) *track {
	return newTrack(atOnce(), last, report)
}

func (w fileWatcher) same(other watcher) bool {
	o, ok := other.(fileWatcher)
	return ok && w.file == o.file
}

func (w fileWatcher) watch(ctx context.Context, t *track) error {
	dirs, err := w.open()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, dirs.close) // ends a wait
	defer func() {
		if stop() {
			dirs.close()
		}
	}()
	for {
		err := dirs.watch(w.directories()) // before the look, so that no change falls between
		o := w.look(t.state.Value)
		if err != nil {
			o.text += fmt.Sprintf(" (looked at every %v: %v)", lookAgain, err)
		}
		t.observe(time.Now(), o)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(lookPause):
		}
		if err := dirs.wait(lookAgain); err != nil {
			return err
		}
	}
}

// directories returns where a change of the file would show: beside its name, and beside what that is a link to.
func (w fileWatcher) directories() []string {
	dirs := []string{filepath.Dir(w.file.Path)}
	if target, err := filepath.EvalSymlinks(w.file.Path); err == nil { // else there is no target now
		dirs = append(dirs, filepath.Dir(target))
	}
	return dirs
}

// look reads the file. last is the number that counted until now.
func (w fileWatcher) look(last int) observation {
	text, err := readShort(w.file.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return observation{ok: true, value: w.file.Missing, text: fmt.Sprintf("%d, as there is no file", w.file.Missing)}
	case err != nil:
		return observation{text: fmt.Sprintf("%d as before, %v", last, err)}
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return observation{ok: true, value: last, text: fmt.Sprintf("%d as before, the file is empty", last)}
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return observation{text: fmt.Sprintf("%d as before, %q is no whole number of 32 bits", last, text)}
	}
	return observation{ok: true, value: int(n), text: strconv.FormatInt(n, 10)}
}

// readShort reads a regular file of at most maxNumber bytes.
func readShort(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // non-blocking: a FIFO would wait for its writer
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no regular file", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxNumber+1))
	if err == nil && len(text) > maxNumber {
		err = fmt.Errorf("%s holds more than %d bytes", path, maxNumber)
	}
	return string(text), err
}
