package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/loadtest"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/peers"
)

var floodPeers = flag.Bool("flood.peers", false, "flood Debian's HAProxy and nginx too, and print what they make of it")

// floodPeer is another balancer with the same servers and deadlines.
type floodPeer struct {
	program string
	plain   string // address and port
	secure  string
	args    func(dir string) []string
	config  func(s *stage, p floodPeer, dir string) string
}

// floodThePeers floods the balancers that Tandem stands beside. What they make of it is theirs; it is printed for
// docs/benchmarks.md.
func floodThePeers(t *testing.T) {
	for _, p := range []floodPeer{
		{
			program: "haproxy", plain: "127.0.0.1:8081", secure: "127.0.0.1:8444", config: haproxyFlood,
			args: func(dir string) []string { return []string{"-db", "-f", filepath.Join(dir, "conf")} },
		},
		{
			program: "nginx", plain: "127.0.0.1:8082", secure: "127.0.0.1:8445", config: nginxFlood,
			args: func(dir string) []string { return []string{"-c", filepath.Join(dir, "conf"), "-p", dir} },
		},
	} {
		t.Run(p.program, func(t *testing.T) {
			program := peers.Find(t, p.program)
			s := newStage(t, binary(t), (*stage).floodConfig)
			s.smallBuffers()
			dir := t.TempDir()
			check(t, os.WriteFile(filepath.Join(dir, "conf"), []byte(p.config(s, p, dir)), 0o600))
			process, err := s.node.Start(exec.Command(program, p.args(dir)...))
			check(t, err)
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("what %s says:\n%s", p.program, process.Output())
				}
			})
			s.target.Plain, s.target.TLS = p.plain, p.secure // and not Tandem's
			s.awaitListener(p.plain)
			s.steady(*floodFor, func(context.Context) {}) // warms up
			spent := s.spend(process)
			usual := s.steady(*floodFor, func(context.Context) {})
			t.Logf("flood | %s | none | %v | %v", p.program, usual, spent())
			for i, f := range loadtest.Floods() {
				t.Run(underscored(f.Name), func(t *testing.T) {
					s := *s
					s.T = t
					s.floodPeer(p.program, process, f, uint64(i+1))
				})
			}
		})
	}
}

// floodPeer floods and prints.
func (s *stage) floodPeer(name string, process *netlab.Process, f loadtest.Flood, seed uint64) {
	s.Helper()
	report := loadtest.NewReport()
	ctx, cancel := context.WithCancel(s.Context())
	took := make(chan loadtest.Latencies, 1)
	spent := s.spend(process)
	go func() {
		took <- s.usual(report).Run(ctx)
	}()
	life := floodClient + floodClient/20 // or Tandem, which ends them, would have more of them to open
	if f.Costly {
		life = 0
	}
	r := s.runFlood(f, seed, life, peerGrace)
	cancel()
	usual := <-took
	_, failed := report.Failures()
	s.Logf("flood | %s | %s | %v, %d failed | %v | %v", name, f.Name, usual, failed, r, spent())
}

// peerGrace is how long another balancer has to end a flood's connections: nginx waits a minute for a TLS handshake.
const peerGrace = 10 * time.Second

// family is the memory of a process and its children.
func family(t *testing.T, p *netlab.Process) (all loadtest.Memory) {
	t.Helper()
	for _, pid := range processes(p.Pid()) {
		m, err := loadtest.ReadMemory(pid)
		check(t, err)
		all.Now += m.Now
		all.Peak += m.Peak
	}
	return all
}

// awaitListener waits until something accepts connections there.
func (s *stage) awaitListener(address string) {
	s.Helper()
	eventually(s.T, address+" accepts connections", func() (bool, any) {
		c, err := s.target.Dial(s.Context(), "tcp", address)
		if err != nil {
			return false, err
		}
		_ = c.Close()
		return true, nil
	})
}

func haproxyFlood(s *stage, p floodPeer, _ string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `global
    maxconn 9000
defaults
    mode http
    timeout connect 5s
    timeout client %dms
    timeout http-request %dms
    timeout http-keep-alive 10m
    timeout server 10s
frontend web
    bind %s
    bind %s ssl crt %s alpn h2,http/1.1
    default_backend app
backend app
`, floodClient.Milliseconds(), floodHead.Milliseconds(), p.plain, p.secure, s.pem)
	for i, address := range stageServers {
		fmt.Fprintf(&b, "    server app%d %s\n", i+1, address)
	}
	return b.String()
}

func nginxFlood(s *stage, p floodPeer, dir string) string {
	var servers strings.Builder
	for _, address := range stageServers {
		fmt.Fprintf(&servers, "server %s; ", address)
	}
	return fmt.Sprintf(`daemon off;
user root;
pid %[1]s/pid;
error_log stderr crit;
worker_processes 2;
events { worker_connections 9000; }
http {
    access_log off;
    client_body_temp_path %[1]s/body;
    proxy_temp_path %[1]s/proxy;
    fastcgi_temp_path %[1]s/fastcgi;
    uwsgi_temp_path %[1]s/uwsgi;
    scgi_temp_path %[1]s/scgi;
    client_header_timeout %[2]dms;
    client_body_timeout %[3]dms;
    send_timeout %[3]dms;
    keepalive_timeout 10m;
    client_max_body_size 0;
    upstream app { %[4]s keepalive 64; }
    server {
        listen %[5]s;
        listen %[6]s ssl http2;
        ssl_certificate %[7]s;
        ssl_certificate_key %[7]s;
        location / {
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_request_buffering off;
            proxy_buffering off;
        }
    }
}
`, dir, floodHead.Milliseconds(), floodClient.Milliseconds(), servers.String(), p.plain, p.secure, s.pem)
}
