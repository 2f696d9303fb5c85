package hostile

import "strings"

// limitCases are too large for anybody (RFC 9110 sections 4.1, 5.4, 15.5.15, RFC 6585 section 5).
func limitCases() []request {
	head := []int{400, 413, 414, 431}
	line := "X-Field: " + strings.Repeat("a", 1000)
	return []request{
		{name: "limit/target of 1 MB", rfc: "9112 3", text: crlf("GET /"+strings.Repeat("a", 1<<20)+" HTTP/1.1", "Host: a.example"), status: []int{414}},
		{name: "limit/query of 1 MB", rfc: "9112 3", text: crlf("GET /?"+strings.Repeat("a", 1<<20)+" HTTP/1.1", "Host: a.example"), status: []int{414}},
		{name: "limit/target of 1 MB of dots", rfc: "9112 3", text: crlf("GET "+strings.Repeat("/..", 350_000)+" HTTP/1.1", "Host: a.example"), status: []int{414}},
		{name: "limit/method of 1 MB", rfc: "9110 9.1", text: crlf(strings.Repeat("A", 1<<20)+" /x HTTP/1.1", "Host: a.example"), status: []int{400, 414, 501}},
		{name: "limit/version of 1 MB", rfc: "9112 3", text: crlf("GET /x HTTP/1.1"+strings.Repeat("1", 1<<20), "Host: a.example"), status: []int{400, 414, 505}},
		{name: "limit/request line without an end", rfc: "9112 3", text: strings.Repeat("A", 1<<20), status: []int{400, 414, 501}},
		{name: "limit/empty lines without an end", rfc: "9112 2.2", text: strings.Repeat("\r\n", 1<<19)},
		{name: "limit/field value of 1 MB", rfc: "6585 5", text: get("X: " + strings.Repeat("a", 1<<20)), status: head},
		{name: "limit/field name of 1 MB", rfc: "6585 5", text: get(strings.Repeat("A", 1<<20) + ": y"), status: head},
		{name: "limit/field line without an end", rfc: "6585 5", text: strings.TrimSuffix(get(), "\r\n") + "X: " + strings.Repeat("a", 1<<20), status: head},
		{name: "limit/white space of 1 MB", rfc: "6585 5", text: get("X:" + strings.Repeat(" ", 1<<20) + "y"), status: head},
		{name: "limit/10000 fields", rfc: "6585 5", text: get(strings.Split(strings.Repeat("X: y\n", 10_000), "\n")[:10_000]...), status: head},
		{name: "limit/1000 fields of 1000 octets", rfc: "6585 5", text: get(strings.Split(strings.Repeat(line+"\n", 1000), "\n")[:1000]...), status: head},
		{name: "limit/100000 empty fields", rfc: "6585 5", text: get(strings.Split(strings.Repeat("X:\n", 100_000), "\n")[:100_000]...), status: head},
		{name: "limit/Host of 1 MB", rfc: "6585 5", text: crlf("GET /x HTTP/1.1", "Host: "+strings.Repeat("a", 1<<20)), status: head},
		{name: "limit/cookies of 1 MB", rfc: "6585 5", text: get("Cookie: " + strings.Repeat("a=b; ", 200_000)), status: head},
		{name: "limit/length of 1 MB of zeros", rfc: "6585 5", text: post("", "Content-Length: "+strings.Repeat("0", 1<<20)), status: head},
		{name: "limit/chunk size of 1 MB of zeros", rfc: "9112 7.1", text: chunkedPost(strings.Repeat("0", 1<<20) + "5\r\nabcde\r\n0\r\n\r\n")},
		{name: "limit/chunk extension of 1 MB", rfc: "9112 7.1.1", text: chunkedPost("5;" + strings.Repeat("a", 1<<20) + "\r\nabcde\r\n0\r\n\r\n")},
	}
}

// lateCases stop where more is due: 408, and never a request for the server (RFC 9112 section 8, RFC 9110 section 15.5.9).
func lateCases() []request {
	late := []int{408}
	var all []request
	for name, text := range map[string]string{
		"in the method":          "GE",
		"in the target":          "GET /x",
		"in the version":         "GET /x HTTP/1.",
		"before the LF":          "GET /x HTTP/1.1\r",
		"after the request line": "GET /x HTTP/1.1\r\n",
		"in a name":              "GET /x HTTP/1.1\r\nHos",
		"in a value":             "GET /x HTTP/1.1\r\nHost: a.exam",
		"before the last LF":     strings.TrimSuffix(get(), "\n"),
		"before the empty line":  strings.TrimSuffix(get(), "\r\n"),
		"before the body":        post("", "Content-Length: 5"),
		"in the body":            post("abc", "Content-Length: 5"),
		"before the chunks":      chunkedPost(""),
		"in a chunk size":        chunkedPost("5"),
		"before a chunk":         chunkedPost("5\r\n"),
		"in a chunk":             chunkedPost("5\r\nabc"),
		"after a chunk's data":   chunkedPost("5\r\nabcde"),
		"after a chunk":          chunkedPost("5\r\nabcde\r\n"),
		"in the last chunk":      chunkedPost("5\r\nabcde\r\n0\r"),
		"after the last chunk":   chunkedPost("5\r\nabcde\r\n0\r\n"),
		"in the trailers":        chunkedPost("5\r\nabcde\r\n0\r\nX: y"),
		"after the trailers":     chunkedPost("5\r\nabcde\r\n0\r\nX: y\r\n"),
	} {
		all = append(all,
			request{name: "late/" + name, rfc: "9110 15.5.9", text: text, status: late},
			request{name: "end/" + name, rfc: "9112 8", text: text, halfClose: true})
	}
	// However busily a client sends, a head has its time.
	slow := strings.TrimSuffix(get("X: "+strings.Repeat("a", 900)), "\r\n\r\n")
	return append(all, request{name: "late/octet by octet", rfc: "9110 15.5.9", text: slow, status: late, cut: 1, pace: patience / 600})
}
