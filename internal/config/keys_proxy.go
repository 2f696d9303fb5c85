package config

import (
	"slices"

	"github.com/tandem-lb/tandem/proxy/balance"
)

func proxyKeys() []Key {
	return slices.Concat([]Key{
		{Path: "proxy", Type: section(), Default: "{}", Example: "{frontends: [], backends: []}", Reload: ReloadParts, Help: "The load balancer."},
		{Path: "proxy.threads", Type: integer(0, 1024), Default: "0", Others: "nbthread worker_processes", Example: "4", Reload: ReloadRestart,
			Help: "Event loops, each on a core; 0 is one for each core that the daemon may use."},
		{Path: "proxy.tls", Type: section(), Default: "{}", Example: "{ticket_secret_file: /etc/tandem/tickets.key}", Reload: ReloadParts, Help: "What all TLS listeners have in common."},
		{Path: "proxy.tls.ticket_secret_file", Type: filePath(), Absent: "a secret of the process alone", Others: "tls_ticket_keys ssl_session_ticket_key", Example: "/etc/tandem/tickets.key", Reload: ReloadNew,
			Help: "A file of 32 to 4096 octets that the keys of session tickets are made of, another every 12 hours. Nodes that have the same take up each other's TLS sessions. A file that others can read is refused."},
		{Path: "proxy.limits", Type: section(), Default: "{}", Others: "maxconn", Example: "{handshakes: 2048}", Reload: ReloadParts, Help: "Limits of the whole process."},
		{Path: "proxy.limits.handshakes", Type: integer(1, 65536), Default: "1024", Others: "maxsslconn", Example: "2048", Reload: ReloadRestart,
			Help: "TLS handshakes that may be under way at once, each with its memory. The others wait for their turn; where all wait for their clients, the one that has waited longest makes room. Each has 5 s."},
		{Path: "proxy.limits.max_connections", Type: integer(1, 10_000_000), Default: "50000", Others: "maxconn worker_connections", Example: "50000", Reload: ReloadLive,
			Help: "How many clients all frontends together serve at once. Further ones connect and wait until one leaves. Each needs two descriptors (LimitNOFILE in the unit); where the daemon may have fewer it serves as many as they allow, and says so."},
		{Path: "proxy.limits.buffered_responses", Type: size("1MiB", "1TiB"), Default: "256MiB", Example: "1GiB", Reload: ReloadLive,
			Help: "Memory that responses which are held for slow clients (`buffering.responses`) may take, those of all backends together. When it is taken no more is read ahead; what comes is left to the servers until their clients take it."},
		{Path: "proxy.defaults", Type: section(), Default: "{}", Example: "{retries: 3, redispatch: true}", Reload: ReloadParts, Help: "What holds where a frontend or backend says nothing else."},
		{Path: "proxy.defaults.timeouts", Type: section(), Default: "{}", Others: "timeout", Example: "{connect: 5s, client: 50s, server: 50s}", Reload: ReloadParts, Help: "How long things may take. All are finite."},
		{Path: "proxy.defaults.timeouts.connect", Type: timeout(), Default: "5s", Others: "contimeout", Example: "5s", Reload: ReloadNew, Help: "Each attempt to connect to a server; then 503, or in `mode: tcp` the end."},
		{Path: "proxy.defaults.timeouts.server", Type: timeout(), Default: "50s", Others: "srvtimeout", Example: "50s", Reload: ReloadNew, Help: "Without a byte from a server while one is due; then 504. In `mode: tcp`: once the client has ended."},
		{Path: "proxy.defaults.timeouts.client", Type: timeout(), Default: "50s", Others: "clitimeout", Example: "50s", Reload: ReloadNew, Help: "Without a byte from or to a client. In `mode: tcp`: once the server has ended."},
		{Path: "proxy.defaults.timeouts.http_request", Type: timeout(), Default: "10s", Example: "10s", Reload: ReloadNew, Help: "From the first byte of a request's head to its end."},
		{Path: "proxy.defaults.timeouts.keep_alive", Type: timeout(), Default: "60s", Others: "http_keep_alive", Example: "60s", Reload: ReloadNew, Help: "Between two requests of a connection."},
		{Path: "proxy.defaults.timeouts.tunnel", Type: timeout(), Default: "1h", Example: "1h", Reload: ReloadNew, Help: "Without a byte in either direction after an upgrade (WebSocket), and in `mode: tcp`. There `client` and `server` are for who is left to speak when the other side has ended."},
		{Path: "proxy.defaults.timeouts.queue", Type: timeout(), Absent: "as long as `connect`", Example: "5s", Reload: ReloadNew, Help: "Waiting for a server that has room (`max_connections`); then 503, or in `mode: tcp` the end."},
		{Path: "proxy.defaults.retries", Type: integer(0, 100), Default: "3", Example: "3", Reload: ReloadNew, Help: "Further attempts after the first: to connect, and what `retry_on` of a backend says."},
		{Path: "proxy.defaults.redispatch", Type: boolean(), Default: "true", Example: "true", Reload: ReloadNew, Help: "Whether the last attempt may go to another server even where persistence names one."},
	}, errorPageKeys("proxy.defaults.error_pages", "the balancer's own"), []Key{
		{Path: "proxy.defaults.trusted_proxies", Type: list(0, 1000), Others: "set_real_ip_from", Absent: "none", Example: "[10.0.0.0/8]", Reload: ReloadNew, Help: "As in a frontend."},
		{Path: "proxy.defaults.trusted_proxies[]", Type: network(), Example: "10.0.0.0/8", Reload: ReloadNew, Help: "A network."},
		{Path: "proxy.defaults.client_from", Type: oneOf("x_forwarded_for", "forwarded"), Default: "x_forwarded_for", Others: "real_ip_header", Example: "forwarded", Reload: ReloadNew, Help: "As in a frontend."},
		bodyKey("proxy.defaults", "any size"),
	}, compressionKeys("proxy.defaults.compression", "responses go as they are"), accessLogKeys("proxy.defaults.access_log"), resolverKeys("proxy.resolvers"), mapKeys("proxy.maps"), frontendKeys(), backendKeys())
}

// timeout is long enough to be one, and short enough that a forgotten connection does end.
func timeout() Type { return duration("1ms", "24h") }

func frontendKeys() []Key {
	const in = "proxy.frontends[]"
	const rule = in + ".rules[]"
	return slices.Concat([]Key{
		{Path: "proxy.frontends", Type: list(0, 1000), Others: "frontend listen server", Absent: "none", Example: "[]", Reload: ReloadParts, Help: "Where clients come in."},
		{Path: in + ".name", Type: identifier(), Required: true, Example: "http_front", Reload: ReloadAnew, Help: "Its name in logs and status, unique."},
		{Path: in + ".mode", Type: oneOf(modeHTTP, modeTCP), Default: modeHTTP, Example: modeTCP, Reload: ReloadAnew, Help: "What it speaks. `tcp`: each connection goes to a server of `default_backend`, its bytes as they are, and lasts as long as it lasts there."},
		{Path: in + ".bind", Type: list(1, 255), Required: true, Others: "listen", Example: `[{address: ":80"}]`, Reload: ReloadLive, Help: "The addresses it listens on."},
		{Path: in + ".bind[].address", Type: bindAddress(), Required: true, PerNode: true, Example: `":443"`, Reload: ReloadAnew,
			Help: "A port alone stands for the virtual addresses of every instance, served by the node that holds them; without instances for every IPv4 address of the host. A virtual address serves while it is here, any other always. A path is that of a Unix socket, `@` and a name one in Linux' abstract name space, which everybody on the host may connect to."},
		{Path: in + ".bind[].socket", Type: section(), Absent: "`{mode: \"0660\"}`", Example: `{mode: "0666", group: www-data}`, Reload: ReloadLive, Help: "The file of a Unix socket. It is made anew at start, where nobody listens on it any more, and goes when the daemon does."},
		{Path: in + ".bind[].socket.mode", Type: pattern("octal mode", "three octal digits, a 0 before them if you like", 4, `^0?[0-7]{3}$`), Default: `"0660"`, Others: "mode", Example: `"0666"`, Reload: ReloadLive, Help: "Who may connect to it."},
		{Path: in + ".bind[].socket.user", Type: identifier(), Absent: "the daemon's own", Others: "user uid", Example: "www-data", Reload: ReloadLive, Help: "Whose it is. To give it away the daemon needs CAP_CHOWN."},
		{Path: in + ".bind[].socket.group", Type: identifier(), Absent: "the daemon's own", Others: "group gid", Example: "www-data", Reload: ReloadLive, Help: "The group that owns it: one that the daemon is in, or it needs CAP_CHOWN."},
		{Path: in + ".bind[].accept_proxy", Type: boolean(), Default: "false", Others: "accept-proxy proxy_protocol", Example: "true", Reload: ReloadNew,
			Help: "Whether connections begin with a header of the PROXY protocol, version 1 or 2, which says who the client is; its address is the client's everywhere then. The header has to come within `timeouts.http_request`."},
		{Path: in + ".bind[].trusted_proxies", Type: list(1, 1000), Absent: "with `accept_proxy` it has to be there, but for a Unix socket", Others: "set_real_ip_from expect-proxy", Example: "[10.0.0.0/8]", Reload: ReloadNew,
			Help: "Who may send such headers, and has to. Nobody else may connect: what such a header says is believed."},
		{Path: in + ".bind[].trusted_proxies[]", Type: network(), Example: `"2001:db8::/32"`, Reload: ReloadNew, Help: "A network."},
		{Path: in + ".bind[].h2c", Type: boolean(), Default: "false", Others: "proto", Example: "true", Reload: ReloadNew, Help: "Without `tls`: whether clients may speak HTTP/2 as well, those that begin with it. `Upgrade: h2c` is never followed."},
	}, tlsKeys(in+".bind[].tls"), []Key{
		{Path: in + ".max_connections", Type: integer(1, 10_000_000), Others: "maxconn", Absent: "no bound but that of the process", Example: "2000", Reload: ReloadLive,
			Help: "How many clients it serves at once. Further ones connect and wait until one leaves."},
	}, clientConnectionKeys(in+".client_connections"), clientRateKeys(in+".client_rate", "clients may ask as often as they like",
		"How often a client may ask, by its address, or the one that `trusted_proxies` tell. [More of it](limits.md#clients)."), []Key{
		{Path: in + ".rules", Type: list(0, 10000), Others: "acl use_backend location", Absent: "none", Example: "[{match: {path_prefix: /api/}, backend: api}]", Reload: ReloadNew, Help: "The first one that matches takes the request. Exactly one of `backend`, `split`, `map`, `redirect`, `respond` and `deny` in each."},
	}, matchKeys(rule+".match"), []Key{
		{Path: rule + ".backend", Type: identifier(), Others: "proxy_pass use_backend", Example: "api", Reload: ReloadNew, Help: "The backend that gets the request."},
		{Path: rule + ".redirect", Type: section(), Others: "return", Example: "{scheme: https, code: 301}", Reload: ReloadNew, Help: "Answers with another place to go to. Exactly one of `scheme` and `location`."},
		{Path: rule + ".redirect.scheme", Type: oneOf("http", "https"), Example: "https", Reload: ReloadNew, Help: "The same host without its port, the same path and query."},
		{Path: rule + ".redirect.location", Type: line(4096), Example: "https://www.example.com/", Reload: ReloadNew, Help: "A whole URL or an absolute path, with variables (docs/rules.md)."},
		{Path: rule + ".redirect.code", Type: oneOf("301", "302", "303", "307", "308"), Default: "302", Example: "301", Reload: ReloadNew, Help: "The status."},
		{Path: rule + ".respond", Type: section(), Others: "return", Example: `{status: 200, body: "healthy\n", content_type: text/plain}`, Reload: ReloadNew, Help: "Answers by itself."},
		{Path: rule + ".respond.status", Type: integer(200, 599), Default: "200", Others: "code", Example: "200", Reload: ReloadNew, Help: "The status."},
		{Path: rule + ".respond.body", Type: body(64 << 10), Absent: "empty", Example: `"healthy\n"`, Reload: ReloadNew, Help: "The body."},
		{Path: rule + ".respond.content_type", Type: headerValue(), Absent: "none is sent", Example: "text/plain", Reload: ReloadNew, Help: "The Content-Type."},
		{Path: rule + ".log", Type: boolean(), Default: "true", Others: "access_log", Example: "false", Reload: ReloadNew, Help: "Whether requests that this rule takes are in the access log."},
	}, actionKeys(rule), siteKeys(in), []Key{
		{Path: in + ".default_backend", Type: identifier(), Absent: "503", Example: "web", Reload: ReloadNew, Help: "The backend for requests that no rule takes."},
		{Path: in + ".timeouts", Type: section(), Default: "{}", Example: "{client: 30s}", Reload: ReloadParts, Help: "Where this frontend differs from `proxy.defaults.timeouts`."},
	}, overrides(in, "client", "http_request", "keep_alive", "tunnel"), accessLogKeys(in+".access_log"))
}

// overrides are the timeouts that a frontend or backend may have of its own.
func overrides(in string, names ...string) []Key {
	var keys []Key
	for _, n := range names {
		keys = append(keys, Key{Path: in + ".timeouts." + n, Type: timeout(), Absent: "`proxy.defaults.timeouts." + n + "`", Example: "30s", Reload: ReloadNew, Help: "As in the defaults."})
	}
	return keys
}

func backendKeys() []Key {
	const in = "proxy.backends[]"
	return slices.Concat([]Key{
		{Path: "proxy.backends", Type: list(0, 1000), Others: "backend upstream", Absent: "none", Example: "[]", Reload: ReloadParts, Help: "Pools of servers that answer alike."},
		{Path: in + ".name", Type: identifier(), Required: true, Example: "web", Reload: ReloadAnew, Help: "Its name in rules, logs and status, unique."},
		{Path: in + ".mode", Type: oneOf(modeHTTP, modeTCP), Default: modeHTTP, Example: modeTCP, Reload: ReloadAnew, Help: "What it speaks, as the frontends do that it is for."},
		{Path: in + ".protocol", Type: oneOf(protocolHTTP1, protocolHTTP2), Default: protocolHTTP1, Others: "proto proxy_http_version grpc_pass", Example: protocolHTTP2, Reload: ReloadAnew,
			Help: "What the servers are spoken to in, whatever clients speak. `h2` is HTTP/2, as gRPC needs it: with `tls` both sides have to agree on it (ALPN), without it the servers have to know (h2c). Requests share connections then."},
	}, balanceKeys(in+".balance"), backendHeadKeys(in), cookieKeys(in+".cookie"), sourcesKeys(in+".stick_table"), healthKeys(in+".health_check"), passiveKeys(in+".passive_check"), []Key{
		{Path: in + ".on_down", Type: oneOf(keepConnections, closeConnections), Default: keepConnections, Others: "on-marked-down", Example: closeConnections, Reload: ReloadLive,
			Help: "What becomes of the connections to a server that goes down, by its checks or those of the one that it tracks. `close_connections` ends all of them at once, whatever is under way: for a database that has been demoted."},
		{Path: in + ".servers", Type: list(1, maxServers), Required: true, Others: "server", Example: `[{name: web1, address: "192.168.1.101:80"}]`, Reload: ReloadLive, Help: "Its servers."},
		{Path: in + ".servers[].name", Type: identifier(), Required: true, Example: "web1", Reload: ReloadAnew, Help: "Its name in logs and status, unique in the backend."},
		{Path: in + ".servers[].address", Type: serverAddress(), Required: true, Example: `"192.168.1.101:80"`, Reload: ReloadAnew,
			Help: "Where it listens: an address and port; a host's name and port; or a service, whose name begins with an underscore, and whose SRV records have hosts, ports and weights. Names are looked up in the background, again and again, and never keep the daemon from starting. A path is that of a Unix socket, `@` and a name one in Linux' abstract name space."},
	}, lookupKeys(in+".servers[]"), []Key{
		{Path: in + ".servers[].weight", Type: integer(0, balance.MaxWeight), Default: "1", Example: "3", Reload: ReloadLive, Help: "Its share of the traffic, beside the others' weights; 0: none."},
		{Path: in + ".servers[].send_proxy", Type: oneOf("v1", "v2"), Absent: "it is not told", Others: "send-proxy send-proxy-v2 proxy_protocol", Example: "v2", Reload: ReloadAnew,
			Help: "The version of the PROXY protocol by which it is told of each client before everything else; probes on its own port say that they are for none. Each client has connections of its own to it then."},
		{Path: in + ".servers[].server_name", Type: line(255), Absent: "`tls.server_name`", Others: "sni verifyhost", Example: "web1.internal", Reload: ReloadAnew, Help: "Its own name where TLS is spoken."},
		{Path: in + ".servers[].track", Type: trackedServer(), Absent: "it has the `health_check` of its backend", Example: "web/web1", Reload: ReloadAnew, Help: "A server whose health is its own too, so that it is not probed itself: one of this backend by its name, or of another one as backend/server."},
		{Path: in + ".servers[].max_connections", Type: integer(1, 1_000_000), Others: "maxconn max_conns", Absent: "no bound", Example: "200", Reload: ReloadLive,
			Help: "How many requests it gets at once, or in `mode: tcp` connections. Where all servers have as many as they may, further ones wait."},
		{Path: in + ".servers[].max_queue", Type: integer(1, 1_000_000), Others: "maxqueue", Absent: "`max_queue` of the backend", Example: "20", Reload: ReloadLive,
			Help: "How many may wait for it because they belong to it. Further ones go to other servers."},
		{Path: in + ".servers[].cookie", Type: cookieValue(), Absent: "its clients do not come back to it; with `secret_file`: its name", Example: "A", Reload: ReloadNew,
			Help: "What it is called in the `cookie` of the backend, alike on all nodes. Servers that are called the same stand in for each other, the first that is up."},
		{Path: in + ".servers[].backup", Type: boolean(), Default: "false", Example: "true", Reload: ReloadLive, Help: "It gets traffic when no server is left that is none: all of those are down. A request that all of them have failed goes to it too."},
		slowStartKey(in+".servers[]", "`slow_start` of the backend"),
		slowStartKey(in, "at once"),
		{Path: in + ".max_connections", Type: integer(1, 1_000_000), Absent: "no bound but those of its servers", Example: "500", Reload: ReloadLive,
			Help: "How many requests all servers together get at once, or in `mode: tcp` connections. Further ones wait, the first that came first, for `timeouts.queue`."},
		{Path: in + ".max_queue", Type: integer(1, 1_000_000), Default: "10000", Others: "queue", Example: "1000", Reload: ReloadLive, Help: "How many may wait. Further ones get 503 at once."},
		{Path: in + ".retries", Type: integer(0, 100), Absent: "`proxy.defaults.retries`", Example: "1", Reload: ReloadNew, Help: "As in the defaults."},
		{Path: in + ".redispatch", Type: boolean(), Absent: "`proxy.defaults.redispatch`", Example: "false", Reload: ReloadNew, Help: "As in the defaults."},
		{Path: in + ".timeouts", Type: section(), Default: "{}", Example: "{server: 5m}", Reload: ReloadParts, Help: "Where this backend differs from `proxy.defaults.timeouts`."},
	}, retryKeys(in), overrides(in, "connect", "server", "queue"), serverTLSKeys(in+".tls"))
}
