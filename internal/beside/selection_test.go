package beside

import "fmt"

// selection are exams of passwords, maps and shares.
func selection() area {
	guarded := site{
		word("rules: [{backend: @b@, basic_auth: {users_file: @dir@/users, realm: here}}]"),
		&words{front: "http-request auth realm here unless { http_auth(@b@users) }", more: "userlist @b@users\n\tuser joe password " + secret},
		word("auth_basic here;\nauth_basic_user_file @dir@/users.nginx;"),
	}
	basic := func(value string) string { return get("/", "Authorization: "+value) }
	mapped := func(match, haproxy, nginx string) site {
		return site{
			&words{front: "rules: [{map: {file: @dir@/@b@.map, " + match + "}}]", more: "- {name: @b@two, servers: [{name: s2, address: \"@s2@\"}], " + nothingForwarded + "}"},
			&words{front: "use_backend %[" + haproxy + "]", more: "backend @b@two\nserver s2 @s2@"},
			&words{front: "location / { proxy_pass http://$@b@to; }", more: "upstream @b@two { server @s2@; keepalive 8; }\nmap " + nginx + " $@b@to {\n\tdefault @b@;\n\tinclude @dir@/@b@.nginx;\n}"},
		}
	}
	split := site{
		&words{front: "rules: [{split: [{backend: @b@, weight: 50}, {backend: @b@two, weight: 50}], split_key: \"{header:X-T}\"}]", more: "- {name: @b@two, servers: [{name: s2, address: \"@s2@\"}], " + nothingForwarded + "}"}, nil,
		&words{front: "location / { proxy_pass http://$@b@to; }", more: "upstream @b@two { server @s2@; keepalive 8; }\nsplit_clients $http_x_t $@b@to {\n\t50% @b@;\n\t* @b@two;\n}"},
	}
	hosts := "b.test @b@two\nc.test @b@two\n"
	return area{"Passwords, maps and shares", []exam{
		{name: "no password", site: guarded, ask: []string{get("/")}},
		{name: "the right password", site: guarded, ask: []string{basic("Basic am9lOnNlY3JldA==")}},
		{name: "a wrong password", site: guarded, ask: []string{basic("Basic am9lOndyb25n")}},
		{name: "nobody of that name", site: guarded, ask: []string{basic("Basic amltOnNlY3JldA==")}},
		{name: "what is no password", site: guarded, ask: []string{basic("Basic !!!"), basic("Bearer am9lOnNlY3JldA==")}},
		{name: "the scheme in lower case", site: guarded, ask: []string{basic("basic am9lOnNlY3JldA==")}},
		{name: "a map by host", site: mapped("key: \"{host}\"", "req.hdr(host),field(1,:),lower,map(@dir@/@b@.map,@b@)", "$host"), maps: hosts,
			ask: []string{at("a.test", "/1"), at("b.test", "/2"), at("B.TEST:80", "/3"), at("x.b.test", "/4")}},
		{name: "a map by prefixes", site: func() site {
			s := mapped("key: \"{path}\", match: prefix", "path,map_beg(@dir@/@b@.map,@b@)", "")
			s.nginx = nil
			return s
		}(), maps: "/a @b@two\n/a/b @b@\n", ask: []string{get("/a"), get("/a/x"), get("/b"), get("/a/b/c")}},
		{name: "shares by key", site: split, shows: shows{client: true}, do: same(20, func(t *talk, key int) string { return t.whoAnswers(get("/", fmt.Sprintf("X-T: %d", key*7919))) })},
	}, selectionDiffer()}
}
