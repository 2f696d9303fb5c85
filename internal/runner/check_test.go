package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

func texts(errs []error) []string {
	var all []string
	for _, err := range errs {
		all = append(all, err.Error())
	}
	return all
}

func TestCheck(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	script := write(t, dir, "ok", 0o755, "#!/bin/sh\n")
	plain := write(t, dir, "plain", 0o644, "#!/bin/sh\n")
	link := filepath.Join(dir, "link")
	if err := os.Symlink("ok", link); err != nil {
		t.Fatal(err)
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	who := somebody(t)
	cases := []struct {
		name string
		c    Command
		want string // without its beginning, `command "x": `; empty: nothing is wrong
	}{
		{"good", Command{Argv: []string{script}}, ""},
		{"by a link", Command{Argv: []string{link}}, ""},
		{"with dots", Command{Argv: []string{dir + "/../" + filepath.Base(dir) + "/./ok"}}, ""},
		{"no command", Command{}, "no command given"},
		{"relative", Command{Argv: []string{"ok"}}, "ok is not an absolute path"},
		{"NUL", Command{Argv: []string{script, "a\x00b"}}, "an argument contains a NUL"},
		{"not there", Command{Argv: []string{dir + "/gone"}}, dir + "/gone does not exist"},
		{"a directory", Command{Argv: []string{dir}}, dir + " is not a regular file"},
		{"not executable", Command{Argv: []string{plain}}, plain + " is not executable (mode 0644)"},
		{"links in a circle", Command{Argv: []string{loop}}, "open " + loop + ": too many levels of symbolic links"},
		{"no such user", Command{Argv: []string{script}, User: "no-such-user"}, "user no-such-user does not exist"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.c.ID, tc.c.Timeout = "x", time.Second
			if tc.c.User == "" {
				tc.c.User = who
			}
			var want []string
			if tc.want != "" {
				want = []string{`command "x": ` + tc.want}
			}
			if got := texts(Check(tc.c)); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestWhomACommandRunsAs(t *testing.T) {
	t.Parallel()
	if _, err := newSystem().identityOf(DefaultUser, false); err == nil {
		t.Skipf("this machine has a user %s", DefaultUser)
	}
	mine := uint32(os.Geteuid())
	cases := []struct {
		name   string
		sys    system
		user   string
		strict bool
		uid    uint32
		self   bool
		want   string // the error
	}{
		{"powerful, nobody named, no default user", system{uid: 0, canSwitch: true, realRoot: true}, "", true, 0, false,
			"user tandem_script does not exist: create it (useradd --system --shell /usr/sbin/nologin tandem_script), or name another user (`user: root` where the script must be root)"},
		{"powerful, root named", system{uid: 0, canSwitch: true, realRoot: true}, "root", true, 0, false, ""},
		{"powerful as an ordinary user, root named", system{uid: 4242, canSwitch: true, realRoot: true}, "root", true, 0, false, ""},
		{"powerful, nobody's name", system{uid: 0, canSwitch: true, realRoot: true}, "no-such-user", true, 0, false, "user no-such-user does not exist"},
		{"without power, nobody named", system{uid: mine, realRoot: true}, "", true, mine, true, ""},
		{"without power and without a name", system{uid: 4242424, realRoot: true}, "", true, 4242424, true, ""},
		{"without power, itself named", system{uid: 0, realRoot: true}, "root", true, 0, true, ""},
		{"without power, root named", system{uid: 4242, realRoot: true}, "root", true, 0, false,
			"user root: the runner is user 4242 and may not become another one (CAP_SETUID and CAP_SETGID)"},
		{"checked by an ordinary user, root named", system{uid: 4242, realRoot: true}, "root", false, 0, false, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			id, err := tc.sys.identityOf(tc.user, tc.strict)
			if tc.want != "" {
				if err == nil || err.Error() != tc.want {
					t.Errorf("got %v, want %s", err, tc.want)
				}
				return
			}
			if err != nil || id.uid != tc.uid || id.self != tc.self {
				t.Errorf("got %+v and %v, want uid %d, self %v", id, err, tc.uid, tc.self)
			}
		})
	}
}

// needRoot skips where this process is not root of the machine.
func needRoot(t *testing.T) {
	t.Helper()
	if s := newSystem(); s.uid != 0 || !s.canSwitch || !s.realRoot {
		if os.Getenv("CI") == "true" {
			t.Fatal("needs root")
		}
		t.Skip("needs root")
	}
}

func TestIntegrationScriptsRunAsTheirUser(t *testing.T) {
	t.Parallel()
	needRoot(t)
	c := start(t, Command{ID: "who", User: "nobody", Timeout: time.Minute, Argv: []string{"/bin/sh", "-c",
		`id -un; id -G; echo $USER; grep -E '^(Uid|CapInh|CapPrm|CapEff|CapAmb|NoNewPrivs)' /proc/self/status; cat /proc/self/oom_score_adj`}})
	r := mustExec(t, c, "who")
	id, err := newSystem().identityOf("nobody", true)
	if err != nil {
		t.Fatal(err)
	}
	none := "0000000000000000"
	want := fmt.Sprintf("nobody\n%d\nnobody\nUid:\t%[2]d\t%[2]d\t%[2]d\t%[2]d\nCapInh:\t%[3]s\nCapPrm:\t%[3]s\nCapEff:\t%[3]s\nCapAmb:\t%[3]s\nNoNewPrivs:\t1\n0\n", id.gid, id.uid, none)
	if r.Output != want {
		t.Errorf("got %q, want %q", r.Output, want)
	}
}

func TestIntegrationTimeoutKillsAnotherUsersScript(t *testing.T) {
	t.Parallel()
	needRoot(t)
	news, lines := fifo(t)
	dir := filepath.Dir(news)
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(news, 0o666); err != nil {
		t.Fatal(err)
	}
	command := Command{ID: "hangs", User: "nobody", Timeout: 500 * time.Millisecond, Argv: []string{"/bin/sh", "-c", family(news)}}
	c := start(t, command)
	if r := mustExec(t, c, "hangs"); !r.TimedOut {
		t.Errorf("got %+v, want a timeout", r)
	}
	for range 3 {
		awaitGone(t, next(t, lines))
	}
}

func TestIntegrationRootRunsOnlyWhatIsRootsAlone(t *testing.T) {
	t.Parallel()
	needRoot(t)
	if err := rootsAlone(os.Getenv("HOME")); err != nil {
		t.Skipf("the directory for this test: %v", err)
	}
	base, err := os.MkdirTemp(os.Getenv("HOME"), "tandem-runner-test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	dir := filepath.Join(base, "dir")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := write(t, dir, "script", 0o755, "#!/bin/sh\nid -u\n")
	elsewhere := filepath.Join(openDir(t), "link") // in /tmp, where everybody may put another one
	if err := os.Symlink(path, elsewhere); err != nil {
		t.Fatal(err)
	}
	command := Command{ID: "x", Argv: []string{path}, User: "root", Timeout: time.Minute}
	if errs := Check(command); errs != nil {
		t.Fatalf("got %q, want nothing wrong", texts(errs))
	}
	cases := []struct {
		name   string
		change func() error
		undo   func() error
		path   string
		want   string
	}{
		{"a file that everybody may write", func() error { return os.Chmod(path, 0o757) }, func() error { return os.Chmod(path, 0o755) }, path,
			path + " is writable by everybody (mode 0757)"},
		{"a file of a group", func() error { return anyErr(os.Chown(path, 0, 1), os.Chmod(path, 0o775)) }, func() error { return anyErr(os.Chown(path, 0, 0), os.Chmod(path, 0o755)) }, path,
			path + " is writable by group 1 (mode 0775)"},
		{"somebody's file", func() error { return os.Chown(path, 1, 0) }, func() error { return os.Chown(path, 0, 0) }, path,
			path + " belongs to user 1, want root"},
		{"a directory that everybody may write", func() error { return os.Chmod(dir, 0o777) }, func() error { return os.Chmod(dir, 0o755) }, path,
			dir + " is writable by everybody (mode 0777)"},
		{"a link in a directory that everybody may write", func() error { return nil }, func() error { return nil }, elsewhere,
			os.TempDir() + " is writable by everybody (mode 0777)"},
	}
	c := start(t, command)
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if err := tc.change(); err != nil {
				t.Fatal(err)
			}
			bad := command
			bad.Argv = []string{tc.path}
			want := `command "x" would run as root: ` + tc.want
			if err := c.Configure([]Command{bad}); err == nil || err.Error() != want {
				t.Errorf("configure: got %v, want %s", err, want)
			}
			if tc.path == path { // it was good when it was configured
				if _, err := c.Exec(t.Context(), "x", nil, nil); err == nil || err.Error() != want {
					t.Errorf("run: got %v, want %s", err, want)
				}
			}
			if err := tc.undo(); err != nil {
				t.Fatal(err)
			}
			if r := mustExec(t, c, "x"); r.Output != "0\n" {
				t.Errorf("afterwards: got %+v, want it run by root", r)
			}
		})
	}
}

func anyErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func TestIntegrationOfAnotherUserOnlyTheExecutable(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := openDir(t)
	private := write(t, dir, "private", 0o700, "#!/bin/sh\n")
	errs := Check(Command{ID: "x", Argv: []string{private}, User: "nobody", Timeout: time.Second})
	want := []string{fmt.Sprintf(`command "x": %s: user nobody may not execute %[1]s (mode 0700)`, private)}
	if got := texts(errs); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWalkFollowsLinksLikeTheKernel(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, d := range []string{"a", "a/b"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir, "a/b/file", 0o755, "")
	for name, target := range map[string]string{"rel": "a/b", "a/up": "..", "abs": dir + "/a", "a/b/twice": "../up/abs/b/file"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"rel/file", "abs/b/file", "a/up/a/b/file", "rel/../b/file", "rel/twice"} {
		parts, err := walk(dir + "/" + path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		var want, got unix.Stat_t
		last := parts[len(parts)-1].path
		if err := unix.Stat(last, &got); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if err := unix.Stat(dir+"/a/b/file", &want); err != nil {
			t.Fatal(err)
		}
		if got.Ino != want.Ino {
			t.Errorf("%s leads to %s, want %s/a/b/file", path, last, dir)
		}
	}
}

func TestClipKeepsBothEnds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var c clip
		var all strings.Builder
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 3*clipPart), 0, 8).Draw(t, "writes") {
			part := strings.Repeat(string(rune('a'+all.Len()%26)), n)
			all.WriteString(part)
			if wrote, err := c.Write([]byte(part)); wrote != n || err != nil {
				t.Fatalf("wrote %d and %v, want %d", wrote, err, n)
			}
		}
		want := all.String()
		if len(want) > 2*clipPart {
			want = fmt.Sprintf("%s\n[%d octets left out]\n%s", want[:clipPart], len(want)-2*clipPart, want[len(want)-clipPart:])
		}
		if got := c.String(); got != want {
			t.Fatalf("got %d octets, want %d", len(got), len(want))
		}
	})
}
