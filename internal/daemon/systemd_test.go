package daemon

import (
	"context"
	"net"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// manager is a service manager's end of the notification socket.
func manager(t *testing.T) (hear func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func() string {
		t.Helper()
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 4096)
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
}

func TestR50_SystemdWords(t *testing.T) {
	hear := manager(t)
	s := newSystemd(hclog.NewNullLogger())
	for _, tt := range []struct {
		say  func()
		want string
	}{
		{s.ready, `^READY=1$`},
		{s.reloading, `^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*$`},
		{s.stopping, `^STOPPING=1$`},
	} {
		tt.say()
		if got := hear(); !regexp.MustCompile(tt.want).MatchString(got) {
			t.Errorf("got %q, want %s", got, tt.want)
		}
	}
}

func TestR50_SystemdWatchdog(t *testing.T) {
	hear := manager(t)
	t.Setenv("WATCHDOG_USEC", "30000")
	s := newSystemd(hclog.NewNullLogger())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	for range 3 {
		if got := hear(); got != "WATCHDOG=1" {
			t.Errorf("got %q", got)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWithoutAServiceManager(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	s := newSystemd(hclog.NewNullLogger())
	s.ready()
	if err := s.run(t.Context()); err != nil { // returns: there is no watchdog to feed
		t.Error(err)
	}
}
