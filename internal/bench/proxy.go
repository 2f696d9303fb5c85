package main

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// proxy is one that can be measured.
type proxy struct {
	name    string
	title   string
	command string                            // the program, by name
	config  string                            // its configuration, with words in capitals for what differs
	args    func(dir, config string) []string // to run it in the foreground
	version []string                          // to have it tell its version
}

// proxies are all of them, Tandem first. They do the same: forward to two origins in turn over connections that are
// kept, and add X-Forwarded-For. On the port for it they keep a log, each as it does by default: HAProxy cannot write a file, so its
// standard output is one; on the one for sessions they pass bytes on, nginx by its module
// for streams; each has one worker; TLS 1.3 with one suite.
func proxies(tandem string) []proxy {
	return []proxy{
		{
			name: "tandem", title: "Tandem", command: tandem, config: tandemConfig, version: []string{"version"},
			args: func(dir, config string) []string {
				return []string{"run", "--config", config, "--runtime-dir", filepath.Join(dir, "run")}
			},
		},
		{
			name: "haproxy", title: "HAProxy", command: "haproxy", config: haproxyConfig, version: []string{"-v"},
			args: func(_, config string) []string { return []string{"-db", "-f", config} },
		},
		{
			name: "nginx", title: "nginx", command: "nginx", config: nginxConfig, version: []string{"-v"},
			args: func(_, config string) []string { return []string{"-c", config} },
		},
	}
}

// isPeer says whether Tandem is compared with it.
func isPeer(name string) bool { return name != "tandem" }

// maxConnections is what the proxies are told to allow, clients and origins: more than any workload here has, and less than
// half of the descriptors.
const maxConnections = 9500

// find returns the proxy's program. Debian has the peers in a directory that not every user's PATH names.
func (p proxy) find() (string, error) {
	if path, err := exec.LookPath(p.command); err == nil {
		return filepath.Abs(path)
	}
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, p.command)); err == nil {
			return path, nil
		}
	}
	if !isPeer(p.name) {
		return "", fmt.Errorf("no program %s: `make build` makes it", p.command)
	}
	return "", fmt.Errorf("%s is not installed: `make test-deps` installs it as root on Debian; without it: -proxies tandem", p.command)
}

// place is where a proxy listens, and whom it asks.
type place struct {
	dir        string // its own
	plain, tls netip.AddrPort
	logged     netip.AddrPort // plain, with an access log
	tcp        netip.AddrPort // in TCP mode
	origins    []netip.AddrPort
	pair       string // certificate and key, PEM
}

// write writes the proxy's configuration into its directory and returns the path.
func (p proxy) write(at place) (string, error) {
	path := filepath.Join(at.dir, p.name+".conf")
	if err := os.WriteFile(path, []byte(p.text(at)), 0o600); err != nil {
		return "", err
	}
	return path, nil
}

// text is the configuration.
func (p proxy) text(at place) string {
	return strings.NewReplacer(
		"DIRECTORY", at.dir, "PAIR", at.pair, "PLAIN", at.plain.String(), "SECURE", at.tls.String(), "LOGGED", at.logged.String(), "SESSIONS", at.tcp.String(),
		"ORIGIN1", at.origins[0].String(), "ORIGIN2", at.origins[1].String(), "CONNECTIONS", fmt.Sprint(maxConnections), "FILES", fmt.Sprint(files),
	).Replace(p.config)
}

const tandemConfig = `proxy:
  frontends:
    - name: bench
      bind:
        - {address: "PLAIN"}
        - {address: "SECURE", tls: {certificates: [PAIR], min_version: "1.3", alpn: [h2, http/1.1]}}
      default_backend: origins
    - name: logged
      bind: [{address: "LOGGED"}]
      default_backend: origins
      access_log: {format: httplog, output: [DIRECTORY/access.log]}
    - name: sessions
      mode: tcp
      bind: [{address: "SESSIONS"}]
      default_backend: sessions
  backends:
    - name: sessions
      mode: tcp
      servers:
        - {name: origin1, address: "ORIGIN1"}
        - {name: origin2, address: "ORIGIN2"}
    - name: origins
      balance: {algorithm: round_robin}
      forwarded: {x_forwarded_for: append, x_forwarded_proto: false, x_real_ip: false}
      servers:
        - {name: origin1, address: "ORIGIN1"}
        - {name: origin2, address: "ORIGIN2"}
`

const haproxyConfig = `global
    nbthread 1
    maxconn CONNECTIONS
    fd-hard-limit FILES
    no strict-limits
    ssl-default-bind-options ssl-min-ver TLSv1.3
    ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
    tune.ssl.cachesize 20000
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 60s
    http-reuse always
frontend bench
    bind PLAIN backlog 4096
    bind SECURE backlog 4096 ssl crt PAIR alpn h2,http/1.1
    option forwardfor
    default_backend origins
frontend logged
    bind LOGGED backlog 4096
    option httplog
    log stdout format raw local0
    option forwardfor
    default_backend origins
backend origins
    balance roundrobin
    option splice-response
    server origin1 ORIGIN1 pool-max-conn 4096
    server origin2 ORIGIN2 pool-max-conn 4096
listen sessions
    mode tcp
    bind SESSIONS backlog 4096
    balance roundrobin
    option splice-request
    option splice-response
    server origin1 ORIGIN1
    server origin2 ORIGIN2
`

const nginxConfig = `daemon off;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
worker_processes 1;
worker_rlimit_nofile FILES;
pid DIRECTORY/nginx.pid;
error_log stderr crit;
events {
    worker_connections FILES;
    multi_accept on;
}
stream {
    upstream origins {
        server ORIGIN1;
        server ORIGIN2;
    }
    server {
        listen SESSIONS backlog=4096;
        proxy_buffer_size 64k;
        proxy_pass origins;
    }
}
http {
    access_log off;
    server_tokens off;
    sendfile on;
    tcp_nodelay on;
    keepalive_timeout 60s;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    client_body_temp_path DIRECTORY/body;
    proxy_temp_path DIRECTORY/proxy;
    fastcgi_temp_path DIRECTORY/fastcgi;
    uwsgi_temp_path DIRECTORY/uwsgi;
    scgi_temp_path DIRECTORY/scgi;
    ssl_certificate PAIR;
    ssl_certificate_key PAIR;
    ssl_protocols TLSv1.3;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
    ssl_session_cache shared:bench:20m;
    upstream origins {
        server ORIGIN1;
        server ORIGIN2;
        keepalive 2048;
        keepalive_requests 1000000000;
        keepalive_timeout 60s;
    }
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_request_buffering off;
    proxy_buffers 16 16k;
    proxy_max_temp_file_size 0;
    server {
        listen PLAIN backlog=4096;
        listen SECURE ssl http2 backlog=4096;
        location / {
            proxy_pass http://origins;
        }
    }
    server {
        listen LOGGED backlog=4096;
        access_log DIRECTORY/access.log combined;
        location / {
            proxy_pass http://origins;
        }
    }
}
`
