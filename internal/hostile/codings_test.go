package hostile

import "strings"

// oddCodings are Transfer-Encodings that one reader takes for chunked and another one for nothing (RFC 9112 sections 6.1, 6.3 and 7).
func oddCodings() []struct {
	name, field string
	want        want
	status      []int
} {
	unknown := []int{400, 501}
	return []struct {
		name, field string
		want        want
		status      []int
	}{
		{"twice in a list", "Transfer-Encoding: chunked, chunked", reject, nil},
		{"comma behind", "Transfer-Encoding: chunked,", strict, unknown},
		{"comma before", "Transfer-Encoding: ,chunked", strict, unknown},
		{"commas", "Transfer-Encoding: , ,chunked, ,", strict, unknown},
		{"gzip before", "Transfer-Encoding: gzip, chunked", strict, unknown},
		{"gzip behind", "Transfer-Encoding: chunked, gzip", reject, unknown},
		{"gzip alone", "Transfer-Encoding: gzip", reject, unknown},
		{"identity", "Transfer-Encoding: identity", reject, unknown},
		{"identity before", "Transfer-Encoding: identity, chunked", strict, unknown},
		{"identity behind", "Transfer-Encoding: chunked, identity", reject, unknown},
		{"x before", "Transfer-Encoding: xchunked", reject, unknown},
		{"x behind", "Transfer-Encoding: chunkedx", reject, unknown},
		{"hyphen before", "Transfer-Encoding: x-chunked", reject, unknown},
		{"cut short", "Transfer-Encoding: chunke", reject, unknown},
		{"two words", "Transfer-Encoding: chunked chunked", reject, unknown},
		{"words", "Transfer-Encoding: cow chunked", reject, unknown},
		{"parameter", "Transfer-Encoding: chunked;q=1", reject, unknown},
		{"parameter that is empty", "Transfer-Encoding: chunked;", reject, unknown},
		{"quotes", `Transfer-Encoding: "chunked"`, reject, unknown},
		{"apostrophes", "Transfer-Encoding: 'chunked'", reject, unknown},
		{"empty", "Transfer-Encoding:", reject, unknown},
		{"NUL behind", "Transfer-Encoding: chunked\x00", strict, unknown},
		{"NUL before", "Transfer-Encoding: \x00chunked", strict, unknown},
		{"NUL within", "Transfer-Encoding: chun\x00ked", reject, unknown},
		{"vertical tab before", "Transfer-Encoding: \vchunked", reject, unknown},
		{"vertical tab behind", "Transfer-Encoding: chunked\v", reject, unknown},
		{"form feed before", "Transfer-Encoding: \fchunked", reject, unknown},
		{"form feed behind", "Transfer-Encoding: chunked\f", reject, unknown},
		{"bare CR before", "Transfer-Encoding: \rchunked", strict, unknown},
		{"bare CR behind", "Transfer-Encoding: chunked\r", strict, unknown},
		{"bare LF before", "Transfer-Encoding:\nchunked", reject, unknown},
		{"backspace behind", "Transfer-Encoding: chunkedd\b", reject, unknown},
		{"no-break space before", "Transfer-Encoding: \xa0chunked", reject, unknown},
		{"next line behind", "Transfer-Encoding: chunked\x85", reject, unknown},
		{"high octet behind", "Transfer-Encoding: chunked\xff", reject, unknown},
		{"dotless letter", "Transfer-Encoding: chunKed\xe2\x84\xaa", reject, unknown},
		{"Kelvin sign", "Transfer-Encoding: chun\xe2\x84\xaaed", reject, unknown},
		{"space before the colon", "Transfer-Encoding : chunked", reject, nil},
		{"tab before the colon", "Transfer-Encoding\t: chunked", reject, nil},
		{"vertical tab before the colon", "Transfer-Encoding\v: chunked", reject, nil},
		{"NUL before the colon", "Transfer-Encoding\x00: chunked", reject, nil},
		{"bare CR before the colon", "Transfer-Encoding\r: chunked", reject, nil},
		{"no-break space before the colon", "Transfer-Encoding\xa0: chunked", reject, nil},
		{"no colon", "Transfer-Encoding chunked", reject, nil},
		{"two colons", "Transfer-Encoding:: chunked", reject, nil},
		{"equals sign", "Transfer-Encoding= chunked", reject, nil},
		{"space before the name", " Transfer-Encoding: chunked", strict, nil},
		{"tab before the name", "\tTransfer-Encoding: chunked", strict, nil},
		{"high octet before the name", "\xffTransfer-Encoding: chunked", reject, nil},
		{"BOM before the name", "\xef\xbb\xbfTransfer-Encoding: chunked", reject, nil},
		{"NUL before the name", "\x00Transfer-Encoding: chunked", reject, nil},
		{"control before the name", "\x01Transfer-Encoding: chunked", reject, nil},
		{"quotes around the name", `"Transfer-Encoding": chunked`, reject, nil},
		{"space in the name", "Transfer Encoding: chunked", reject, nil},
		{"NUL in the name", "Transfer\x00-Encoding: chunked", reject, nil},
		{"after a bare CR", "X: y\rTransfer-Encoding: chunked", strict, nil},
		{"after a bare LF", "X: y\nTransfer-Encoding: chunked", strict, nil},
		{"folded", "Transfer-Encoding:\r\n chunked", strict, nil},
		{"folded by a tab", "Transfer-Encoding:\r\n\tchunked", strict, nil},
		{"folded behind", "Transfer-Encoding: chunked\r\n , identity", reject, unknown},
		{"folded into another", "X: y\r\n Transfer-Encoding: chunked", strict, nil},
		{"two fields", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", reject, unknown},
		{"two fields, identity behind", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", reject, unknown},
		{"two fields, identity before", "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", strict, unknown},
		{"two fields, one empty", "Transfer-Encoding:\r\nTransfer-Encoding: chunked", strict, unknown},
		{"two fields, the last empty", "Transfer-Encoding: chunked\r\nTransfer-Encoding:", strict, unknown},
		{"two fields, cow", "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow", reject, unknown},
	}
}

// codingCases are about Transfer-Encoding alone.
func codingCases() []request {
	body := "5\r\nabcde\r\n0\r\n\r\n"
	all := []request{
		{name: "coding/in HTTP 1.0", rfc: "9112 6.1", text: crlf("POST /x HTTP/1.0", "Host: a.example", "Transfer-Encoding: chunked") + body},
		{name: "coding/in HTTP 1.0 that stays", rfc: "9112 6.1", text: crlf("POST /x HTTP/1.0", "Host: a.example", "Connection: keep-alive", "Transfer-Encoding: chunked") + body},
		{name: "coding/in HTTP 1.0 with a length", rfc: "9112 6.1", text: crlf("POST /x HTTP/1.0", "Host: a.example", "Content-Length: 15", "Transfer-Encoding: chunked") + body},
		{name: "coding/other name", rfc: "9110 5.1", text: post("", "Transfer_Encoding: chunked"), want: either},
		{name: "coding/TE is another field", rfc: "9110 10.1.4", text: get("TE: chunked"), want: either},
		{name: "coding/length before", rfc: "9112 6.3", text: post(body, "Content-Length: 15", "Transfer-Encoding: chunked"), want: strict},
		{name: "coding/length behind", rfc: "9112 6.3", text: post(body, "Transfer-Encoding: chunked", "Content-Length: 15"), want: strict},
		{name: "coding/length of 0", rfc: "9112 6.3", text: post(body, "Content-Length: 0", "Transfer-Encoding: chunked"), want: strict},
		{name: "coding/length that is malformed", rfc: "9112 6.3", text: post(body, "Content-Length: x", "Transfer-Encoding: chunked"), want: strict},
		{name: "coding/Connection names it", rfc: "9110 7.6.1", text: post(body, "Connection: Transfer-Encoding", "Transfer-Encoding: chunked"), want: strict},
		{name: "coding/Connection names the length", rfc: "9110 7.6.1", text: post("abcde", "Connection: Content-Length", "Content-Length: 5"), want: strict},
		{name: "coding/of GET", rfc: "9112 6", text: get("Transfer-Encoding: chunked") + body, want: good, target: "/x", body: "abcde", method: "GET"},
	}
	for _, c := range oddCodings() {
		all = append(all, request{name: "coding/" + c.name, rfc: "9112 6.1", text: post(body, c.field), want: c.want, status: c.status})
	}
	return all
}

// smugglingCases hide a request behind one that two readers frame differently.
func smugglingCases() []request {
	var all []request
	add := func(name string, w want, status []int, text string) {
		all = append(all, request{name: "smuggled/" + name, rfc: "9112 11.2", text: text, want: w, status: status})
	}
	tail := "0\r\n\r\n" + hidden
	for _, c := range append(oddCodings()[:len(oddCodings()):len(oddCodings())], struct {
		name, field string
		want        want
		status      []int
	}{"plain", "Transfer-Encoding: chunked", strict, nil}) {
		// A reader who goes by the length passes the hidden request on as a part of the body.
		add("CL.TE "+c.name, c.want, c.status, post(tail, "Content-Length: "+itoa(len(tail)), c.field))
		// A reader who goes by the coding does, within a chunk, for one who goes by the length.
		inner := itox(len(hidden)) + "\r\n" + hidden + "\r\n0\r\n\r\n"
		add("TE.CL "+c.name, c.want, c.status, post(inner, c.field, "Content-Length: "+itoa(strings.Index(inner, "\n")+1)))
	}
	length := "Content-Length: " + itoa(len(hidden))
	for name, field := range map[string]string{
		"space before the colon": "Content-Length : " + itoa(len(hidden)), "NUL before the colon": "Content-Length\x00: " + itoa(len(hidden)),
		"after a bare CR": "X: y\r" + length, "after a bare LF": "X: y\n" + length, "space before the name": " " + length,
		"plus": "Content-Length: +" + itoa(len(hidden)), "no colon": "Content-Length " + itoa(len(hidden)), "high octet": "\xff" + length,
		"folded": "Content-Length:\r\n " + itoa(len(hidden)), "quotes": `Content-Length: "` + itoa(len(hidden)) + `"`,
	} {
		w := reject
		if name == "after a bare CR" || name == "after a bare LF" || name == "space before the name" || name == "folded" {
			w = strict
		}
		add("0.CL "+name, w, nil, crlf("GET /x HTTP/1.1", field, "Host: a.example")+hidden) // who does not see the length
		add("0.CL twice "+name, w, nil, post(hidden, "Content-Length: 0", field))
	}
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "DELETE"} { // a body is none to who does not expect one
		all = append(all,
			request{name: "smuggled/CL.0 " + method, rfc: "9110 9.3", text: crlf(method+" /x HTTP/1.1", "Host: a.example", length) + hidden,
				want: good, method: method, target: "/x", body: hidden},
			request{name: "smuggled/TE.0 " + method, rfc: "9110 9.3", text: crlf(method+" /x HTTP/1.1", "Host: a.example", "Transfer-Encoding: chunked") + itox(len(hidden)) + "\r\n" + hidden + "\r\n0\r\n\r\n",
				want: good, method: method, target: "/x", body: hidden})
	}
	for _, expect := range []string{"100-continue", "\"100-continue\"", "y 100-continue", "100-continue y", "x=100-continue", "", "101-continue"} {
		w := strict
		if expect == "100-continue" {
			w = either // a method without a body may be refused with one
		}
		add("expectation "+quoted(expect), w, []int{417, 400}, crlf("GET /x HTTP/1.1", "Host: a.example", "Expect: "+expect, length)+hidden)
	}
	add("expectation folded", strict, []int{417, 400}, crlf("GET /x HTTP/1.1", "Host: a.example", "Expect:", " 100-continue", length)+hidden)
	return all
}
