package hostile

import "strings"

// lineCases are about the request line (RFC 9112 section 3) but for the target.
func lineCases() []request {
	all := []request{
		{name: "line/HTTP 0.9", rfc: "9112 3", text: "GET /x\r\n"},
		{name: "line/HTTP 0.9 with fields", rfc: "9112 3", text: crlf("GET /x", "Host: a.example")},
		{name: "line/two spaces before the target", rfc: "9112 3", text: crlf("GET  /x HTTP/1.1", "Host: a.example"), want: strict},
		{name: "line/two spaces after the target", rfc: "9112 3", text: crlf("GET /x  HTTP/1.1", "Host: a.example"), want: strict},
		{name: "line/tabs", rfc: "9112 3", text: crlf("GET\t/x\tHTTP/1.1", "Host: a.example"), want: strict},
		{name: "line/vertical tabs", rfc: "9112 3", text: crlf("GET\v/x\vHTTP/1.1", "Host: a.example"), want: strict},
		{name: "line/bare CRs", rfc: "9112 3", text: crlf("GET\r/x\rHTTP/1.1", "Host: a.example"), want: strict},
		{name: "line/space first", rfc: "9112 2.2", text: crlf(" GET /x HTTP/1.1", "Host: a.example")},
		{name: "line/tab first", rfc: "9112 2.2", text: crlf("\tGET /x HTTP/1.1", "Host: a.example")},
		{name: "line/space last", rfc: "9112 3", text: crlf("GET /x HTTP/1.1 ", "Host: a.example"), want: strict},
		{name: "line/tab last", rfc: "9112 3", text: crlf("GET /x HTTP/1.1\t", "Host: a.example"), want: strict},
		{name: "line/four words", rfc: "9112 3", text: crlf("GET /x /y HTTP/1.1", "Host: a.example")},
		{name: "line/second version", rfc: "9112 3", text: crlf("GET /x HTTP/1.1 HTTP/1.1", "Host: a.example")},
		{name: "line/no target", rfc: "9112 3", text: crlf("GET HTTP/1.1", "Host: a.example")},
		{name: "line/empty target", rfc: "9112 3", text: crlf("GET  HTTP/1.1", "Host: a.example")},
		{name: "line/no method", rfc: "9112 3", text: crlf("/x HTTP/1.1", "Host: a.example")},
		{name: "line/empty method", rfc: "9112 3", text: crlf(" /x HTTP/1.1", "Host: a.example")},
		{name: "line/method alone", rfc: "9112 3", text: crlf("GET", "Host: a.example")},
		{name: "line/a response", rfc: "9112 3", text: crlf("HTTP/1.1 200 OK", "Content-Length: 0")},
		{name: "line/two empty lines first", rfc: "9112 2.2", text: "\r\n\r\n" + get(), want: strict},
		{name: "line/bare LF first", rfc: "9112 2.2", text: "\n" + get(), want: strict},
		{name: "line/bare CR first", rfc: "9112 2.2", text: "\r" + get(), want: strict},
		{name: "line/white space before it", rfc: "9112 2.2", text: " \r\n" + get()},
		{name: "line/LF for CRLF", rfc: "9112 2.2", text: strings.ReplaceAll(get(), "\r\n", "\n"), want: strict},
		{name: "line/LF after the request line", rfc: "9112 2.2", text: strings.Replace(get(), "\r\n", "\n", 1), want: strict},
		{name: "line/LF after a field", rfc: "9112 2.2", text: strings.Replace(get("X: y"), "example\r\n", "example\n", 1), want: strict},
		{name: "line/LF for the empty line", rfc: "9112 2.2", text: strings.TrimSuffix(get(), "\r\n") + "\n", want: strict},
		{name: "line/CR for CRLF", rfc: "9112 2.2", text: strings.ReplaceAll(get(), "\r\n", "\r"), status: []int{400, 408}},
		{name: "line/LF CR for CRLF", rfc: "9112 2.2", text: strings.ReplaceAll(get(), "\r\n", "\n\r"), want: strict},
		{name: "line/CR CR LF for CRLF", rfc: "9112 2.2", text: strings.ReplaceAll(get(), "\r\n", "\r\r\n"), want: strict},
		{name: "line/CR CR LF after the request line", rfc: "9112 2.2", text: strings.Replace(get(), "\r\n", "\r\r\n", 1), want: strict},
		{name: "line/CR CR LF after a field", rfc: "9112 2.2", text: strings.Replace(get("X: y"), "y\r\n", "y\r\r\n", 1), want: strict},

		{name: "line/preface of HTTP2", rfc: "9113 3.4", text: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", want: strict},
		{name: "line/preface of HTTP2 and frames", rfc: "9113 3.4", text: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", want: either},
		{name: "line/preface of HTTP2 and no more", rfc: "9112 2.3", text: "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", status: []int{400, 505}},
		{name: "line/preface of HTTP2 with a Host", rfc: "9112 2.3", text: "PRI * HTTP/2.0\r\nHost: a.example\r\n\r\nSM\r\n\r\n", status: []int{400, 505}},
		{name: "line/preface of HTTP2 after a request", rfc: "9112 2.3", text: get() + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", want: either, most: 1},
		{name: "line/preface of HTTP2 of another version", rfc: "9112 3.2.4", text: "PRI * HTTP/1.1\r\nHost: a.example\r\n\r\nSM\r\n\r\n"},

		{name: "line/TLS", rfc: "9112 3", text: "\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" + strings.Repeat("\x5a", 32) + "\x00\x00\x04\x13\x01\x13\x02\x01\x00\r\n\r\n"},
		{name: "line/SSH", rfc: "9112 3", text: "SSH-2.0-OpenSSH_9.2\r\n\r\n"},
		{name: "line/SMTP", rfc: "9112 3", text: "EHLO a.example\r\n\r\n"},
		{name: "line/RTSP", rfc: "9112 2.3", text: crlf("OPTIONS * RTSP/1.0", "CSeq: 1")},
		{name: "line/SIP", rfc: "9112 2.3", text: crlf("OPTIONS sip:a@a.example SIP/2.0", "Host: a.example")},
		{name: "line/PROXY protocol", rfc: "9112 3", text: "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + get()},
		{name: "line/noise", rfc: "9112 3", text: "\x00\x01\x02\x03\xff\xfe\r\n\r\n"},
		{name: "line/JSON", rfc: "9112 3", text: "{\"a\": 1}\r\n\r\n"},
		{name: "line/method of 33 octets", rfc: "9110 9.1", text: crlf(strings.Repeat("M", 33)+" /x HTTP/1.1", "Host: a.example"), want: strict, status: []int{400, 501}},
		{name: "line/method of 4096 octets", rfc: "9110 9.1", text: crlf(strings.Repeat("M", 4096)+" /x HTTP/1.1", "Host: a.example"), want: strict, status: []int{400, 414, 501}},
	}
	for _, version := range []string{
		"http/1.1", "Http/1.1", "HTTP/1.1x", "HTTP/1.10", "HTTP/01.1", "HTTP/1.01", "HTTP/1.", "HTTP/1", "HTTP/.1", "HTTP/", "HTTP", "HTTP/1,1",
		"HTTP/1.1.1", "HTTP/+1.1", "HTTP/1.-1", "HTTP/1.\xb1", "HTTP/one", "HTTP/1.x", "HTTP /1.1", "HTTP/ 1.1", "XTTP/1.1", "1.1", "HTTP/1.1\x00", "\xefHTTP/1.1",
		"HTTP/1.1;a", "HTTP/1.1,HTTP/1.0", "HTTPS/1.1", "HTTP\\1.1", "HTTP:1.1", "HTTP/1.1\v",
	} {
		all = append(all, request{name: "version/" + version, rfc: "9112 2.3", text: crlf("GET /x "+version, "Host: a.example"), status: []int{400, 505}})
	}
	for _, version := range []string{"HTTP/2.0", "HTTP/2", "HTTP/3.0", "HTTP/9.9", "HTTP/0.9", "HTTP/0.0", "HTTP/11.1", "HTTP/4294967297.1", "HTTP/1.4294967297"} {
		all = append(all, request{name: "version/" + version, rfc: "9110 15.6.6", text: crlf("GET /x "+version, "Host: a.example"), status: []int{400, 505}})
	}
	for _, version := range []string{"HTTP/1.2", "HTTP/1.9"} { // RFC 9110 2.5: as the highest minor version that one knows
		all = append(all, request{name: "version/" + version, rfc: "9110 2.5", text: crlf("GET /x "+version, "Host: a.example"), want: strict, status: []int{400, 505}})
	}
	octets(" ", func(c, name string) { // a space makes four words
		all = append(all,
			request{name: "method/begins with " + name, rfc: "9110 9.1", text: crlf(c+"GET /x HTTP/1.1", "Host: a.example"), want: afterBlank(c)},
			request{name: "method/has " + name, rfc: "9110 9.1", text: crlf("G"+c+"T /x HTTP/1.1", "Host: a.example")},
			request{name: "method/ends with " + name, rfc: "9110 9.1", text: crlf("GET"+c+" /x HTTP/1.1", "Host: a.example")})
	})
	return all
}

// afterBlank is what to do about an octet before a request: an empty line may be ignored, even one of LF alone.
func afterBlank(c string) want {
	if c == "\n" || c == "\r" {
		return strict
	}
	return reject
}
