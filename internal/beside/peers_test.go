package beside

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/peers"
)

// sockets are listeners that a peer gets ready-made, so that nobody else can have their ports. They are its descriptors from 3 on.
func sockets(t *testing.T, stages []*stage) []*os.File {
	t.Helper()
	var all []*os.File
	for _, s := range stages {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		f, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		s.address = l.Addr().String()
		_ = l.Close() // f is the same socket
		all = append(all, f)
	}
	return all
}

// run runs a peer until the test ends, and waits until it serves.
func run(t *testing.T, cmd *exec.Cmd, files []*os.File, at string) {
	t.Helper()
	cmd.ExtraFiles = files
	ended := peers.Run(t, cmd)
	for _, f := range files {
		_ = syscall.SetNonblock(int(f.Fd()), true) // being handed on has made them wait
		_ = f.Close()
	}
	up := make(chan error, 1)
	go func() {
		conn, err := net.Dial("tcp4", at)
		if err == nil {
			_ = conn.SetDeadline(time.Now().Add(patience))
			_, _ = conn.Write([]byte("x\r\n\r\n"))
			_, err = conn.Read(make([]byte, 1))
			_ = conn.Close()
		}
		up <- err
	}()
	select {
	case err := <-up:
		if err != nil {
			t.Fatalf("%s does not serve: %v", cmd.Path, err)
		}
	case err := <-ended:
		t.Fatalf("%s ends at its start: %v", cmd.Path, err)
	}
}

const haproxyDefaults = `global
	maxconn 2000
	nbthread 1
defaults
	mode http
	timeout connect 5s
	timeout client 10s
	timeout server 10s
	timeout http-request 10s
	timeout http-keep-alive 10s
	timeout tunnel 10s
	option redispatch
`

// startHAProxy runs Debian's.
func startHAProxy(t *testing.T, stages []*stage, p map[*stage]players, share scenery) {
	t.Helper()
	files := sockets(t, stages)
	var c strings.Builder
	c.WriteString(haproxyDefaults)
	for i, s := range stages {
		w := s.site.haproxy
		front, back := expanded(t, s, p, w.front), expanded(t, s, p, w.back)
		fmt.Fprintf(&c, "frontend %s\n\tbind fd@%d %s\n%s", s.name, i+3, expanded(t, s, p, w.bind), lines("\t", front))
		if !w.bare {
			fmt.Fprintf(&c, "\tdefault_backend %s\n", s.name)
		}
		if !strings.Contains("\n"+back, "\nserver ") {
			back += expanded(t, s, p, "\nserver s1 @s1@")
		}
		fmt.Fprintf(&c, "backend %s\n%s%s", s.name, lines("\t", back), lines("", expanded(t, s, p, w.more)))
	}
	file, err := share.write("haproxy.cfg", c.String())
	if err != nil {
		t.Fatal(err)
	}
	run(t, exec.Command(peers.Find(t, "haproxy"), "-db", "-f", file), files, stages[0].address)
}

const nginxDefaults = `daemon off;
worker_processes 1;
worker_rlimit_nofile 8192;
pid @dir@/nginx.pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
	access_log off;
	server_tokens off;
	client_body_temp_path @dir@/body;
	proxy_temp_path @dir@/proxy;
	fastcgi_temp_path @dir@/fastcgi;
	uwsgi_temp_path @dir@/uwsgi;
	scgi_temp_path @dir@/scgi;
	client_header_timeout 10s;
	client_body_timeout 10s;
	keepalive_timeout 10s;
	proxy_connect_timeout 5s;
	proxy_read_timeout 10s;
	proxy_send_timeout 10s;
	proxy_http_version 1.1;
	proxy_set_header Connection "";
	proxy_set_header Host $http_host;
`

// startNginx runs Debian's, with connections to servers that are kept, as its manual has it.
func startNginx(t *testing.T, stages []*stage, p map[*stage]players, share scenery) {
	t.Helper()
	files := sockets(t, stages)
	var c, inherited strings.Builder
	c.WriteString(strings.ReplaceAll(nginxDefaults, "@dir@", share.dir))
	for i, s := range stages {
		w := s.site.nginx
		front, back := expanded(t, s, p, w.front), expanded(t, s, p, w.back)
		if !strings.Contains(front, "location /") {
			front += "\nlocation / { proxy_pass http://" + s.name + "; }"
		}
		if !strings.Contains("\n"+back, "\nserver ") {
			back += expanded(t, s, p, "\nserver @s1@;")
		}
		fmt.Fprintf(&inherited, "%d;", i+3)
		fmt.Fprintf(&c, "\tupstream %s {\n%s\t\tkeepalive 8;\n\t}\n%s", s.name, lines("\t\t", back), lines("\t", expanded(t, s, p, w.more)))
		fmt.Fprintf(&c, "\tserver {\n\t\tlisten %s %s;\n%s\t}\n", s.address, expanded(t, s, p, w.bind), lines("\t\t", front))
	}
	c.WriteString("}\n")
	file, err := share.write("nginx.conf", c.String())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(peers.Find(t, "nginx"), "-p", share.dir, "-e", "stderr", "-c", file)
	cmd.Env = append(os.Environ(), "NGINX="+inherited.String())
	run(t, cmd, files, stages[0].address)
}
