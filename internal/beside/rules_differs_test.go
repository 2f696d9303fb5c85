package beside

func rulesDiffer() []difference {
	return []difference{
		{"host", haproxy, finalDot, `
client: x-server: s2
s2: GET /4 HTTP/1.1
s2: host: b.test.`, `
client: x-server: s1
s1: GET /4 HTTP/1.1
s1: host: b.test.`},
		{"host in an absolute target", haproxy, originForm, `s2: GET /1 HTTP/1.1`, `s2: GET http://b.test/1 HTTP/1.1`},
		{"path, escaped", haproxy, onePath, `
client: x-server: s2
s2: GET /admin HTTP/1.1
s2: host: a.test`, `
client: x-server: s1
s1: GET /%61dmin HTTP/1.1
s1: host: a.test`},
		{"path, escaped", nginx, onePath, `s2: GET /admin HTTP/1.1`, `s2: GET /%61dmin HTTP/1.1`},
		{"path with dots", haproxy, onePath, `
client: x-server: s2
client: x-server: s2
s2: GET /admin HTTP/1.1
s2: host: a.test
s2: GET /admin/ HTTP/1.1
s2: host: a.test`, `
client: x-server: s1
client: x-server: s1
s1: GET /x/../admin HTTP/1.1
s1: host: a.test
s1: GET /./admin/ HTTP/1.1
s1: host: a.test`},
		{"path with dots", nginx, onePath, `
s2: GET /admin HTTP/1.1
s2: GET /admin/ HTTP/1.1`, `
s2: GET /x/../admin HTTP/1.1
s2: GET /./admin/ HTTP/1.1`},
		{"path above the root", haproxy, onePath, `s1: GET /x HTTP/1.1`, `s1: GET /../x HTTP/1.1`},
		{"path above the root", nginx, onePath, `
client: 200
client: content-length: 2
client: x-server: s1
client| "ok"
client: open
s1: GET /x HTTP/1.1
s1: host: a.test`, `
client: 400
client: connection: close
client: content-type: text/html
client| a page of its own
client: closed`},
		{"path with an escaped slash", haproxy, ambiguousPath, `
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
s1: GET /admin%2Fx HTTP/1.1
s1: host: a.test`},
		{"path with an escaped slash", nginx, ambiguousPath, `
client: 400
client: connection: close
client: content-type: text/html
client| a page of its own
client: closed`, `
client: 200
client: content-length: 2
client: x-server: s2
client| "ok"
client: open
s2: GET /admin%2Fx HTTP/1.1
s2: host: a.test`},
		{"path with two slashes", nginx, emptySegments, `
client: x-server: s1
s1: GET //admin HTTP/1.1
s1: host: a.test`, `
client: x-server: s2
s2: GET //admin HTTP/1.1
s2: host: a.test`},
		{"path prefix", nginx, noLocation, `
client: 200
client: content-length: 2
client: x-server: s1
client| "ok"
s1: GET /x/api HTTP/1.1
s1: host: a.test`, `
client: 404
client: content-type: text/html
client| a page of its own`},
		{"header, twice", nginx, oneOfSeveral, `
client: x-server: s2
s2: GET /1 HTTP/1.1
s2: host: a.test
s2: x-canary: 0
s2: x-canary: 1`, `
client: x-server: s1
s1: GET /1 HTTP/1.1
s1: host: a.test
s1: x-canary: 0
s1: x-canary: 1`},
		{"header with a list", haproxy, wholeValues, `
client: x-server: s1
s1: GET /1 HTTP/1.1
s1: host: a.test
s1: x-canary: 0, 1`, `
client: x-server: s2
s2: GET /1 HTTP/1.1
s2: host: a.test
s2: x-canary: 0, 1`},
		{"header there and empty", nginx, emptyIsThere, `
client: x-server: s2
s2: GET /1 HTTP/1.1
s2: host: a.test
s2: x-canary: `, `
client: x-server: s1
s1: GET /1 HTTP/1.1
s1: host: a.test
s1: x-canary: `},
		{"query", nginx, caseOfQueries, `
client: x-server: s1
s1: GET /6?V=2 HTTP/1.1
s1: host: a.test`, `
client: x-server: s2
s2: GET /6?V=2 HTTP/1.1
s2: host: a.test`},
		{"query, escaped", haproxy, unescapedQuery, `
client: x-server: s2
s2: GET /1?v=%32 HTTP/1.1
s2: host: a.test`, `
client: x-server: s1
s1: GET /1?v=%32 HTTP/1.1
s1: host: a.test`},
		{"query, escaped", nginx, unescapedQuery, `
client: x-server: s2
s2: GET /1?v=%32 HTTP/1.1
s2: host: a.test`, `
client: x-server: s1
s1: GET /1?v=%32 HTTP/1.1
s1: host: a.test`},
		{"query, twice", nginx, oneOfSeveral, `
client: x-server: s2
s2: GET /1?v=1&v=2 HTTP/1.1
s2: host: a.test`, `
client: x-server: s1
s1: GET /1?v=1&v=2 HTTP/1.1
s1: host: a.test`},
		{"the first rule that matches", nginx, firstRule, `client| "1"`, `client| "2"`},
		{"denied, with a body", haproxy, unreadBody, `
client: connection: close
client: closed`, `client: open`},
		{"denied, with a body", nginx, unreadBody, `
client: connection: close
client: closed`, `client: open`},
	}
}
