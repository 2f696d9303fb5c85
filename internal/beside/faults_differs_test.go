package beside

func faultsDiffer() []difference {
	return []difference{
		{"no request", nginx, silent408, `
client: 408
client: connection: close
client: content-type: text/html
client| a page of its own`, `client: closed`},
		{"half a head", nginx, silent408, `
client: 408
client: connection: close
client: content-type: text/html
client| a page of its own`, ""},
		{"half a body", haproxy, bodyTimeout, `
client: 408
s1: closed in its midst`, `
client: 504
s1: reset in its midst`},
		{"half a body", nginx, silent408, `
client: 408
client: connection: close
client: content-type: text/html
client| a page of its own
s1: POST / HTTP/1.1
s1: content-length: 5
s1: host: a.test
s1| "ab"
s1: closed in its midst`, ""},
		{"a half-closed client", haproxy, halfClosed, `client: reset`, `
client: 200
client: content-length: 2
client: x-server: s1
client| "ok"`},
		{"a half-closed client", nginx, halfClosed, `client: reset`, `client: closed`},
		{"a half-closed client in its head", haproxy, halfClosed, `client: reset`, `
client: 400
client: cache-control: no-cache
client: connection: close
client: content-type: text/html
client| a page of its own`},
		{"a half-closed client in its head", nginx, halfClosed, `client: reset`, `client: closed`},
		{"a server that stops in its midst", haproxy, abortResets, `client: reset in its midst`, `client: closed in its midst`},
		{"a server that stops in its midst", nginx, abortResets, `
client| "hello"
client: reset in its midst`, `client: closed in its midst`},
		{"a server that stops in its midst, chunked", haproxy, abortResets, `client: reset in its midst`, `client: closed in its midst`},
		{"a server that stops in its midst, chunked", nginx, abortResets, `client: reset in its midst`, `client: closed in its midst`},
		{"a server that closes in its midst", haproxy, abortResets, `client: reset in its midst`, `client: closed in its midst`},
		{"a server that closes in its midst", nginx, abortResets, `client: reset in its midst`, `client: closed in its midst`},
		{"a server that closes in its midst, chunked", haproxy, abortResets, `client: reset in its midst`, `client: closed in its midst`},
		{"a server that closes in its midst, chunked", nginx, abortResets, `client: reset in its midst`, `client: closed in its midst`},
		{"a server's odd status", nginx, strictServers, `
client: 502
client: content-type: text/html
client| a page of its own`, `
client: 99
client: content-length: 0`},
		{"a server's two lengths", nginx, strictServers, `
client: 502
client: content-type: text/html
client| a page of its own`, `
client: 200
client: content-length: 3
client| "okk"`},
		{"a server's length and coding", haproxy, strictServers, `
client: 502
client: cache-control: no-cache
client: content-type: text/html
client| a page of its own`, `
client: 200
client: transfer-encoding: chunked
client| "ok"`},
		{"a server's length and coding", nginx, strictServers, `
client: 502
client: content-type: text/html
client| a page of its own`, `
client: 200
client: transfer-encoding: chunked
client| "ok"`},
		{"a server's large head", haproxy, largerHeads, `
client: 200
client: content-length: 0
client: x: "xxxxxxxxxxxxxxxxxxxx" and so on, 40000 octets`, `
client: 502
client: cache-control: no-cache
client: content-type: text/html
client| a page of its own`},
		{"a server's large head", nginx, largerHeads, `
client: 200
client: content-length: 0
client: x: "xxxxxxxxxxxxxxxxxxxx" and so on, 40000 octets`, `
client: 502
client: content-type: text/html
client| a page of its own`},
		{"a server that refuses", nginx, connect503, `client: 503`, `client: 502`},
		{"a server that does not answer", haproxy, connectCloses, `client: open`, `client: closed without a word`},
		{"a server that does not answer", nginx, connect503, `client: 503`, `client: 504`},
		{"no host", haproxy, strictClients, `
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
s1: GET / HTTP/1.1`},
		{"a host that differs", nginx, strictClients, `
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
		{"no version", nginx, strictClients, `
client: 400
client: connection: close
client: content-type: text/html
client| a page of its own`, `
client: 
client: closed in its midst
s1: GET / HTTP/1.1`},
		{"HTTP/3.0", haproxy, strictClients, `
client: 505
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
		{"two lengths that agree", haproxy, strictClients, `
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
s1: POST / HTTP/1.1
s1: content-length: 3
s1: host: a.test
s1| "abc"`},
		{"length and coding", haproxy, strictClients, `
client: 400
client: cache-control: no-cache
client: content-type: text/html
client| a page of its own`, `
client: 200
client: content-length: 2
client: x-server: s1
client| "ok"
s1: POST / HTTP/1.1
s1: host: a.test
s1: transfer-encoding: chunked`},
		{"an unknown coding", haproxy, unknownCoding, `
client: 501
client: connection: close
client: closed`, `
client: 422
client: closed without a word`},
		{"a folded field", haproxy, strictClients, `
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
s1: host: a.test
s1: x: a   b`},
		{"a long target", haproxy, targetStatus, `client: 414`, `client: 400`},
		{"a large head", haproxy, largerHeads, `
client: 200
client: content-length: 2
client: x-server: s1
client| "ok"
client: open
s1: GET / HTTP/1.1
s1: host: a.test
s1: x: "xxxxxxxxxxxxxxxxxxxx" and so on, 20000 octets`, `
client: 400
client: cache-control: no-cache
client: connection: close
client: content-type: text/html
client| a page of its own
client: closed`},
		{"a large head", nginx, largerHeads, `
client: 200
client: content-length: 2
client: x-server: s1
client| "ok"
client: open
s1: GET / HTTP/1.1
s1: host: a.test
s1: x: "xxxxxxxxxxxxxxxxxxxx" and so on, 20000 octets`, `
client: 400
client: connection: close
client: content-type: text/html
client| a page of its own
client: closed`},
		{"pages", haproxy, ownPages, `
client: content-length: 110
client| "<html><body><h1>502 Bad Gateway</h1>\n<p>The server behind this site gave no valid response.</p></body></html>\n"`, `
client: content-length: 107
client| "<html><body><h1>502 Bad Gateway</h1>\nThe server returned an invalid or incomplete response.\n</body></html>\n"`},
		{"pages", nginx, ownPages, `
client: cache-control: no-cache
client: content-length: 110
client| "<html><body><h1>502 Bad Gateway</h1>\n<p>The server behind this site gave no valid response.</p></body></html>\n"`, `
client: content-length: 150
client| "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"`},
		{"page of a bad request", haproxy, ownPages, `
client: HTTP/1.1 400 Bad Request
client: content-length: 97
client| "<html><body><h1>400 Bad Request</h1>\n<p>The request is malformed or ambiguous.</p></body></html>\n"`, `
client: HTTP/1.1 400 Bad request
client: content-length: 90
client| "<html><body><h1>400 Bad request</h1>\nYour browser sent an invalid request.\n</body></html>\n"`},
		{"page of a bad request", nginx, ownPages, `
client: cache-control: no-cache
client: content-length: 97
client| "<html><body><h1>400 Bad Request</h1>\n<p>The request is malformed or ambiguous.</p></body></html>\n"`, `
client: content-length: 150
client| "<html>\r\n<head><title>400 Bad Request</title></head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"`},
	}
}
