package beside

// heads are exams of what is changed in heads.
func heads() area {
	requests := func(tandem, haproxy, nginx string) site {
		s := site{&words{back: "request_headers: {" + tandem + "}"}, &words{back: haproxy}, nil}
		if nginx != "" {
			s.nginx = word("proxy_set_header Host $http_host;\nproxy_set_header Connection \"\";\n" + nginx)
		}
		return s
	}
	responses := func(tandem, haproxy, nginx string) site {
		s := site{&words{front: "response_headers: {" + tandem + "}"}, &words{front: haproxy}, nil}
		if nginx != "" {
			s.nginx = word(nginx)
		}
		return s
	}
	secrets := says("HTTP/1.1 200 OK", "X-Powered-By: x", "X-A: 1", "X-A: 2", "Location: http://a.test/y", "Content-Length: 2", "", "ok")
	rewrite := func(tandem, haproxy, nginx string) site {
		return site{word("rules: [{match: {path_prefix: /}, backend: @b@, rewrite: {" + tandem + "}}]"), word(haproxy), word(nginx)}
	}
	return area{"Headers and rewrites", []exam{
		{name: "set in requests", proves: "R45", site: requests("set: {X-A: b}", "http-request set-header X-A b", "proxy_set_header X-A b;"), ask: []string{get("/1"), get("/2", "X-A: 1", "x-a: 2")}},
		{name: "added to requests", site: requests("add: {X-A: b}", "http-request add-header X-A b", ""), ask: []string{get("/1"), get("/2", "X-A: 1")}},
		{name: "removed from requests", site: requests("remove: [X-A]", "http-request del-header X-A", `proxy_set_header X-A "";`), ask: []string{get("/1"), get("/2", "X-A: 1", "x-a: 2", "X-AB: 3")}},
		{name: "replaced in requests", site: requests(`replace: {X-A: {find: "^old(.*)$", with: "new$1"}}`, `http-request replace-header X-A ^old(.*)$ new\1`, ""), ask: []string{get("/1", "X-A: older"), get("/2", "X-A: bold"), get("/3", "X-A: old1", "X-A: old2")}},
		{name: "replaced in parts", site: requests(`replace: {X-A: {find: "b", with: "c"}}`, `http-request replace-header X-A b c`, ""), ask: []string{get("/1", "X-A: abab")}},
		{name: "variables in requests", proves: "R45", site: requests(`set: {X-M: "{method}", X-H: "{host}", X-P: "{path}", X-Q: "{query}", X-S: "{scheme}", X-I: "{client_ip}"}`,
			"http-request set-header X-M %[method]\nhttp-request set-header X-H %[req.hdr(host),field(1,:),lower]\nhttp-request set-header X-P %[path]\nhttp-request set-header X-Q %[query]\nhttp-request set-header X-S http\nhttp-request set-header X-I %[src]",
			"proxy_set_header X-M $request_method;\nproxy_set_header X-H $host;\nproxy_set_header X-P $uri;\nproxy_set_header X-Q $args;\nproxy_set_header X-S $scheme;\nproxy_set_header X-I $remote_addr;"), ask: []string{at("A.test:80", "/p/q?r=s")}},
		{name: "a variable of a header", site: requests(`set: {X-B: "{header:X-A}"}`, "http-request set-header X-B %[req.fhdr(x-a)]", "proxy_set_header X-B $http_x_a;"), ask: []string{get("/1", "X-A: v"), get("/2")}},
		{name: "a variable of a header that comes twice", site: requests(`set: {X-B: "{header:X-A}"}`, "http-request set-header X-B %[req.fhdr(x-a)]", "proxy_set_header X-B $http_x_a;"), ask: []string{get("/1", "X-A: v", "X-A: w")}},
		{name: "a variable of a cookie", site: requests(`set: {X-B: "{cookie:s}"}`, "http-request set-header X-B %[req.cook(s)]", "proxy_set_header X-B $cookie_s;"), ask: []string{get("/1", "Cookie: a=b; s=v")}},
		{name: "the host that servers see", proves: "R45", site: site{word("rules: [{backend: @b@, rewrite: {host: b.test}}]"), word("http-request set-header Host b.test"), word("proxy_set_header Host b.test;\nproxy_set_header Connection \"\";")}, ask: []string{get("/")}},
		{name: "the host that clients say", proves: "R45", site: plain(), ask: []string{at("A.Test:8080", "/")}},
		{name: "set in responses", proves: "R20", site: responses("set: {X-Frame-Options: SAMEORIGIN}", "http-response set-header X-Frame-Options SAMEORIGIN", "add_header X-Frame-Options SAMEORIGIN;"), ask: []string{get("/")}},
		{name: "set in responses that have it", proves: "R20", site: responses("set: {X-A: b}", "http-response set-header X-A b", "add_header X-A b;"), answer: secrets, ask: []string{get("/")}},
		{name: "set in the balancer's responses", proves: "R20", site: site{
			&words{front: "response_headers: {set: {X-A: b}}", back: "servers: [{name: s1, address: \"@dead@\"}]\nretries: 0"},
			&words{front: "http-response set-header X-A b", back: "server s1 @dead@\nretries 0"},
			&words{front: "add_header X-A b;", back: "server @dead@;"},
		}, ask: []string{get("/")}},
		{name: "set in all responses", proves: "R20", site: site{
			&words{front: "response_headers: {set: {X-A: b}}", back: "servers: [{name: s1, address: \"@dead@\"}]\nretries: 0"},
			&words{front: "http-after-response set-header X-A b", back: "server s1 @dead@\nretries 0"},
			&words{front: "add_header X-A b always;\nerror_page 502 =503 @e;\nlocation @e { add_header X-A b always; default_type text/html; return 503 \"<html>\"; }\nlocation / { proxy_pass http://@b@; }", back: "server @dead@;"},
		}, ask: []string{get("/")}},
		{name: "set only in servers' responses", proves: "R20", site: site{
			&words{front: "response_headers: {set: {X-A: b}, always: false}", back: "servers: [{name: s1, address: \"@dead@\"}]\nretries: 0"},
			&words{front: "http-response set-header X-A b", back: "server s1 @dead@\nretries 0"}, nil,
		}, ask: []string{get("/")}},
		{name: "removed from responses", site: responses("remove: [X-Powered-By]", "http-response del-header X-Powered-By", "proxy_hide_header X-Powered-By;"), answer: secrets, ask: []string{get("/")}},
		{name: "replaced in responses", site: responses(`replace: {Location: {find: "^http://", with: "https://"}}`, `http-response replace-header Location ^http://(.*)$ https://\1`, "proxy_redirect http:// https://;"), answer: secrets, ask: []string{get("/")}},
		{name: "Location of a server", site: plain(), answer: says("HTTP/1.1 302 Found", "Location: http://a.test/there", "Content-Length: 0", "", ""), ask: []string{get("/")}},
		{name: "HSTS without TLS", proves: "R20", site: responses(`set: {Strict-Transport-Security: "max-age=60"}`, `http-response set-header Strict-Transport-Security max-age=60`, `add_header Strict-Transport-Security max-age=60;`), ask: []string{get("/")}},
		{name: "removed before it is set", site: responses("set: {X-A: b}, remove: [X-A]", "http-response del-header X-A\nhttp-response set-header X-A b", ""), answer: secrets, ask: []string{get("/")}},
		{name: "strip a prefix", site: rewrite("strip_prefix: /api", `http-request replace-path ^/api(/.*)?$ \1`, "location /api/ { proxy_pass http://@b@/; }\nlocation / { proxy_pass http://@b@; }"), ask: []string{get("/api/x?y=1"), get("/x")}},
		{name: "strip a prefix to nothing", site: rewrite("strip_prefix: /api", `http-request replace-path ^/api(/.*)?$ /\1`, "location = /api { proxy_pass http://@b@/; }\nlocation / { proxy_pass http://@b@; }"), ask: []string{get("/api?y")}},
		{name: "rewrite by an expression", site: rewrite(`find: "^/old/(.*)$", with: "/new/$1"`, `http-request replace-path ^/old/(.*)$ /new/\1`, "rewrite ^/old/(.*)$ /new/$1 break;\nlocation / { proxy_pass http://@b@; }"), ask: []string{get("/old/x?y=1"), get("/older")}},
		{name: "rewrite of an escaped path", site: rewrite(`find: "^/old/(.*)$", with: "/new/$1"`, `http-request replace-path ^/old/(.*)$ /new/\1`, "rewrite ^/old/(.*)$ /new/$1 break;\nlocation / { proxy_pass http://@b@; }"), ask: []string{get("/old/a%20b%3Fc")}},
		{name: "the whole path", site: rewrite(`path: "/v1{path}"`, `http-request set-path /v1%[path]`, "location / { proxy_pass http://@b@/v1/; }"), ask: []string{get("/x?y=1")}},
	}, headsDiffer()}
}
