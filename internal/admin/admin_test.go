package admin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tandem-lb/tandem/internal/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is a daemon that remembers how it was reloaded.
type node struct {
	forced  bool
	reloads int
	err     error
	asked   string // the last handover or release
}

func (n *node) Snapshot() status.Snapshot { return status.Snapshot{Version: "1.2.3", Node: "lb1"} }

func (n *node) Reload(_ context.Context, force bool) error {
	n.reloads++
	n.forced = force
	return n.err
}

func (n *node) Handover(instances []string, hold time.Duration, atOnce bool) ([]Handover, error) {
	n.asked = fmt.Sprintf("%v for %v", instances, hold)
	if atOnce {
		n.asked += " at once"
	}
	return []Handover{{Instance: "VI_1", State: "MASTER", Epoch: 3, Held: true, Until: time.Date(2026, 1, 1, 12, 10, 0, 0, time.UTC)}}, n.err
}

func (n *node) Release(instances []string) ([]Handover, error) {
	n.asked = fmt.Sprintf("release %v", instances)
	return []Handover{{Instance: "VI_1", State: "BACKUP", Epoch: 4}}, n.err
}

// serve runs a server on a socket of its own until the test ends.
func serve(t *testing.T, n Node) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "admin.sock")
	s, err := Listen(Config{Path: path}, n, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return path
}

// exchange sends text as it stands and returns everything that comes back.
func exchange(t *testing.T, path, text string) string {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	reply, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(reply)
}

func TestLineProtocol(t *testing.T) {
	path := serve(t, &node{})
	const ver = "{\n  \"version\": \"1.2.3\"\n}\n\n"
	tests := []struct{ name, send, want string }{
		{"one command, an empty line after it, and the end", "version\n", ver},
		{"several on a line", "version; version\n", ver + ver},
		{"a carriage return is no part of the command", "version\r\n", ver},
		{"with a prompt the connection stays", "prompt\nversion\nquit\n", "> " + ver + "> "},
		{"unknown", "set server a/b state maint\n", "Unknown command: \"set\". The command help lists them.\n\n"},
		{"wrong argument", "reload now\n", "{\n  \"ok\": false,\n  \"error\": \"reload takes nothing or the word force, got \\\"now\\\"\"\n}\n\n"},
		{"an empty line", "\n", "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := exchange(t, path, tt.send); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestHandoverCommand(t *testing.T) {
	const done = `[
  {
    "instance": "VI_1",
    "state": "MASTER",
    "epoch": 3,
    "held": true,
    "until": "2026-01-01T12:10:00Z"
  }
]
`
	const released = `[
  {
    "instance": "VI_1",
    "state": "BACKUP",
    "epoch": 4,
    "held": false
  }
]
`
	tests := []struct{ name, send, asked, want string }{
		{"all", "handover 10m", "[] for 10m0s", done},
		{"some", "handover 1s VI_1 VI_2", "[VI_1 VI_2] for 1s", done},
		{"at once", "handover now 1s VI_1", "[VI_1] for 1s at once", done},
		{"release", "handover release", "release []", released},
		{"now and nothing", "handover now", "", `handover takes a duration or the word release first, got "now"`},
		{"release at once", "handover now release", "", `handover takes a duration or the word release first, got "release"`},
		{"release some", "handover release VI_1", "release [VI_1]", released},
		{"nothing", "handover", "", "handover takes a duration, with now before it or not, or the word release, and instances"},
		{"no duration", "handover VI_1", "", `handover takes a duration or the word release first, got "VI_1"`},
		{"too short", "handover 999ms", "", "a handover for 999ms: want 1s to 24h0m0s"},
		{"too long", "handover 24h0m1s", "", "a handover for 24h0m1s: want 1s to 24h0m0s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := &node{}
			text, err := Call(t.Context(), serve(t, n), tt.send)
			got := string(text)
			if err != nil {
				got = err.Error()
			}
			if got != tt.want || n.asked != tt.asked {
				t.Errorf("got %s, asked %q, want %s, %q", got, n.asked, tt.want, tt.asked)
			}
		})
	}
	n := &node{err: errors.New(`no instance "VI_9"; this node has VI_1`)}
	if _, err := Call(t.Context(), serve(t, n), "handover 1m VI_9"); err == nil || err.Error() != n.err.Error() {
		t.Errorf("got %v, want %v", err, n.err)
	}
}

func TestALineTooLongIsRefused(t *testing.T) {
	path := serve(t, &node{})
	got := exchange(t, path, strings.Repeat("x", maxLine))
	if want := "The line is longer than 16384 bytes.\n\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCall(t *testing.T) {
	n := &node{}
	path := serve(t, n)
	if _, err := Call(t.Context(), path, "reload force"); err != nil || n.reloads != 1 || !n.forced {
		t.Errorf("reload force: %v, %+v", err, *n)
	}
	n.err = errors.New("tandem.yaml:3:1: no")
	if _, err := Call(t.Context(), path, "reload"); err == nil || err.Error() != n.err.Error() {
		t.Errorf("a failed reload: %v, want %v", err, n.err)
	}
	if _, err := Call(t.Context(), path, "status\nreload"); err == nil || err.Error() != `command "status\nreload": want one command` {
		t.Errorf("two commands: %v", err)
	}
	_, err := Call(t.Context(), filepath.Join(t.TempDir(), "none"), "status")
	if err == nil || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no daemon: %v, want %v", err, os.ErrNotExist)
	}
}

func TestUnreachableSaysWhatHelps(t *testing.T) {
	dial := func(errno syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", errno)}
	}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{dial(syscall.ENOENT), "no daemon answers on /s: is it running, and is this its runtime socket? (no such file or directory)"},
		{dial(syscall.ECONNREFUSED), "no daemon answers on /s: is it running, and is this its runtime socket? (connection refused)"},
		{dial(syscall.EACCES), "the runtime socket /s is not for this user: ask as root, or join its group (permission denied)"},
		{dial(syscall.EAGAIN), "reach the daemon on /s: resource temporarily unavailable"},
		{context.Canceled, "reach the daemon on /s: context canceled"},
	} {
		if got := unreachable("/s", tt.err); got.Error() != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestHelpNamesEveryCommand(t *testing.T) {
	text := helpText()
	for _, c := range commands() {
		if !strings.Contains(text, "  "+c.name) || c.help == "" {
			t.Errorf("help does not tell of %q", c.name)
		}
	}
}

func TestListenReplacesOnlySockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Listen(Config{Path: path}, &node{}, nil)
	if want := "listen on " + path + ": it exists and is no socket"; err == nil || err.Error() != want {
		t.Errorf("Listen over a file: %v, want %q", err, want)
	}

	stale := filepath.Join(t.TempDir(), "admin.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false) // as a killed daemon leaves it
	_ = l.Close()
	s, err := Listen(Config{Path: stale, Mode: 0o600}, &node{}, nil)
	if err != nil {
		t.Fatalf("Listen over a dead socket: %v", err)
	}
	defer func() { _ = s.Close() }()
	info, err := os.Stat(stale)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
}

func TestRunEndsOpenConnections(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	s, err := Listen(Config{Path: path}, &node{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	in := bufio.NewReader(conn)
	if _, err := io.WriteString(conn, "prompt\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := in.ReadString(' '); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	if _, err := in.ReadByte(); err == nil {
		t.Error("the connection is still open after Run returned")
	}
}
