package certs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fsnotify/fsnotify"
)

// watch tells of changes in directories. Directories, since a file that is replaced by another is watched no more.
type watch struct {
	add    func(dir string) error
	remove func(dir string) error
	list   func() []string // the directories that are watched
	events <-chan fsnotify.Event
	errors <-chan error // such as events that were lost
	close  func() error

	inodes map[string]identity // of the directories as they were when they were added
}

func openWatch() (*watch, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return &watch{add: w.Add, remove: w.Remove, list: w.WatchList, events: w.Events, errors: w.Errors, close: w.Close}, nil
}

// noWatch is for where the kernel has none to give.
func noWatch() *watch {
	return &watch{
		add: func(string) error { return nil }, remove: func(string) error { return nil },
		list: func() []string { return nil }, close: func() error { return nil },
	}
}

// set makes dirs what is watched, and reports whether there is one among them that was not. A directory that
// another one has taken the place of is watched anew. Those that do not exist are left out.
func (w *watch) set(dirs []string) (more bool, err error) {
	watched := w.list()
	inodes := map[string]identity{}
	var faults []error
	for _, dir := range dirs {
		id := look(dir)
		id = identity{device: id.device, inode: id.inode} // whatever else of it changes
		if slices.Contains(watched, dir) && w.inodes[dir] == id {
			inodes[dir] = id
			continue
		}
		_ = w.remove(dir) // it may not be watched
		switch err := w.add(dir); {
		case err == nil:
			inodes[dir], more = id, true
		case !errors.Is(err, fs.ErrNotExist):
			faults = append(faults, &fs.PathError{Op: "watch", Path: dir, Err: err})
		}
	}
	for _, dir := range watched {
		if _, wanted := inodes[dir]; !wanted {
			_ = w.remove(dir) // it may be gone by itself
		}
	}
	w.inodes = inodes
	return more, errors.Join(faults...)
}

// maxLinks bounds the symbolic links on the way to a file, as the kernel does (path_resolution(7)).
const maxLinks = 40

// surroundings returns the directories in which a change may make a path lead to something else: the one in which its last
// element lies, and the one of each symbolic link on the way; of a directory itself as well. Where the path leads nowhere, it
// is as far as it goes.
func surroundings(path string) []string {
	path = filepath.Clean(path) // each directory by one name
	var dirs []string
	for range maxLinks {
		dir, next := firstLink(path)
		dirs = append(dirs, dir)
		if next == "" {
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				dirs = append(dirs, path)
			}
			break
		}
		path = next
	}
	return dirs
}

// firstLink walks along an absolute, clean path. At the first symbolic link it returns the directory that holds the link, and the path
// with the link replaced by where it points; without any the directory of the last element that exists, and "".
func firstLink(path string) (dir, next string) {
	at := "/"
	rest := strings.Split(strings.Trim(path, "/"), "/")
	for i, name := range rest {
		dir, at = at, filepath.Join(at, name)
		info, err := os.Lstat(at)
		if err != nil {
			return dir, ""
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			continue
		}
		target, err := os.Readlink(at)
		if err != nil {
			return dir, ""
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(dir, target)
		}
		return dir, filepath.Join(append([]string{target}, rest[i+1:]...)...)
	}
	return dir, ""
}

// watched returns the directories in which a change may concern these certificates.
func (l *loaded) watched() []string {
	var dirs []string
	for _, p := range l.paths {
		for _, path := range p.links {
			dirs = append(dirs, surroundings(path)...)
		}
	}
	return dirs
}
