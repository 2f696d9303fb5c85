package beside

func healthsDiffer() []difference {
	return []difference{
		{"a server closes instead of answering", haproxy, retryNoTurn, "", `
s1: GET /2 HTTP/1.1
s1: host: a.test`},
		{"a server closes instead of answering a POST", haproxy, retryPost, `
client: 502
client: cache-control: no-cache
client: content-type: text/html
client| a page of its own`, `
client: 200
client: content-length: 2
client: x-server: s2
client| "ok"
s2: POST / HTTP/1.1
s2: content-length: 3
s2: host: a.test
s2| "abc"`},
		{"a server closes within its body", haproxy, abortResets, `client: reset in its midst`, `client: closed in its midst`},
		{"a server closes within its body", nginx, abortResets, `client: reset in its midst`, `client: closed in its midst`},
		{"a server answers 503 to a POST", haproxy, retryPost, `
client: 503
client: content-length: 4
client| "busy"`, `
client: 200
client: content-length: 2
client: x-server: s2
client| "ok"
s2: POST / HTTP/1.1
s2: content-length: 3
s2: host: a.test
s2| "abc"`},
		{"all servers fail", nginx, nobodyLeft, `
s1: GET /2 HTTP/1.1
s1: host: a.test
s2: GET /2 HTTP/1.1
s2: host: a.test`, ""},
	}
}
