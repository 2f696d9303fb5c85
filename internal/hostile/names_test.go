package hostile

import "strings"

// nameCases are about field lines (RFC 9112 section 5, RFC 9110 sections 5.1 and 5.5).
func nameCases() []request {
	all := []request{
		{name: "field/no colon", rfc: "9112 5", text: get("Xyz")},
		{name: "field/no colon and a value", rfc: "9112 5", text: get("Xyz abc")},
		{name: "field/no name", rfc: "9112 5", text: get(": y")},
		{name: "field/a colon alone", rfc: "9112 5", text: get(":")},
		{name: "field/space before the colon", rfc: "9112 5.1", text: get("X : y")},
		{name: "field/tab before the colon", rfc: "9112 5.1", text: get("X\t: y")},
		{name: "field/spaces before the colon", rfc: "9112 5.1", text: get("X   : y")},
		{name: "field/folded", rfc: "9112 5.2", text: get("X: y", " z"), want: strict},
		{name: "field/folded by a tab", rfc: "9112 5.2", text: get("X: y", "\tz"), want: strict},
		{name: "field/folded thrice", rfc: "9112 5.2", text: get("X: y", " z", " z", "\t z"), want: strict},
		{name: "field/folded into white space", rfc: "9112 5.2", text: get("X: y", " "), want: strict},
		{name: "field/folded into a field", rfc: "9112 5.2", text: get("X: y", " Content-Length: 5"), want: strict},
		{name: "field/folded cookie", rfc: "9112 5.2", text: get("Cookie: a=b;", " c=d"), want: strict},
		{name: "field/first line folded", rfc: "9112 2.2", text: crlf("GET /x HTTP/1.1", " X: y", "Host: a.example"), want: strict},
		{name: "field/first line of white space", rfc: "9112 2.2", text: crlf("GET /x HTTP/1.1", " ", "Host: a.example"), want: strict},
		{name: "field/bare CR between two", rfc: "9112 2.2", text: get("X: y\rContent-Length: 5"), want: strict},
		{name: "field/bare LF between two", rfc: "9112 2.2", text: get("X: y\nContent-Length: 0"), want: strict},
		{name: "field/another request line", rfc: "9112 5", text: get("GET /hidden HTTP/1.1")},
		{name: "field/bare CRs that end the head", rfc: "9112 2.2", text: get("X: y\r\r" + hidden), want: strict},
		{name: "field/escaped CR LF", rfc: "9110 5.5", text: get("X: y%0d%0aZ: a"), want: good, kept: []string{"X: y%0d%0aZ: a"}},
		{name: "field/high letter that folds to CR LF", rfc: "9110 5.5", text: get("X: y\xe5\x98\x8d\xe5\x98\x8aZ: a"), want: good, kept: []string{"X: y\xe5\x98\x8d\xe5\x98\x8aZ: a"}},
	}
	octets(":\t\n\r ", func(c, name string) {
		all = append(all,
			request{name: "name/begins with " + name, rfc: "9110 5.1", text: get(c + "Xyz: y")},
			request{name: "name/has " + name, rfc: "9110 5.1", text: get("Xy" + c + "z: y")},
			request{name: "name/ends with " + name, rfc: "9110 5.1", text: get("Xyz" + c + ": y")})
	})
	for _, c := range []string{"\r", " ", "\t"} {
		all = append(all, request{name: "name/has " + strings.Trim(quoted(c), `"`), rfc: "9110 5.1", text: get("Xy" + c + "z: y")})
	}
	octets("\t \"(),/:;<=>?@[\\]{}\x80\xa0\xff\n", func(c, name string) { // CR and NUL MUST be refused or replaced, others may be kept where that is safe
		all = append(all,
			request{name: "value/begins with " + name, rfc: "9110 5.5", text: get("X: " + c + "y"), want: strict},
			request{name: "value/has " + name, rfc: "9110 5.5", text: get("X: y" + c + "z"), want: strict},
			request{name: "value/ends with " + name, rfc: "9110 5.5", text: get("X: y" + c), want: strict})
	})
	return all
}
