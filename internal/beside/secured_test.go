package beside

import (
	"crypto/tls"
	"strings"
)

// secured are exams of TLS and HTTP/2.
func secured() area {
	over := func(tandem, haproxy, nginx string) site {
		return site{
			&words{bind: ", tls: {certificates: [@pem@]}", front: tandem}, &words{bind: "ssl crt @pem@ alpn h2,http/1.1", front: haproxy},
			&words{bind: "ssl http2", front: "ssl_certificate @pem@;\nssl_certificate_key @pem@;\n" + nginx},
		}
	}
	speaks := func(c *tls.Config, request string) func(*talk) {
		return func(t *talk) {
			t.dial()
			if t.secure(c.Clone()) && request != "" {
				t.asks(request)
				t.look()
			}
		}
	}
	h2 := site{&words{bind: ", h2c: true"}, &words{bind: "proto h2"}, &words{bind: "http2"}}
	two := func(method, path, body string, fields ...string) func(*talk) {
		return func(t *talk) { t.http2(method, path, body, fields...) }
	}
	return area{"TLS and HTTP/2", []exam{
		{name: "TLS", proves: "R18", site: over("", "", ""), do: speaks(&tls.Config{}, get("/"))},
		{name: "TLS, another name", proves: "R18", site: over("", "", ""), do: speaks(&tls.Config{ServerName: "other.test"}, get("/"))},
		{name: "TLS, HTTP/1.1 agreed on", proves: "R18", site: over("", "", ""), do: speaks(&tls.Config{NextProtos: []string{"http/1.1"}}, get("/"))},
		{name: "TLS, HTTP/2 preferred by the client last", proves: "R18", site: over("", "", ""), do: speaks(&tls.Config{NextProtos: []string{"http/1.1", "h2"}}, "")},
		{name: "TLS, another protocol", site: over("", "", ""), do: speaks(&tls.Config{NextProtos: []string{"imap"}}, get("/"))},
		{name: "TLS 1.1", proves: "R65", site: over("", "", ""), do: speaks(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "")},
		{name: "no TLS where it is spoken", proves: "R18", site: over("", "", ""), do: func(t *talk) { t.send(get("/")); t.reads("GET") }},
		{name: "TLS is no reason to redirect", proves: "R19", site: over("rules: [{match: {tls: false}, redirect: {scheme: https}}]", "http-request redirect scheme https unless { ssl_fc }", ""), do: speaks(&tls.Config{}, get("/"))},
		{name: "HSTS", proves: "R20", site: over(`response_headers: {set: {Strict-Transport-Security: "max-age=60"}}`, "http-response set-header Strict-Transport-Security max-age=60", "add_header Strict-Transport-Security max-age=60;"), do: speaks(&tls.Config{}, get("/"))},
		{name: "HTTP/2", site: h2, do: two("GET", "/x?y", "", "X-A: b")},
		{name: "HTTP/2, HEAD", site: h2, do: two("HEAD", "/", "")},
		{name: "HTTP/2, a body", site: h2, do: two("POST", "/", "abc")},
		{name: "HTTP/2, 204", site: h2, answer: says("HTTP/1.1 204 No Content", "X: y", "", ""), do: two("GET", "/", "")},
		{name: "HTTP/2, a large body", site: h2, answer: says("HTTP/1.1 200 OK", "Content-Length: 300000", "", strings.Repeat("x", 300000)), do: two("GET", "/", "")},
		{name: "HTTP/2, trailers", site: h2, answer: says("HTTP/1.1 200 OK", "Trailer: X-Sum", "Transfer-Encoding: chunked", "", "3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n"), do: two("GET", "/", "", "TE: trailers")},
		{name: "HTTP/2, cookies", site: h2, do: two("GET", "/", "", "Cookie: a=1; b=2")},
		{name: "HTTP/2, the server closes in its midst", proves: "R12", site: h2, answer: ends("HTTP/1.1 200 OK", "Content-Length: 100", "", "hello"), do: two("GET", "/", "")},
		{name: "HTTP/2, the server closes", site: site{h2.tandem, nil, h2.nginx}, answer: ends(), do: two("GET", "/", "")},
		{name: "HTTP/2, fields of the server's connection", site: h2, answer: says("HTTP/1.1 200 OK", "Connection: X-Hop, keep-alive", "X-Hop: 1", "Keep-Alive: 5", "Content-Length: 2", "", "ok"), do: two("GET", "/", "")},
	}, securedDiffer()}
}
