package hostile

// targetCases are about the request target (RFC 9112 section 3.2).
func targetCases() []request {
	refused := []int{400, 403, 405, 501}
	all := []request{
		{name: "target/asterisk of GET", rfc: "9112 3.2.4", text: crlf("GET * HTTP/1.1", "Host: a.example")},
		{name: "target/asterisk and more", rfc: "9112 3.2.4", text: crlf("OPTIONS *x HTTP/1.1", "Host: a.example")},
		{name: "target/slash and asterisk are a path", rfc: "9112 3.2.1", text: crlf("GET /* HTTP/1.1", "Host: a.example"), want: good, target: "/*"},
		{name: "target/no slash", rfc: "9112 3.2", text: crlf("GET x HTTP/1.1", "Host: a.example")},
		{name: "target/query alone", rfc: "9112 3.2", text: crlf("GET ?x HTTP/1.1", "Host: a.example")},
		{name: "target/dot", rfc: "9112 3.2", text: crlf("GET ./x HTTP/1.1", "Host: a.example")},
		{name: "target/authority of GET", rfc: "9112 3.2.3", text: crlf("GET a.example:80 HTTP/1.1", "Host: a.example:80"), want: strict},
		{name: "target/semicolon first", rfc: "9112 3.2", text: crlf("GET ;/x HTTP/1.1", "Host: a.example")},
		{name: "target/at sign first", rfc: "9112 3.2", text: crlf("GET @b.example/x HTTP/1.1", "Host: a.example")},
		{name: "target/backslash first", rfc: "9112 3.2", text: crlf(`GET \x HTTP/1.1`, "Host: a.example")},
		{name: "target/percent first", rfc: "9112 3.2", text: crlf("GET %2fx HTTP/1.1", "Host: a.example")},
		{name: "target/fragment", rfc: "9112 3.2", text: crlf("GET /x#y HTTP/1.1", "Host: a.example"), want: strict},
		{name: "target/fragment in a query", rfc: "9112 3.2", text: crlf("GET /x?y#z HTTP/1.1", "Host: a.example"), want: strict},
		{name: "target/escape cut short", rfc: "3986 2.1", text: crlf("GET /x% HTTP/1.1", "Host: a.example"), want: strict},
		{name: "target/escape of one digit", rfc: "3986 2.1", text: crlf("GET /x%4 HTTP/1.1", "Host: a.example"), want: strict},
		{name: "target/escape of no digits", rfc: "3986 2.1", text: crlf("GET /%zz HTTP/1.1", "Host: a.example"), want: strict},
		{name: "target/escape of IIS", rfc: "3986 2.1", text: crlf("GET /%u0041 HTTP/1.1", "Host: a.example"), want: strict},
		{name: "target/escaped NUL", rfc: "9112 11.1", text: crlf("GET /x%00y HTTP/1.1", "Host: a.example"), want: strict},
		{name: "target/escaped CR LF", rfc: "9112 11.1", text: crlf("GET /x%0d%0aX:%20y HTTP/1.1", "Host: a.example"), want: strict},
		{name: "target/escaped slash", rfc: "3986 2.2", text: crlf("GET /x%2fy HTTP/1.1", "Host: a.example"), want: strict},
		{name: "target/escaped backslash", rfc: "3986 2.2", text: crlf("GET /x%5cy HTTP/1.1", "Host: a.example"), want: strict},
		{name: "target/dots with a parameter", rfc: "3986 3.3", text: crlf("GET /x/..;/y HTTP/1.1", "Host: a.example"), want: strict},
		{name: "target/climbs above the root", rfc: "3986 5.2.4", text: crlf("GET /../../x HTTP/1.1", "Host: a.example"), want: either},
		{name: "target/escaped dots", rfc: "3986 6.2.2.2", text: crlf("GET /x/%2e%2e/y HTTP/1.1", "Host: a.example"), want: either},

		{name: "target/URI without authority", rfc: "9110 4.2.1", text: crlf("GET http:///x HTTP/1.1", "Host: a.example")},
		{name: "target/URI of a scheme", rfc: "9110 4.2.1", text: crlf("GET http:// HTTP/1.1", "Host: a.example")},
		{name: "target/URI of a port", rfc: "9110 4.2.1", text: crlf("GET http://:80/x HTTP/1.1", "Host: a.example")},
		{name: "target/URI of one slash", rfc: "9110 4.2.1", text: crlf("GET http:/a.example/x HTTP/1.1", "Host: a.example")},
		{name: "target/URI without a scheme", rfc: "9112 3.2", text: crlf("GET a.example/x HTTP/1.1", "Host: a.example")},
		{name: "target/URI of no scheme", rfc: "9112 3.2", text: crlf("GET ://a.example/x HTTP/1.1", "Host: a.example")},
		{name: "target/URI with userinfo", rfc: "9110 4.2.4", text: crlf("GET http://u:p@a.example/x HTTP/1.1", "Host: a.example"), want: strict},
		{name: "target/URI with a bad port", rfc: "3986 3.2.3", text: crlf("GET http://a.example:x/x HTTP/1.1", "Host: a.example")},
		{name: "target/URI with a bad host", rfc: "3986 3.2.2", text: crlf("GET http://a<b/x HTTP/1.1", "Host: a.example")},
		{name: "target/URI of FTP", rfc: "9110 7.4", text: crlf("GET ftp://a.example/x HTTP/1.1", "Host: a.example"), want: strict},
		{name: "target/URI of a file", rfc: "9110 7.4", text: crlf("GET file:///etc/passwd HTTP/1.1", "Host: a.example"), want: strict},
		{name: "target/URI of gopher", rfc: "9110 7.4", text: crlf("GET gopher://a.example/x HTTP/1.1", "Host: a.example"), want: strict},
		{name: "target/URI of JavaScript", rfc: "9110 7.4", text: crlf("GET javascript:alert(1) HTTP/1.1", "Host: a.example"), want: strict},
		{name: "target/URI of another host", rfc: "9112 3.2.2", text: crlf("GET http://b.example/x HTTP/1.1", "Host: a.example"), want: strict, host: "b.example"},
		{name: "target/URI of another port", rfc: "9112 3.2.2", text: crlf("GET http://a.example:81/x HTTP/1.1", "Host: a.example"), want: strict, host: "a.example:81"},
		{name: "target/URI and no Host", rfc: "9112 3.2", text: crlf("GET http://a.example/x HTTP/1.1")},
		{name: "target/URI and two Hosts", rfc: "9112 3.2", text: crlf("GET http://a.example/x HTTP/1.1", "Host: a.example", "Host: b.example")},
		{name: "target/URI and an empty Host", rfc: "9112 3.2.2", text: crlf("GET http://a.example/x HTTP/1.1", "Host:"), want: strict, host: "a.example"},
		{name: "target/URI with a query and a userinfo behind", rfc: "3986 3.2", text: crlf("GET http://a.example?@b.example/x HTTP/1.1", "Host: a.example"), want: either, host: "a.example"},
		{name: "target/URI with a backslash", rfc: "3986 3.2", text: crlf(`GET http://a.example\@b.example/x HTTP/1.1`, "Host: a.example")},
		{name: "target/URI with a fragment for a path", rfc: "9112 3.2", text: crlf("GET http://a.example#@b.example/x HTTP/1.1", "Host: a.example")},

		{name: "target/CONNECT", rfc: "9110 9.3.6", text: crlf("CONNECT a.example:443 HTTP/1.1", "Host: a.example:443"), want: strict, status: refused},
		{name: "target/CONNECT and a hidden request", rfc: "9110 9.3.6", text: crlf("CONNECT a.example:443 HTTP/1.1", "Host: a.example:443") + hidden, want: strict, status: refused},
		{name: "target/CONNECT with a body", rfc: "9110 9.3.6", text: crlf("CONNECT a.example:443 HTTP/1.1", "Host: a.example:443", "Content-Length: 44") + hidden, want: strict, status: refused},
		{name: "target/CONNECT to a path", rfc: "9112 3.2.3", text: crlf("CONNECT /x HTTP/1.1", "Host: a.example"), status: refused},
		{name: "target/CONNECT without a port", rfc: "9110 9.3.6", text: crlf("CONNECT a.example HTTP/1.1", "Host: a.example"), status: refused},
		{name: "target/CONNECT to port 0", rfc: "9110 9.3.6", text: crlf("CONNECT a.example:0 HTTP/1.1", "Host: a.example:0"), want: strict, status: refused},
		{name: "target/CONNECT to a bad port", rfc: "9110 9.3.6", text: crlf("CONNECT a.example:99999 HTTP/1.1", "Host: a.example:99999"), status: refused},
		{name: "target/CONNECT to a URI", rfc: "9112 3.2.3", text: crlf("CONNECT http://a.example:443/ HTTP/1.1", "Host: a.example:443"), status: refused},
		{name: "target/CONNECT to another host", rfc: "9112 3.2.3", text: crlf("CONNECT b.example:443 HTTP/1.1", "Host: a.example:443"), want: strict, status: refused},
		{name: "target/CONNECT to an asterisk", rfc: "9112 3.2.4", text: crlf("CONNECT * HTTP/1.1", "Host: a.example"), status: refused},
		{name: "target/TRACE", rfc: "9110 9.3.8", text: crlf("TRACE /x HTTP/1.1", "Host: a.example"), want: strict, status: refused},
		{name: "target/TRACE with cookies", rfc: "9110 9.3.8", text: crlf("TRACE /x HTTP/1.1", "Host: a.example", "Cookie: a=b"), want: strict, status: refused},
		{name: "target/TRACE with a body", rfc: "9110 9.3.8", text: crlf("TRACE /x HTTP/1.1", "Host: a.example", "Content-Length: 3") + "abc", want: strict, status: refused},
	}
	octets("\"(),/:;=?@[]{}<>\\\x80\xa0\xff \n", func(c, name string) {
		all = append(all,
			request{name: "target/path has " + name, rfc: "3986 3.3", text: crlf("GET /x"+c+"y HTTP/1.1", "Host: a.example"), want: strict},
			request{name: "target/path begins with " + name, rfc: "9112 3.2", text: crlf("GET "+c+"/x HTTP/1.1", "Host: a.example"), want: strict},
			request{name: "target/query has " + name, rfc: "3986 3.4", text: crlf("GET /x?a="+c+"y HTTP/1.1", "Host: a.example"), want: strict},
			request{name: "target/URI has " + name, rfc: "3986 3.3", text: crlf("GET http://a.example/x"+c+" HTTP/1.1", "Host: a.example"), want: strict},
			request{name: "target/authority has " + name, rfc: "3986 3.2", text: crlf("GET http://a"+c+".example/x HTTP/1.1", "Host: a"+c+".example")})
	})
	for _, c := range []string{`"`, "<", ">", "[", `\`, "]", "^", "`", "{", "|", "}", "\x80", "\xff", "\xc3\xa4"} { // clients send them; whoever passes them on has to escape them
		w := either
		if c == `\` {
			w = strict // a slash to some servers
		}
		all = append(all,
			request{name: "target/path has raw " + quoted(c), rfc: "3986 3.3", text: crlf("GET /x"+c+" HTTP/1.1", "Host: a.example"), want: w},
			request{name: "target/query has raw " + quoted(c), rfc: "3986 3.4", text: crlf("GET /x?"+c+" HTTP/1.1", "Host: a.example"), want: either})
	}
	all = append(all, request{name: "target/LF in the path", rfc: "9112 3.2", text: crlf("GET /x\ny HTTP/1.1", "Host: a.example")},
		request{name: "target/LF in the query", rfc: "9112 3.2", text: crlf("GET /x?\ny HTTP/1.1", "Host: a.example")},
		request{name: "target/space in the path", rfc: "9112 3", text: crlf("GET /x y HTTP/1.1", "Host: a.example")},
		request{name: "target/space in the query", rfc: "9112 3", text: crlf("GET /x?a y HTTP/1.1", "Host: a.example")})
	return all
}
