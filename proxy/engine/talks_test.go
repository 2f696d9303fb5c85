package engine_test

import "strings"

const (
	get      = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	getLast  = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	ok       = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	okLast   = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
	postFive = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
	chunkedQ = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	chunkedR = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
)

// text returns n octets, of which no two places look the same.
func text(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		b.WriteString("<")
		b.WriteString(strings.Repeat(string(rune('a'+i%26)), i%7))
		b.WriteByte(byte('0' + i/10%10))
		b.WriteByte(byte('0' + i%10))
		b.WriteString(">")
	}
	return b.String()[:n]
}

// talks are all kinds of exchanges.
var talks = []talk{
	{name: "GET", idle: 1, records: []string{"200 -- 0/5"}, steps: []step{
		client.says("GET /a?b=c HTTP/1.1\r\nHost: a.example\r\nX-One: 1\r\nCookie: a=b\r\n\r\n"),
		server.hears("GET /a?b=c HTTP/1.1\r\nHost: a.example\r\nX-One: 1\r\nCookie: a=b\r\n\r\n"),
		server.says("HTTP/1.1 200 Fine\r\nX-Two: 2\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\n\r\nhello"),
		client.hears("HTTP/1.1 200 Fine\r\nX-Two: 2\r\nSet-Cookie: a=b\r\nContent-Length: 5\r\n\r\nhello"),
	}},
	{name: "GET and close", idle: 1, records: []string{"200 -- 0/2"}, steps: []step{
		client.says(getLast), server.hears(get), server.says(ok), client.hears(okLast), client.seesEnd(),
	}},
	{name: "GET on a connection that is there", warm: true, idle: 1, records: []string{"200 -- 0/2"}, steps: []step{
		client.says(get), server.hears(get), server.says(ok), client.hears(ok),
	}},
	{name: "two GETs", idle: 1, records: []string{"200 -- 0/2", "404 -- 0/0"}, steps: []step{
		client.says(get), server.hears(get), server.says(ok), client.hears(ok),
		client.says(get), server.hears(get), server.says("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"), client.hears("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"),
	}},
	{name: "server closes", records: []string{"200 -- 0/2", "200 -- 0/2"}, steps: []step{
		client.says(get), server.hears(get), server.says(okLast), client.hears(ok), server.seesEnd(),
		client.says(get), server.hears(get), server.says(okLast), client.hears(ok), server.seesEnd(),
	}},
	{name: "POST", warm: true, idle: 1, records: []string{"201 -- 5/0"}, steps: []step{
		client.says(postFive + "hello"), server.hears(postFive + "hello"),
		server.says("HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n"), client.hears("HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n"),
	}},
	{name: "chunked", idle: 1, records: []string{"200 -- 11/9"}, steps: []step{
		client.says(chunkedQ + "5;a=b\r\nhello\r\n006\r\n world\r\n0\r\n\r\n"), server.hears(chunkedQ + "b\r\nhello world\r\n0\r\n\r\n"),
		server.says(chunkedR + "3\r\nfoo\r\n6\r\nbarbaz\r\n000\r\n\r\n"), client.hears(chunkedR + "9\r\nfoobarbaz\r\n0\r\n\r\n"),
	}},
	{name: "chunked with trailers", idle: 1, records: []string{"200 -- 5/3"}, steps: []step{
		client.says(chunkedQ + "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"), server.hears(chunkedQ + "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"),
		server.says(chunkedR + "3\r\nfoo\r\n0\r\nX-Sum: 2\r\nX-More: 3\r\n\r\n"), client.hears(chunkedR + "3\r\nfoo\r\n0\r\nX-Sum: 2\r\nX-More: 3\r\n\r\n"),
	}},
	{name: "chunked and empty", idle: 1, records: []string{"200 -- 0/0"}, steps: []step{
		client.says(chunkedQ + "0\r\n\r\n"), server.hears(chunkedQ + "0\r\n\r\n"),
		server.says(chunkedR + "0\r\n\r\n"), client.hears(chunkedR + "0\r\n\r\n"),
	}},
	{name: "100 (Continue)", idle: 1, records: []string{"200 -- 5/2"}, steps: []step{
		client.says("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"),
		server.hears("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"),
		server.says("HTTP/1.1 100 Continue\r\n\r\n"), client.hears("HTTP/1.1 100 Continue\r\n\r\n"),
		client.says("hello"), server.hears("hello"), server.says(ok), client.hears(ok),
	}},
	{name: "100 (Continue) is refused", records: []string{"417 -- 0/0"}, steps: []step{
		client.says("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"),
		server.hears("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"),
		server.says("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"), client.hears("HTTP/1.1 417 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
		client.seesEnd(), server.seesEnd(),
	}},
	{name: "HEAD", idle: 1, records: []string{"200 -- 0/0", "200 -- 0/2"}, steps: []step{
		client.says("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), server.hears("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"),
		server.says("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"), client.hears("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
		client.says(get), server.hears(get), server.says(ok), client.hears(ok),
	}},
	{name: "HEAD of what is chunked", idle: 1, records: []string{"200 -- 0/0", "200 -- 0/2"}, steps: []step{
		client.says("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), server.hears("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"),
		server.says(chunkedR), client.hears("HTTP/1.1 200 OK\r\n\r\n"),
		client.says(get), server.hears(get), server.says(ok), client.hears(ok),
	}},
	{name: "204 and 304", idle: 1, records: []string{"204 -- 0/0", "304 -- 0/0"}, steps: []step{
		client.says(get), server.hears(get), server.says("HTTP/1.1 204 None\r\nX-A: b\r\n\r\n"), client.hears("HTTP/1.1 204 None\r\nX-A: b\r\n\r\n"),
		client.says(get), server.hears(get), server.says("HTTP/1.1 304 Same\r\nContent-Length: 7\r\n\r\n"), client.hears("HTTP/1.1 304 Same\r\nContent-Length: 7\r\n\r\n"),
	}},
	{name: "pipelined", idle: 1, records: []string{"200 -- 0/2", "200 -- 5/5", "200 -- 0/2"}, steps: []step{
		client.says(get + postFive + "hello" + getLast),
		server.hears(get), server.says(ok),
		server.hears(postFive + "hello"), server.says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthere"),
		server.hears(get), server.says(ok),
		client.hears(ok + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthere" + okLast), client.seesEnd(),
	}},
	{name: "pipelined, the balancer's own among them", idle: 1, records: []string{"200 LR 0/3", "200 -- 0/2", "302 LR 0/0"}, steps: []step{
		client.says("GET /own HTTP/1.1\r\nHost: a\r\n\r\n" + get + "GET /moved HTTP/1.1\r\nHost: a\r\n\r\n"),
		server.hears(get), server.says(ok),
		client.hears("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown" + ok +
			"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /there\r\nCache-Control: no-cache\r\n\r\n"),
	}},
	{name: "upgrade", records: []string{"101 -- 4/9"}, steps: []step{
		client.says("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
		server.hears("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
		server.says("HTTP/1.1 101 Now\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nwelc"),
		client.hears("HTTP/1.1 101 Now\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nwelc"),
		client.says("ping"), server.hears("ping"), server.says("pong"), client.hears("pong"),
		client.ends(), server.seesEnd(), server.says("."), client.hears("."), server.ends(), client.seesEnd(),
	}},
	{name: "upgrade, the server ends first", warm: true, records: []string{"101 -- 4/4"}, steps: []step{
		client.says("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
		server.hears("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
		server.says("HTTP/1.1 101 Now\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\npong"), server.ends(),
		client.hears("HTTP/1.1 101 Now\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\npong"), client.seesEnd(),
		client.says("ping"), server.hears("ping"), client.ends(), server.seesEnd(),
	}},
	{name: "upgrade is declined", idle: 1, records: []string{"200 -- 0/2", "200 -- 0/2"}, steps: []step{
		client.says("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n" + get),
		server.hears("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"), server.says(ok),
		server.hears(get), server.says(ok), client.hears(ok + ok),
	}},
	{name: "until the server closes", until: true, records: []string{"200 -- 0/11"}, steps: []step{
		client.says(get), server.hears(get), server.says("HTTP/1.1 200 OK\r\n\r\nhello world"), server.closes(),
		client.hears(chunkedR + "b\r\nhello world\r\n0\r\n\r\n"),
	}},
	{name: "until the server closes, to HTTP/1.0", until: true, records: []string{"200 -- 0/11"}, steps: []step{
		client.says("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"), server.hears(get),
		server.says("HTTP/1.0 200 OK\r\n\r\nhello world"), server.closes(),
		client.hears("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello world"), client.seesEnd(),
	}},
	{name: "chunked, to HTTP/1.0", idle: 1, records: []string{"200 -- 0/11"}, steps: []step{
		client.says("GET / HTTP/1.0\r\nHost: a\r\n\r\n"), server.hears(get),
		server.says(chunkedR + "b\r\nhello world\r\n0\r\nX-A: b\r\n\r\n"),
		client.hears("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello world"), client.seesEnd(),
	}},
	{name: "HTTP/1.0 kept alive", idle: 1, records: []string{"200 -- 0/2", "200 -- 0/2"}, steps: []step{
		client.says("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"), server.hears(get), server.says(ok),
		client.hears("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok"),
		client.says("GET / HTTP/1.0\r\nHost: a\r\n\r\n"), server.hears(get), server.says(ok),
		client.hears(okLast), client.seesEnd(),
	}},
	{name: "103 and others before the response", idle: 1, records: []string{"200 -- 0/2"}, steps: []step{
		client.says(get), server.hears(get),
		server.says("HTTP/1.1 103 Early\r\nLink: a\r\nConnection: x\r\nX: 1\r\n\r\nHTTP/1.1 102 Wait\r\n\r\n" + ok),
		client.hears("HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 102 Wait\r\n\r\n" + ok),
	}},
	{name: "103 not to HTTP/1.0", idle: 1, records: []string{"200 -- 0/2"}, steps: []step{
		client.says("GET / HTTP/1.0\r\nHost: a\r\n\r\n"), server.hears(get),
		server.says("HTTP/1.1 103 Early\r\nLink: a\r\n\r\n" + ok), client.hears(okLast), client.seesEnd(),
	}},
	{name: "response before the body", records: []string{"413 -- 5/5"}, steps: []step{
		client.says("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello"),
		server.hears("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello"),
		server.says("HTTP/1.1 413 Big\r\nContent-Length: 5\r\n\r\nlarge"),
		client.hears("HTTP/1.1 413 Big\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge"), client.seesEnd(), server.seesEnd(),
		client.says("world"), client.ends(), client.seesEnd(),
	}},
	{name: "own responses", records: []string{"200 LR 0/3", "200 LR 0/3"}, steps: []step{
		client.says("GET /own HTTP/1.1\r\nHost: a\r\n\r\nGET /own HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
		client.hears("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nownHTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nown"),
		client.seesEnd(),
	}},
	{name: "own response to what has a body", records: []string{"200 LR 0/3"}, steps: []step{
		client.says("POST /own HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"),
		client.hears("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nown"), client.seesEnd(),
		client.says("hello"), client.ends(), client.seesEnd(),
	}},
	{name: "own response to HEAD", records: []string{"200 LR 0/0", "200 LR 0/3"}, steps: []step{
		client.says("HEAD /own HTTP/1.1\r\nHost: a\r\n\r\n" + own),
		client.hears("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" + ownAnswer),
	}},
	{name: "response in pieces", idle: 1, records: []string{"200 -- 0/10"}, steps: []step{
		client.says(get), server.hears(get),
		server.says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"), client.hears("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"),
		server.says("hello"), client.hears("hello"), server.says("world"), client.hears("world"),
	}},
	{name: "request in pieces", idle: 1, records: []string{"200 -- 10/2"}, steps: []step{
		client.says(chunkedQ), server.hears(chunkedQ), client.says("5\r\nhello\r\n"), server.hears("5\r\nhello\r\n"),
		client.says("5\r\nworld\r\n"), server.hears("5\r\nworld\r\n"), client.says("0\r\n\r\n"), server.hears("0\r\n\r\n"),
		server.says(ok), client.hears(ok),
	}},
	{name: "bytes behind the response", records: []string{"200 -- 0/2", "200 -- 0/2"}, steps: []step{
		client.says(get), server.hears(get), server.says(ok + "HTTP/1.1 200 Unasked\r\n\r\n"), client.hears(ok), server.seesGone(),
		client.says(get), server.hears(get), server.says(okLast), client.hears(ok),
	}},
	{name: "large response", large: true, idle: 1, records: []string{"200 -- 0/300000"}, steps: []step{
		client.says(get), server.hears(get),
		server.says("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + text(300000)),
		client.hears("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + text(300000)),
	}},
	{name: "large response in chunks", large: true, idle: 1, records: []string{"200 -- 0/200000"}, steps: []step{
		client.says(get), server.hears(get),
		server.says(chunkedR + "186a0\r\n" + text(200000)[:100000] + "\r\n186a0\r\n" + text(200000)[100000:] + "\r\n0\r\n\r\n"),
		client.hears(chunkedR + "30d40\r\n" + text(200000) + "\r\n0\r\n\r\n"),
	}},
	{name: "large request", large: true, idle: 1, records: []string{"200 -- 300000/2"}, steps: []step{
		client.says("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + text(300000)),
		server.hears("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + text(300000)),
		server.says(ok), client.hears(ok),
	}},
	{name: "large request in chunks", large: true, idle: 1, records: []string{"200 -- 200000/2"}, steps: []step{
		client.says(chunkedQ + "186a0\r\n" + text(200000)[:100000] + "\r\n186a0\r\n" + text(200000)[100000:] + "\r\n0\r\n\r\n"),
		server.hears(chunkedQ + "30d40\r\n" + text(200000) + "\r\n0\r\n\r\n"),
		server.says(ok), client.hears(ok),
	}},
	{name: "large tunnel", large: true, records: []string{"101 -- 150000/200000"}, steps: []step{
		client.says("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
		server.hears("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"),
		server.says("HTTP/1.1 101 Now\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n" + text(200000)), client.says(text(150000)),
		client.ends(), server.ends(),
		client.hears("HTTP/1.1 101 Now\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n" + text(200000)), client.seesEnd(),
		server.hears(text(150000)), server.seesEnd(),
	}},
}

// faults are talks that do not go well.
var faults = []talk{
	{name: "no request", records: []string{"400 PR 0/97"}, steps: []step{
		client.says("nonsense\r\n\r\n"), client.hears(badRequest), client.seesEnd(),
	}},
	{name: "body that is no chunks", records: []string{"400 PR 5/97"}, steps: []step{
		client.says(chunkedQ + "5\r\nhello\r\nzz"), client.hears(badRequest), client.seesEnd(),
	}},
	{name: "silence", records: nil, steps: []step{client.closes()}},
	{name: "half a request", records: []string{"0 CR 0/0"}, steps: []step{client.says("GET / HTTP/1.1\r\nHo"), client.ends(), client.seesReset()}},
	{name: "client leaves while the server works", records: []string{"0 CH 0/0"}, steps: []step{
		client.says(get), server.hears(get), client.closes(), server.seesEnd(),
	}},
	{name: "server closes before its head", records: []string{"502 SH 0/110"}, steps: []step{
		client.says(get), server.hears(get), server.says("HTTP/1.1 200"), server.closes(),
		client.hears(badGateway),
	}},
	{name: "server talks nonsense", records: []string{"502 PH 0/110"}, steps: []step{
		client.says(get), server.hears(get), server.says("220 smtp\r\n"),
		client.hears(badGateway), server.seesGone(),
	}},
	{name: "half a response", records: []string{"200 SD 0/5"}, steps: []step{
		client.says(get), server.hears(get), server.says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"), server.closes(),
		client.hears("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"), client.seesReset(),
	}},
	{name: "half a response in chunks", records: []string{"200 SD 0/5"}, steps: []step{
		client.says(get), server.hears(get), server.says(chunkedR + "5\r\nhello\r\n"), server.closes(),
		client.hears(chunkedR + "5\r\nhello\r\n"), client.seesReset(),
	}},
	{name: "response in no chunks", records: []string{"200 PD 0/5"}, steps: []step{
		client.says(get), server.hears(get), server.says(chunkedR + "5\r\nhello\r\n"), client.hears(chunkedR + "5\r\nhello\r\n"),
		server.says("zz\r\n"), client.seesReset(), server.seesGone(),
	}},
	{name: "101 that nobody asked for", records: []string{"502 PH 0/110"}, steps: []step{
		client.says(get), server.hears(get), server.says("HTTP/1.1 101 Now\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
		client.hears(badGateway),
	}},
	{name: "101 to another protocol", records: []string{"502 PH 0/110"}, steps: []step{
		client.says(wsQuestion), server.hears(wsQuestion), server.says("HTTP/1.1 101 Now\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n"),
		client.hears(badGateway), server.seesGone(),
	}},
	{name: "interim responses without end", records: []string{"502 PH 0/110"}, steps: []step{
		client.says(get), server.hears(get), server.says(strings.Repeat("HTTP/1.1 102 Wait\r\n\r\n", 17)),
		client.hears(strings.Repeat("HTTP/1.1 102 Wait\r\n\r\n", 16) + badGateway), server.seesGone(),
	}},
	{name: "as many interim responses as may be, each time", idle: 1, records: []string{"200 -- 0/2", "200 -- 0/2"}, steps: []step{
		client.says(get), server.hears(get), server.says(strings.Repeat("HTTP/1.1 102 Wait\r\n\r\n", 16) + ok),
		client.hears(strings.Repeat("HTTP/1.1 102 Wait\r\n\r\n", 16) + ok),
		client.says(get), server.hears(get), server.says(strings.Repeat("HTTP/1.1 102 Wait\r\n\r\n", 16) + ok),
		client.hears(strings.Repeat("HTTP/1.1 102 Wait\r\n\r\n", 16) + ok),
	}},
}
