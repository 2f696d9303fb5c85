package e2e

import (
	"fmt"
	"strings"

	"github.com/tandem-lb/tandem/internal/loadtest"
)

// Where else a soak's clients come in: through frontends in TCP mode, which lead to the others.
const (
	soakThrough    = "127.0.0.1:8081"
	soakThroughTLS = "127.0.0.1:8444"
	soakInnerTLS   = "127.0.0.1:8453"
)

// ways are those that lead through TCP mode, one of them by the name in a TLS handshake that passes through.
func (s *stage) ways() []loadtest.Target {
	through := s.target
	through.Plain, through.TLS = soakThrough, soakThroughTLS
	return []loadtest.Target{through}
}

// soakConfig is one of many configurations, all of which serve the same: every other one with all that changes heads and bodies, holds
// them, has requests wait, or sends them again. In every third there are only two servers. A server that is dead refuses its probe, so
// the probe has all the time that this program, where the servers are, may be without a processor: with 200 ms, twice in a row, all
// servers were down on a busy machine, and the balancer said 503.
func (s *stage) soakConfig(generation int) string {
	var b strings.Builder
	full := generation%2 == 1
	fmt.Fprintf(&b, `nodes:
  lb1: {address: 127.0.0.1}

proxy:
  limits: {max_connections: 4000}
  defaults: {access_log: {format: httplog, output: [%s]}}
  frontends:
    - name: web
      bind:
        - {address: "%s", h2c: true}
        - {address: "%s", tls: {certificates: [%s], alpn: [h2, http/1.1]}}
        - {address: "@tandem-soak", h2c: true, accept_proxy: true}
        - {address: "%s", accept_proxy: true, trusted_proxies: [127.0.0.0/8], tls: {certificates: [%s], alpn: [h2, http/1.1]}}
      response_headers: {set: {X-Generation: "%d"}}
      default_backend: app
`, s.access, stagePlain, stageTLS, s.pem, soakInnerTLS, s.pem, generation)
	if full {
		b.WriteString(soakRules)
	}
	fmt.Fprintf(&b, `    - {name: through, mode: tcp, bind: [{address: "%s"}], default_backend: plain}
    - name: through_tls
      mode: tcp
      bind: [{address: "%s"}]
      rules: [{match: {sni: www.example.com}, backend: tls}]
      default_backend: plain
  backends:
    - name: app
      health_check: {http: {path: /health}, interval: 200ms, timeout: 10s, rise: 1, fall: 2}
`, soakThrough, soakThroughTLS)
	if full {
		fmt.Fprintf(&b, soakFull, [...]string{"round_robin", "least_conn", "random", "least_time", "hash", "source"}[generation/2%6], soakKey(generation))
	}
	b.WriteString("      servers:\n")
	for i, address := range stageServers {
		if i < 2 || generation%3 != 2 {
			fmt.Fprintf(&b, "        - {name: app%d, address: \"%s\", weight: %d", i+1, address, 1+(generation+i)%4)
			if full {
				fmt.Fprintf(&b, ", cookie: c%d, max_connections: 12", i+1)
			}
			b.WriteString("}\n")
		}
	}
	fmt.Fprintf(&b, `    - {name: plain, mode: tcp, servers: [{name: web, address: "@tandem-soak", send_proxy: v2}]}
    - {name: tls, mode: tcp, servers: [{name: web, address: "%s", send_proxy: v1}]}
`, soakInnerTLS)
	return b.String()
}

// soakKey is what the algorithm hash goes by.
func soakKey(generation int) string {
	if generation/2%6 == 4 {
		return ", key: path, bounded_load: 1.5"
	}
	return ""
}

// soakRules are what a full configuration's frontend does beside.
const soakRules = `      compression: {types: [text/plain], min_size: 100}
      max_body_size: 64MiB
      client_rate: {requests: 1000000, ipv4_prefix: 24}
      client_connections: {max: 4000, new: 100000}
      request_id: {header: X-Request-ID, respond: true}
      request_headers: {set: {X-Seen: "{client_ip} {method} {path}"}, remove: [X-Nothing]}
      rules:
        - {match: {path_regexp: "^/nowhere/[0-9]+$"}, deny: 403}
        - {match: {header: {X-Canary: {present: true}}, method: [PUT]}, respond: {status: 418, body: "no"}}
        - match: {path_prefix: /load/, any: [{method: [GET, HEAD]}, {method: POST}]}
          backend: app
`

// soakFull is what its backend does beside.
const soakFull = `      balance: {algorithm: %s%s}
      cookie: {name: SERVERID, indirect: true, nocache: true, max_idle: 1h}
      buffering: {requests: 64KiB, responses: 128KiB}
      retry_on: [empty_response, 502-504]
      timeouts: {queue: 30s}
`
