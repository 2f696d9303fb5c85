package config

import (
	"slices"
	"strconv"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/health"
)

// healthKeys are what a backend says whose servers are probed.
func healthKeys(in string) []Key {
	var kinds []Key
	for _, p := range (&rawCheck{}).probes() {
		kinds = append(kinds, p.keys(in+"."+p.name)...)
	}
	return slices.Concat([]Key{
		{Path: in, Type: section(), Others: "check httpchk option", Absent: "servers are taken as healthy", Example: "{http: {path: /health}, interval: 2s}", Reload: ReloadAnew,
			Help: "How the servers are probed: by a TCP connect, with a TLS handshake where the backend has `tls`, or by what another of the kinds below says."},
	}, kinds, []Key{
		{Path: in + ".interval", Type: duration("10ms", "1h"), Default: "2s", Others: "inter", Example: "2s", Reload: ReloadAnew, Help: "Between the starts of two probes of a server."},
		{Path: in + ".fast_interval", Type: duration("10ms", "1h"), Absent: "the interval", Others: "fastinter", Example: "500ms", Reload: ReloadAnew, Help: "The same, while the results contradict the server's status."},
		{Path: in + ".down_interval", Type: duration("10ms", "1h"), Absent: "the interval", Others: "downinter", Example: "5s", Reload: ReloadAnew, Help: "The same, of a server that is down."},
		{Path: in + ".timeout", Type: duration("1ms", "1h"), Absent: "the interval", Example: "1s", Reload: ReloadAnew, Help: "For a whole probe."},
		{Path: in + ".rise", Type: integer(1, 1000), Default: "2", Example: "2", Reload: ReloadAnew, Help: "Successes in a row that make a server healthy."},
		{Path: in + ".fall", Type: integer(1, 1000), Default: "3", Example: "3", Reload: ReloadAnew, Help: "Failures in a row that make it unhealthy."},
		{Path: in + ".init_state", Type: oneOf(health.Inits[:]...), Default: health.Inits[0], Others: "init-state", Example: "down", Reload: ReloadAnew,
			Help: "What a new server is taken for before its first probe. `unknown`: a last resort, and the first probe decides. `up` and `down`: so, and one result against it changes that. `fully-up` and `fully-down`: so, until `fall` or `rise` say otherwise."},
		{Path: in + ".fast_eject", Type: boolean(), Default: "true", Example: "false", Reload: ReloadAnew,
			Help: "Whether a server that does not even acknowledge what is sent to it, within 250 ms and three times what connecting took a probe, is probed at once with as little patience, and gets no requests until a probe succeeds. What waits for it goes to another server."},
	}, checkTLSKeys(in+".tls"))
}

// What becomes of connections to servers that go down.
const (
	keepConnections  = "keep_connections"
	closeConnections = "close_connections"
)

// passiveKeys are what a backend says whose servers are judged by the requests that they get.
func passiveKeys(in string) []Key {
	return []Key{
		{Path: in, Type: section(), Others: "max_fails observe", Absent: "requests judge nobody", Example: "{max_fails: 3, fail_timeout: 30s}", Reload: ReloadNew,
			Help: "Ejects servers that fail requests, and tries them again: after its time one request decides, or first the next good probe where there is a `health_check`. A backend with one server ejects nobody."},
		{Path: in + ".max_fails", Type: integer(1, 1000), Default: "3", Others: "error-limit", Example: "3", Reload: ReloadNew, Help: "Failures in a row that eject a server: connections that do not come about, responses that do not come or break off, and `fail_status`."},
		{Path: in + ".fail_timeout", Type: duration("100ms", "1h"), Default: "30s", Example: "10s", Reload: ReloadNew,
			Help: "In which failures count, and how long a server is ejected. It doubles each time that the server fails again when it is tried, up to 16 times as long."},
		{Path: in + ".fail_status", Type: list(1, 64), Others: "http_500 proxy_next_upstream observe", Absent: "none", Example: "[500, 502-504]", Reload: ReloadNew, Help: "Statuses of responses that are failures too."},
		{Path: in + ".fail_status[]", Type: statusRange(), Example: "503", Reload: ReloadNew, Help: "A status, or the first and the last of several."},
		{Path: in + ".error_ratio", Type: integer(1, 100), Absent: "any share may fail", Example: "50", Reload: ReloadNew, Help: "What share of a server's requests within `fail_timeout` ejects it when they fail, in percent."},
		{Path: in + ".min_requests", Type: integer(1, 1000000), Default: "20", Example: "100", Reload: ReloadNew, Help: "How many requests it takes for `error_ratio` to say something."},
		{Path: in + ".panic_threshold", Type: integer(0, 100), Default: strconv.Itoa(proxy.DefaultPanicThreshold), Example: "50", Reload: ReloadNew,
			Help: "What share of the servers that are up has to be left, in percent: where fewer are, those that are ejected are used all the same. Never is everybody ejected."},
	}
}

// checkTLSKeys are those of serverTLSKeys, for probes.
func checkTLSKeys(in string) []Key {
	keys := serverTLSKeys(in)
	keys[0].Absent, keys[0].Help = "that of the backend, at the server's own port", "TLS of the probes alone: for servers whose traffic passes through encrypted, and for a port of its own. Without `http` and `grpc` the handshake is the probe."
	for i := range keys[1:] {
		if keys[i+1].Path == in+".certificate" {
			keys[i+1].Example = "/etc/tandem/check.pem"
		}
	}
	return keys
}

// statusRange is a status, or two with a hyphen between them.
func statusRange() Type {
	return pattern("status or range of them", "100 to 599, or such as 200-299", 7, `^[1-5][0-9][0-9](-[1-5][0-9][0-9])?$`)
}

// trackedServer names a server, with its backend or without.
func trackedServer() Type {
	const name = `[A-Za-z0-9][A-Za-z0-9_.-]{0,62}`
	return pattern("server's name", "server or backend/server", 127, "^"+name+"(/"+name+")?$")
}
