package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
)

// setting is how both systems speak VRRP.
type setting struct {
	name     string // for the flag
	title    string
	version  int
	interval time.Duration
	script   int  // seconds between two runs of Keepalived's script; it takes no fraction
	fall     int  // failures of that script that count
	told     bool // the figures are told and not judged
}

func settings() []setting {
	return []setting{
		{name: "v2", title: "VRRPv2, an advert each second", version: 2, interval: time.Second, script: 2, fall: 2},
		{name: "v3", title: "VRRPv3, an advert each 100 ms", version: 3, interval: 100 * time.Millisecond, script: 1, fall: 1},
		{name: "v3-10ms", title: "VRRPv3, an advert each 10 ms", version: 3, interval: 10 * time.Millisecond, script: 1, fall: 1, told: true},
	}
}

// The priorities of the two nodes.
const (
	masterPriority = 101
	backupPriority = 100
)

// skew is the backup's Skew_Time: of seconds in version 2 (RFC 3768 section 6.1), of the interval in version 3 (RFC 9568
// section 6.1).
func (s setting) skew() time.Duration {
	unit := time.Second
	if s.version == 3 {
		unit = s.interval
	}
	return (256 - backupPriority) * unit / 256
}

// down is how long the backup waits for a master that is silent.
func (s setting) down() time.Duration { return 3*s.interval + s.skew() }

// Slack on top of what the protocol takes.
const (
	slack        = 50 * time.Millisecond  // packets, netlink and ARP
	releaseSlack = 150 * time.Millisecond // the same where a process has to end first
	contest      = 200 * time.Millisecond // two holders, or a planned change
)

// The bounds of a client's outage.
func (s setting) silence() time.Duration { return s.down() + slack }
func (s setting) stop() time.Duration    { return s.skew() + releaseSlack }
func (s setting) frozen() time.Duration  { return 2*time.Second + s.stop() } // the keeper waits for 2 s at most
func (s setting) contest() time.Duration { return contest }

// kill is a daemon that is gone at once, whose keeper resigns for it.
func (s setting) kill() time.Duration {
	if s.interval >= time.Second {
		return 750 * time.Millisecond
	}
	return 200 * time.Millisecond
}

// localServer is where a balancer's own server listens, in scenarios in which it shall be healthy when nothing else can
// be reached.
const localServer = "127.0.0.1:8080"

// tandemConfig is the configuration of both Tandem nodes.
func (s setting) tandemConfig(local bool) string {
	text := drill.Config
	if s.version == 3 {
		text = strings.NewReplacer(
			"      advert_interval: 1s\n", "      version: 3\n      advert_interval: "+s.interval.String()+"\n",
			"      authentication: {type: PASS, password: s3cret77}\n", "",
		).Replace(text)
	}
	text = strings.Replace(text, "      track:\n", "      track:\n        - {file: drain, weight: 1}\n", 1)
	text = strings.Replace(text, "proxy:\n", "tracker:\n  files:\n    drain: {path: "+drainFile+"}\nproxy:\n", 1)
	if local {
		text, _, _ = strings.Cut(text, "        - {name: web1")
		text += "        - {name: local, address: \"" + localServer + "\"}\n"
	}
	return text
}

// keepalivedConfig is keepalived.conf of a node: what it takes to notice a HAProxy that died, and a file to drain by.
func (s setting) keepalivedConfig(node string) string {
	priority, auth := masterPriority, "\tauthentication {\n\t\tauth_type PASS\n\t\tauth_pass s3cret77\n\t}\n"
	if node == backup {
		priority = backupPriority
	}
	if s.version == 3 {
		auth = ""
	}
	return strings.NewReplacer(
		"NODE", node, "VERSION", strconv.Itoa(s.version), "PRIORITY", strconv.Itoa(priority), "AUTH\n", auth,
		"SECONDS", strconv.Itoa(s.script), "FALL", strconv.Itoa(s.fall),
		"ADVERT", strconv.FormatFloat(s.interval.Seconds(), 'f', -1, 64),
	).Replace(keepalivedTemplate)
}

const keepalivedTemplate = `global_defs {
	router_id NODE
	vrrp_version VERSION
	script_user root
	enable_script_security
}

vrrp_script haproxy {
	script "/usr/bin/killall -0 haproxy"
	interval SECONDS
	fall FALL
	rise 1
}

vrrp_track_file drain {
	file ` + drainFile + `
	weight 1
	init_file 0
}

vrrp_instance VI_1 {
	state BACKUP
	interface eth0
	virtual_router_id 51
	priority PRIORITY
	advert_int ADVERT
AUTH
	virtual_ipaddress {
		10.77.0.100/24
	}
	track_script {
		haproxy
	}
	track_file {
		drain
	}
}
`

// haproxyConfig is haproxy.cfg of both nodes: the balancer of drill.Config, with its checks and timeouts.
func haproxyConfig(local bool) string {
	if local {
		return haproxyHead + "    server local " + localServer + "\n"
	}
	return haproxyHead + "    server web1 10.77.0.11:80\n    server web2 10.77.0.12:80\n"
}

const haproxyHead = `global
    stats socket ` + haproxySocket + ` mode 600 level admin

defaults
    mode http
    timeout connect 5s
    timeout client 50s
    timeout server 50s
    timeout http-request 10s
    timeout http-keep-alive 60s
    timeout check 400ms
    retries 3
    option redispatch 1

frontend http_front
    bind 10.77.0.100:80
    default_backend web

backend web
    balance roundrobin
    option httpchk GET /health
    default-server check inter 500ms rise 1 fall 2
`
