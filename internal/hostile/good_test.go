package hostile

import "strings"

// goodCases are legal, however odd: none may be refused, and what is end to end arrives as it was sent.
func goodCases() []request {
	name := func(n string, c request) request {
		c.name, c.want = "good/"+n, good
		if c.rfc == "" {
			c.rfc = "9112 2.1"
		}
		return c
	}
	kept := func(n, rfc string, lines ...string) request {
		return name(n, request{rfc: rfc, text: get(lines...), kept: lines})
	}
	all := []request{
		name("least", request{text: get()}),
		name("an empty line first", request{rfc: "9112 2.2", text: "\r\n" + get()}),
		name("octet by octet", request{text: post("abcde", "Content-Length: 5", "X: y"), cut: 1, method: "POST", body: "abcde", kept: []string{"X: y"}}),
		name("chunks octet by octet", request{text: chunkedPost("3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n"), cut: 1, method: "POST", body: "abcde"}),
		name("in threes", request{text: get("X: " + strings.Repeat("y", 500)), cut: 3}),
		kept("empty value", "9110 5.5", "X-Empty:"),
		kept("value of a space", "9110 5.5", "X-Empty: "),
		kept("value of one octet", "9110 5.5", "X: y"),
		kept("no space before the value", "9112 5", "X:y"),
		kept("white space around the value", "9112 5.1", "X: \t y \t "),
		kept("tab in the value", "9110 5.5", "X: a\tb"),
		kept("spaces in the value", "9110 5.5", "X: a  b   c"),
		kept("colons in the value", "9110 5.5", "X: a:b::c"),
		kept("all of ASCII in the value", "9110 5.5", "X: !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"),
		kept("octets above ASCII", "9110 5.5", "X: caf\xe9 \x80\xa0\xff"),
		kept("UTF-8", "9110 5.5", "X: \xe2\x82\xac \xf0\x9f\x90\xb4"),
		kept("every octet of a token in the name", "9110 5.6.2", "X!#$%&'*+-.^`|~1: y"),
		kept("name of one letter", "9110 5.1", "x: y"),
		kept("name in mixed case", "9110 5.1", "x-MiXeD-cAsE: y"),
		kept("the same field twice", "9110 5.3", "X-Twice: a", "X-Twice: b"),
		kept("the same field twice, others between", "9110 5.3", "Accept: a/b", "X: y", "Accept: c/d"),
		kept("two cookies", "6265 5.4", "Cookie: a=b", "Cookie: c=d"),
		kept("an odd cookie", "6265 4.1.1", `Cookie: a="b c"; d={"e":1}; f=g,h`),
		kept("value of 7900 octets", "9110 5.4", "X-Long: "+strings.Repeat("v", 7900)),
		kept("name of 200 octets", "9110 5.4", strings.Repeat("N", 200)+": y"),
		kept("90 fields", "9110 5.4", strings.Split(strings.Repeat("X-Many: y\n", 90), "\n")[:90]...),
		kept("browser", "9110 5", "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Accept: text/html,application/xhtml+xml,*/*;q=0.8",
			"Accept-Language: de,en-US;q=0.7,en;q=0.3", "Accept-Encoding: gzip, deflate, br, zstd", "Referer: https://a.example/?q=%22x%22", "Sec-Fetch-Dest: document", "Priority: u=0, i"),
		kept("Range", "9110 14.2", "Range: bytes=0-0,-1", `If-Range: "e"`),
		kept("conditions", "9110 13", `If-None-Match: W/"a", "b"`, "If-Modified-Since: Sat, 31 Oct 2026 00:00:00 GMT"),
		kept("Via", "9110 7.6.3", "Via: 1.0 fred, 1.1 p.example"),
		kept("bearer token", "6750 2.1", "Authorization: Bearer "+strings.Repeat("abcDEF123-._~+/", 100)+"=="),
		kept("Content-Encoding without a body", "9110 8.4", "Content-Encoding: gzip"),
		kept("a date that is none", "9110 5.5", "Date: whenever"),
		name("Connection that is empty", request{rfc: "9110 7.6.1", text: get("Connection:")}),

		name("HTTP 1.0", request{rfc: "9112 C.1", text: crlf("GET /x HTTP/1.0", "Host: a.example")}),
		name("HTTP 1.0 without Host", request{rfc: "9112 C.1", text: crlf("GET /x HTTP/1.0")}),
		name("HTTP 1.0 that stays", request{rfc: "9112 C.2.2", text: crlf("GET /x HTTP/1.0", "Host: a.example", "Connection: keep-alive")}),
		name("HTTP 1.0 that stays, in upper case", request{rfc: "9112 C.2.2", text: crlf("GET /x HTTP/1.0", "Host: a.example", "CONNECTION: KEEP-ALIVE")}),
		name("HTTP 1.0 with a body", request{rfc: "9112 6.3", text: crlf("POST /x HTTP/1.0", "Host: a.example", "Content-Length: 5") + "abcde", method: "POST", body: "abcde"}),
		name("close", request{rfc: "9112 9.6", text: get("Connection: close")}),
		name("close in mixed case", request{rfc: "9112 9.6", text: get("connection: CLOSE")}),
		name("keep-alive", request{rfc: "9112 9.3", text: get("Connection: keep-alive")}),
		name("empty options", request{rfc: "9110 5.6.1.2", text: get("Connection: , keep-alive,, ")}),

		name("absolute-form", request{rfc: "9112 3.2.2", text: crlf("GET http://a.example/x HTTP/1.1", "Host: a.example"), host: "a.example"}),
		name("absolute-form with a port", request{rfc: "9112 3.2.2", text: crlf("GET http://a.example:8080/x HTTP/1.1", "Host: a.example:8080"), host: "a.example:8080"}),
		name("absolute-form in mixed case", request{rfc: "3986 3.1", text: crlf("GET HTTP://A.Example/x HTTP/1.1", "Host: a.example")}),
		name("absolute-form without a path", request{rfc: "9112 3.2.2", text: crlf("GET http://a.example HTTP/1.1", "Host: a.example"), target: "/"}),
		name("absolute-form of a query", request{rfc: "9112 3.2.2", text: crlf("GET http://a.example?q HTTP/1.1", "Host: a.example"), target: "/?q"}),
		name("absolute-form in HTTP 1.0 without Host", request{rfc: "9112 3.2.2", text: crlf("GET http://a.example/x HTTP/1.0"), host: "a.example"}),
		name("asterisk of OPTIONS", request{rfc: "9112 3.2.4", text: crlf("OPTIONS * HTTP/1.1", "Host: a.example"), method: "OPTIONS", target: "*"}),
		name("OPTIONS", request{rfc: "9110 9.3.7", text: crlf("OPTIONS /x HTTP/1.1", "Host: a.example"), method: "OPTIONS"}),
		name("HEAD", request{rfc: "9110 9.3.2", text: crlf("HEAD /x HTTP/1.1", "Host: a.example"), method: "HEAD"}),
		name("DELETE", request{rfc: "9110 9.3.5", text: crlf("DELETE /x HTTP/1.1", "Host: a.example"), method: "DELETE"}),
		name("method of one's own", request{rfc: "9110 16.1", text: crlf("M-SEARCH /x HTTP/1.1", "Host: a.example"), method: "M-SEARCH"}),
		name("method in lower case", request{rfc: "9110 9.1", text: crlf("get /x HTTP/1.1", "Host: a.example"), method: "get"}),
		name("method of odd octets", request{rfc: "9110 5.6.2", text: crlf("!#$%&'*+-.^_`|~ /x HTTP/1.1", "Host: a.example"), method: "!#$%&'*+-.^_`|~"}),

		name("length of 0", request{rfc: "9110 8.6", text: post("", "Content-Length: 0"), method: "POST"}),
		name("length after white space", request{rfc: "9112 5", text: post("abcde", "Content-Length: \t 5 \t"), method: "POST", body: "abcde"}),
		name("length in upper case", request{rfc: "9110 5.1", text: post("abcde", "CONTENT-LENGTH:5"), method: "POST", body: "abcde"}),
		name("POST without a body", request{rfc: "9112 6.3", text: post(""), method: "POST"}),
		name("body of GET", request{rfc: "9110 9.3.1", text: get("Content-Length: 5") + "abcde", body: "abcde"}),
		name("body of DELETE", request{rfc: "9110 9.3.5", text: crlf("DELETE /x HTTP/1.1", "Host: a.example", "Content-Length: 5") + "abcde", method: "DELETE", body: "abcde"}),
		name("body of every octet", request{rfc: "9112 6", text: post(everyOctet(), "Content-Length: 256"), method: "POST", body: everyOctet()}),
		name("body of a request", request{rfc: "9112 6", text: post(hidden, "Content-Length: "+itoa(len(hidden))), method: "POST", body: hidden}),
		name("body of 100 KB", request{rfc: "9112 6", text: post(strings.Repeat("0123456789", 10_000), "Content-Length: 100000"), method: "POST", body: strings.Repeat("0123456789", 10_000)}),
		name("expectation", request{rfc: "9110 10.1.1", text: post("abcde", "Expect: 100-continue", "Content-Length: 5"), method: "POST", body: "abcde"}),
		name("expectation in mixed case", request{rfc: "9110 10.1.1", text: post("abcde", "expect: 100-Continue", "Content-Length: 5"), method: "POST", body: "abcde"}),
		name("expectation in HTTP 1.0", request{rfc: "9110 10.1.1", text: crlf("POST /x HTTP/1.0", "Host: a.example", "Expect: 100-continue", "Content-Length: 5") + "abcde", method: "POST", body: "abcde"}),
		name("Upgrade that Connection does not name", request{rfc: "9110 7.8", text: get("Upgrade: websocket")}),

		name("two requests", request{rfc: "9112 9.3.2", text: get() + get(), most: 2}),
		name("ten requests", request{rfc: "9112 9.3.2", text: strings.Repeat(get(), 10), most: 10}),
		name("bodies one after another", request{rfc: "9112 9.3.2", text: strings.Repeat(post("abcde", "Content-Length: 5"), 3), most: 3, method: "POST", body: "abcde"}),
		name("chunked ones one after another", request{rfc: "9112 9.3.2", text: strings.Repeat(chunkedPost("5\r\nabcde\r\n0\r\n\r\n"), 3), most: 3, method: "POST", body: "abcde"}),
		name("requests with an empty line between", request{rfc: "9112 2.2", text: get() + "\r\n" + get(), most: 2}),
		name("three requests in pieces", request{rfc: "9112 9.3.2", text: strings.Repeat(get(), 3), most: 3, cut: 7}),
	}
	for n, host := range map[string]string{
		"port": "a.example:8080", "empty port": "a.example:", "IPv4": "192.0.2.1", "IPv4 and port": "192.0.2.1:80", "IPv6": "[2001:db8::1]", "IPv6 and port": "[2001:db8::1]:8080",
		"dot behind": "a.example.", "upper case": "A.EXAMPLE", "hyphens": "a--b.xn--bcher-kva.example", "underscore": "_a.example", "one letter": "a", "port 65535": "a:65535", "zeros in the port": "a:0080",
	} {
		all = append(all, name("Host: "+n, request{rfc: "9110 7.2", text: crlf("GET /x HTTP/1.1", "Host: "+host)}))
	}
	for _, target := range []string{
		"/", "/?", "/x?", "/x?a=b&c=d", "/x?a=b?c", "/x?a=/../b", "/x?u=http://b.example/", "/a/b/c/", "/a//b", "//a", "/a%20b", "/a%2Cb", "/%C3%A4", "/%E2%82%AC?%e2%82%ac", "/a;b=c", "/a:b@c", "/a,b",
		"/a!$&'()*+,;=:@-._~", "/x?!$&'()*+,;=:@-._~/?", "/.a", "/..a", "/a..b/", "/...", "/x?%", "/x?100%", "/x?%zz", "/x?a%00b", "/x?a=%0d%0a", "/x?a;b", "/x?=", "/x?&&", "/" + strings.Repeat("a", 7800),
		"/x?" + strings.Repeat("a=b&", 1900), "/a+b", "/a=b", "/http://b.example/",
	} {
		all = append(all, name("target "+short(target), request{rfc: "3986 3", text: crlf("GET "+target+" HTTP/1.1", "Host: a.example"), target: target}))
	}
	for n, body := range map[string]string{
		"chunk": "5\r\nabcde\r\n0\r\n\r\n", "chunks": "1\r\na\r\n1\r\nb\r\n3\r\ncde\r\n0\r\n\r\n", "sizes in both cases": "00a\r\n0123456789\r\n0A\r\n0123456789\r\n0\r\n\r\n",
		"size with zeros": "0000000005\r\nabcde\r\n0\r\n\r\n", "extension": "5;a=b\r\nabcde\r\n0\r\n\r\n", "extension in quotes": "5;a=\"b;c\"\r\nabcde\r\n0\r\n\r\n", "extensions": "5;a;b=c;d=\"e f\"\r\nabcde\r\n0;z\r\n\r\n",
		"white space before an extension": "5 ;a\r\nabcde\r\n0\r\n\r\n", "last chunk of zeros": "5\r\nabcde\r\n000\r\n\r\n", "empty": "0\r\n\r\n", "of CRLF": "4\r\n\r\n\r\n\r\n0\r\n\r\n", "of a last chunk": "5\r\n0\r\n\r\n\r\n0\r\n\r\n",
		"trailer": "5\r\nabcde\r\n0\r\nX-Sum: 1\r\n\r\n", "trailers": "5\r\nabcde\r\n0\r\nX-Sum: 1\r\nX-Sum:\r\nY: \xe9\r\n\r\n", "of a request": itox(len(hidden)) + "\r\n" + hidden + "\r\n0\r\n\r\n",
		"of 100 KB": strings.Repeat("3e8\r\n"+strings.Repeat("a", 1000)+"\r\n", 100) + "0\r\n\r\n",
	} {
		r := reader{rest: body}
		m := message{}
		r.chunks(&m)
		for _, field := range []string{"Transfer-Encoding: chunked", "TRANSFER-ENCODING:CHUNKED", "Transfer-Encoding: \t Chunked \t"} {
			all = append(all, name("chunked "+n+", "+field, request{rfc: "9112 7.1", text: post(body, field), method: "POST", body: m.body}))
		}
	}
	return all
}

func everyOctet() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}
