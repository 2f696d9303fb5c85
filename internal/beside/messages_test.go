package beside

import (
	"strings"
)

// old is a request of HTTP/1.0.
func old(target string, fields ...string) string {
	return crlf(append(append([]string{"GET " + target + " HTTP/1.0", "Host: a.test"}, fields...), "", "")...)
}

// by is a request of a method, with the rest of its head and a body.
func by(method, target string, rest ...string) string {
	return crlf(append([]string{method + " " + target + " HTTP/1.1", "Host: a.test"}, rest...)...)
}

const upgraded = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

// webSocket asks to speak it (RFC 6455 section 1.3).
func webSocket() string {
	return get("/ws", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
}

// upgrades agrees to speak otherwise, and says what it hears.
func upgrades(v *visit, _ *message) bool {
	v.say(upgraded)
	for {
		line, err := v.r.ReadString('\n')
		v.say(strings.ToUpper(line))
		if err != nil {
			return false
		}
	}
}

// nginxUpgrades is what nginx has to be told for it.
const nginxUpgrades = "location / {\n\tproxy_set_header Upgrade $http_upgrade;\n\tproxy_set_header Connection $http_connection;\n\tproxy_set_header Host $http_host;\n\tproxy_pass http://@b@;\n}"

func messages() area {
	withUpgrades := site{&words{}, &words{}, word(nginxUpgrades)}
	return area{"Messages", []exam{
		{name: "HTTP/1.0", site: plain(), ask: []string{old("/")}},
		{name: "HTTP/1.0, kept", site: plain(), ask: []string{old("/", "Connection: keep-alive")}},
		{name: "HTTP/1.0, chunked by the server", site: plain(), ask: []string{old("/")}, answer: says("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", "3\r\nabc\r\n0\r\n\r\n")},
		{name: "close", site: plain(), ask: []string{get("/", "Connection: close")}},
		{name: "the server closes", site: plain(), ask: []string{get("/")}, answer: ends("HTTP/1.1 200 OK", "Connection: close", "Content-Length: 2", "", "ok")},
		{name: "until the server closes", site: plain(), ask: []string{get("/")}, answer: ends("HTTP/1.1 200 OK", "", "to the end")},
		{name: "a server of HTTP/1.0", site: plain(), ask: []string{get("/")}, answer: ends("HTTP/1.0 200 OK", "Content-Length: 2", "", "ok")},
		{name: "Keep-Alive of the server", site: plain(), ask: []string{get("/")}, answer: says("HTTP/1.1 200 OK", "Keep-Alive: timeout=5", "Connection: keep-alive", "Content-Length: 2", "", "ok")},
		{name: "pipelined", site: plain(), do: func(t *talk) {
			t.send(get("/1") + get("/2") + get("/3"))
			for range 3 {
				t.reads("GET")
			}
			t.look()
		}},
		{name: "connections to servers are kept", site: plain(), ask: []string{get("/1"), get("/2"), get("/3")}, shows: shows{conns: true}},
		{name: "connections to servers are shared", site: plain(), shows: shows{conns: true}, do: func(t *talk) {
			for _, path := range []string{"/1", "/2"} {
				t.dial()
				t.asks(get(path, "Connection: close"))
				t.look()
			}
		}},
		{name: "a server closes a kept connection instead of answering", site: plain(), answer: inTurn(ok, ends(), ok), ask: []string{get("/1"), get("/2")}, shows: shows{conns: true}},
		{name: "HEAD", site: plain(), ask: []string{by("HEAD", "/", "", "")}},
		{name: "HEAD, chunked", site: plain(), ask: []string{by("HEAD", "/", "", "")}, answer: says("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", "")},
		{name: "204", site: plain(), ask: []string{get("/")}, answer: says("HTTP/1.1 204 No Content", "X: y", "", "")},
		{name: "304", site: plain(), ask: []string{get("/", `If-None-Match: "a"`)}, answer: says("HTTP/1.1 304 Not Modified", `ETag: "a"`, "Content-Length: 1000", "", "")},
		{name: "206", site: plain(), ask: []string{get("/", "Range: bytes=1-2")}, answer: says("HTTP/1.1 206 Partial Content", "Content-Range: bytes 1-2/9", "Content-Length: 2", "", "bc")},
		{name: "a reason of its own", site: plain(), ask: []string{get("/")}, answer: says("HTTP/1.1 299 Quite Fine", "Content-Length: 0", "", ""), shows: shows{pages: true}},
		{name: "no reason", site: plain(), ask: []string{get("/")}, answer: says("HTTP/1.1 404 ", "Content-Length: 0", "", ""), shows: shows{pages: true}},
		{name: "a body", site: plain(), ask: []string{by("POST", "/", "Content-Length: 5", "", "12345")}},
		{name: "no body", site: plain(), ask: []string{by("POST", "/", "Content-Length: 0", "", ""), by("DELETE", "/", "", "")}},
		{name: "a chunked body", site: plain(), ask: []string{by("POST", "/", "Transfer-Encoding: chunked", "", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")}},
		{name: "a chunked response", site: plain(), ask: []string{get("/")}, answer: says("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")},
		{name: "trailers of a request", site: plain(), ask: []string{by("POST", "/", "Transfer-Encoding: chunked", "Trailer: X-Sum", "", "3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n")}},
		{name: "trailers of a response", site: plain(), ask: []string{get("/", "TE: trailers")}, answer: says("HTTP/1.1 200 OK", "Trailer: X-Sum", "Transfer-Encoding: chunked", "", "3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n")},
		{name: "a large response", site: plain(), ask: []string{get("/")}, answer: says("HTTP/1.1 200 OK", "Content-Length: 300000", "", strings.Repeat("x", 300000))},
		{name: "a large request", site: site{&words{}, &words{}, word("client_max_body_size 1m;")}, ask: []string{by("POST", "/", "Content-Length: 300000", "", strings.Repeat("x", 300000))}},
		{name: "100-continue", site: plain(), do: func(t *talk) {
			t.send(by("POST", "/", "Content-Length: 3", "Expect: 100-continue", "", ""))
			if m := readMessage(t.r, "POST"); m.word(1) == "100" {
				t.note("continue")
				t.send("abc")
			} else {
				t.note("%s", m.line)
			}
			t.reads("POST")
			t.look()
		}},
		{name: "100-continue, refused", site: plain(), answer: ends("HTTP/1.1 401 Unauthorized", "Content-Length: 0", "Connection: close", "", ""), do: func(t *talk) {
			t.send(by("POST", "/", "Content-Length: 3", "Expect: 100-continue", "", "abc"))
			t.reads("POST")
		}},
		{name: "another expectation", site: plain(), ask: []string{get("/", "Expect: miracles")}},
		{name: "103", site: site{&words{}, &words{}, nil}, ask: []string{get("/")}, answer: says("HTTP/1.1 103 Early Hints", "Link: </a>", "", "HTTP/1.1 200 OK", "Content-Length: 2", "", "ok")},
		{name: "upgrade", proves: "R28", site: withUpgrades, answer: upgrades, do: func(t *talk) {
			t.asks(webSocket())
			t.send("hello\n")
			t.octets(6)
			t.send("again\n")
			t.octets(6)
		}},
		{name: "upgrade, not understood", proves: "R28", site: withUpgrades, ask: []string{webSocket()}},
		{name: "upgrade, the server ends", proves: "R28", site: withUpgrades, answer: ends("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: x", "", "bye"), do: func(t *talk) {
			t.asks(get("/ws", "Connection: Upgrade", "Upgrade: x"))
			t.rest()
		}},
		{name: "upgrade, the client ends what it says", proves: "R28", site: withUpgrades, answer: upgrades, do: func(t *talk) {
			t.asks(webSocket())
			t.send("last")
			t.half()
			t.rest()
		}},
		{name: "upgrade to HTTP/2", site: withUpgrades, ask: []string{get("/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA")}},
		{name: "fields of the connection", site: plain(), ask: []string{get("/", "Connection: X-Hop", "X-Hop: 1", "Keep-Alive: 5", "Proxy-Connection: keep-alive", "TE: trailers", "X-End: 2")}},
		{name: "TRACE", site: plain(), ask: []string{by("TRACE", "/", "", "")}},
		{name: "CONNECT", site: plain(), ask: []string{crlf("CONNECT a.test:80 HTTP/1.1", "Host: a.test:80", "", "")}},
		{name: "OPTIONS of all", site: plain(), ask: []string{by("OPTIONS", "*", "", "")}},
		{name: "a method of its own", site: plain(), ask: []string{by("PURGE", "/x", "", "")}},
		{name: "an empty line before a request", site: plain(), ask: []string{"\r\n" + get("/")}},
		{name: "empty lines before a request", site: plain(), ask: []string{"\r\n\r\n" + get("/")}},
		{name: "an empty line between requests", site: plain(), ask: []string{get("/1"), "\r\n" + get("/2")}},
		{name: "the order of fields", site: plain(), ask: []string{get("/", "B: 2", "A: 1", "Accept: x", "C: 3", "A: 4")}, shows: shows{order: true},
			answer: says("HTTP/1.1 200 OK", "B: 2", "Server: origin", "Content-Type: a/b", "A: 1", "Content-Length: 2", "A: 3", "", "ok")},
		{name: "the case of fields", site: plain(), ask: []string{get("/", "x-LOWER-Upper: v", "ACCEPT: x")}, shows: shows{names: true}, answer: says("HTTP/1.1 200 OK", "x-LOWER-Upper: v", "content-TYPE: a/b", "CONTENT-length: 2", "", "ok")},
		{name: "names with underscores", site: plain(), ask: []string{get("/", "X_Under: 1")}},
		{name: "octets beyond ASCII", site: plain(), ask: []string{get("/", "X-Name: J\xc3\xbcrgen")}, answer: says("HTTP/1.1 200 OK", "X-Name: J\xc3\xbcrgen", "Content-Length: 0", "", "")},
	}, messagesDiffer()}
}
