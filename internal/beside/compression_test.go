package beside

import "strings"

// compression are exams of what is compressed.
func compression() area {
	on := site{
		word("compression: {algorithms: [gzip], types: [text/plain], min_size: 1KiB}"),
		word("compression algo gzip\ncompression type text/plain"),
		word("gzip on;\ngzip_types text/plain;\ngzip_min_length 1024;\ngzip_proxied any;\ngzip_vary on;"),
	}
	text := strings.Repeat("all work and no play ", 100)
	page := func(size int, status string, fields ...string) reply {
		return func(v *visit, m *message) bool {
			body := text[:size]
			if m.word(0) == "HEAD" {
				body = ""
			}
			v.say(crlf(append(append([]string{"HTTP/1.1 " + status, "Content-Length: " + itoa(size)}, fields...), "", body)...))
			return true
		}
	}
	const plainText, gzip = "Content-Type: text/plain", "Accept-Encoding: gzip"
	return area{"Compression", []exam{
		{name: "for who takes gzip", site: on, answer: page(2000, "200 OK", plainText), ask: []string{get("/", gzip), get("/", "Accept-Encoding: deflate, gzip;q=0.5, br")}},
		{name: "for who takes anything", site: on, answer: page(2000, "200 OK", plainText), ask: []string{get("/", "Accept-Encoding: *")}},
		{name: "for who takes nothing", site: on, answer: page(2000, "200 OK", plainText), ask: []string{get("/"), get("/", "Accept-Encoding: identity")}},
		{name: "for who refuses it", site: on, answer: page(2000, "200 OK", plainText), ask: []string{get("/", "Accept-Encoding: gzip;q=0"), get("/", "Accept-Encoding: gzip;q=0.000, *")}},
		{name: "for who says it in capitals", site: on, answer: page(2000, "200 OK", plainText), ask: []string{get("/", "Accept-Encoding: GZIP")}},
		{name: "a small page", site: on, answer: page(1000, "200 OK", plainText), ask: []string{get("/", gzip)}},
		{name: "another type", site: on, answer: page(2000, "200 OK", "Content-Type: image/png"), ask: []string{get("/", gzip)}},
		{name: "a type with parameters", site: on, answer: page(2000, "200 OK", "Content-Type: text/plain; charset=utf-8"), ask: []string{get("/", gzip)}},
		{name: "no type", site: on, answer: page(2000, "200 OK"), ask: []string{get("/", gzip)}},
		{name: "a head alone", site: on, answer: page(2000, "200 OK", plainText), ask: []string{by("HEAD", "/", gzip, "", "")}},
		{name: "an error of the server", site: on, answer: page(2000, "404 Not Found", plainText), ask: []string{get("/", gzip)}},
		{name: "a failure of the server", site: on, answer: page(2000, "500 Oh", plainText), ask: []string{get("/", gzip)}},
		{name: "a part", site: on, answer: page(2000, "206 Partial Content", plainText, "Content-Range: bytes 0-1999/5000"), ask: []string{get("/", gzip)}},
		{name: "what is encoded already", site: on, answer: page(2000, "200 OK", plainText, "Content-Encoding: br"), ask: []string{get("/", gzip)}},
		{name: "what must not be changed", site: on, answer: page(2000, "200 OK", plainText, "Cache-Control: no-transform"), ask: []string{get("/", gzip)}},
		{name: "a strong ETag", site: on, answer: page(2000, "200 OK", plainText, `ETag: "a"`), ask: []string{get("/", gzip)}},
		{name: "a weak ETag", site: on, answer: page(2000, "200 OK", plainText, `ETag: W/"a"`), ask: []string{get("/", gzip)}},
		{name: "Vary of the server", site: on, answer: page(2000, "200 OK", plainText, "Vary: Cookie"), ask: []string{get("/", gzip)}},
		{name: "Accept-Ranges of the server", site: on, answer: page(2000, "200 OK", plainText, "Accept-Ranges: bytes"), ask: []string{get("/", gzip)}},
		{name: "in chunks", site: on, answer: says("HTTP/1.1 200 OK", plainText, "Transfer-Encoding: chunked", "", "3\r\nabc\r\n0\r\n\r\n"), ask: []string{get("/", gzip)}},
		{name: "what servers see of it", site: on, ask: []string{get("/", "Accept-Encoding: gzip, br")}},
	}, compressionDiffer()}
}
