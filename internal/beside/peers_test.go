package beside

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/peers"
)

// serves runs a peer until the test ends, and waits until it answers.
func serves(t *testing.T, b *peers.Balancer, text, at string) {
	t.Helper()
	early, up := b.Run(t, text), make(chan error, 1) // up: one error, of the first answer
	go func() {
		conn, err := net.Dial("tcp4", at)
		if err == nil {
			_ = conn.SetDeadline(time.Now().Add(patience))
			_, _ = io.WriteString(conn, "x\r\n\r\n") // an error shows in what comes
			_, err = conn.Read(make([]byte, 1))
			_ = conn.Close()
		}
		up <- err
	}()
	select {
	case err := <-up:
		if err != nil {
			t.Fatalf("nobody serves: %v", err)
		}
	case err := <-early:
		t.Fatalf("it ends at its start: %v", err)
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
func startHAProxy(t *testing.T, stages []*stage, p map[*stage]players) {
	t.Helper()
	b := peers.NewBalancer(t, "haproxy")
	var c strings.Builder
	c.WriteString(haproxyDefaults)
	for _, s := range stages {
		var bind string
		s.address, bind = b.Listens(t)
		w := s.site.haproxy
		front, back := expanded(t, s, p, w.front), expanded(t, s, p, w.back)
		fmt.Fprintf(&c, "frontend %s\n\tbind %s %s\n%s", s.name, bind, expanded(t, s, p, w.bind), lines("\t", front))
		if !w.bare {
			fmt.Fprintf(&c, "\tdefault_backend %s\n", s.name)
		}
		if !strings.Contains("\n"+back, "\nserver ") {
			back += expanded(t, s, p, "\nserver s1 @s1@")
		}
		fmt.Fprintf(&c, "backend %s\n%s%s", s.name, lines("\t", back), lines("", expanded(t, s, p, w.more)))
	}
	serves(t, b, c.String(), stages[0].address)
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
	root @dir@/nothing;
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
	b := peers.NewBalancer(t, "nginx")
	var c strings.Builder
	c.WriteString(strings.ReplaceAll(nginxDefaults, "@dir@", share.dir))
	for _, s := range stages {
		s.address, _ = b.Listens(t)
		w := s.site.nginx
		front, back := expanded(t, s, p, w.front), expanded(t, s, p, w.back)
		if !strings.Contains(front, "location /") {
			front += "\nlocation / { proxy_pass http://" + s.name + "; }"
		}
		if !strings.Contains("\n"+back, "\nserver ") {
			back += expanded(t, s, p, "\nserver @s1@;")
		}
		fmt.Fprintf(&c, "\tupstream %s {\n%s\t\tkeepalive 8;\n\t}\n%s", s.name, lines("\t\t", back), lines("\t", expanded(t, s, p, w.more)))
		fmt.Fprintf(&c, "\tserver {\n\t\tlisten %s %s;\n%s\t}\n", s.address, expanded(t, s, p, w.bind), lines("\t\t", front))
	}
	c.WriteString("}\n")
	serves(t, b, c.String(), stages[0].address)
}
