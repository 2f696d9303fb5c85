package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/admin"
	"github.com/tandem-lb/tandem/internal/status"
)

// standIn is a daemon behind a runtime socket.
type standIn struct {
	refusal error       // of a reload
	forced  atomic.Bool // the last reload was
}

func (s *standIn) Snapshot() status.Snapshot {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	return status.Snapshot{
		Time: now, Node: "lb1", Version: "1.2.3", PID: 42, StartedAt: now.Add(-time.Hour),
		Instances: []status.Instance{{Name: "VI_1", Interface: "eth0", VRID: 51, State: status.Master}},
	}
}

func (s *standIn) Reload(_ context.Context, force bool) error {
	s.forced.Store(force)
	return s.refusal
}

func (s *standIn) Handover([]string, time.Duration, bool) ([]admin.Handover, error) {
	return nil, s.refusal
}
func (s *standIn) Release([]string) ([]admin.Handover, error) { return nil, s.refusal }

// serve answers on a socket until the test ends.
func serve(t *testing.T, s admin.Node) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "admin.sock")
	server, err := admin.Listen(admin.Config{Path: socket}, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return socket
}

func TestStatus(t *testing.T) {
	t.Parallel()
	socket := serve(t, &standIn{})
	code, stdout, stderr := tandem(t, "status", "--socket", socket)
	if code != 0 || stderr != "" || !strings.HasPrefix(stdout, "tandem 1.2.3 on lb1, pid 42, running for 1h0m\n") || !strings.Contains(stdout, "\nVI_1      MASTER") {
		t.Errorf("exit %d, printed\n%s\nsaid %q", code, stdout, stderr)
	}
	code, stdout, stderr = tandem(t, "status", "--json", "--socket", socket)
	var got status.Snapshot
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != 0 || got.Node != "lb1" {
		t.Errorf("exit %d, %v, printed\n%s\nsaid %q", code, err, stdout, stderr)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	socket := serve(t, &standIn{})
	if code, stdout, stderr := tandem(t, "explain", "VI_1", "--socket", socket); code != 0 || stderr != "" || !strings.HasPrefix(stdout, "VI_1 (VRID 51 on eth0) is MASTER") {
		t.Errorf("exit %d, printed\n%s\nsaid %q", code, stdout, stderr)
	}
	want := "tandem: no instance \"VI_9\"; this node has VI_1\n"
	if code, stdout, stderr := tandem(t, "explain", "VI_9", "--socket", socket); code != 1 || stdout != "" || stderr != want {
		t.Errorf("exit %d, printed %q, said %q; want %q", code, stdout, stderr, want)
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	s := &standIn{}
	socket := serve(t, s)
	for _, force := range []bool{true, false} {
		args := []string{"reload", "--socket", socket}
		if force {
			args = append(args, "--force")
		}
		if code, stdout, stderr := tandem(t, args...); code != 0 || stdout != "reloaded\n" || stderr != "" || s.forced.Load() != force {
			t.Errorf("exit %d, printed %q, said %q, forced %v", code, stdout, stderr, s.forced.Load())
		}
	}
	refuses := serve(t, &standIn{refusal: errors.New("tandem.yaml:3:1: no")})
	if code, stdout, stderr := tandem(t, "reload", "--socket", refuses); code != 1 || stdout != "" || stderr != "tandem: tandem.yaml:3:1: no\n" {
		t.Errorf("exit %d, printed %q, said %q", code, stdout, stderr)
	}
}

func TestWithoutADaemon(t *testing.T) {
	t.Parallel()
	none := filepath.Join(t.TempDir(), "admin.sock")
	dead := filepath.Join(t.TempDir(), "admin.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false) // as a killed daemon leaves it
	_ = l.Close()
	for _, tt := range []struct{ name, socket, why string }{
		{"never started", none, "no such file or directory"},
		{"killed", dead, "connection refused"},
	} {
		for _, command := range []string{"status", "explain", "reload", "handover"} {
			want := "tandem: no daemon answers on " + tt.socket + ": is it running, and is this its runtime socket? (" + tt.why + ")\n"
			if code, stdout, stderr := tandem(t, command, "--socket", tt.socket); code != 1 || stdout != "" || stderr != want {
				t.Errorf("%s, %s: exit %d, printed %q, said %q; want %q", tt.name, command, code, stdout, stderr, want)
			}
		}
	}
}
