package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxLinks is how many symbolic links a path may go through, as for the kernel (path_resolution(7)).
const maxLinks = 40

// part is one file or directory that decides what a path leads to.
type part struct {
	path string
	info fs.FileInfo
}

// walk lists everything on the way of an absolute path, symbolic links followed and not listed: each directory that a
// name is looked up in, and at last what the path leads to.
func walk(path string) ([]part, error) {
	root, err := os.Lstat("/")
	if err != nil {
		return nil, err
	}
	parts := []part{{"/", root}}
	at, rest := "/", strings.Split(path, "/") // not cleaned: x/.. is not here where x is a link
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, name)
		info, err := os.Lstat(next)
		if err != nil {
			return nil, err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			parts = append(parts, part{next, info})
			at = next
			continue
		}
		if links++; links > maxLinks {
			return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.ELOOP}
		}
		target, err := os.Readlink(next)
		if err != nil {
			return nil, err
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return parts, nil
}

// executable says why the identity can't execute the file; without a known identity it is only looked whether anybody can.
func executable(path string, id identity, known bool) error {
	parts, err := walk(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s does not exist", path)
	case err != nil:
		return err
	}
	file := parts[len(parts)-1]
	switch {
	case !file.info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file", path)
	case file.info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("%s is not executable (mode %04o)", path, file.info.Mode().Perm())
	case !known:
		return nil
	}
	for _, p := range parts {
		if !mayExecute(p.info, id) {
			return fmt.Errorf("%s: user %s may not %s %s (mode %04o)", path, id.name, verb(p), p.path, p.info.Mode().Perm())
		}
	}
	return nil
}

func verb(p part) string {
	if p.info.IsDir() {
		return "enter"
	}
	return "execute"
}

// mayExecute applies the permission bits as the kernel does: the first class that fits decides (inode(7)). Access control
// lists are not looked at; where one says otherwise, the run does.
func mayExecute(info fs.FileInfo, id identity) bool {
	mode := info.Mode().Perm()
	if id.uid == 0 {
		return info.IsDir() || mode&0o111 != 0
	}
	uid, gid := owner(info)
	switch {
	case uid == id.uid:
		return mode&0o100 != 0
	case id.inGroup(gid):
		return mode&0o010 != 0
	}
	return mode&0o001 != 0
}

// rootsAlone says why somebody else than root could decide what the path leads to.
func rootsAlone(path string) error {
	parts, err := walk(path)
	if err != nil {
		return err
	}
	for _, p := range parts {
		uid, gid := owner(p.info)
		mode := p.info.Mode().Perm()
		switch {
		case uid != 0:
			return fmt.Errorf("%s belongs to user %d, want root", p.path, uid)
		case mode&0o002 != 0:
			return fmt.Errorf("%s is writable by everybody (mode %04o)", p.path, mode)
		case mode&0o020 != 0 && gid != 0:
			return fmt.Errorf("%s is writable by group %d (mode %04o)", p.path, gid, mode)
		}
	}
	return nil
}

func owner(info fs.FileInfo) (uid, gid uint32) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ^uint32(0), ^uint32(0) // nobody: os.Lstat on Linux always says
	}
	return st.Uid, st.Gid
}
