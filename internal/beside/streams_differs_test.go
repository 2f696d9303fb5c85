package beside

func streamsDiffer() []difference {
	return []difference{
		{"the server resets", haproxy, tcpResets, `client: reset after ""`, `client: closed after ""`},
		{"no server to connect to", haproxy, tcpResets, `client: reset after ""`, `client: closed after ""`},
		{"silence for too long", haproxy, tcpResets, `client: reset after ""`, `client: closed after ""`},
		{"sessions of a server that is found down", haproxy, tcpResets, `client: reset after ""`, `client: closed after ""`},
		{"version 1, unknown", nginx, unknownClient, `s1: x-forwarded-for: 127.0.0.1`, ""},
		{"version 2, local", nginx, unknownClient, `s1: x-forwarded-for: 127.0.0.1`, ""},
		{"version 1, malformed", haproxy, strictProxy, `client: reset`, `
client: 200
client: content-length: 2
client: x-server: s1
client| "ok"
s1: GET / HTTP/1.1
s1: host: a.test
s1: x-forwarded-for: 1.2.3.0`},
		{"version 1, malformed", nginx, strictProxy, `client: reset`, `
client: 200
client: content-length: 2
client: x-server: s1
client| "ok"
s1: GET / HTTP/1.1
s1: host: a.test
s1: x-forwarded-for: 1.2.3`},
		{"no header", nginx, proxyAbsent, `client: reset`, `client: closed`},
		{"version 1 to servers", haproxy, proxyOnce, `s1: PROXY TCP4 127.0.0.1 127.0.0.1`, ""},
		{"version 2 to servers", haproxy, proxyOnce, `s1: version 2, command 33, family 17, from 127.0.0.1 to 127.0.0.1, 12 octets`, ""},
	}
}
