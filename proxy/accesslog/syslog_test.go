package accesslog

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// local0 is how HAProxy's examples log.
var local0 = Syslog{Facility: 16, Severity: 6, Tag: "haproxy", Length: DefaultLength}

// ear is a syslog daemon.
type ear struct {
	t    *testing.T
	conn net.PacketConn
}

func listen(t *testing.T, network, address string) *ear {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // it may be closed
	return &ear{t, conn}
}

func (e *ear) hear() string {
	e.t.Helper()
	if err := e.conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		e.t.Fatal(err)
	}
	b := make([]byte, 1<<16)
	n, _, err := e.conn.ReadFrom(b)
	if err != nil {
		e.t.Fatal(err)
	}
	return string(b[:n])
}

func syslogTo(t *testing.T, o Output) *syslog {
	s := newSyslog(o)
	t.Cleanup(s.close)
	return s
}

func TestR2_SyslogByUDP(t *testing.T) {
	e := listen(t, "udp", "127.0.0.1:0")
	s := syslogTo(t, Output{Kind: UDP, Address: e.conn.LocalAddr().String(), Syslog: local0})
	s.now = func() time.Time { return time.Date(2026, time.November, 1, 7, 33, 45, 0, time.Local) }
	s.conn, _ = s.dial(t.Context(), "udp", s.output.Address) // so that its deadline is not in the past
	if err := s.conn.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	s.conn = timeless{s.conn}
	long := strings.Repeat("x", 2000)
	if lost, err := s.write(t.Context(), []byte("first line\n"+long+"\n")); lost != 0 || err != nil {
		t.Fatalf("lost %d: %v", lost, err)
	}
	head := "<134>Nov  1 07:33:45 haproxy[" + strconv.Itoa(os.Getpid()) + "]: "
	if got, want := e.hear(), head+"first line"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := e.hear(), (head + long)[:1024]; got != want {
		t.Errorf("got %d octets, want the first %d", len(got), len(want))
	}
}

// timeless is a connection without deadlines, for a test whose clock stands.
type timeless struct{ net.Conn }

func (timeless) SetWriteDeadline(time.Time) error { return nil }

func TestR3_SyslogBySocketSurvivesTheDaemonsRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	s := syslogTo(t, Output{Kind: Unix, Address: path, Syslog: local0})
	now := time.Now()
	s.now = func() time.Time { return now }
	missing := func() {
		t.Helper()
		if lost, err := s.write(t.Context(), []byte("a\nb\n")); lost != 2 || err == nil || !strings.HasPrefix(err.Error(), "dial unixgram "+path+": connect: ") {
			t.Fatalf("lost %d: %v; want both lines, for want of a daemon", lost, err)
		}
	}
	missing()
	e := listen(t, "unixgram", path)
	missing() // not so soon again
	now = now.Add(redial)
	form := regexp.MustCompile(`^<134>[A-Z][a-z]{2} [ 1-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9] haproxy\[[0-9]+\]: (.*)$`)
	send := func(line string) {
		t.Helper()
		if lost, err := s.write(t.Context(), []byte(line+"\n")); lost != 0 || err != nil {
			t.Fatalf("%s: lost %d: %v", line, lost, err)
		}
		if got := form.FindStringSubmatch(e.hear()); got == nil || got[1] != line {
			t.Fatalf("got %q, want %s", got, line)
		}
	}
	send("one")
	if err := errors.Join(e.conn.Close(), os.RemoveAll(path)); err != nil {
		t.Fatal(err)
	}
	e = listen(t, "unixgram", path)
	send("two") // no line is lost by a restart between two of them
}

// A daemon that takes nothing costs its lines, not the others'.
func TestR3_SilentDaemonLosesLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	listen(t, "unixgram", path)
	s := syslogTo(t, Output{Kind: Unix, Address: path, Syslog: local0})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	// The socket's queue is full after some lines; the context's end makes the wait a short one.
	s.conn, _ = net.Dial("unixgram", path)
	lost, err := s.write(ctx, []byte(strings.Repeat("line\n", 10000)))
	if lost == 0 || lost == 10000 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("lost %d: %v; want some, for they were not taken in time", lost, err)
	}
}

func TestSyslogNamesAreLookedUpLate(t *testing.T) {
	s := newSyslog(Output{Kind: UDP, Address: "no-such-host.invalid:514", Syslog: local0})
	failed := errors.New("no such host")
	dials := 0
	s.dial = func(context.Context, string, string) (net.Conn, error) {
		dials++
		return nil, failed
	}
	now := time.Now()
	s.now = func() time.Time { return now }
	for range 3 {
		if lost, err := s.write(t.Context(), []byte("a\nb\n")); lost != 2 || err != failed {
			t.Errorf("lost %d: %v, want 2: %v", lost, err, failed)
		}
	}
	if dials != 1 {
		t.Errorf("looked up %d times within a second, want 1", dials)
	}
	if err := s.reopen(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.write(t.Context(), []byte("a\n")); err != failed || dials != 2 {
		t.Errorf("after a reopen looked up %d times, want 2", dials)
	}
}
