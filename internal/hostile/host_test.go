package hostile

// hostCases are about Host: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that
// lacks a Host header field and to any request message that contains more than one Host header field line or a Host header
// field with an invalid field value" (RFC 9112 section 3.2).
func hostCases() []request {
	at := func(name, host string, w want) request {
		return request{name: "host/" + name, rfc: "9112 3.2", text: crlf("GET /x HTTP/1.1", "Host: "+host), want: w}
	}
	all := []request{
		{name: "host/missing", rfc: "9112 3.2", text: crlf("GET /x HTTP/1.1")},
		{name: "host/missing among others", rfc: "9112 3.2", text: crlf("GET /x HTTP/1.1", "X: y", "Accept: */*")},
		{name: "host/twice", rfc: "9112 3.2", text: get("Host: b.example")},
		{name: "host/twice the same", rfc: "9112 3.2", text: get("Host: a.example")},
		{name: "host/twice in another case", rfc: "9112 3.2", text: get("hOST: a.example")},
		{name: "host/twice with others between", rfc: "9112 3.2", text: get("X: y", "Host: a.example")},
		{name: "host/twice in HTTP 1.0", rfc: "9112 3.2", text: crlf("GET /x HTTP/1.0", "Host: a.example", "Host: b.example")},
		{name: "host/the second empty", rfc: "9112 3.2", text: get("Host:")},
		{name: "host/thrice", rfc: "9112 3.2", text: get("Host: a.example", "Host: a.example")},
		{name: "host/white space before the colon", rfc: "9112 5.1", text: crlf("GET /x HTTP/1.1", "Host : a.example")},
		{name: "host/white space before the colon of a second", rfc: "9112 5.1", text: get("Host : b.example")},
		{name: "host/folded", rfc: "9112 5.2", text: crlf("GET /x HTTP/1.1", "Host: a.example", " b.example"), want: strict},
		{name: "host/folded before its value", rfc: "9112 5.2", text: crlf("GET /x HTTP/1.1", "Host:", " a.example"), want: strict},
		{name: "host/first line folded", rfc: "9112 2.2", text: crlf("GET /x HTTP/1.1", " Host: b.example", "Host: a.example"), want: strict},
		{name: "host/in HTTP 1.0 malformed", rfc: "9112 3.2", text: crlf("GET /x HTTP/1.0", "Host: a b")},
		at("empty", "", strict), // of a URI that has no authority
		at("a port alone", ":80", strict),
		at("userinfo", "u@a.example", reject),
		at("userinfo with a password", "u:p@a.example", reject),
		at("userinfo that is empty", "@a.example", reject),
		at("a path", "a.example/x", reject),
		at("a URI", "http://a.example", reject),
		at("a query", "a.example?x", reject),
		at("a fragment", "a.example#x", reject),
		at("two words", "a.example b.example", reject),
		at("a list", "a.example, b.example", reject),
		at("a list without spaces", "a.example,b.example", strict), // commas may be in a name
		at("port of letters", "a.example:http", reject),
		at("port and letters", "a.example:80x", reject),
		at("port with a sign", "a.example:+80", reject),
		at("port below 0", "a.example:-80", reject),
		at("port with a space", "a.example: 80", reject),
		at("port in hexadecimal", "a.example:0x50", reject),
		at("port too high", "a.example:65536", strict),
		at("port of 20 digits", "a.example:18446744073709551696", strict),
		at("two ports", "a.example:80:80", reject),
		at("bracket open", "[::1", reject),
		at("bracket closed", "::1]", reject),
		at("IPv6 without brackets", "::1", reject),
		at("IPv6 with a zone", "[fe80::1%25eth0]", strict),
		at("IPv6 with a bare zone", "[fe80::1%eth0]", reject),
		at("IPv4 in brackets", "[127.0.0.1]", reject),
		at("a name in brackets", "[a.example]", reject),
		at("text after the bracket", "[::1]a", reject),
		at("port after the bracket without a colon", "[::1]80", reject),
		at("empty brackets", "[]", reject),
		at("IPvFuture", "[v1.a]", strict),
		at("escape", "a%2eexample", strict),
		at("escape cut short", "a.example%4", reject),
		at("escaped NUL", "a.example%00", strict),
		at("asterisk", "*", strict),
		at("apostrophe", "a'b.example", strict),
		at("dollar", "${jndi:ldap://b.example/x}", reject),
	}
	octets(",:/ ?@[]()=;\n", func(c, name string) {
		all = append(all, at("has "+name, "a"+c+"b.example", reject), at("ends with "+name, "a.example"+c, afterValue(c)))
	})
	return all
}

// afterValue is what to do about an octet at the end of a value, which may be white space.
func afterValue(c string) want {
	switch c {
	case "\t":
		return either
	case "\r", "\x00": // RFC 9110 5.5: either rejected or replaced by a space
		return strict
	}
	return reject
}
