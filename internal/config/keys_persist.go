package config

// cookieKeys are what a backend says of the cookie that its clients come back by.
func cookieKeys(in string) []Key {
	return []Key{
		{Path: in, Type: section(), Others: "cookie sticky appsession", Absent: "any server gets a client's next request", Example: "{name: SERVERID, indirect: true, nocache: true}", Reload: ReloadNew,
			Help: "Clients come back to the server that they had, by a cookie that names it. [More of it](persistence.md)."},
		{Path: in + ".name", Type: headerNameOf("cookie name"), Required: true, Example: "SERVERID", Reload: ReloadNew, Help: "Its name."},
		{Path: in + ".mode", Type: oneOf("insert", "rewrite", "prefix"), Default: "insert", Example: "prefix", Reload: ReloadNew,
			Help: "`insert`: the cookie is Tandem's own. `rewrite` and `prefix`: it is one that the servers set; its value becomes what the server is called, or gets that and a `~` in front."},
		{Path: in + ".indirect", Type: boolean(), Default: "false", Example: "true", Reload: ReloadNew, Help: "Whether the cookie is taken out of requests, so that servers do not see it."},
		{Path: in + ".nocache", Type: boolean(), Default: "false", Example: "true", Reload: ReloadNew, Help: "Whether a response that sets the cookie says `Cache-Control: private`, so that no shared cache hands it to others."},
		{Path: in + ".preserve", Type: boolean(), Default: "false", Example: "true", Reload: ReloadNew, Help: "Whether a server may set the cookie itself, to send its client elsewhere for example; else what it sets under that name is taken away."},
		{Path: in + ".domain", Type: pattern("domain", "1 to 255 of letters, digits, . and -", 255, `^[A-Za-z0-9.-]+$`), Absent: "the host that the client has asked", Example: ".example.com", Reload: ReloadNew, Help: "The domain that the cookie is for."},
		{Path: in + ".path", Type: pattern("path of a cookie", "starts with a slash, at most 255 of printable ASCII without ;", 255, `^/[!-:<-~]*$`), Absent: "`/`", Example: "/shop", Reload: ReloadNew, Help: "The path that the cookie is for."},
		{Path: in + ".http_only", Type: boolean(), Default: "false", Others: "httponly", Example: "true", Reload: ReloadNew, Help: "Whether scripts of a page cannot read it."},
		{Path: in + ".secure", Type: boolean(), Default: "false", Example: "true", Reload: ReloadNew, Help: "Whether browsers send it by TLS alone."},
		{Path: in + ".same_site", Type: oneOf("strict", "lax", "none"), Others: "attr samesite", Absent: "the browser's own rule", Example: "lax", Reload: ReloadNew, Help: "Whether browsers send it with requests that other sites have caused; `none` needs `secure`."},
		{Path: in + ".max_idle", Type: duration("1s", "8760h"), Others: "maxidle", Absent: "any time", Example: "30m", Reload: ReloadNew, Help: "How long it is good for without a request, in whole seconds. The cookie has a date then, which is renewed."},
		{Path: in + ".max_life", Type: duration("1s", "8760h"), Others: "maxlife", Absent: "any time", Example: "8h", Reload: ReloadNew, Help: "How long it is good for in all, in whole seconds."},
		{Path: in + ".secret_file", Type: filePath(), Others: "dynamic-cookie-key", Absent: "what servers are called is plain", Example: "/etc/tandem/cookies.key", Reload: ReloadNew,
			Help: "A file of 32 to 4096 octets that seals the cookie: it tells nobody who the servers are, and nobody can make one up. Nodes that have the same read each other's. A file that others can read is refused."},
	}
}

// sourcesKeys are what a backend says of the table of who had which server.
func sourcesKeys(in string) []Key {
	return []Key{
		{Path: in, Type: section(), Others: "stick-table stick", Absent: "any server gets a client's next request", Example: "{size: 100000, expire: 30m}", Reload: ReloadLive,
			Help: "Clients come back to the server that they had, by their address, which a table in memory remembers; a reload keeps it. [More of it](persistence.md#by-source)."},
		{Path: in + ".size", Type: integer(1, 10_000_000), Default: "100000", Example: "1000000", Reload: ReloadLive, Help: "How many clients it remembers, at some 120 octets each once they are there. When it is full the one that was not there for longest makes room."},
		{Path: in + ".expire", Type: duration("1s", "8760h"), Default: "30m", Example: "1h", Reload: ReloadLive, Help: "How long after a client's last request, or in `mode: tcp` after its last connection was made."},
		{Path: in + ".ipv6_prefix", Type: integer(1, 128), Default: "64", Example: "128", Reload: ReloadLive, Help: "How many bits of an IPv6 address are a client. Those of one network mostly share 64, and change the others by themselves."},
	}
}

// headerNameOf is a token under another name.
func headerNameOf(kind string) Type {
	return pattern(kind, "1 to 128 of letters, digits and !#$%&'*+-.^_`|~", 128, "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
}

// cookieValue is what a server may be called in a cookie.
func cookieValue() Type {
	return pattern("cookie value", "1 to 64 of printable ASCII without blanks and \" , ; \\ | ~", 64, `^[!#-+\--:<-\[\]-{}]+$`)
}
