package hostile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// reply is a case: what a server answers a request with, and what it does then.
type reply struct {
	name string
	rfc  string // where it says so
	text string // its answer
	then then
	more string // of flood: sent again and again

	want  want
	grave bool // of reject: a client that takes it for whole is deceived

	ask   string // the request; empty: get()
	rest  string // of the request, sent once the response is there
	early bool   // the server answers as soon as it has the head

	// Of a good one, where it is not 200 without a body.
	status, interims int
	body             string
	kept             []string
	gone             []string
}

// then is what a server does after its answer.
type then int

const (
	stay  then = iota // it keeps the connection, and says nothing
	fin               // it ends the connection
	rst               // it resets the connection
	flood             // it sends more and more
	later             // it sends more once, when nobody asks
)

func (t then) String() string { return [...]string{"stays", "ends", "resets", "floods", "adds"}[t] }

// ok writes a response of these fields.
func ok(body string, fields ...string) string {
	return crlf(append([]string{"HTTP/1.1 200 OK", fromOrigin}, fields...)...) + body
}

// okLength writes a response that is good.
func okLength(body string) string { return ok(body, "Content-Length: "+itoa(len(body))) }

// poison is an answer to nobody's question.
var poison = okLength("poison")

// replies are all of them.
func replies() []reply {
	return slices.Concat(statusLineReplies(), fieldReplies(), framingReplies(), chunkReplies(), cutReplies(), interimReplies(),
		bodilessReplies(), extraReplies(), earlyReplies(), largeReplies(), goodReplies())
}

func TestRepliesAreApart(t *testing.T) {
	t.Parallel()
	seen, kinds := map[string]bool{}, map[want]int{}
	for _, c := range replies() {
		if seen[c.name] || c.rfc == "" {
			t.Errorf("%s: there are two, or no section says so", c.name)
		}
		seen[c.name] = true
		kinds[c.want]++
	}
	if kinds[reject] < 107 || kinds[strict] < 50 || kinds[good] < 20 {
		t.Errorf("got %v cases of each kind", kinds)
	}
}

// statusLineReplies are about the status line (RFC 9112 section 4).
func statusLineReplies() []reply {
	var all []reply
	for _, line := range []string{
		"HTTP/1.1200 OK", "HTTP/1.1\t200 OK", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 +20 OK", "HTTP/1.1 -20 OK",
		"HTTP/1.1 2x0 OK", "HTTP/1.1 0x2 OK", "HTTP/1.1 2 0 OK", "HTTP/1.1 200OK", "HTTP/1.1 200,OK", "HTTP/1.1 200\x00OK", "HTTP/1.1 000 OK", "http/1.1 200 OK", "Http/1.1 200 OK", "HTTP/2.0 200 OK", "HTTP/2 200 OK",
		"HTTP/3 200 OK", "HTTP/0.9 200 OK", "HTTP/9.9 200 OK", "HTTP/11.1 200 OK", "HTTP/1 200 OK", "HTTP/1. 200 OK", "HTTP/.1 200 OK", "HTTP/1.x 200 OK", "HTTP/1.10 200 OK", "HTTP/1,1 200 OK",
		"HTTP/ 1.1 200 OK", "HTTP 200 OK", "HTTP/+1.1 200 OK", "ICY 200 OK", "RTSP/1.0 200 OK", "HTTPS/1.1 200 OK", "XHTTP/1.1 200 OK", " HTTP/1.1 200 OK", "\tHTTP/1.1 200 OK", "\x00HTTP/1.1 200 OK",
		"\xef\xbb\xbfHTTP/1.1 200 OK", "200 OK", "OK", "SSH-2.0-OpenSSH_9.2", "220 mail.example ESMTP", "<html>", "{}", "\x15\x03\x01\x00\x02\x02\x28", "\x00\x00\x00\x04\x00\x00\x00\x00\x00", "GET / HTTP/1.1",
		"X: y\r\nHTTP/1.1 200 OK", "noise\r\nHTTP/1.1 200 OK", "HTTP/1.1 \xd9\xa2\xd9\xa0\xd9\xa0 OK",
	} {
		all = append(all, reply{name: "status line/" + quoted(line), rfc: "9112 4", text: crlf(line, fromOrigin, "Content-Length: 2") + "ok", then: fin})
	}
	for _, line := range []string{
		"HTTP/1.1  200 OK", "HTTP/1.2 200 OK", "HTTP/1.9 200 OK", "HTTP/1.1 600 High", "HTTP/1.1 999 High", "HTTP/1.1 099 Low", "HTTP/1.1 200 O\x00K", "HTTP/1.1 200 O\x01K", "HTTP/1.1 200 O\x7fK",
		"HTTP/1.1 200 O\x1b[2JK", "HTTP/1.1 200 O\rK", "HTTP/1.1 200 OK\r", "\r\nHTTP/1.1 200 OK", "\nHTTP/1.1 200 OK", "HTTP/1.1 200 O\rX: y", "HTTP/1.1 200 O\nX: y",
	} {
		all = append(all, reply{name: "status line/" + quoted(line), rfc: "9112 4", text: crlf(line, fromOrigin, "Content-Length: 2") + "ok", then: fin, want: strict})
	}
	return append(all,
		reply{name: "status line/LF for CRLF", rfc: "9112 2.2", text: strings.ReplaceAll(okLength("ok"), "\r\n", "\n"), then: fin, want: strict},
		reply{name: "status line/CR for CRLF", rfc: "9112 2.2", text: strings.ReplaceAll(okLength("ok"), "\r\n", "\r"), then: fin},
		reply{name: "status line/HTTP 0.9", rfc: "9112 4", text: "hello, world\n", then: fin},
		reply{name: "status line/HTTP 0.9 of HTML", rfc: "9112 4", text: "<!DOCTYPE html>\r\n<html>\r\n\r\n</html>", then: fin},
	)
}

// fieldReplies are about field lines. A proxy may bring some into order (RFC 9112 sections 5.1 and 5.2); Tandem does not guess.
func fieldReplies() []reply {
	var all []reply
	add := func(name, rfc string, lines ...string) {
		all = append(all, reply{name: "field of a response/" + name, rfc: rfc, text: ok("ok", append(lines, "Content-Length: 2")...), want: strict})
	}
	add("no colon", "9112 5", "Xyz")
	add("no name", "9112 5", ": y")
	add("space before the colon", "9112 5.1", "X : y")
	add("tab before the colon", "9112 5.1", "X\t: y")
	add("folded", "9112 5.2", "X: y", " z")
	add("folded by a tab", "9112 5.2", "X: y", "\tz")
	add("folded into white space", "9112 5.2", "X: y", " ")
	add("first line folded", "9112 2.2", " X: y")
	add("bare CR between two", "9112 2.2", "X: y\rZ: a")
	add("bare LF between two", "9112 2.2", "X: y\nZ: a")
	add("another status line", "9112 5", "HTTP/1.1 200 OK")
	add("cookie with NUL", "9110 5.5", "Set-Cookie: a=b\x00c")
	add("cookie folded", "9112 5.2", "Set-Cookie: a=b;", " c=d")
	add("redirect with CR", "9110 5.5", "Location: http://a.example/\rSet-Cookie: a=b")
	add("redirect with NUL", "9110 5.5", "Location: http://a.example/\x00")
	add("Connection of two words", "9110 7.6.1", "Connection: keep alive")
	add("Connection names Content-Length", "9110 7.6.1", "Connection: Content-Length")
	add("Connection names Set-Cookie", "9110 7.6.1", "Connection: Set-Cookie", "Set-Cookie: a=b")
	octets(":\t\n\r ", func(c, name string) {
		add("name begins with "+name, "9110 5.1", c+"Xyz: y")
		add("name has "+name, "9110 5.1", "Xy"+c+"z: y")
		add("name ends with "+name, "9110 5.1", "Xyz"+c+": y")
	})
	octets("\t \"(),/:;<=>?@[\\]{}\x80\xa0\xff\n", func(c, name string) {
		add("value begins with "+name, "9110 5.5", "X: "+c+"y")
		add("value has "+name, "9110 5.5", "X: y"+c+"z")
		add("value ends with "+name, "9110 5.5", "X: y"+c)
	})
	return all
}

// framingReplies are about Content-Length and Transfer-Encoding. Of an invalid Content-Length: "the proxy MUST close the connection
// to the server, discard the received response, and send a 502 (Bad Gateway) response to the client" (RFC 9112 section 6.3).
func framingReplies() []reply {
	var all []reply
	for _, v := range []string{
		"+5", "-5", "5 5", "5, 6", "6, 5", "5,6", "5;", "5a", "a5", "0x5", "5.0", "5e0", "5_0", `"5"`, "", "5\vx", "\xa05", "99999999999999999999", "9223372036854775808", "18446744073709551621", "-18446744073709551611", "NaN",
		strings.Repeat("9", 40), "five",
	} {
		all = append(all, reply{name: "length of a response/" + quoted(short(v)), rfc: "9112 6.3", text: ok("abcde", "Content-Length: "+v), then: fin, grave: true})
	}
	for _, v := range []string{"5, 5", "5,5", "5,", ",5", "5\x00", "\r5", "\v5", "5\v", "5\f"} {
		all = append(all, reply{name: "length of a response/" + quoted(v), rfc: "9112 6.3", text: ok("abcde", "Content-Length: "+v), then: fin, want: strict})
	}
	for name, fields := range map[string][]string{
		"twice": {"Content-Length: 5", "Content-Length: 6"}, "twice, the other way": {"Content-Length: 6", "Content-Length: 5"}, "twice, one 0": {"Content-Length: 0", "Content-Length: 5"},
		"twice, the last 0": {"Content-Length: 5", "Content-Length: 0"}, "twice, one malformed": {"Content-Length: 5", "Content-Length: x"}, "twice, one empty": {"Content-Length: 5", "Content-Length:"},
		"twice, the first huge": {"Content-Length: 500", "Content-Length: 5"},
	} {
		all = append(all, reply{name: "length of a response/" + name, rfc: "9112 6.3", text: ok("abcde", fields...) + poison, grave: true})
	}
	chunks := "5\r\nabcde\r\n0\r\n\r\n"
	all = append(all,
		reply{name: "length of a response/twice the same", rfc: "9112 6.3", text: ok("abcde", "Content-Length: 5", "Content-Length: 5"), want: strict},
		reply{name: "coding of a response/length before", rfc: "9112 6.3", text: ok(chunks, "Content-Length: 5", "Transfer-Encoding: chunked"), want: strict},
		reply{name: "coding of a response/length behind", rfc: "9112 6.3", text: ok(chunks, "Transfer-Encoding: chunked", "Content-Length: 5"), want: strict},
		reply{name: "coding of a response/length of 0", rfc: "9112 6.3", text: ok(chunks, "Content-Length: 0", "Transfer-Encoding: chunked"), want: strict},
		reply{name: "coding of a response/in HTTP 1.0", rfc: "9112 6.1", text: crlf("HTTP/1.0 200 OK", fromOrigin, "Transfer-Encoding: chunked") + chunks, then: fin, want: strict},
		reply{name: "coding of a response/in HTTP 1.0 that stays", rfc: "9112 6.1", text: crlf("HTTP/1.0 200 OK", fromOrigin, "Connection: keep-alive", "Transfer-Encoding: chunked") + chunks, want: strict},
	)
	for _, c := range oddCodings() {
		all = append(all,
			reply{name: "coding of a response/" + c.name, rfc: "9112 6.1", text: ok(chunks, c.field), then: fin, want: strict},
			reply{name: "split response/TE " + c.name, rfc: "9112 11.1", text: ok("0\r\n\r\n"+poison, c.field), want: strict},
			reply{name: "split response/CL.TE " + c.name, rfc: "9112 11.1", text: ok("0\r\n\r\n"+poison, "Content-Length: 5", c.field), want: strict})
	}
	return all
}

// chunkReplies are about chunked bodies: one that is malformed is incomplete, and must not be taken for whole (RFC 9112 section 8).
func chunkReplies() []reply {
	var all []reply
	for _, b := range chunkedBodies() {
		c := reply{name: "chunks of a response/" + b.name, rfc: "9112 7.1", text: ok(b.body, "Transfer-Encoding: chunked"), want: b.want, grave: true}
		if strings.Contains(b.name, "trailer") { // it may be left out
			c.want, c.grave = strict, false
		}
		all = append(all, c)
	}
	return all
}

// cutReplies end where more is due (RFC 9112 section 8).
func cutReplies() []reply {
	var all []reply
	for name, text := range map[string]string{
		"before the response": "", "in the status line": "HTTP/1.1 20", "before the LF": "HTTP/1.1 200 OK\r", "after the status line": "HTTP/1.1 200 OK\r\n", "in a name": "HTTP/1.1 200 OK\r\nX-Ori",
		"in a value": "HTTP/1.1 200 OK\r\nX: y", "before the empty line": strings.TrimSuffix(ok("", "Content-Length: 5"), "\r\n"), "before the last LF": strings.TrimSuffix(ok("", "Content-Length: 5"), "\n"),
		"before the body": ok("", "Content-Length: 5"), "in the body": ok("abc", "Content-Length: 5"), "before the last octet": ok("abcd", "Content-Length: 5"), "in a long body": ok(strings.Repeat("a", 99_999), "Content-Length: 100000"),
		"before the chunks": ok("", "Transfer-Encoding: chunked"), "in a chunk size": ok("5", "Transfer-Encoding: chunked"), "in a chunk size, before the LF": ok("5\r", "Transfer-Encoding: chunked"),
		"before a chunk's data": ok("5\r\n", "Transfer-Encoding: chunked"), "in a chunk": ok("5\r\nabc", "Transfer-Encoding: chunked"), "after a chunk's data": ok("5\r\nabcde", "Transfer-Encoding: chunked"),
		"after a chunk": ok("5\r\nabcde\r\n", "Transfer-Encoding: chunked"), "in the last chunk": ok("5\r\nabcde\r\n0", "Transfer-Encoding: chunked"), "after the last chunk": ok("5\r\nabcde\r\n0\r\n", "Transfer-Encoding: chunked"),
		"before the very last LF": ok("5\r\nabcde\r\n0\r\n\r", "Transfer-Encoding: chunked"), "in a trailer": ok("5\r\nabcde\r\n0\r\nX: y", "Transfer-Encoding: chunked"),
		"after a trailer": ok("5\r\nabcde\r\n0\r\nX: y\r\n", "Transfer-Encoding: chunked"), "after a 100": crlf("HTTP/1.1 100 Continue"), "after a 103": crlf("HTTP/1.1 103 Early Hints", "Link: </x>"), "in a 100": "HTTP/1.1 100 Con",
	} {
		for _, then := range []then{stay, fin, rst} {
			all = append(all, reply{name: fmt.Sprintf("cut/%s, and %s", name, then), rfc: "9112 8", text: text, then: then, grave: true})
		}
	}
	return append(all,
		reply{name: "cut/body until the end, reset", rfc: "9112 8", text: ok("abcde"), then: rst, grave: true},
		reply{name: "cut/body until the end, no end", rfc: "9112 8", text: ok("abcde"), then: stay, grave: true},
		reply{name: "cut/body of HTTP 1.0 reset", rfc: "9112 8", text: crlf("HTTP/1.0 200 OK", fromOrigin) + "abcde", then: rst, grave: true},
		reply{name: "cut/long body until the end, reset", rfc: "9112 8", text: ok(strings.Repeat("a", 100_000)), then: rst, grave: true},
		reply{name: "cut/body of POST", rfc: "9112 8", ask: post("abcde", "Content-Length: 5"), text: ok("abc", "Content-Length: 5"), then: fin, grave: true},
		reply{name: "cut/no response to POST", rfc: "9112 8", ask: post("abcde", "Content-Length: 5"), text: "", then: fin, grave: true},
		reply{name: "cut/no response to POST, reset", rfc: "9112 8", ask: post("abcde", "Content-Length: 5"), text: "", then: rst, grave: true},
	)
}

// interimReplies are about 1xx responses (RFC 9110 section 15.2).
func interimReplies() []reply {
	websocket := get("Connection: Upgrade", "Upgrade: websocket")
	switching := func(fields ...string) string {
		return crlf(append([]string{"HTTP/1.1 101 Switching Protocols", fromOrigin}, fields...)...)
	}
	all := []reply{
		{name: "interim/101 unasked", rfc: "9110 15.2.2", text: switching("Connection: Upgrade", "Upgrade: websocket") + poison, grave: true},
		{name: "interim/101 unasked to h2c", rfc: "9113 3.1", text: switching("Connection: Upgrade", "Upgrade: h2c") + poison, grave: true},
		{name: "interim/101 unasked without fields", rfc: "9110 15.2.2", text: switching() + poison, grave: true},
		{name: "interim/101 to POST", rfc: "9110 15.2.2", ask: post("abcde", "Content-Length: 5"), text: switching("Connection: Upgrade", "Upgrade: websocket") + poison, grave: true},
		{name: "interim/101 to HTTP 1.0", rfc: "9110 7.8", ask: crlf("GET /x HTTP/1.0", "Host: a.example", "Connection: Upgrade", "Upgrade: websocket"), text: switching("Connection: Upgrade", "Upgrade: websocket") + poison, grave: true},
		{name: "interim/101 to another protocol", rfc: "9110 7.8", ask: websocket, text: switching("Connection: Upgrade", "Upgrade: h2c") + poison, want: strict},
		{name: "interim/101 without Upgrade", rfc: "9110 7.8", ask: websocket, text: switching("Connection: Upgrade") + poison, want: strict},
		{name: "interim/101 without Connection", rfc: "9110 7.8", ask: websocket, text: switching("Upgrade: websocket") + poison, want: either},
		{name: "interim/100 unasked", rfc: "9110 15.2.1", text: crlf("HTTP/1.1 100 Continue") + okLength("ok"), want: good, body: "ok", interims: 1},
		{name: "interim/102", rfc: "9110 15.2", text: crlf("HTTP/1.1 102 Processing") + okLength("ok"), want: good, body: "ok", interims: 1},
		{name: "interim/103", rfc: "8297 2", text: crlf("HTTP/1.1 103 Early Hints", "Link: </x>") + okLength("ok"), want: good, body: "ok", interims: 1},
		{name: "interim/three of 103", rfc: "8297 2", text: strings.Repeat(crlf("HTTP/1.1 103 Early Hints", "Link: </x>"), 3) + okLength("ok"), want: good, body: "ok", interims: 3},
		{name: "interim/199", rfc: "9110 15.2", text: crlf("HTTP/1.1 199 Odd") + okLength("ok"), want: either, body: "ok"},
		{name: "interim/100 with a length", rfc: "9110 8.6", text: crlf("HTTP/1.1 100 Continue", "Content-Length: 5") + okLength("ok"), want: strict},
		{name: "interim/103 with a length and poison", rfc: "9110 8.6", text: crlf("HTTP/1.1 103 Early Hints", "Content-Length: "+itoa(len(poison))) + poison + okLength("ok"), want: strict},
		{name: "interim/103 with chunks", rfc: "9112 6.1", text: crlf("HTTP/1.1 103 Early Hints", "Transfer-Encoding: chunked") + "0\r\n\r\n" + okLength("ok"), want: strict},
		{name: "interim/103 with NUL", rfc: "9110 5.5", text: crlf("HTTP/1.1 103 Early Hints", "Link: \x00") + okLength("ok"), want: strict},
		{name: "interim/100 folded", rfc: "9112 5.2", text: crlf("HTTP/1.1 100 Continue", "X: y", " z") + okLength("ok"), want: strict},
		{name: "interim/100 after the response", rfc: "9110 15.2", text: okLength("ok") + crlf("HTTP/1.1 100 Continue"), want: good, body: "ok"},
	}
	for _, line := range []string{"100 Continue", "102 Processing", "103 Early Hints"} {
		all = append(all, reply{name: "interim/endless " + line[:3], rfc: "9110 15.2", then: flood, more: crlf("HTTP/1.1 " + line), grave: true})
	}
	return append(all, reply{name: "interim/1000 of 103", rfc: "9110 15.2", text: strings.Repeat(crlf("HTTP/1.1 103 Early Hints", "Link: </x>"), 1000) + okLength("ok"), want: either, body: "ok"})
}

// bodilessReplies have a body where there is none (RFC 9112 section 6.3): what follows is nobody's.
func bodilessReplies() []reply {
	head := crlf("HEAD /x HTTP/1.1", "Host: a.example")
	var all []reply
	add := func(name string, w want, status int, ask, text string) {
		all = append(all, reply{name: "bodiless/" + name, rfc: "9112 6.3", text: text, want: w, status: status, ask: ask})
	}
	add("HEAD with a body", good, 200, head, okLength("abcde"))
	add("HEAD with poison", good, 200, head, ok(poison, "Content-Length: "+itoa(len(poison))))
	add("HEAD with chunks", good, 200, head, ok("5\r\nabcde\r\n0\r\n\r\n", "Transfer-Encoding: chunked"))
	add("HEAD with poison and no length", good, 200, head, ok(poison))
	for _, line := range []string{"204 No Content", "304 Not Modified"} {
		line, status := "HTTP/1.1 "+line, map[string]int{"2": 204, "3": 304}[line[:1]]
		w := either // one of them must have neither
		add(line+" with poison", good, status, "", crlf(line, fromOrigin)+poison)
		add(line+" with a length and poison", w, status, "", crlf(line, fromOrigin, "Content-Length: "+itoa(len(poison)))+poison)
		add(line+" with chunks", w, status, "", crlf(line, fromOrigin, "Transfer-Encoding: chunked")+"5\r\nabcde\r\n0\r\n\r\n")
		add(line+" with empty chunks", w, status, "", crlf(line, fromOrigin, "Transfer-Encoding: chunked")+"0\r\n\r\n")
		add(line+" to HEAD with poison", good, status, head, crlf(line, fromOrigin)+poison)
	}
	add("length of 0 and poison", good, 200, "", ok(poison, "Content-Length: 0"))
	return all
}

// extraReplies go on after a response that is whole: none of it is the answer to any request (RFC 9112 section 9.2).
func extraReplies() []reply {
	var all []reply
	for first, c := range map[string]struct{ text, body string }{
		"a length": {okLength("ok"), "ok"}, "chunks": {ok("2\r\nok\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), "ok"}, "a length of 0": {okLength(""), ""}, "trailers": {ok("2\r\nok\r\n0\r\nX: y\r\n\r\n", "Transfer-Encoding: chunked"), "ok"},
	} {
		for extra, text := range map[string]string{
			"noise": "noise", "a response": poison, "two responses": poison + poison, "a CRLF": "\r\n", "a part of a response": "HTTP/1.1 200 OK\r\nX-Origin: yes\r\nContent-Le", "a 408": crlf("HTTP/1.1 408 Request Timeout", fromOrigin, "Content-Length: 0", "Connection: close"),
			"a 100": crlf("HTTP/1.1 100 Continue"), "one octet": "x",
		} {
			all = append(all,
				reply{name: fmt.Sprintf("extra/%s after %s", extra, first), rfc: "9112 9.2", text: c.text + text, want: good, body: c.body},
				reply{name: fmt.Sprintf("extra/%s later than %s", extra, first), rfc: "9112 9.2", text: c.text, then: later, more: text, want: good, body: c.body})
		}
	}
	return all
}

// earlyReplies come before the request is whole (RFC 9112 section 9.5): they are answers, but the connection is of no further use.
func earlyReplies() []reply {
	half := post("abc", "Content-Length: 5")
	chunks := chunkedPost("5\r\nabc")
	var all []reply
	for name, c := range map[string]struct{ ask, rest string }{"length": {half, "de"}, "chunks": {chunks, "de\r\n0\r\n\r\n"}, "length, hidden behind": {half, "de" + hidden}} {
		for _, then := range []then{stay, fin} {
			all = append(all,
				reply{name: fmt.Sprintf("early/%s, and %s", name, then), rfc: "9112 9.5", ask: c.ask, rest: c.rest, early: true, text: okLength("ok"), then: then, want: good, body: "ok"},
				reply{name: fmt.Sprintf("early/413 to %s, and %s", name, then), rfc: "9112 9.5", ask: c.ask, rest: c.rest, early: true, status: 413, text: crlf("HTTP/1.1 413 Content Too Large", fromOrigin, "Content-Length: 2", "Connection: close") + "ok", then: then, want: good, body: "ok"})
		}
		all = append(all, reply{name: "early/nothing to " + name + ", reset", rfc: "9112 9.5", ask: c.ask, rest: c.rest, early: true, then: rst, grave: true})
	}
	return all
}

// largeReplies are too large for anybody.
func largeReplies() []reply {
	return []reply{
		{name: "large/reason of 1 MB", rfc: "9112 4", text: crlf("HTTP/1.1 200 "+strings.Repeat("a", 1<<20), fromOrigin, "Content-Length: 0")},
		{name: "large/field of 1 MB", rfc: "9110 5.4", text: ok("", "X: "+strings.Repeat("a", 1<<20), "Content-Length: 0")},
		{name: "large/name of 1 MB", rfc: "9110 5.4", text: ok("", strings.Repeat("X", 1<<20)+": y", "Content-Length: 0")},
		{name: "large/10000 fields", rfc: "9110 5.4", text: ok("", append(repeated("X: y", 10_000), "Content-Length: 0")...), want: strict},
		{name: "large/1000 fields of 1000 octets", rfc: "9110 5.4", text: ok("", append(repeated("X: "+strings.Repeat("a", 1000), 1000), "Content-Length: 0")...)},
		{name: "large/endless status line", rfc: "9112 4", text: "HTTP/1.1 200 ", then: flood, more: strings.Repeat("a", 1000)},
		{name: "large/endless field", rfc: "9110 5.4", text: "HTTP/1.1 200 OK\r\nX: ", then: flood, more: strings.Repeat("a", 1000)},
		{name: "large/endless fields", rfc: "9110 5.4", text: "HTTP/1.1 200 OK\r\n", then: flood, more: strings.Repeat("X: y\r\n", 100)},
		{name: "large/endless empty lines", rfc: "9112 2.2", then: flood, more: strings.Repeat("\r\n", 500)},
		{name: "large/endless noise", rfc: "9112 4", then: flood, more: strings.Repeat("noise", 200)},
		{name: "large/endless chunk size", rfc: "9112 7.1", text: ok("", "Transfer-Encoding: chunked"), then: flood, more: strings.Repeat("0", 1000), grave: true},
		{name: "large/endless chunk extension", rfc: "9112 7.1.1", text: ok("5;", "Transfer-Encoding: chunked"), then: flood, more: strings.Repeat("a", 1000), grave: true},
		{name: "large/endless trailer", rfc: "9112 7.1.2", text: ok("5\r\nabcde\r\n0\r\nX: ", "Transfer-Encoding: chunked"), then: flood, more: strings.Repeat("a", 1000), grave: true},
		{name: "large/endless trailers", rfc: "9112 7.1.2", text: ok("5\r\nabcde\r\n0\r\n", "Transfer-Encoding: chunked"), then: flood, more: strings.Repeat("X: y\r\n", 100), grave: true},
	}
}

// goodReplies are legal, however odd.
func goodReplies() []reply {
	head := crlf("HEAD /x HTTP/1.1", "Host: a.example")
	all := []reply{
		{name: "length", text: okLength("ok"), body: "ok"},
		{name: "length of 0", text: okLength("")},
		{name: "length before white space", text: ok("ok", "Content-Length: \t2 \t"), body: "ok"},
		{name: "length with zeros", text: ok("ok", "Content-Length: 0002"), body: "ok"},
		{name: "chunks", text: ok("1\r\no\r\n1\r\nk\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), body: "ok"},
		{name: "chunks, odd", text: ok("00002;a=\"b;c\"\r\nok\r\n000;z\r\n\r\n", "transfer-encoding:CHUNKED"), body: "ok"},
		{name: "chunks of none", text: ok("0\r\n\r\n", "Transfer-Encoding: chunked")},
		{name: "trailers", text: ok("2\r\nok\r\n0\r\nX-Sum: 1\r\nX-Empty:\r\n\r\n", "Trailer: X-Sum", "Transfer-Encoding: chunked"), body: "ok"},
		{name: "until the end", text: ok("ok"), then: fin, body: "ok"},
		{name: "until the end, empty", text: ok(""), then: fin},
		{name: "until the end, close", text: ok("ok", "Connection: close"), then: fin, body: "ok"},
		{name: "close", text: ok("ok", "Connection: close", "Content-Length: 2"), then: fin, body: "ok"},
		{name: "close that stays", text: ok("ok", "Connection: close", "Content-Length: 2"), body: "ok"},
		{name: "HTTP 1.0", text: crlf("HTTP/1.0 200 OK", fromOrigin) + "ok", then: fin, body: "ok"},
		{name: "HTTP 1.0 with a length", text: crlf("HTTP/1.0 200 OK", fromOrigin, "Content-Length: 2") + "ok", then: fin, body: "ok"},
		{name: "HTTP 1.0 that stays", text: crlf("HTTP/1.0 200 OK", fromOrigin, "Content-Length: 2", "Connection: keep-alive") + "ok", body: "ok"},
		{name: "no reason", text: crlf("HTTP/1.1 200 ", fromOrigin, "Content-Length: 2") + "ok", body: "ok"},
		{name: "no reason and no space", text: crlf("HTTP/1.1 200", fromOrigin, "Content-Length: 2") + "ok", body: "ok"}, // common, though the grammar has the space
		{name: "reason above ASCII", text: crlf("HTTP/1.1 404 Nicht gef\xfcnden", fromOrigin, "Content-Length: 2") + "ok", status: 404, body: "ok"},
		{name: "reason with a tab", text: crlf("HTTP/1.1 200 O\tK", fromOrigin, "Content-Length: 2") + "ok", body: "ok"},
		{name: "status 299", text: crlf("HTTP/1.1 299 Odd", fromOrigin, "Content-Length: 2") + "ok", status: 299, body: "ok"},
		{name: "status 418", text: crlf("HTTP/1.1 418 I'm a teapot", fromOrigin, "Content-Length: 0"), status: 418},
		{name: "status 599", text: crlf("HTTP/1.1 599 Odd", fromOrigin, "Content-Length: 0"), status: 599},
		{name: "204", text: crlf("HTTP/1.1 204 No Content", fromOrigin), status: 204},
		{name: "204 with a length of 0", text: crlf("HTTP/1.1 204 No Content", fromOrigin, "Content-Length: 0"), status: 204},
		{name: "304", text: crlf("HTTP/1.1 304 Not Modified", fromOrigin, "Content-Length: 5", `ETag: "x"`), status: 304, kept: []string{`ETag: "x"`}},
		{name: "HEAD", ask: head, text: ok("", "Content-Length: 5")},
		{name: "HEAD with chunks", ask: head, text: ok("", "Transfer-Encoding: chunked")},
		{name: "HEAD without a length", ask: head, text: ok("")},
		{name: "every octet", text: okLength(everyOctet()), body: everyOctet()},
		{name: "body of a response", text: okLength(poison), body: poison},
		{name: "100 KB", text: okLength(strings.Repeat("0123456789", 10_000)), body: strings.Repeat("0123456789", 10_000)},
		{name: "100 KB until the end", text: ok(strings.Repeat("0123456789", 10_000)), then: fin, body: strings.Repeat("0123456789", 10_000)},
		{name: "hop-by-hop fields", text: ok("ok", "Connection: X-Hop, keep-alive", "X-Hop: y", "Keep-Alive: timeout=5", "Content-Length: 2"), body: "ok", gone: []string{"X-Hop", "Keep-Alive"}},
		{name: "Upgrade is an offer", text: ok("ok", "Connection: Upgrade", "Upgrade: h2c", "Content-Length: 2"), body: "ok"},
	}
	for _, lines := range [][]string{
		{"X-Empty:"}, {"X: a\tb  c"}, {"X: caf\xe9 \xff"}, {"Set-Cookie: a=b; Path=/", "Set-Cookie: c=d; Expires=Sat, 31 Oct 2026 00:00:00 GMT"}, {"x!#$%&'*+-.^_`|~: y"}, {"X-Long: " + strings.Repeat("v", 2000)},
		{"Content-Type: text/html; charset=utf-8", "ETag: W/\"x\"", "Cache-Control: no-store, max-age=0", "Vary: *"}, {"Location: /a b\"<>"}, {`X: {"a":[1,2]}`}, {"WWW-Authenticate: Basic realm=\"a, b\", Digest x=y"},
	} {
		all = append(all, reply{name: "field " + short(lines[0]), text: ok("ok", append(lines, "Content-Length: 2")...), body: "ok", kept: lines})
	}
	for i := range all {
		all[i].name, all[i].rfc, all[i].want = "good response/"+all[i].name, "9112 2.1", good
	}
	return all
}
