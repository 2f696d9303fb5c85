package beside

import (
	"strings"
	"time"
)

const backTimes = "timeout server 1s\ntimeout connect 500ms\nretries 0\nserver s1 @s1@"

func faults() area {
	slow := site{
		&words{front: "timeouts: {client: 1s, http_request: 1s, keep_alive: 1s}"},
		&words{back: "timeout server 3s\nserver s1 @s1@", front: "timeout client 1s\ntimeout http-request 1s\ntimeout http-keep-alive 1s"},
		word("client_header_timeout 1s;\nclient_body_timeout 1s;\nkeepalive_timeout 1s;"),
	}
	hasty := site{
		&words{back: "timeouts: {server: 1s, connect: 500ms}\nretries: 0"},
		&words{back: backTimes},
		word("proxy_read_timeout 1s;\nproxy_connect_timeout 500ms;"),
	}
	to := func(address string) site {
		return site{
			&words{back: "timeouts: {connect: 500ms}\nretries: 1\nservers: [{name: s1, address: \"" + address + "\"}]"},
			&words{back: "timeout connect 500ms\nretries 1\nserver s1 " + address},
			&words{front: "proxy_connect_timeout 500ms;", back: "server " + address + ";"},
		}
	}
	rest := func(t *talk) { t.rest() }
	return area{"Faults and timeouts", []exam{
		{name: "no request", proves: "R13", site: slow, do: func(t *talk) { t.dial(); t.reads("GET") }},
		{name: "half a head", proves: "R13", site: slow, do: func(t *talk) {
			t.send("GET / HTTP/1.1\r\nHost: a")
			t.reads("GET")
			t.look()
		}},
		{name: "no further request", proves: "R13", site: slow, do: func(t *talk) { t.asks(get("/")); rest(t) }},
		{name: "half a body", proves: "R13", site: slow, do: func(t *talk) {
			t.send(by("POST", "/", "Content-Length: 5", "", "ab"))
			t.reads("POST")
			t.look()
		}},
		{name: "a half-closed client", site: plain(), answer: pauses(300*time.Millisecond, ok), do: func(t *talk) {
			t.send(get("/"))
			t.awaits("s1")
			t.half()
			t.reads("GET")
			t.rest()
		}},
		{name: "a half-closed client in its head", site: plain(), do: func(t *talk) {
			t.send("GET / HTTP/1.1\r\nHo")
			t.half()
			t.reads("GET")
		}},
		{name: "a silent server", proves: "R12 R46", site: hasty, answer: stalls(), ask: []string{get("/")}},
		{name: "a server that stops in its midst", proves: "R12", site: hasty, answer: stalls("HTTP/1.1 200 OK", "Content-Length: 100", "", "hello"), ask: []string{get("/")}},
		{name: "a server that stops in its midst, chunked", proves: "R12", site: hasty, answer: stalls("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", "5\r\nhello\r\n"), ask: []string{get("/")}},
		{name: "a server that closes", proves: "R7", site: hasty, answer: ends(), ask: []string{get("/")}},
		{name: "a server that resets", site: hasty, answer: resets(), ask: []string{get("/")}},
		{name: "a server that closes in its midst", proves: "R7", site: hasty, answer: ends("HTTP/1.1 200 OK", "Content-Length: 100", "", "hello"), ask: []string{get("/")}},
		{name: "a server that closes in its midst, chunked", proves: "R7", site: hasty, answer: ends("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", "5\r\nhello\r\n"), ask: []string{get("/")}},
		{name: "a server that closes in its head", site: hasty, answer: ends("HTTP/1.1 200 OK", "X: "), ask: []string{get("/")}},
		{name: "junk of a server", proves: "R7", site: site{hasty.tandem, hasty.haproxy, nil}, answer: ends("junk junk", "", ""), ask: []string{get("/")}},
		{name: "a server's odd status", site: site{hasty.tandem, nil, hasty.nginx}, answer: ends("HTTP/1.1 99 Hm", "Content-Length: 0", "", ""), ask: []string{get("/")}},
		{name: "a server's two lengths", site: hasty, answer: ends("HTTP/1.1 200 OK", "Content-Length: 2", "Content-Length: 3", "", "okk"), ask: []string{get("/")}},
		{name: "a server's length and coding", site: hasty, answer: ends("HTTP/1.1 200 OK", "Content-Length: 2", "Transfer-Encoding: chunked", "", "2\r\nok\r\n0\r\n\r\n"), ask: []string{get("/")}},
		{name: "a server's large head", site: hasty, answer: ends("HTTP/1.1 200 OK", "X: "+strings.Repeat("x", 40000), "Content-Length: 0", "", ""), ask: []string{get("/")}},
		{name: "a server that refuses", proves: "R40 R46", site: to("@dead@"), ask: []string{get("/")}},
		{name: "a server that does not answer", proves: "R11 R46", site: to("@full@"), ask: []string{get("/")}},
		{name: "no request line", site: plain(), ask: []string{"blah\r\n\r\n"}},
		{name: "a space before the colon", site: plain(), ask: []string{crlf("GET / HTTP/1.1", "Host : a.test", "", "")}},
		{name: "no host", site: plain(), ask: []string{crlf("GET / HTTP/1.1", "", "")}},
		{name: "two hosts", site: plain(), ask: []string{get("/", "Host: b.test")}},
		{name: "a host that differs", site: plain(), ask: []string{crlf("GET http://b.test/ HTTP/1.1", "Host: a.test", "", "")}},
		{name: "no version", site: plain(), do: func(t *talk) { t.send("GET /\r\n\r\n"); t.reads("GET") }},
		{name: "HTTP/3.0", site: plain(), ask: []string{crlf("GET / HTTP/3.0", "Host: a.test", "", "")}},
		{name: "two lengths", site: plain(), ask: []string{by("POST", "/", "Content-Length: 3", "Content-Length: 4", "", "abcd")}},
		{name: "two lengths that agree", site: plain(), ask: []string{by("POST", "/", "Content-Length: 3", "Content-Length: 3", "", "abc")}},
		{name: "length and coding", site: plain(), ask: []string{by("POST", "/", "Content-Length: 3", "Transfer-Encoding: chunked", "", "0\r\n\r\n")}},
		{name: "an unknown coding", site: plain(), ask: []string{by("POST", "/", "Transfer-Encoding: gzip, chunked", "", "0\r\n\r\n")}},
		{name: "a folded field", site: plain(), ask: []string{get("/", "X: a", " b")}},
		{name: "a long target", site: plain(), ask: []string{get("/" + strings.Repeat("x", 20000))}},
		{name: "a large head", site: plain(), ask: []string{get("/", "X: "+strings.Repeat("x", 20000))}},
		{name: "pages", proves: "R16", site: hasty, answer: ends(), ask: []string{get("/")}, shows: shows{pages: true}},
		{name: "page of a bad request", proves: "R16", site: plain(), ask: []string{"blah\r\n\r\n"}, shows: shows{pages: true}},
	}, faultsDiffer()}
}
