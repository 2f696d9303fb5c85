package hostile

import "strings"

// hopCases are about fields that concern one connection (RFC 9110 sections 7.6.1, 7.8 and 10.1.1).
func hopCases() []request {
	h2 := []string{"HTTP2-Settings", "Upgrade"}
	all := []request{
		{name: "hop/h2c", rfc: "9113 3.1", text: get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"), want: either, gone: h2},
		{name: "hop/h2c in upper case", rfc: "9113 3.1", text: get("Connection: upgrade, http2-settings", "UPGRADE: H2C", "http2-settings: AAMAAABkAAQAAP__"), want: either, gone: h2},
		{name: "hop/h2c without settings", rfc: "9113 3.1", text: get("Connection: Upgrade", "Upgrade: h2c"), want: either, gone: h2},
		{name: "hop/h2c without Connection", rfc: "9113 3.1", text: get("Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"), want: either, gone: h2},
		{name: "hop/h2c, the settings not named", rfc: "9113 3.1", text: get("Connection: Upgrade", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"), want: either, gone: h2},
		{name: "hop/h2c, Upgrade not named", rfc: "9113 3.1", text: get("Connection: HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"), want: either, gone: h2},
		{name: "hop/h2c and websocket", rfc: "9113 3.1", text: get("Connection: Upgrade", "Upgrade: websocket, h2c"), want: either, gone: h2},
		{name: "hop/h2c before websocket", rfc: "9113 3.1", text: get("Connection: Upgrade", "Upgrade: h2c,websocket"), want: either, gone: h2},
		{name: "hop/h2c and websocket in two fields", rfc: "9113 3.1", text: get("Connection: Upgrade", "Upgrade: websocket", "Upgrade: h2c"), want: either, gone: []string{"HTTP2-Settings"}},
		{name: "hop/h2c with a version", rfc: "9113 3.1", text: get("Connection: Upgrade", "Upgrade: h2c/2.0"), want: either, gone: h2},
		{name: "hop/h2c and a tab", rfc: "9113 3.1", text: get("Connection: Upgrade", "Upgrade:\th2c\t"), want: either, gone: h2},
		{name: "hop/h2c in HTTP 1.0", rfc: "9110 7.8", text: crlf("GET /x HTTP/1.0", "Host: a.example", "Connection: Upgrade", "Upgrade: h2c"), want: either, gone: h2},
		{name: "hop/h2c with a body", rfc: "9113 3.1", text: post("abcde", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__", "Content-Length: 5"), want: either, gone: h2},
		{name: "hop/h2 over TLS", rfc: "9113 3.1", text: get("Connection: Upgrade", "Upgrade: h2"), want: either},
		{name: "hop/TLS", rfc: "9110 7.8", text: get("Connection: Upgrade", "Upgrade: TLS/1.2"), want: either},

		{name: "hop/named field", rfc: "9110 7.6.1", text: get("Connection: X-Hop", "X-Hop: y", "X-End: z"), want: good, gone: []string{"X-Hop"}, kept: []string{"X-End: z"}},
		{name: "hop/named before", rfc: "9110 7.6.1", text: get("X-Hop: y", "Connection: x-hop"), want: good, gone: []string{"X-Hop"}},
		{name: "hop/named among others", rfc: "9110 7.6.1", text: get("Connection: keep-alive, X-Hop, X-Hop2", "X-Hop: y", "X-Hop2: z"), want: good, gone: []string{"X-Hop", "X-Hop2"}},
		{name: "hop/named in two fields", rfc: "9110 7.6.1", text: get("Connection: keep-alive", "X-Hop: y", "Connection: X-Hop"), want: good, gone: []string{"X-Hop"}},
		{name: "hop/named twice", rfc: "9110 7.6.1", text: get("Connection: X-Hop, X-Hop", "X-Hop: y", "X-Hop: z"), want: good, gone: []string{"X-Hop"}},
		{name: "hop/Keep-Alive", rfc: "9110 7.6.1", text: get("Connection: keep-alive", "Keep-Alive: timeout=5"), want: good, gone: []string{"Keep-Alive"}},
		{name: "hop/Keep-Alive that is not named", rfc: "9110 7.6.1", text: get("Keep-Alive: timeout=5"), want: good, gone: []string{"Keep-Alive"}},
		{name: "hop/Proxy-Connection", rfc: "9112 C.2.2", text: get("Proxy-Connection: keep-alive"), want: good, gone: []string{"Proxy-Connection"}},
		{name: "hop/TE", rfc: "9110 10.1.4", text: get("Connection: TE", "TE: deflate"), want: either},
		{name: "hop/TE trailers", rfc: "9110 10.1.4", text: get("Connection: TE", "TE: trailers"), want: good},

		{name: "hop/Connection names Host", rfc: "9110 7.6.1", text: get("Connection: Host"), want: strict},
		{name: "hop/Connection names Cookie", rfc: "9110 7.6.1", text: get("Connection: Cookie", "Cookie: a=b"), want: strict},
		{name: "hop/Connection names Authorization", rfc: "9110 7.6.1", text: get("Connection: Authorization", "Authorization: Basic YTpi"), want: strict},
		{name: "hop/Connection names Expect", rfc: "9110 7.6.1", text: post("abcde", "Connection: Expect", "Expect: 100-continue", "Content-Length: 5"), want: strict},
		{name: "hop/Connection names Trailer", rfc: "9110 7.6.1", text: get("Connection: Trailer", "Trailer: X"), want: strict},
		{name: "hop/Connection of two words", rfc: "9110 7.6.1", text: get("Connection: keep alive"), want: strict},
		{name: "hop/Connection of a field line", rfc: "9110 7.6.1", text: get("Connection: X: y"), want: strict},
		{name: "hop/Connection with a slash", rfc: "9110 7.6.1", text: get("Connection: a/b"), want: strict},
		{name: "hop/Connection with quotes", rfc: "9110 7.6.1", text: get(`Connection: "close"`), want: strict},
		{name: "hop/Connection of 1000 options", rfc: "9110 7.6.1", text: get("Connection: " + strings.Repeat("a, ", 1000) + "a"), want: strict},
		{name: "hop/Connection close and keep-alive", rfc: "9112 9.3", text: get("Connection: close, keep-alive"), want: either},
		{name: "hop/Connection hides a second request", rfc: "9112 9.3", text: get("Connection: close") + hidden, want: either},
		{name: "hop/HTTP 1.0 hides a second request", rfc: "9112 9.3", text: crlf("GET /x HTTP/1.0", "Host: a.example") + hidden, want: either},
	}
	for _, v := range []string{"200-ok", "100-continue, 200-ok", "100-continue;q=1", "100", "continue", "\x00", "100-continue\x0b", "100 continue", "100_continue"} {
		all = append(all, request{name: "expect/" + quoted(v), rfc: "9110 10.1.1", text: post("abcde", "Expect: "+v, "Content-Length: 5"), want: strict, status: []int{400, 417}})
	}
	return all
}
