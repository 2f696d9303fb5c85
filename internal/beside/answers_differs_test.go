package beside

func answersDiffer() []difference {
	return []difference{
		{"redirect to https", nginx, emptyRedirects, `
client: cache-control: no-cache
client: content-length: 0`, `
client: content-type: text/html
client| a page of its own`},
		{"redirect to https from a port", haproxy, noPort, `client: location: https://a.test/x`, `client: location: https://a.test:8080/x`},
		{"redirect to https from a port", nginx, emptyRedirects, `
client: cache-control: no-cache
client: content-length: 0`, `
client: content-type: text/html
client| a page of its own`},
		{"redirect to https, of an escaped path", haproxy, canonicalTo, `client: location: https://a.test/x/a%20b?c=%20`, `client: location: https://a.test/x/%61%20b?c=%20`},
		{"redirect to https, of an escaped path", nginx, canonicalTo, `
client: cache-control: no-cache
client: content-length: 0
client: location: https://a.test/x/a%20b?c=%20`, `
client: content-type: text/html
client: location: https://a.test/x/%61%20b?c=%20
client| a page of its own`},
		{"redirect to a URL", nginx, emptyRedirects, `client: content-length: 0`, `
client: content-type: text/html
client| a page of its own`},
		{"redirect to a path", nginx, relativeLocation, `
client: cache-control: no-cache
client: content-length: 0
client: location: /y`, `
client: content-type: text/html
client: location: http://a.test:HERE/y
client| a page of its own`},
		{"redirect with variables", nginx, emptyRedirects, `
client: cache-control: no-cache
client: content-length: 0`, `
client: content-type: text/html
client| a page of its own`},
		{"redirect by 308", nginx, relativeLocation, `
client: content-length: 0
client: location: /y`, `
client: content-type: text/html
client: location: http://a.test:HERE/y
client| a page of its own`},
		{"redirect of HEAD", nginx, relativeLocation, `
client: cache-control: no-cache
client: content-length: 0
client: location: /y`, `
client: content-length: 138
client: content-type: text/html
client: location: http://a.test:HERE/y`},
		{"redirect of a POST", nginx, relativeLocation, `
client: cache-control: no-cache
client: connection: close
client: content-length: 0
client: location: /y`, `
client: content-type: text/html
client: location: http://a.test:HERE/y
client| a page of its own`},
		{"redirect of a POST that comes whole", nginx, relativeLocation, `
client: cache-control: no-cache
client: connection: close
client: content-length: 0
client: location: /y
client: closed`, `
client: content-type: text/html
client: location: http://a.test:HERE/y
client| a page of its own
client: open`},
		{"redirect in HTTP/1.0", nginx, relativeLocation, `
client: cache-control: no-cache
client: content-length: 0
client: location: /y`, `
client: content-type: text/html
client: location: http://a.test:HERE/y
client| a page of its own`},
		{"one Content-Type", nginx, oneContentType, "", `client: content-type: text/html`},
		{"monitor", haproxy, monitorPath, `
client: content-length: 8
client: content-type: text/plain
client| "healthy\n"
client: cache-control: no-cache
client: content-length: 8
client: content-type: text/plain
client| "healthy\n"`, `
client: content-type: text/html
client| a page of its own
client: content-length: 2
client: x-server: s1
client| "ok"
s1: GET /health?x HTTP/1.1
s1: host: a.test`},
		{"monitor, HEAD", haproxy, monitorPath, `
client: content-length: 8
client: content-type: text/plain`, `
client: content-length: 58
client: content-type: text/html`},
		{"monitor that fails", haproxy, monitorPath, `
client: content-length: 10
client: content-type: text/plain
client| "unhealthy\n"`, `
client: content-type: text/html
client| a page of its own`},
		{"an error page of the site", nginx, pageCharset, `
client: cache-control: no-cache
client: content-type: text/html; charset=utf-8`, `client: content-type: text/html`},
		{"an error page of the site for HEAD", nginx, pageCharset, `
client: cache-control: no-cache
client: content-type: text/html; charset=utf-8`, `client: content-type: text/html`},
	}
}
