package hostile

import (
	"fmt"
	"strings"
)

func quoted(s string) string { return fmt.Sprintf("%q", s) }

// lengthCases are about Content-Length (RFC 9110 section 8.6, RFC 9112 section 6.3): one that is invalid makes the framing
// invalid, and "the server MUST respond with a 400 (Bad Request) status code and then close the connection".
func lengthCases() []request {
	var all []request
	for _, v := range []string{
		"+5", "-5", "-0", "+0", "5 5", "5, 6", "5,6", "5,", "5;", "5a", "a5", "a", "0x5", "0X5", "0b101", "5.0", "5.", ".5", "5e0", "1e1", "5_0", "1_0", `"5"`, "'5'", "{5}",
		"", "5\x00", "\x005", "5\x00\x00", "\v5", "5\v", "5\f", "\f5", "5\x1f", "5\xa0", "\xa05", "5\x85", "\xef\xbc\x95", "\xd9\xa5", "\xe2\x82\x85", "\xc2\xb2", "5\r", "5\r6", "\r5", "5%20", "%35",
		"5:6", "5=", "5-", "5+1", "!5", "NaN", "Infinity", "chunked", "99999999999999999999", "9223372036854775808", "18446744073709551615", "18446744073709551621",
		strings.Repeat("9", 40), strings.Repeat("1", 400), "-18446744073709551611", "5 ,", ", 5",
	} {
		w := reject
		switch v {
		case "5,", "5 ,", ", 5": // a list with empty elements, whose values agree
			w = strict
		case "5\r", "\r5", "5\x00", "\x005", "5\x00\x00": // RFC 9110 5.5: rejected, or a space instead, which is trimmed
			w = strict
		}
		all = append(all, request{name: "length/" + quoted(short(v)), rfc: "9112 6.3", text: post("abcde", "Content-Length: "+v), want: w})
	}
	for _, v := range []string{"5, 5", "5,5", "5, 5, 5", "05, 5"} { // one list whose values agree may be taken for one
		all = append(all, request{name: "length/" + quoted(v), rfc: "9112 6.3", text: post("abcde", "Content-Length: "+v), want: strict})
	}
	for name, fields := range map[string][]string{
		"twice":                        {"Content-Length: 5", "Content-Length: 6"},
		"twice, the other way":         {"Content-Length: 6", "Content-Length: 5"},
		"twice, one 0":                 {"Content-Length: 0", "Content-Length: 5"},
		"twice, the last 0":            {"Content-Length: 5", "Content-Length: 0"},
		"twice with others between":    {"Content-Length: 5", "X: y", "Content-Length: 44"},
		"twice, one empty":             {"Content-Length: 5", "Content-Length:"},
		"twice, one negative":          {"Content-Length: 5", "Content-Length: -5"},
		"twice, a space in one":        {"Content-Length: 5", "Content-Length : 44"},
		"twice, a space in the first":  {"Content-Length : 44", "Content-Length: 5"},
		"twice, one folded":            {"Content-Length: 5", "X: y", " Content-Length: 44"},
		"twice, NUL in the name":       {"Content-Length: 5", "Content-Length\x00: 44"},
		"twice, a control in the name": {"Content-Length: 5", "\x01Content-Length: 44"},
		"twice, a high octet first":    {"Content-Length: 5", "\xffContent-Length: 44"},
		"white space before the colon": {"Content-Length : 5"},
		"tab before the colon":         {"Content-Length\t: 5"},
		"vertical tab before colon":    {"Content-Length\v: 5"},
		"NUL before the colon":         {"Content-Length\x00: 5"},
		"no colon":                     {"Content-Length 5"},
		"equals sign":                  {"Content-Length= 5"},
		"two colons":                   {"Content-Length:: 5"},
		"folded":                       {"Content-Length:", " 5"},
		"folded behind":                {"Content-Length: 5", " 4"},
		"after a bare CR":              {"X: y\rContent-Length: 5"},
		"after a bare LF":              {"X: y\nContent-Length: 5"},
	} {
		w := reject
		switch name {
		case "folded", "twice, one folded", "after a bare CR", "after a bare LF":
			w = strict
		}
		all = append(all, request{name: "length/" + name, rfc: "9112 6.3", text: post("abcde", fields...), want: w})
	}
	return append(all,
		request{name: "length/twice the same", rfc: "9112 6.3", text: post("abcde", "Content-Length: 5", "Content-Length: 5"), want: strict},
		request{name: "length/twice the same in another case", rfc: "9112 6.3", text: post("abcde", "Content-Length: 5", "CONTENT-LENGTH: 5"), want: strict},
		request{name: "length/twice with a zero before", rfc: "9112 6.3", text: post("abcde", "Content-Length: 5", "Content-Length: 05"), want: strict},
		request{name: "length/zeros before", rfc: "9110 8.6", text: post("abcdefgh", "Content-Length: 0008"), want: either},
		request{name: "length/octal", rfc: "9110 8.6", text: post("abcdefghij", "Content-Length: 010"), want: either},
		request{name: "length/longer than the body", rfc: "9112 8", text: post("abcde", "Content-Length: 500"), status: []int{408}},
		request{name: "length/longer than the body, and the end", rfc: "9112 8", text: post("abcde", "Content-Length: 500"), halfClose: true},
		request{name: "length/shorter than the body", rfc: "9112 6.3", text: post("abcdefgh", "Content-Length: 5"), want: either},
		request{name: "length/other name", rfc: "9110 5.1", text: post("", "Content_Length: 5"), want: either},
	)
}

// short cuts what is too long for a name.
func short(s string) string {
	if len(s) > 24 {
		return fmt.Sprintf("%s... %d", s[:12], len(s))
	}
	return s
}
