package config

// clientRateKeys are those of how often a client may ask. absent says what holds without them.
func clientRateKeys(in, absent, help string) []Key {
	return append([]Key{
		{Path: in, Type: section(), Others: "limit_req http_req_rate", Absent: absent, Example: "{requests: 100, per: 10s, burst: 50}", Reload: ReloadNew, Help: help},
		{Path: in + ".requests", Type: integer(1, 1_000_000), Required: true, Others: "rate", Example: "100", Reload: ReloadNew, Help: "How many requests in `per`, evenly."},
		{Path: in + ".per", Type: duration("1s", "1h"), Default: "1s", Example: "10s", Reload: ReloadNew, Help: "The time of `requests`."},
		{Path: in + ".burst", Type: integer(1, 1_000_000), Absent: "`requests`", Example: "50", Reload: ReloadNew, Help: "How many of them at once, by a client that has not asked for a while."},
		{Path: in + ".status", Type: integer(400, 599), Default: "429", Others: "limit_req_status deny_status", Example: "503", Reload: ReloadNew, Help: "What who asks too often gets, with Retry-After."},
	}, clientKeys(in)...)
}

// clientConnectionKeys are those of how many connections a client may have.
func clientConnectionKeys(in string) []Key {
	return append([]Key{
		{Path: in, Type: section(), Others: "limit_conn conn_cur conn_rate", Absent: "clients may have any number", Example: "{max: 100, new: 20, burst: 50}", Reload: ReloadNew,
			Help: "How many connections a client may have, and how fast it may make them. What is too much is closed at once, before TLS. Connections of `trusted_proxies` have no bound. [More of it](limits.md#clients)."},
		{Path: in + ".max", Type: integer(1, 1_000_000), Absent: "any number", Others: "conn_cur", Example: "100", Reload: ReloadNew, Help: "How many at once."},
		{Path: in + ".new", Type: integer(1, 1_000_000), Absent: "any number", Others: "conn_rate", Example: "20", Reload: ReloadNew, Help: "How many new ones in `per`, evenly."},
		{Path: in + ".per", Type: duration("1s", "1h"), Default: "1s", Example: "10s", Reload: ReloadNew, Help: "The time of `new`."},
		{Path: in + ".burst", Type: integer(1, 1_000_000), Absent: "`new`", Example: "50", Reload: ReloadNew, Help: "How many new ones at once, by a client that has made none for a while."},
	}, clientKeys(in)...)
}

// clientKeys say who is one client.
func clientKeys(in string) []Key {
	return []Key{
		{Path: in + ".ipv4_prefix", Type: integer(1, 32), Default: "32", Example: "24", Reload: ReloadNew, Help: "How many bits of an IPv4 address are a client."},
		{Path: in + ".ipv6_prefix", Type: integer(1, 128), Default: "64", Example: "56", Reload: ReloadNew, Help: "How many bits of an IPv6 address are a client. Whoever has one address of a network mostly has all that share 64."},
		{Path: in + ".table_size", Type: integer(8, 10_000_000), Default: "100000", Others: "limit_req_zone limit_conn_zone size", Example: "1000000", Reload: ReloadNew, Help: "How many clients are known, at some 33 octets each. What becomes of more says [limits.md](limits.md#clients)."},
		{Path: in + ".exempt", Type: list(0, 1000), Absent: "none", Example: "[10.0.0.0/8]", Reload: ReloadNew, Help: "Networks of clients that have no bound."},
		{Path: in + ".exempt[]", Type: network(), Example: "10.0.0.0/8", Reload: ReloadNew, Help: "A network."},
	}
}
