package config

import (
	"slices"
	"strings"

	"github.com/tandem-lb/tandem/proxy/edit"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// editKeys are changes of heads: requests on their way to servers, or responses.
func editKeys(in string, at edit.Stage, whose string) []Key {
	const order = " What is removed goes first, then replaced, set and added; the changes of a frontend come before those of a backend, and these before those of a rule."
	value := template(at)
	keys := []Key{
		{Path: in, Type: section(), Others: "http-request proxy_set_header", Absent: "nothing is changed", Example: "{set: {X-Frame-Options: SAMEORIGIN}}", Reload: ReloadNew, Help: whose + order},
		{Path: in + ".set", Type: names(headerName()), Absent: "none", Example: `{X-Frame-Options: SAMEORIGIN}`, Reload: ReloadNew, Help: "Headers that replace all of their name."},
		{Path: in + ".set.*", Type: value, Example: "SAMEORIGIN", Reload: ReloadNew, Help: "The value, with variables (docs/rules.md). One that comes out empty adds nothing."},
		{Path: in + ".add", Type: names(headerName()), Absent: "none", Example: `{X-Served-By: "{frontend}"}`, Reload: ReloadNew, Help: "Headers that join those of their name."},
		{Path: in + ".add.*", Type: value, Example: `"{frontend}"`, Reload: ReloadNew, Help: "The value, as with `set`."},
		{Path: in + ".remove", Type: list(1, 100), Others: "del-header proxy_hide_header", Absent: "none", Example: "[Server, X-Powered-By]", Reload: ReloadNew, Help: "Headers that go."},
		{Path: in + ".remove[]", Type: headerName(), Example: "Server", Reload: ReloadNew, Help: "A header."},
		{Path: in + ".replace", Type: names(headerName()), Others: "replace-header proxy_redirect", Absent: "none", Example: `{Location: {find: "^http://", with: "https://"}}`, Reload: ReloadNew, Help: "Headers of which a part of the value is replaced."},
		{Path: in + ".replace.*", Type: section(), Example: `{find: "^http://", with: "https://"}`, Reload: ReloadNew, Help: "What by what."},
		{Path: in + ".replace.*.find", Type: expression(4096), Required: true, Example: `"^http://"`, Reload: ReloadNew, Help: "A regular expression; each match of it is replaced."},
		{Path: in + ".replace.*.with", Type: body(4096), Default: `""`, Example: `"https://"`, Reload: ReloadNew, Help: "What takes its place; `$1` stands for the first group."},
	}
	if at == edit.Response {
		keys[0].Others = "http-response http-after-response add_header"
		keys = append(keys, Key{Path: in + ".always", Type: boolean(), Default: "true", Example: "false", Reload: ReloadNew, Help: "Whether redirects, error pages and other responses of the balancer itself are changed too."})
	}
	return keys
}

// template is the value of a header, with variables.
func template(at edit.Stage) Type {
	t := headerValue()
	t.Kind += " with variables"
	t.Want = "a header value of known variables, with {{ for a brace"
	valid := t.fault
	t.fault = func(text string) string {
		if what := valid(text); what != "" {
			return what
		}
		if _, err := edit.Parse(text, at); err != nil {
			what, _, _ := strings.Cut(err.Error(), ", want ")
			return what
		}
		return ""
	}
	return t
}

// errorPageKeys are pages in place of the balancer's own.
func errorPageKeys(in, absent string) []Key {
	return []Key{
		{Path: in, Type: names(integer(400, 599)), Others: "errorfile error_page", Absent: absent, Example: "{503: /etc/tandem/errors/503.html}", Reload: ReloadNew, Help: "Files in place of the balancer's own error pages, by status. They are read at start and at each reload."},
		{Path: in + ".*", Type: filePath(), Example: "/etc/tandem/errors/503.html", Reload: ReloadNew, Help: "A file of at most 64 KiB that ends in .html, .htm, .txt or .json."},
	}
}

// bodyKey is how large the body of a request may be.
func bodyKey(in, absent string) Key {
	return Key{Path: in + ".max_body_size", Type: size("1", "1TiB"), Others: "client_max_body_size max_size", Absent: absent, Example: "10MiB", Reload: ReloadNew,
		Help: "How large the body of a request may be. One that is larger gets 413: at once where its length is told, else when so much has come."}
}

// siteKeys are what a frontend says of its clients and to them.
func siteKeys(in string) []Key {
	return slices.Concat(
		editKeys(in+".request_headers", edit.Request, "What becomes of the headers of requests."),
		editKeys(in+".response_headers", edit.Response, "What becomes of the headers of responses. Strict-Transport-Security is told to clients with TLS alone."),
		errorPageKeys(in+".error_pages", "`proxy.defaults.error_pages`"),
		[]Key{
			{Path: in + ".trusted_proxies", Type: list(0, 1000), Others: "set_real_ip_from real_ip_from", Absent: "`proxy.defaults.trusted_proxies`", Example: "[10.0.0.0/8]", Reload: ReloadNew, Help: "Networks of proxies that are believed what they tell of clients: their X-Forwarded-For says who the client is, to rules, logs and servers. What others tell goes."},
			{Path: in + ".trusted_proxies[]", Type: network(), Example: "10.0.0.0/8", Reload: ReloadNew, Help: "A network."},
			{Path: in + ".client_from", Type: oneOf("x_forwarded_for", "forwarded"), Absent: "`proxy.defaults.client_from`", Others: "real_ip_header", Example: "forwarded", Reload: ReloadNew, Help: "By which header `trusted_proxies` tell who the client is: X-Forwarded-For, or Forwarded (RFC 7239), with the scheme and the host. What is in the X-Forwarded headers is believed of nobody then."},
			bodyKey(in, "`proxy.defaults.max_body_size`"),
		}, compressionKeys(in+".compression", "`proxy.defaults.compression`"), []Key{
			{Path: in + ".request_id", Type: section(), Others: "unique-id-header unique-id-format", Absent: "requests have no id", Example: "{header: X-Request-ID}", Reload: ReloadNew, Help: "A name for each request, a UUID of version 7, that servers and logs get."},
			{Path: in + ".request_id.header", Type: headerName(), Default: "X-Request-ID", Example: "X-Request-ID", Reload: ReloadNew, Help: "The header. What trusted proxies say there is kept."},
			{Path: in + ".request_id.respond", Type: boolean(), Default: "false", Example: "true", Reload: ReloadNew, Help: "Whether clients get it too."},
			{Path: in + ".monitor", Type: section(), Others: "monitor-uri", Absent: "none", Example: "{path: /health, fail_if: [{backend: web, min_up: 1}]}", Reload: ReloadNew, Help: "Where others ask whether the balancer is alive. It answers before all rules, with 200 or 503, and such requests are not logged."},
			{Path: in + ".monitor.path", Type: pathWord(), Required: true, Example: "/health", Reload: ReloadNew, Help: "The whole path."},
			{Path: in + ".monitor.fail_if", Type: list(0, 100), Others: "monitor", Absent: "never", Example: "[{backend: web, min_up: 1}]", Reload: ReloadNew, Help: "When the answer is 503: one of these is enough."},
			{Path: in + ".monitor.fail_if[].backend", Type: identifier(), Required: true, Example: "web", Reload: ReloadNew, Help: "A backend."},
			{Path: in + ".monitor.fail_if[].min_up", Type: integer(1, 10000), Default: "1", Example: "1", Reload: ReloadNew, Help: "How many of its servers have to be healthy."},
		})
}

// actionKeys are what a rule does beside `backend`, `redirect` and `respond`.
func actionKeys(in string) []Key {
	return slices.Concat([]Key{
		{Path: in + ".split", Type: list(1, 64), Others: "split_clients", Absent: "one `backend`", Example: "[{backend: web, weight: 95}, {backend: canary, weight: 5}]", Reload: ReloadNew, Help: "Backends that share the requests, by weight, exactly in each cycle."},
		{Path: in + ".split[].backend", Type: identifier(), Required: true, Example: "canary", Reload: ReloadNew, Help: "A backend."},
		{Path: in + ".split[].weight", Type: integer(0, rule.MaxShare), Required: true, Example: "5", Reload: ReloadNew, Help: "Its share, beside the others' weights."},
		{Path: in + ".split_key", Type: template(edit.Request), Absent: "requests go in turn", Example: `"{cookie:user}"`, Reload: ReloadNew, Help: "A text with variables; requests for which it comes out the same go to the same backend. When weights change, as many change sides as must."},
		{Path: in + ".map", Type: section(), Others: "use_backend map", Absent: "one `backend`", Example: "{file: /etc/tandem/tenants.map, default: web}", Reload: ReloadNew, Help: "The backend is what a file says of the request. The file is read at start, at each reload, and when it has changed; one that cannot be used changes nothing."},
		{Path: in + ".map.file", Type: filePath(), Required: true, Example: "/etc/tandem/tenants.map", Reload: ReloadNew, Help: "A key and the name of a backend on each line, with blanks between; # begins a comment line. At most 16 MiB."},
		{Path: in + ".map.key", Type: template(edit.Request), Default: `"{host}"`, Example: `"{path}"`, Reload: ReloadNew, Help: "What is looked up: a text with variables."},
		{Path: in + ".map.match", Type: oneOf("exact", "prefix"), Default: "exact", Others: "method", Example: "prefix", Reload: ReloadNew, Help: "`prefix`: a key is found by what begins with it, the longest first."},
		{Path: in + ".map.default", Type: identifier(), Absent: "`default_backend` of the frontend", Example: "web", Reload: ReloadNew, Help: "The backend for what the file does not have."},
		{Path: in + ".deny", Type: integer(400, 599), Others: "deny", Absent: "not refused", Example: "403", Reload: ReloadNew, Help: "Refuses, with this status and its error page."},
		bodyKey(in, "that of the frontend"),
	}, clientRateKeys(in+".client_rate", "that of the frontend", "How often a client may ask for what the rule takes, in place of what the frontend says."), []Key{
		{Path: in + ".compression", Type: boolean(), Default: "true", Others: "gzip", Example: "false", Reload: ReloadNew, Help: "Whether responses to these requests may be compressed, as the frontend says."},
		{Path: in + ".basic_auth", Type: section(), Others: "auth_basic http-request", Absent: "everybody may come in", Example: "{users_file: /etc/tandem/users}", Reload: ReloadNew, Help: "Who asks has to say who they are, by user name and password (RFC 7617). Only with `backend`, `split` or `map`."},
		{Path: in + ".basic_auth.users_file", Type: filePath(), Required: true, Others: "auth_basic_user_file userlist", Example: "/etc/tandem/users", Reload: ReloadNew, Help: "The users with bcrypt hashes, one on each line, as `htpasswd -B` writes them. A file that others can read is refused."},
		{Path: in + ".basic_auth.realm", Type: pattern("realm", "1 to 128 of printable ASCII without quotes and backslashes", 128, `^[ !#-\[\]-~]+$`), Default: "restricted", Example: "Administration", Reload: ReloadNew, Help: "What browsers show when they ask."},
		{Path: in + ".rewrite", Type: section(), Others: "set-path replace-path", Absent: "nothing is changed", Example: "{strip_prefix: /api}", Reload: ReloadNew, Help: "What servers are asked for instead. Rules and logs see what the client asked for."},
		{Path: in + ".rewrite.strip_prefix", Type: prefixWord(), Absent: "nothing goes", Example: "/api", Reload: ReloadNew, Help: "What the path loses at its start."},
		{Path: in + ".rewrite.find", Type: expression(4096), Absent: "nothing is replaced", Example: `"^/old/(.*)$"`, Reload: ReloadNew, Help: "A regular expression; each match of it in the path is replaced."},
		{Path: in + ".rewrite.with", Type: body(4096), Absent: "nothing", Example: `"/new/$1"`, Reload: ReloadNew, Help: "What takes its place; `$1` stands for the first group."},
		{Path: in + ".rewrite.path", Type: template(edit.Request), Others: "set-path", Absent: "the path stays", Example: `"/v1{path}"`, Reload: ReloadNew, Help: "The whole path, with variables; `{path}` is what the keys above have left of it."},
		{Path: in + ".rewrite.host", Type: template(edit.Request), Absent: "that of the client", Example: "app.internal", Reload: ReloadNew, Help: "The host that servers are asked for, with variables, with a port if you like."},
	}, editKeys(in+".request_headers", edit.Request, "What becomes of the headers of the requests that this rule takes."),
		editKeys(in+".response_headers", edit.Response, "What becomes of the headers of their responses."))
}

// backendHeadKeys are what a backend says of heads.
func backendHeadKeys(in string) []Key {
	return slices.Concat([]Key{
		{Path: in + ".forwarded", Type: section(), Default: "{}", Others: "forwardfor", Example: "{x_forwarded_for: replace}", Reload: ReloadNew, Help: "What servers are told of the client."},
		{Path: in + ".forwarded.x_forwarded_for", Type: oneOf("append", "replace", "if_none", "off"), Default: "append", Example: "replace", Reload: ReloadNew, Help: "The address of the other end of the connection: `append` joins it to what `trusted_proxies` tell, `replace` tells it alone, `if_none` only where they tell nothing, `off` tells nothing and lets pass what came in."},
		{Path: in + ".forwarded.except", Type: list(0, 1000), Absent: "none", Example: "[127.0.0.0/8]", Reload: ReloadNew, Help: "Networks of clients for which X-Forwarded-For stays as it came."},
		{Path: in + ".forwarded.except[]", Type: network(), Example: "127.0.0.0/8", Reload: ReloadNew, Help: "A network."},
		{Path: in + ".forwarded.x_forwarded_proto", Type: boolean(), Default: "true", Example: "true", Reload: ReloadNew, Help: "Whether `http` or `https` is told. What a trusted proxy says stays."},
		{Path: in + ".forwarded.x_forwarded_host", Type: boolean(), Default: "false", Example: "true", Reload: ReloadNew, Help: "Whether the host that the client asked for is told. What a trusted proxy says stays."},
		{Path: in + ".forwarded.x_forwarded_port", Type: boolean(), Default: "false", Example: "true", Reload: ReloadNew, Help: "Whether the port that the client connected to is told. What a trusted proxy says stays."},
		{Path: in + ".forwarded.x_real_ip", Type: boolean(), Default: "true", Example: "true", Reload: ReloadNew, Help: "Whether the client's address is told in X-Real-IP."},
		{Path: in + ".forwarded.standard", Type: boolean(), Default: "false", Example: "true", Reload: ReloadNew, Help: "Whether all of this is told in Forwarded (RFC 7239), behind what trusted proxies say there."},
	}, editKeys(in+".request_headers", edit.Request, "What becomes of the headers of requests to these servers."),
		editKeys(in+".response_headers", edit.Response, "What becomes of the headers of responses to requests for this backend."),
		errorPageKeys(in+".error_pages", "those of the frontend"), []Key{
			{Path: in + ".buffering", Type: section(), Default: "{}", Example: "{requests: 64KiB, responses: 1MiB}", Reload: ReloadNew, Help: "What is held here, so that no server waits for clients that are slow."},
			{Path: in + ".buffering.requests", Type: size("1KiB", "16MiB"), Others: "http-buffer-request proxy_request_buffering client_body_buffer_size", Absent: "bodies go on as they come", Example: "64KiB", Reload: ReloadNew,
				Help: "How much of a request's body is held, in memory, before a server is asked: all of it, unless it is larger. So no server waits for clients that are slow to send. Each such request may take this much."},
			{Path: in + ".buffering.responses", Type: size("64KiB", "64MiB"), Others: "proxy_buffering proxy_buffers", Absent: "servers wait for their clients", Example: "1MiB", Reload: ReloadNew,
				Help: "How much of a response is taken from its server before a client that is slow takes it, in memory. Its server is free for the next request, and for `max_connections`, as soon as all of the response has come. Nothing is held back: a client that is ready gets at once what there is. All together take no more than `buffered_responses` of `proxy.limits`."},
		})
}
