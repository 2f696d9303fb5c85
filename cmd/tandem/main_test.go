package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// tandem runs a command in this process.
func tandem(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = execute(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

// write makes a file and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWhatNobodyUnderstands(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"a command", []string{"frob"}, "tandem: unknown command \"frob\" for \"tandem\"\n"},
		{"a slip", []string{"stauts"}, "tandem: unknown command \"stauts\" for \"tandem\"\n\nDid you mean this?\n\tstatus\n\n"},
		{"a flag", []string{"status", "--frob"}, "tandem: unknown flag: --frob\n"},
		{"an argument", []string{"version", "now"}, "tandem: unknown command \"now\" for \"tandem version\"\n"},
		{"no file to check", []string{"check"}, "tandem: check: want one configuration file, got 0\n"},
		{"two instances", []string{"explain", "VI_1", "VI_2"}, "tandem: accepts at most 1 arg(s), received 2\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if code, stdout, stderr := tandem(t, tt.args...); code != 1 || stdout != "" || stderr != tt.want {
				t.Errorf("exit %d, printed %q, said %q; want exit 1, nothing, and %q", code, stdout, stderr, tt.want)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := tandem(t)
	if code != 0 || stderr != "" {
		t.Errorf("exit %d, said %q", code, stderr)
	}
	for _, name := range []string{"run", "check", "status", "explain", "reload", "handover", "demo", "keeper", "version"} {
		if !regexp.MustCompile(`(?m)^  ` + name + ` +\S`).MatchString(stdout) {
			t.Errorf("help does not tell of %s:\n%s", name, stdout)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := tandem(t, "version")
	if want := `^tandem unknown \(go[^ ]+, linux/[a-z0-9]+\)\n$`; code != 0 || stderr != "" || !regexp.MustCompile(want).MatchString(stdout) {
		t.Errorf("exit %d, printed %q, said %q; want %s", code, stdout, stderr, want)
	}
}

func TestKeeperReplayWithNothingToDo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if code, stdout, stderr := tandem(t, "keeper", "replay", "--runtime-dir", dir, "--node", "lb1"); code != 0 || stdout+stderr != "" {
		t.Errorf("exit %d, printed %q, said %q; want exit 0 and nothing", code, stdout, stderr)
	}
	none := filepath.Join(dir, "none")
	code, stdout, stderr := tandem(t, "keeper", "replay", "--runtime-dir", none, "--node", "lb1")
	want := "tandem: open the lock of node lb1: open " + none + "/lb1.lock: no such file or directory\n"
	if code != 1 || stdout != "" || stderr != want {
		t.Errorf("exit %d, printed %q, said %q; want exit 1 and %q", code, stdout, stderr, want)
	}
}

func TestDemoWhereItCannotBe(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	cmd := demoCommand(func() (int, bool, error) { return 0, false, os.ErrPermission })
	cmd.SetArgs(nil)
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err := cmd.ExecuteContext(t.Context())
	if err != exitError(demoUnavailable) || out.String() != "" || errs.String() != "tandem demo: permission denied\n" {
		t.Errorf("%v, printed %q, said %q; want %v and one line", err, out.String(), errs.String(), exitError(2))
	}
}

// The copy in the user namespace has done the work: its status is the status.
func TestDemoPassesOnTheStatus(t *testing.T) {
	t.Parallel()
	cmd := demoCommand(func() (int, bool, error) { return 1, true, nil })
	cmd.SetArgs(nil)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	if err := cmd.ExecuteContext(t.Context()); err != exitError(1) {
		t.Errorf("got %v, want %v", err, exitError(1))
	}
}

func TestRunThatCannotStart(t *testing.T) {
	t.Parallel()
	file := write(t, "tandem.yaml", "proxy: {frontends: [{name: f, bind: [{address: \"127.0.0.1:8080\"}], rules: [{respond: {status: 200}}]}]}\n")
	bad := write(t, "bad.yaml", "vrrp: 1\n")
	plain := write(t, "plain", "")
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"no file", []string{"--config", "/none/tandem.yaml"}, "tandem: /none/tandem.yaml: open: no such file or directory\n"},
		{"a bad file", []string{"--config", bad}, "tandem: " + bad + ":1:7: vrrp: "},
		{"no runtime directory", []string{"--config", file, "--runtime-dir", plain + "/run"}, "tandem: make the runtime directory: mkdir " + plain + ": not a directory\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := command(t, nil, nil, append([]string{"run"}, tt.args...)...)
			if code != 1 || stdout != "" || !strings.HasPrefix(stderr, tt.want) {
				t.Errorf("exit %d, printed %q, said %q; want exit 1, nothing, and %q", code, stdout, stderr, tt.want)
			}
		})
	}
}
