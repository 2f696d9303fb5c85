package keyfile

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// put writes a file of that mode, whatever the umask is.
func put(t *testing.T, mode os.FileMode, data string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestRead(t *testing.T) {
	t.Parallel()
	name := put(t, 0o600, "12345")
	link := name + ".link"
	if err := os.Symlink(name, link); err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{name, link} {
		f, err := Read(n, 5)
		if err != nil || string(f.Data) != "12345" || f.Name != n || f.Info.Size() != 5 {
			t.Errorf("%s: got %+v, %v; want what it holds", n, f, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	large := put(t, 0o600, "123456")
	dir := filepath.Dir(large)
	fifo, missing := filepath.Join(dir, "fifo"), filepath.Join(dir, "missing")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		large:   large + ": over 5 bytes",
		dir:     dir + ": not a regular file",
		fifo:    fifo + ": not a regular file",
		missing: "stat " + missing + ": no such file or directory",
	} {
		if _, err := Read(name, 5); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// "Key files readable by others are refused", and the message says what to run.
func TestPrivate(t *testing.T) {
	t.Parallel()
	gid := int(mustStat(t, put(t, 0o600, "")).Gid)
	member, stranger, rootless := Process{Groups: []int{gid}, Group: "tandem"}, Process{Groups: []int{gid + 1}, Group: "tandem"}, Process{Groups: []int{gid + 1}}
	group := groupName(gid)
	for _, tt := range []struct {
		name string
		mode os.FileMode
		who  Process
		want string // FILE stands for the file; empty: private
	}{
		{"the owner's", 0o600, stranger, ""},
		{"the owner's, read-only", 0o400, stranger, ""},
		{"the daemon's group", 0o640, member, ""},
		{"the daemon's group, who may write", 0o660, member, ""},
		{"every user", 0o644, member, "FILE: open to every user (mode 0644): chmod 0640 FILE"},
		{"every user, not the group", 0o604, member, "FILE: open to every user (mode 0604): chmod 0640 FILE"},
		{"every user may write", 0o602, member, "FILE: open to every user (mode 0602): chmod 0640 FILE"},
		{"every user, of another group", 0o644, stranger, "FILE: open to every user (mode 0644): chgrp tandem FILE && chmod 0640 FILE"},
		{"another group", 0o640, stranger, "FILE: open to group " + group + ", which is not the daemon's (mode 0640): chgrp tandem FILE && chmod 0640 FILE"},
		{"another group, no group to give it to", 0o640, rootless, "FILE: open to group " + group + ", which is not the daemon's (mode 0640): chmod 0600 FILE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, err := Read(put(t, tt.mode, "x"), 1)
			if os.IsPermission(err) {
				t.Skip("the owner may not read it")
			}
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := f.Private(func() Process { return tt.who }); err != nil {
				got = strings.ReplaceAll(err.Error(), f.Name, "FILE")
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func mustStat(t *testing.T, name string) *syscall.Stat_t {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t)
}

// What a process writes for itself alone or for its own group passes its own check.
func TestOwn(t *testing.T) {
	t.Parallel()
	p := Own()
	if os.Geteuid() != 0 && p.Group == "" {
		t.Error("got no group to give secrets to")
	}
	name := put(t, 0o600, "x")
	if err := os.Chown(name, -1, os.Getegid()); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	f, err := Read(name, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Private(func() Process { return p }); err != nil {
		t.Errorf("got %v, want no error", err)
	}
}
