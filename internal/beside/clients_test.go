package beside

// clients are exams of what servers are told of who asks.
func clients() area {
	told := func(front, forwarded, haproxy, nginx string) site {
		s := site{&words{front: front, back: "forwarded: {" + forwarded + "}"}, &words{back: haproxy}, nil}
		if nginx != "" {
			s.nginx = word("proxy_set_header Host $http_host;\nproxy_set_header Connection \"\";\n" + nginx)
		}
		return s
	}
	const (
		alone   = ", x_forwarded_proto: false, x_real_ip: false"
		trusted = "trusted_proxies: [127.0.0.0/8]"
		nobody  = "x_forwarded_for: off"
	)
	appended := told("", "x_forwarded_for: append"+alone, "option forwardfor", "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;")
	believed := told(trusted, "x_forwarded_for: append"+alone, "option forwardfor", "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;")
	real := told(trusted, nobody+", x_forwarded_proto: false, x_real_ip: true", "", "set_real_ip_from 127.0.0.0/8;\nreal_ip_header X-Forwarded-For;\nreal_ip_recursive on;\nproxy_set_header X-Real-IP $remote_addr;")
	real.haproxy = nil
	return area{"Who the client is", []exam{
		{name: "X-Forwarded-For", proves: "R45", site: appended, ask: []string{get("/")}},
		{name: "X-Forwarded-For of anybody", proves: "R45", site: appended, ask: []string{get("/", "X-Forwarded-For: 9.9.9.9")}},
		{name: "X-Forwarded-For of a proxy", proves: "R45", site: believed, ask: []string{get("/", "X-Forwarded-For: 9.9.9.9"), get("/2", "X-Forwarded-For: 1.1.1.1, 9.9.9.9")}},
		{name: "X-Forwarded-For twice", proves: "R45", site: believed, ask: []string{get("/", "X-Forwarded-For: 9.9.9.9", "X-Forwarded-For: 8.8.8.8")}},
		{name: "X-Forwarded-For, replaced", proves: "R45", site: told(trusted, "x_forwarded_for: replace"+alone, "http-request set-header X-Forwarded-For %[src]", "proxy_set_header X-Forwarded-For $remote_addr;"), ask: []string{get("/", "X-Forwarded-For: 9.9.9.9")}},
		{name: "X-Forwarded-For, if there is none", proves: "R45", site: told(trusted, "x_forwarded_for: if_none"+alone, "option forwardfor if-none", ""), ask: []string{get("/1"), get("/2", "X-Forwarded-For: 9.9.9.9")}},
		{name: "X-Forwarded-For, with exceptions", proves: "R45", site: told("", "x_forwarded_for: append, except: [127.0.0.0/8]"+alone, "option forwardfor except 127.0.0.0/8", ""), ask: []string{get("/1"), get("/2", "X-Forwarded-For: 9.9.9.9")}},
		{name: "X-Forwarded-For, off", proves: "R45", site: plain(), ask: []string{get("/", "X-Forwarded-For: 9.9.9.9")}},
		{name: "X-Real-IP", proves: "R45", site: told("", nobody+", x_forwarded_proto: false, x_real_ip: true", "http-request set-header X-Real-IP %[src]", "proxy_set_header X-Real-IP $remote_addr;"), ask: []string{get("/1"), get("/2", "X-Real-IP: 9.9.9.9")}},
		{name: "the client behind a proxy", proves: "R45", site: real, ask: []string{get("/1", "X-Forwarded-For: 9.9.9.9"), get("/2", "X-Forwarded-For: 1.1.1.1, 9.9.9.9"), get("/4")}},
		{name: "the client behind two proxies", proves: "R45", site: real, ask: []string{get("/3", "X-Forwarded-For: 9.9.9.9, 127.0.0.5")}},
		{name: "a client that is no address", proves: "R45", site: real, ask: []string{get("/", "X-Forwarded-For: unknown")}},
		{name: "X-Forwarded-Proto", proves: "R45", site: told("", nobody+", x_forwarded_proto: true, x_real_ip: false", "http-request set-header X-Forwarded-Proto http", "proxy_set_header X-Forwarded-Proto $scheme;"), ask: []string{get("/1"), get("/2", "X-Forwarded-Proto: https")}},
		{name: "X-Forwarded-Host", proves: "R45", site: told("", nobody+alone+", x_forwarded_host: true", "http-request set-header X-Forwarded-Host %[req.hdr(host)]", "proxy_set_header X-Forwarded-Host $http_host;"), ask: []string{at("a.test:8080", "/"), get("/2", "X-Forwarded-Host: b.test")}},
		{name: "X-Forwarded-Port", proves: "R45", site: told("", nobody+alone+", x_forwarded_port: true", "http-request set-header X-Forwarded-Port %[dst_port]", "proxy_set_header X-Forwarded-Port $server_port;"), ask: []string{get("/")}},
	}, clientsDiffer()}
}
