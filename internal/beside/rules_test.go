package beside

// routed is a site whose requests go to s2 where a rule says so, and else to s1.
func routed(match, condition, front string) site {
	s := site{
		&words{front: "rules: [{match: {" + match + "}, backend: @b@two}]", more: "- {name: @b@two, servers: [{name: s2, address: \"@s2@\"}], " + nothingForwarded + "}"},
		&words{front: condition, more: "backend @b@two\nserver s2 @s2@"},
		&words{front: front, more: "upstream @b@two { server @s2@; keepalive 8; }"},
	}
	if condition == "" {
		s.haproxy = nil
	} else {
		s.haproxy.front = "use_backend @b@two if " + condition
	}
	if front == "" {
		s.nginx = nil
	}
	return s
}

// elsewhere is a location of nginx that goes to s2.
func elsewhere(where string) string { return "location " + where + " { proxy_pass http://@b@two; }" }

// whenever is nginx's way to route by a variable.
func whenever(condition string) string {
	return "location / {\n\tset $to @b@;\n\tif (" + condition + ") { set $to @b@two; }\n\tproxy_pass http://$to;\n}"
}

// at is a request of a host.
func at(host, target string, fields ...string) string {
	all := append([]string{"GET " + target + " HTTP/1.1", "Host: " + host}, fields...)
	return crlf(append(all, "", "")...)
}

func rules() area {
	return area{"Rules", []exam{
		{name: "nothing in particular", proves: "R21", site: plain(), ask: []string{get("/x?y=1")}},
		{name: "host", proves: "R47", site: routed("host: b.test", "{ hdr(host),field(1,:) -i b.test }", whenever("$host = b.test")),
			ask: []string{at("a.test", "/1"), at("b.test", "/2"), at("B.TEST:8080", "/3"), at("b.test.", "/4"), at("xb.test", "/5")}},
		{name: "host with wildcard", proves: "R47", site: routed(`host: "*.b.test"`, "{ hdr_end(host) -i .b.test }", whenever(`$host ~ \.b\.test$`)),
			ask: []string{at("b.test", "/1"), at("w.b.test", "/2"), at("x.y.b.test", "/3"), at("wb.test", "/4")}},
		{name: "host in an absolute target", proves: "R45 R47", site: routed("host: b.test", "{ hdr(host),field(1,:) -i b.test }", whenever("$host = b.test")),
			ask: []string{crlf("GET http://b.test/1 HTTP/1.1", "Host: b.test", "", "")}},
		{name: "path", site: routed("path: /a", "{ path /a }", elsewhere("= /a")), ask: []string{get("/a"), get("/a/"), get("/a?x"), get("/ab"), get("/A")}},
		{name: "path, escaped", site: routed("path: /admin", "{ path /admin }", elsewhere("= /admin")), ask: []string{get("/%61dmin"), get("/%2561dmin")}},
		{name: "path with dots", site: routed("path_prefix: /admin", "{ path_beg /admin }", elsewhere("/admin")), ask: []string{get("/x/../admin"), get("/./admin/")}},
		{name: "path above the root", site: plain(), ask: []string{get("/../x")}},
		{name: "path with an escaped slash", site: routed("path_prefix: /admin/", "{ path_beg /admin/ }", elsewhere("/admin/")), ask: []string{get("/admin%2Fx")}},
		{name: "path with two slashes", site: routed("path_prefix: /admin", "{ path_beg /admin }", elsewhere("/admin")), ask: []string{get("//admin"), get("/admin//x")}},
		{name: "path prefix", site: routed("path_prefix: /api", "{ path_beg /api }", elsewhere("/api")), ask: []string{get("/api"), get("/api/x"), get("/apix"), get("/x/api")}},
		{name: "path by expression", site: routed(`path_regexp: "^/u/[0-9]+$"`, "{ path_reg ^/u/[0-9]+$ }", elsewhere("~ ^/u/[0-9]+$")), ask: []string{get("/u/12"), get("/u/12a"), get("/u/12?a"), get("/v/u/1")}},
		{name: "end of the path", site: routed(`path_regexp: "[.]php$"`, "{ path_end .php }", elsewhere(`~ \.php$`)), ask: []string{get("/a.php"), get("/a.php/x"), get("/a.phpx")}},
		{name: "method", site: routed("method: [POST, PUT]", "METH_POST or { method PUT }", whenever("$request_method ~ ^(POST|PUT)$")),
			ask: []string{get("/1"), crlf("PUT /2 HTTP/1.1", "Host: a.test", "Content-Length: 1", "", "x"), crlf("POST /3 HTTP/1.1", "Host: a.test", "Content-Length: 0", "", "")}},
		{name: "header", site: routed(`header: {X-Canary: "1"}`, "{ req.fhdr(x-canary) 1 }", whenever("$http_x_canary = 1")),
			ask: []string{get("/1", "X-Canary: 1"), get("/2", "x-canary:   1  "), get("/3", "X-Canary: 2"), get("/4", "X-Canary: 11"), get("/5")}},
		{name: "header, twice", site: routed(`header: {X-Canary: "1"}`, "{ req.fhdr(x-canary) 1 }", whenever("$http_x_canary = 1")),
			ask: []string{get("/1", "X-Canary: 0", "X-Canary: 1")}},
		{name: "header with a list", site: routed(`header: {X-Canary: "1"}`, "{ req.hdr(x-canary) 1 }", ""), ask: []string{get("/1", "X-Canary: 0, 1")}},
		{name: "header there", site: routed("header: {X-Canary: {present: true}}", "{ req.hdr(x-canary) -m found }", whenever("$http_x_canary")),
			ask: []string{get("/1", "X-Canary: yes"), get("/2")}},
		{name: "header there and empty", site: routed("header: {X-Canary: {present: true}}", "{ req.fhdr(x-canary) -m found }", whenever("$http_x_canary")), ask: []string{get("/1", "X-Canary:")}},
		{name: "header by expression", site: routed(`header: {X-V: {regexp: "^v[0-9]"}}`, "{ req.fhdr(x-v) -m reg ^v[0-9] }", whenever("$http_x_v ~ ^v[0-9]")),
			ask: []string{get("/1", "X-V: v1"), get("/2", "X-V: av1")}},
		{name: "query", site: routed(`query: {v: "2"}`, "{ url_param(v) 2 }", whenever("$arg_v = 2")),
			ask: []string{get("/1?v=2"), get("/2?a=1&v=2"), get("/3?v=22"), get("/4?w=2"), get("/5?v="), get("/6?V=2")}},
		{name: "query, escaped", site: routed(`query: {v: "2"}`, "{ url_param(v) 2 }", whenever("$arg_v = 2")), ask: []string{get("/1?v=%32")}},
		{name: "query, twice", site: routed(`query: {v: "2"}`, "{ url_param(v) 2 }", whenever("$arg_v = 2")), ask: []string{get("/1?v=1&v=2")}},
		{name: "cookie", site: routed("cookie: {g: beta}", "{ req.cook(g) beta }", whenever("$cookie_g = beta")),
			ask: []string{get("/1", "Cookie: g=beta"), get("/2", "Cookie: a=1; g=beta; c=d"), get("/3", "Cookie: xg=beta"), get("/4", "Cookie: g=betax")}},
		{name: "source", site: routed("source: 127.0.0.9", "{ src 127.0.0.9 }", whenever("$remote_addr = 127.0.0.9")), do: func(t *talk) {
			for _, from := range []string{"127.0.0.9", "127.0.0.10"} {
				t.source = from
				t.dial()
				t.asks(get("/" + from))
			}
		}},
		{name: "not", site: routed("not: {path_prefix: /a}", "!{ path_beg /a }", whenever("$uri !~ ^/a")), ask: []string{get("/a"), get("/b")}},
		{name: "any", site: routed("any: [{path: /a}, {host: b.test}]", "{ path /a } or { hdr(host) b.test }", ""), ask: []string{get("/a"), at("b.test", "/x"), get("/x")}},
		{name: "all", site: routed("path: /a, host: b.test", "{ path /a } { hdr(host) b.test }", ""), ask: []string{get("/a"), at("b.test", "/x"), at("b.test", "/a")}},
		{name: "the first rule that matches", site: site{
			&words{front: "rules: [{match: {path_prefix: /a}, respond: {body: \"1\", content_type: text/plain}}, {match: {path: /a/b}, respond: {body: \"2\", content_type: text/plain}}]"},
			&words{front: "http-request return status 200 content-type text/plain string 1 if { path_beg /a }\nhttp-request return status 200 content-type text/plain string 2 if { path /a/b }"},
			&words{front: "default_type text/plain;\nlocation /a { return 200 1; }\nlocation = /a/b { return 200 2; }\nlocation / { return 404; }"},
		}, ask: []string{get("/a"), get("/a/b")}},
		{name: "denied", site: site{
			word("rules: [{match: {path: /no}, deny: 403}]"), word("http-request deny deny_status 403 if { path /no }"), word("location = /no { return 403; }"),
		}, ask: []string{get("/no"), get("/yes")}},
		{name: "denied, with a body", site: site{
			word("rules: [{deny: 403}]"), word("http-request deny deny_status 403"), word("location / { return 403; }"),
		}, ask: []string{crlf("POST / HTTP/1.1", "Host: a.test", "Content-Length: 3", "", "abc")}},
		{name: "no backend", proves: "R17", site: site{
			&words{front: "rules: [{match: {path: /a}, backend: @b@}]", bare: true}, &words{front: "use_backend @b@ if { path /a }", bare: true}, nil,
		}, ask: []string{get("/a"), get("/b")}},
	}, rulesDiffer()}
}
