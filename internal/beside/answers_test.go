package beside

// answers are exams of what the balancers answer by themselves.
func answers() area {
	respond := func(tandem, haproxy, nginx string) site {
		return site{word("rules: [{match: {path: /x}, respond: {" + tandem + "}}]"), word("http-request return " + haproxy + " if { path /x }"), word(nginx)}
	}
	redirect := func(tandem, haproxy, nginx string) site {
		s := site{word("rules: [{match: {path_prefix: /x}, redirect: {" + tandem + "}}]"), word("http-request redirect " + haproxy + " if { path_beg /x }"), word("location /x { "+nginx+" }", "location / { proxy_pass http://@b@; }")}
		return s
	}
	page := site{
		&words{front: "error_pages: {503: @dir@/503.html}", back: "servers: [{name: s1, address: \"@dead@\"}]\nretries: 0"},
		&words{front: "errorfile 503 @dir@/503.http", back: "server s1 @dead@\nretries 0\nerrorfile 503 @dir@/503.http"},
		&words{front: "error_page 502 =503 /503.html;\nlocation = /503.html { root @dir@; etag off; internal; }\nlocation / { proxy_pass http://@b@; }", back: "server @dead@;"},
	}
	const healthy = "monitor: {path: /health}"
	return area{"Answers of the balancer", []exam{
		{name: "redirect to https", proves: "R19", site: redirect("scheme: https", "scheme https", "return 302 https://$host$request_uri;"), ask: []string{get("/x?y=1")}},
		{name: "redirect to https from a port", proves: "R19", site: redirect("scheme: https", "scheme https", "return 302 https://$host$request_uri;"), ask: []string{at("a.test:8080", "/x")}},
		{name: "redirect to https, of an escaped path", proves: "R19", site: redirect("scheme: https", "scheme https", "return 302 https://$host$request_uri;"), ask: []string{get("/x/%61%20b?c=%20")}},
		{name: "redirect to a URL", proves: "R19", site: redirect("location: \"https://b.test/y\", code: 301", "location https://b.test/y code 301", "return 301 https://b.test/y;"), ask: []string{get("/x?y=1")}},
		{name: "redirect to a path", proves: "R19", site: redirect("location: /y, code: 303", "location /y code 303", "return 303 /y;"), ask: []string{get("/x?y=1")}},
		{name: "redirect with variables", proves: "R19", site: redirect(`location: "https://{host}/y{path}?{query}", code: 307`, `location https://%[req.hdr(host)]/y%[path]?%[query] code 307`, "return 307 https://$host/y$uri?$args;"), ask: []string{get("/x/z?y=1")}},
		{name: "redirect by 308", proves: "R19", site: redirect("location: /y, code: 308", "location /y code 308", "return 308 /y;"), ask: []string{get("/x")}},
		{name: "redirect of HEAD", proves: "R19", site: redirect("location: /y", "location /y", "return 302 /y;"), ask: []string{by("HEAD", "/x", "", "")}},
		{name: "redirect of a POST", proves: "R19", site: redirect("location: /y", "location /y", "return 302 /y;"), do: func(t *talk) {
			t.send(by("POST", "/x", "Content-Length: 3", "", ""))
			t.reads("POST")
		}},
		{name: "redirect of a POST that comes whole", proves: "R19", site: redirect("location: /y", "location /y", "return 302 /y;"), ask: []string{by("POST", "/x", "Content-Length: 3", "", "abc")}},
		{name: "redirect in HTTP/1.0", proves: "R19", site: redirect("location: /y", "location /y", "return 302 /y;"), ask: []string{old("/x")}},
		{name: "response", proves: "R44", site: respond("status: 200, body: \"fine\\n\", content_type: text/plain", `status 200 content-type text/plain string "fine\n"`, "location = /x { default_type text/plain; return 200 \"fine\\n\"; }"), ask: []string{get("/x"), get("/y")}},
		{name: "response to HEAD", site: respond("status: 200, body: \"fine\\n\", content_type: text/plain", `status 200 content-type text/plain string "fine\n"`, "location = /x { default_type text/plain; return 200 \"fine\\n\"; }"), ask: []string{by("HEAD", "/x", "", "")}},
		{name: "response without a body", site: respond("status: 204", "status 204", "location = /x { return 204; }"), ask: []string{get("/x")}},
		{name: "response with an error status", site: respond("status: 404, body: gone, content_type: text/plain", "status 404 content-type text/plain string gone", "location = /x { default_type text/plain; return 404 gone; }"), ask: []string{get("/x")}},
		{name: "response with a status of its own", site: respond("status: 299, body: x, content_type: text/plain", "status 299 content-type text/plain string x", "location = /x { default_type text/plain; return 299 x; }"), ask: []string{get("/x")}},
		{name: "one Content-Type", proves: "R44", site: site{
			&words{front: "rules: [{match: {path: /x}, respond: {body: ok, content_type: text/plain}}]\nresponse_headers: {set: {X-A: b}}"}, nil,
			word("location = /x { default_type text/html; add_header Content-Type text/plain; add_header X-A b; return 200 ok; }"),
		}, ask: []string{get("/x")}},
		{name: "monitor", proves: "R44", site: site{word(healthy), word("monitor-uri /health"), nil}, ask: []string{get("/health"), get("/health?x"), get("/healthy")}},
		{name: "monitor, HEAD", proves: "R44", site: site{word(healthy), word("monitor-uri /health"), nil}, ask: []string{by("HEAD", "/health", "", "")}},
		{name: "monitor that fails", proves: "R44", site: site{
			&words{front: "monitor: {path: /health, fail_if: [{backend: @b@, min_up: 1}]}", back: "health_check: {interval: 20ms, timeout: 1s, fall: 1}\nservers: [{name: s1, address: \"@dead@\"}]"},
			&words{front: "monitor-uri /health\nacl dead nbsrv(@b@) lt 1\nmonitor fail if dead", back: "server s1 @dead@ check inter 20ms fall 1"}, nil,
		}, do: func(t *talk) {
			t.until(get("/health"), "503")
			t.asks(get("/health"))
			t.look()
		}},
		{name: "an error page of the site", site: page, ask: []string{get("/")}},
		{name: "an error page of the site for HEAD", site: page, ask: []string{by("HEAD", "/", "", "")}},
		{name: "an error page of the server", site: page503(), answer: says("HTTP/1.1 503 Busy", "Content-Length: 4", "", "busy"), ask: []string{get("/")}},
	}, answersDiffer()}
}

// page503 has a page for what the server answers by itself.
func page503() site {
	return site{
		&words{front: "error_pages: {503: @dir@/503.html}"},
		&words{front: "errorfile 503 @dir@/503.http"},
		word("error_page 503 /503.html;\nlocation = /503.html { root @dir@; etag off; internal; }\nlocation / { proxy_pass http://@b@; }"),
	}
}
