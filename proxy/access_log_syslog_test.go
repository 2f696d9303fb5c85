package proxy_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/accesslog"
)

var syslogForm = regexp.MustCompile(`^<134>[A-Z][a-z]{2} [ 1-3][0-9] [0-9:]{8} (tandem|haproxy)\[[0-9]+\]: (.*)\n?$`)

// syslogs is a syslog daemon; heard waits for the next line.
func syslogs(t *testing.T, network, address string) (at string, heard func() string) {
	t.Helper()
	conn, err := net.ListenPacket(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.LocalAddr().String(), func() string {
		t.Helper()
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		b := make([]byte, 1<<16)
		n, _, err := conn.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		m := syslogForm.FindSubmatch(b[:n])
		if m == nil {
			t.Fatalf("got %q, want what RFC 3164 wants", b[:n])
		}
		return string(m[2])
	}
}

var local0 = accesslog.Syslog{Facility: 16, Severity: 6, Tag: "tandem", Length: accesslog.DefaultLength}

// R2: UDP; R3: the host's socket.
func TestR2_R3_Syslog(t *testing.T) {
	t.Parallel()
	udp, heardUDP := syslogs(t, "udp", "127.0.0.1:0")
	socket, heardUnix := syslogs(t, "unixgram", filepath.Join(t.TempDir(), "log"))
	log := captures()
	log.Outputs = []accesslog.Output{{Kind: accesslog.UDP, Address: udp, Syslog: local0}, {Kind: accesslog.Unix, Address: socket, Syslog: local0}}
	good, _ := origin(t)
	b := run(t, logging(t, log, good), proxy.Options{Drain: 1})
	c := talks()[0]
	c.have(t, at(b))
	for _, heard := range []func() string{heardUDP, heardUnix} {
		if got := masked(heard()); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

// R3: a daemon that takes nothing slows no request; what is lost is counted.
func TestR3_SilentDaemonStopsNobody(t *testing.T) {
	t.Parallel()
	socket, _ := syslogs(t, "unixgram", filepath.Join(t.TempDir(), "log"))
	log := accesslog.Config{Format: "%HU", Outputs: []accesslog.Output{{Kind: accesslog.Unix, Address: socket, Syslog: local0}}}
	good, _ := origin(t)
	b := run(t, logging(t, log, good), proxy.Options{Drain: 1})
	conn, answers := send(t, b, "")
	const n = 3000 // more than a socket takes before somebody reads it
	go func() {
		_, _ = io.WriteString(conn, strings.Repeat("GET /moved HTTP/1.1\r\nHost: a\r\n\r\n", n)) // an error shows at the other end
	}()
	begin := time.Now()
	for i := range n {
		if _, err := http.ReadResponse(answers, nil); err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
	}
	if took := time.Since(begin); took > patience/2 {
		t.Errorf("%d requests took %v", n, took)
	}
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		l := b.Snapshot().Logs[0]
		if l.Lines == n && l.Lost > 0 && l.Lost < n && errors.Is(l.Err, os.ErrDeadlineExceeded) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("got %+v, want some lines lost", l)
		}
	}
}
