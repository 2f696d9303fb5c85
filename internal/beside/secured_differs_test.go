package beside

func securedDiffer() []difference {
	return []difference{
		{"TLS, another protocol", haproxy, otherALPN, `client: no TLS`, `
client: TLS, protocol ""
client: 200
client: content-length: 2
client: x-server: s1
client| "ok"
client: open
s1: GET / HTTP/1.1
s1: host: a.test`},
		{"no TLS where it is spoken", nginx, plainOnTLS, `client: closed`, `
client: 400
client: connection: close
client: content-type: text/html
client| a page of its own`},
		{"HTTP/2, trailers", haproxy, connectionTE, `s1: connection: TE`, ""},
		{"HTTP/2, trailers", nginx, noTrailers, `
client, behind it: x-sum: 9
s1: connection: TE
s1: te: trailers`, ""},
		{"HTTP/2, fields of the server's connection", haproxy, hopByHop, "", `client: x-hop: 1`},
		{"HTTP/2, fields of the server's connection", nginx, hopByHop, "", `client: x-hop: 1`},
	}
}
