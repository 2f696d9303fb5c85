package beside

func messagesDiffer() []difference {
	return []difference{
		{"HTTP/1.0", haproxy, serversGet11, `s1: GET / HTTP/1.1`, `
s1: GET / HTTP/1.0
s1: connection: keep-alive`},
		{"HTTP/1.0, kept", haproxy, serversGet11, `s1: GET / HTTP/1.1`, `
s1: GET / HTTP/1.0
s1: connection: keep-alive`},
		{"HTTP/1.0, chunked by the server", haproxy, chunksForOld, `s1: GET / HTTP/1.1`, `
client: transfer-encoding: chunked
s1: GET / HTTP/1.0
s1: connection: keep-alive`},
		{"until the server closes", haproxy, untilClose, `
client: transfer-encoding: chunked
client: open`, `
client: connection: close
client: closed`},
		{"a server of HTTP/1.0", haproxy, noKeepAlive, "", `client: connection: keep-alive`},
		{"Keep-Alive of the server", haproxy, hopByHop, "", `client: keep-alive: timeout=5`},
		{"connections to servers are shared", haproxy, sharedConns, `s1: GET /2 HTTP/1.1 over connection 1`, `s1: GET /2 HTTP/1.1 over connection 2`},
		{"a server closes a kept connection instead of answering", haproxy, keptClosed, `
client: 200
client: content-length: 2
client: x-server: s1
client| "ok"
client: open
s1: GET /2 HTTP/1.1 over connection 2
s1: host: a.test`, `client: closed`},
		{"HEAD, chunked", haproxy, headCoding, "", `client: transfer-encoding: chunked`},
		{"a chunked body", nginx, lengthOfChunks, `s1: transfer-encoding: chunked`, `s1: content-length: 5`},
		{"trailers of a request", nginx, noTrailers, `
s1: transfer-encoding: chunked
s1, behind it: x-sum: 9`, `s1: content-length: 3`},
		{"trailers of a response", haproxy, connectionTE, `s1: connection: TE`, ""},
		{"trailers of a response", nginx, noTrailers, `
client, behind it: x-sum: 9
s1: connection: TE
s1: te: trailers`, ""},
		{"100-continue", nginx, continueByServer, `s1: expect: 100-continue`, ""},
		{"100-continue, refused", nginx, continueByServer, `s1: expect: 100-continue`, ""},
		{"another expectation", haproxy, otherExpect, `
client: 417
client: cache-control: no-cache
client: connection: close
client: content-type: text/html
client| a page of its own
client: closed`, `
client: 200
client: content-length: 2
client: x-server: s1
client| "ok"
client: open
s1: GET / HTTP/1.1
s1: expect: miracles
s1: host: a.test`},
		{"another expectation", nginx, otherExpect, `
client: 417
client: connection: close
client: content-type: text/html
client| a page of its own
client: closed`, `
client: 200
client: content-length: 2
client: x-server: s1
client| "ok"
client: open
s1: GET / HTTP/1.1
s1: host: a.test`},
		{"upgrade", haproxy, upgradeWord, `client: connection: upgrade`, `client: connection: Upgrade`},
		{"upgrade, the server ends", haproxy, upgradeWord, `client: connection: upgrade`, `client: connection: Upgrade`},
		{"upgrade, the client ends what it says", haproxy, upgradeWord, `client: connection: upgrade`, `client: connection: Upgrade`},
		{"upgrade, the client ends what it says", nginx, upgradeHalf, `client: closed after "LAST"`, `client: closed after ""`},
		{"upgrade to HTTP/2", haproxy, noH2C, "", `
s1: connection: Upgrade, HTTP2-Settings
s1: http2-settings: AAMAAABkAAQAoAAAAAIAAAAA
s1: upgrade: h2c`},
		{"upgrade to HTTP/2", nginx, noH2C, "", `
s1: connection: Upgrade, HTTP2-Settings
s1: http2-settings: AAMAAABkAAQAoAAAAAIAAAAA
s1: upgrade: h2c`},
		{"fields of the connection", haproxy, hopByHop, `s1: connection: TE`, `
s1: connection: X-Hop
s1: keep-alive: 5
s1: proxy-connection: keep-alive
s1: x-hop: 1`},
		{"fields of the connection", nginx, hopByHop, `
s1: connection: TE
s1: te: trailers`, `
s1: proxy-connection: keep-alive
s1: x-hop: 1`},
		{"TRACE", haproxy, noTrace, `
client: 501
client: cache-control: no-cache
client: connection: close
client: content-type: text/html
client| a page of its own
client: closed`, `
client: 200
client: content-length: 2
client: x-server: s1
client| "ok"
client: open
s1: TRACE / HTTP/1.1
s1: host: a.test`},
		{"TRACE", nginx, noTrace, `client: 501`, `client: 405`},
		{"CONNECT", haproxy, noTrace, `
client: 501
client: cache-control: no-cache
client: connection: close
client: content-type: text/html
client| a page of its own
client: closed`, `
client: 200
client: content-length: 2
client: x-server: s1
client| "ok"
client: open
s1: CONNECT a.test:80 HTTP/1.1
s1: host: a.test`},
		{"CONNECT", nginx, noTrace, `client: 501`, `client: 400`},
		{"OPTIONS of all", nginx, optionsAll, `
client: 200
client: content-length: 2
client: x-server: s1
client| "ok"
client: open
s1: OPTIONS * HTTP/1.1
s1: host: a.test`, `
client: 400
client: connection: close
client: content-type: text/html
client| a page of its own
client: closed`},
		{"empty lines before a request", haproxy, emptyLines, `
client: 400
client: cache-control: no-cache
client: connection: close
client: content-type: text/html
client| a page of its own
client: closed`, `
client: 200
client: content-length: 2
client: x-server: s1
client| "ok"
client: open
s1: GET / HTTP/1.1
s1: host: a.test`},
		{"empty lines before a request", nginx, emptyLines, `
client: 400
client: connection: close
client: content-type: text/html
client| a page of its own
client: closed`, `
client: 200
client: content-length: 2
client: x-server: s1
client| "ok"
client: open
s1: GET / HTTP/1.1
s1: host: a.test`},
		{"the order of fields", haproxy, orderOfLength, `client: a: 3`, `client: a: 3`},
		{"the order of fields", nginx, orderNginx, `
client: b: 2
client: server: origin
client: content-length: 2`, `
client: server: nginx
client: content-length: 2
client: connection: keep-alive
client: b: 2`},
		{"the case of fields", haproxy, caseOfNames, `
client: Content-Length: 2
client: content-TYPE: a/b
client: x-LOWER-Upper: v
s1: ACCEPT: x
s1: Host: a.test
s1: x-LOWER-Upper: v`, `
client: content-length: 2
client: content-type: a/b
client: x-lower-upper: v
s1: accept: x
s1: host: a.test
s1: x-lower-upper: v`},
		{"the case of fields", nginx, caseOfNames, `client: content-TYPE: a/b`, `client: Content-Type: a/b`},
		{"names with underscores", nginx, underscores, `s1: x_under: 1`, ""},
	}
}
