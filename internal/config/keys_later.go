package config

// laterKeys are of the balancer, and have no other place than this until they do something.
func laterKeys() []Key {
	const rule, backend = "proxy.frontends[].rules[]", "proxy.backends[]"
	return []Key{
		{Path: rule + ".mirror", Later: true, Others: "mirror", Help: "A copy of the requests for another backend, whose answers nobody sees."},
		{Path: backend + ".hedge", Later: true, Help: "The same request for a second server while the first one is slow to answer."},
		{Path: backend + ".circuit_breaker", Later: true, Help: "Requests that are refused at once while most of them fail."},
		{Path: backend + ".balance.ipv4_prefix", Later: true, Help: "Of `source`: clients that are known by a part of their address, as those of nginx' ip_hash by 24 bits."},
		{Path: backend + ".health_check.agent", Later: true, Others: "agent-check", Help: "What a program on the server says of its weight and state."},
		{Path: backend + ".passive_check.latency", Later: true, Help: "Servers that are ejected because they are much slower than the others."},
	}
}
