package config

import "slices"

// matchKeys are what a request is matched by.
func matchKeys(in string) []Key {
	const more = "Or a list: one of them."
	return slices.Concat([]Key{
		{Path: in, Type: section(), Others: "if", Absent: "matches every request", Example: "{host: api.example.com, path_prefix: /v2/}", Reload: ReloadNew, Help: "All of its keys must hold."},
		{Path: in + ".host", Type: hostWord(), Others: "server_name", Absent: "any", Example: "api.example.com", Reload: ReloadNew, Help: "The whole host name, without port; upper case makes no difference. `*.example.com` is every name below example.com. " + more},
		{Path: in + ".host[]", Type: hostWord(), Example: `"*.example.com"`, Reload: ReloadNew, Help: "A host."},
		{Path: in + ".path", Type: pathWord(), Others: "uri", Absent: "any", Example: "/health", Reload: ReloadNew, Help: "The whole path. " + more},
		{Path: in + ".path[]", Type: pathWord(), Example: "/health", Reload: ReloadNew, Help: "A path."},
		{Path: in + ".path_prefix", Type: prefixWord(), Others: "path_beg location", Absent: "any", Example: "/api/", Reload: ReloadNew, Help: "What the path starts with, octet by octet. " + more},
		{Path: in + ".path_prefix[]", Type: prefixWord(), Example: "/api/", Reload: ReloadNew, Help: "A prefix."},
		{Path: in + ".path_regexp", Type: expression(4096), Others: "path_reg", Absent: "any", Example: `"^/users/[0-9]+$"`, Reload: ReloadNew, Help: "A regular expression that is found in the path. " + more},
		{Path: in + ".path_regexp[]", Type: expression(4096), Example: `"[.]php$"`, Reload: ReloadNew, Help: "An expression."},
		{Path: in + ".method", Type: headerName(), Others: "limit_except", Absent: "any", Example: "GET", Reload: ReloadNew, Help: "The method, in upper case as a rule. " + more},
		{Path: in + ".method[]", Type: headerName(), Example: "GET", Reload: ReloadNew, Help: "A method."},
	}, testKeys(in+".header", headerName(), Key{Others: "hdr req.hdr", Example: `{X-Canary: "1"}`, Help: "Fields of the request by name, in any case."}),
		testKeys(in+".query", line(255), Key{Others: "url_param urlp", Example: `{version: {present: true}}`, Help: "Parameters of the query by name, as forms write them; what escapes stand for is compared."}),
		testKeys(in+".cookie", headerName(), Key{Others: "req.cook", Example: `{group: {regexp: "^beta"}}`, Help: "Cookies by name."}),
		[]Key{
			{Path: in + ".source", Type: network(), Others: "src allow", Absent: "any", Example: "10.0.0.0/8", Reload: ReloadNew, Help: "The network that the client's address is in. " + more},
			{Path: in + ".source[]", Type: network(), Example: `"2001:db8::/32"`, Reload: ReloadNew, Help: "A network."},
			{Path: in + ".tls", Type: boolean(), Others: "ssl_fc", Absent: "either", Example: "false", Reload: ReloadNew, Help: "Whether the client came by TLS."},
			{Path: in + ".sni", Type: hostWord(), Others: "ssl_fc_sni", Absent: "any", Example: "api.example.com", Reload: ReloadNew, Help: "The name that the client asked for in its TLS handshake, as with `host`. " + more},
			{Path: in + ".sni[]", Type: hostWord(), Example: "api.example.com", Reload: ReloadNew, Help: "A name."},
			{Path: in + ".not", Type: section(), Like: in, Others: "unless", Absent: "nothing", Example: "{path_prefix: /.well-known/acme-challenge/}", Reload: ReloadNew, Help: "All of these together must not hold."},
			{Path: in + ".any", Type: list(1, 1000), Others: "or", Absent: "nothing more", Example: "[{host: a.example.com}, {path: /a}]", Reload: ReloadNew, Help: "At least one of these must hold."},
			{Path: in + ".any[]", Type: section(), Like: in, Example: "{host: a.example.com}", Reload: ReloadNew, Help: "One of them."},
			{Path: in + ".all", Type: list(1, 1000), Others: "and", Absent: "nothing more", Example: "[{any: [{host: a.example.com}, {path: /a}]}]", Reload: ReloadNew, Help: "All of these must hold."},
			{Path: in + ".all[]", Type: section(), Like: in, Example: "{any: [{host: a.example.com}, {path: /a}]}", Reload: ReloadNew, Help: "One of them."},
		})
}

// testKeys are conditions on the values of names of the user's choice.
func testKeys(in string, name Type, k Key) []Key {
	k.Path, k.Type, k.Absent, k.Reload = in, names(name), "any", ReloadNew
	k.Help += " One value of each must be as it says: a value, or a section with one of `present`, `prefix` and `regexp`."
	return []Key{
		k,
		{Path: in + ".*", Type: headerValue(), Example: `"1"`, Reload: ReloadNew, Help: "The whole value, or a section."},
		{Path: in + ".*.present", Type: boolean(), Absent: "not asked", Example: "false", Reload: ReloadNew, Help: "Whether there is one of the name at all."},
		{Path: in + ".*.prefix", Type: headerValue(), Absent: "not asked", Example: "v2.", Reload: ReloadNew, Help: "What the value starts with."},
		{Path: in + ".*.regexp", Type: expression(4096), Absent: "not asked", Example: `"^v[0-9]"`, Reload: ReloadNew, Help: "A regular expression that is found in the value."},
	}
}
