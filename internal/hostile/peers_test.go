package hostile

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/peers"
)

// socketDir returns a directory whose path is short enough for sockets, and that other users may enter: the peers give root up.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "h")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // it holds sockets and a configuration of a test
		t.Fatal(err)
	}
	return dir
}

// startPeer writes a configuration and runs a peer until the test ends. Its listeners are sockets in dir, so that no port is fixed.
func startPeer(t *testing.T, s subject, dir, config string, command ...string) subject {
	t.Helper()
	file := filepath.Join(dir, "config")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	peers.Run(t, exec.Command(command[0], append(command[1:], file)...))
	last := s.lanes[len(s.lanes)-1]
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if conn, err := last.dial(); err == nil {
			_ = conn.Close()
			return s
		} else if time.Now().After(end) {
			t.Fatalf("%s does not listen: %v", s.name, err)
		}
	}
}

// startHAProxy starts Debian's, with the timeouts of Tandem's test and defaults for all else.
func startHAProxy(t *testing.T) subject {
	t.Helper()
	s, dir := subject{name: "HAProxy", lanes: newLanes(t)}, socketDir(t)
	var c strings.Builder
	c.WriteString(`global
	maxconn 4096
	nbthread 2
defaults
	mode http
	timeout connect 2s
	timeout client 2s
	timeout server 2s
	timeout http-request 2s
	timeout http-keep-alive 10s
	timeout tunnel 2s
`)
	for i, l := range s.lanes {
		h1, h2 := filepath.Join(dir, fmt.Sprintf("%d.1", i)), filepath.Join(dir, fmt.Sprintf("%d.2", i))
		l.dial, l.dialH2 = unixSocket(h1), unixSocket(h2)
		fmt.Fprintf(&c, "frontend f%d\n\tbind unix@%s\n\tbind unix@%s proto h2\n\tdefault_backend b%d\nbackend b%d\n\tserver origin %s\n", i, h1, h2, i, i, l.origin.address())
	}
	return startPeer(t, s, dir, c.String(), peers.Find(t, "haproxy"), "-db", "-q", "-f")
}

// startNginx starts Debian's, with keep-alive to servers as its manual has it, the timeouts of Tandem's test, and defaults for
// all else.
func startNginx(t *testing.T) subject {
	t.Helper()
	s, dir := subject{name: "nginx", lanes: newLanes(t)}, socketDir(t)
	var c strings.Builder
	fmt.Fprintf(&c, `daemon off;
worker_processes 2;
worker_rlimit_nofile 8192;
pid %[1]s/pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	client_header_timeout 2s;
	client_body_timeout 2s;
	send_timeout 2s;
	keepalive_timeout 10s;
	proxy_connect_timeout 2s;
	proxy_read_timeout 2s;
	proxy_send_timeout 2s;
	proxy_http_version 1.1;
	proxy_set_header Connection "";
	proxy_set_header Host $http_host;
	client_max_body_size 0;
`, dir)
	for i, l := range s.lanes {
		h1, h2 := filepath.Join(dir, fmt.Sprintf("%d.1", i)), filepath.Join(dir, fmt.Sprintf("%d.2", i))
		l.dial, l.dialH2 = unixSocket(h1), unixSocket(h2)
		fmt.Fprintf(&c, "\tupstream u%d { server %s; keepalive 8; }\n", i, l.origin.address())
		fmt.Fprintf(&c, "\tserver { listen unix:%s; location / { proxy_pass http://u%d; } }\n", h1, i)
		fmt.Fprintf(&c, "\tserver { listen unix:%s http2; location / { proxy_pass http://u%d; } }\n", h2, i)
	}
	c.WriteString("}\n")
	return startPeer(t, s, dir, c.String(), peers.Find(t, "nginx"), "-p", dir, "-e", "stderr", "-c")
}

// TestIntegrationHostilePeers: what others make of a third of the same cases; make hostile asks for all. It is measured, not
// asserted; only a judge that finds nothing in hundreds of cases, or everything, would be broken.
func TestIntegrationHostilePeers(t *testing.T) {
	for name, start := range map[string]func(*testing.T) subject{"HAProxy": startHAProxy, "nginx": startNginx} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			for _, l := range s.lanes {
				l.limit = 2 * timeout // some hang, and it is not the point here
			}
			for _, got := range []tally{
				runCases(s, third(requests()), runRequest), runCases(s, third(replies()), runReply), runCases(s, third(streamCases()), runStream),
			} {
				t.Log(got)
				for _, f := range got.worse {
					t.Logf("%s: %s\n\t%s", f.name, f.faults, f.story)
				}
				if got.of[Fine] < got.cases/2 || got.of[Fine] == got.cases {
					t.Errorf("got %s, want most fine, but not all", got)
				}
			}
		})
	}
}
