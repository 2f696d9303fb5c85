package hostile

import (
	"slices"
	"strings"
	"testing"
)

// stream is a case: a request over HTTP/2 that a proxy turns into one of HTTP/1.
type stream struct {
	name string
	rfc  string // where it says so; of 9113 the section alone

	fields   []field // pseudo-fields among them
	data     []string
	trailers []field
	open     bool // the client does not end the stream

	want want
	most int

	// Of a good one, where it is not that of ask.
	method, target, body string
	kept, gone           []string
	host                 string
}

// ask is a request that is good but for more, which replaces pseudo-fields of the same name and comes behind them otherwise.
func ask(more ...field) []field {
	all := []field{{":method", "GET"}, {":scheme", "http"}, {":authority", "a.example"}, {":path", "/x"}}
	for _, f := range more {
		if i := slices.IndexFunc(all, func(g field) bool { return g.name == f.name }); i >= 0 && strings.HasPrefix(f.name, ":") {
			all[i].value = f.value
		} else {
			all = append(all, f)
		}
	}
	return all
}

// without takes fields off.
func without(fields []field, name string) []field {
	return slices.DeleteFunc(slices.Clone(fields), func(f field) bool { return f.name == name })
}

func streamCases() []stream {
	return slices.Concat(pseudoStreams(), octetStreams(), hopStreams(), lengthStreams(), injectedStreams(), trailerStreams(), largeStreams(), goodStreams())
}

func TestStreamsAreApart(t *testing.T) {
	t.Parallel()
	seen, kinds := map[string]bool{}, map[want]int{}
	for _, c := range streamCases() {
		if seen[c.name] || c.rfc == "" {
			t.Errorf("%s: there are two, or no section says so", c.name)
		}
		seen[c.name] = true
		kinds[c.want]++
	}
	if kinds[reject] < 123 || kinds[good] < 20 {
		t.Errorf("got %v cases of each kind", kinds)
	}
}

// pseudoStreams are about pseudo-fields (RFC 9113 section 8.3) and what they say.
func pseudoStreams() []stream {
	var all []stream
	add := func(name, rfc string, w want, fields []field) {
		all = append(all, stream{name: "pseudo/" + name, rfc: rfc, fields: fields, want: w})
	}
	for _, name := range []string{":method", ":scheme", ":path"} {
		add("no "+name, "8.3.1", reject, without(ask(), name))
		add("empty "+name, "8.3.1", reject, ask(field{name, ""}))
	}
	for _, f := range ask() {
		add("two of "+f.name, "8.3", reject, append([]field{f}, ask()...))
		add("two of "+f.name+" that differ", "8.3", reject, append([]field{{f.name, f.value + "y"}}, ask()...))
		add(f.name+" behind a field", "8.3", reject, append(without(ask(field{"x", "y"}), f.name), f))
		add(f.name+" in upper case", "8.2", reject, append([]field{{strings.ToUpper(f.name), f.value}}, without(ask(), f.name)...))
		add(f.name+" with a space behind", "8.2.1", reject, append([]field{{f.name + " ", f.value}}, ask()...))
	}
	first := func(f field) []field { return append([]field{f}, ask()...) }
	add("no authority at all", "8.3.1", reject, without(ask(), ":authority"))
	add("empty authority", "8.3.1", reject, ask(field{":authority", ""}))
	add("empty host", "8.3.1", reject, append(without(ask(), ":authority"), field{"host", ""}))
	add("unknown", "8.3", reject, first(field{":x", "y"}))
	add("a colon alone", "8.3", reject, first(field{":", "y"}))
	add("status", "8.3", reject, first(field{":status", "200"}))
	add("protocol without CONNECT", "8.3", reject, first(field{":protocol", "websocket"}))
	add("host as one", "8.3", reject, first(field{":host", "a.example"}))
	add("host that differs", "8.3.1", reject, ask(field{"host", "b.example"}))
	add("host with another port", "8.3.1", reject, ask(field{"host", "a.example:81"}))
	add("host that is empty beside an authority", "8.3.1", reject, ask(field{"host", ""}))
	add("two hosts", "8.3.1", reject, ask(field{"host", "a.example"}, field{"host", "b.example"}))
	add("two hosts alone", "8.3.1", reject, append(without(ask(), ":authority"), field{"host", "a.example"}, field{"host", "b.example"}))
	for _, authority := range []string{"u@a.example", "u:p@a.example", "@a.example"} {
		add("authority "+quoted(authority), "8.3.1", reject, ask(field{":authority", authority}))
	}
	for _, authority := range []string{
		"a.example/x", "http://a.example", "a.example?x", "a.example#x", "a b", "a.example:x", "a.example:80:80", "a.example:-1", "[::1", "::1", "[127.0.0.1]", ":80", "a.example, b.example", "a\\b", "a<b", "*", "a.example:65536", "a,b",
	} {
		add("authority "+quoted(authority), "3986 3.2", strict, ask(field{":authority", authority}))
		add("host "+quoted(authority), "9110 7.2", strict, append(without(ask(), ":authority"), field{"host", authority}))
	}
	for _, path := range []string{"x", "*", "?x", "http://a.example/x", "a.example:80", "//", "./x", ";x", "\\x", "%2fx"} {
		w := reject
		if path == "//" {
			w = either
		}
		add("path "+quoted(path), "8.3.1", w, ask(field{":path", path}))
	}
	for _, path := range []string{"/x#y", "/x%", "/x%zz", "/x%00", "/x%0d%0aX:%20y", "/x%2fy", "/x%5cy", "/x\\y", "/..;/x", "/x y", "/x?a y", "/x\ty", "/x?y#z"} {
		add("path "+quoted(path), "3986 3.3", strict, ask(field{":path", path}))
	}
	for _, path := range []string{"/x\x80", "/x\xff", "/x\"", "/x<>", "/x{|}", "/x^`", "/x?\x80", "/x?\"<>", "/x?[]{}|^`", "/../x", "/%2e%2e/x", "//x"} {
		add("path "+quoted(path), "3986 3.3", either, ask(field{":path", path}))
	}
	add("path of OPTIONS that begins with an asterisk", "8.3.1", reject, ask(field{":method", "OPTIONS"}, field{":path", "*x"}))
	for _, scheme := range []string{"ftp", "file", "javascript", "h2c", "http:", "http://", "http ", "ht tp", "https/1.1", "HTTP"} {
		w := strict
		if scheme == "HTTP" {
			w = either
		}
		add("scheme "+quoted(scheme), "8.3.1", w, ask(field{":scheme", scheme}))
	}
	for _, method := range []string{"G T", " GET", "GET ", "G(T", "GET/", "G@T", "G\"T", "G\x80T", "G,T", "GET:", "G=T", "\tGET", strings.Repeat("M", 4096)} {
		w := reject
		if len(method) > 100 {
			w = strict
		}
		add("method "+quoted(short(method)), "9110 9.1", w, ask(field{":method", method}))
	}
	connect := []field{{":method", "CONNECT"}, {":authority", "a.example:443"}}
	add("CONNECT", "8.5", strict, connect)
	add("CONNECT with a path", "8.5", reject, append(connect[:2:2], field{":path", "/x"}))
	add("CONNECT with a scheme", "8.5", reject, append(connect[:2:2], field{":scheme", "http"}))
	add("CONNECT as if it were GET", "8.5", reject, ask(field{":method", "CONNECT"}))
	add("CONNECT without an authority", "8.5", reject, connect[:1])
	add("CONNECT without a port", "8.5", reject, []field{connect[0], {":authority", "a.example"}})
	add("CONNECT for a protocol", "8441 4", strict, append(ask(field{":method", "CONNECT"}), field{":protocol", "websocket"})[:5])
	add("CONNECT for a protocol, rightly written", "8441 3", strict, append([]field{{":protocol", "websocket"}}, ask(field{":method", "CONNECT"})...))
	add("TRACE", "9110 9.3.8", strict, ask(field{":method", "TRACE"}))
	add("preface as a request", "8.3.1", strict, ask(field{":method", "PRI"}, field{":path", "*"}))
	return all
}

// octetStreams have octets in names and values that may not be there (RFC 9113 section 8.2.1).
func octetStreams() []stream {
	var all []stream
	add := func(name, rfc string, w want, fields []field) {
		all = append(all, stream{name: "octet/" + name, rfc: rfc, fields: fields, want: w})
	}
	add("name that is empty", "9110 5.1", reject, ask(field{"", "y"}))
	for _, n := range []string{"X", "xY", "Host", "Content-Length", "Transfer-Encoding", "COOKIE"} {
		add("name in upper case "+n, "8.2", reject, ask(field{n, "5"}))
	}
	octets("", func(c, name string) {
		w := strict // no token, and RFC 9113 leaves it to RFC 9110 to say so
		if c[0] <= ' ' || c[0] >= 0x7f || c == ":" {
			w = reject
		}
		add("name begins with "+name, "8.2.1", w, ask(field{c + "xyz", "y"}))
		add("name has "+name, "8.2.1", w, ask(field{"xy" + c + "z", "y"}))
		add("name ends with "+name, "8.2.1", w, ask(field{"xyz" + c, "y"}))
	})
	octets("\"(),/:;<=>?@[\\]{}\x80\xa0\xff", func(c, name string) {
		within, around := strict, strict
		switch c {
		case "\x00", "\r", "\n":
			within, around = reject, reject
		case " ", "\t":
			within, around = either, reject
		}
		add("value begins with "+name, "8.2.1", around, ask(field{"x", c + "y"}))
		add("value has "+name, "8.2.1", within, ask(field{"x", "y" + c + "z"}))
		add("value ends with "+name, "8.2.1", around, ask(field{"x", "y" + c}))
		add("value is "+name, "8.2.1", around, ask(field{"x", c}))
		if c == " " || c == "\t" {
			within = strict
		}
		add("path has "+name, "8.2.1", within, ask(field{":path", "/x" + c + "y"}))
		add("query has "+name, "8.2.1", within, ask(field{":path", "/x?" + c + "y"}))
		add("method has "+name, "8.2.1", within, ask(field{":method", "G" + c + "T"}))
		add("authority has "+name, "8.2.1", within, ask(field{":authority", "a" + c + "b.example"}))
		add("scheme has "+name, "8.2.1", within, ask(field{":scheme", "ht" + c + "tp"}))
		add("cookie has "+name, "8.2.1", within, ask(field{"cookie", "a=b"}, field{"cookie", "c" + c + "=d"}))
	})
	return slices.DeleteFunc(all, func(c stream) bool { return c.name == "octet/cookie has 0x20" || c.name == "octet/cookie has 0x09" })
}

// hopStreams have fields of HTTP/1's connections: "any message containing connection-specific header fields MUST be treated as
// malformed" (RFC 9113 section 8.2.2).
func hopStreams() []stream {
	var all []stream
	for _, f := range []field{
		{"connection", "close"}, {"connection", "keep-alive"}, {"connection", "x"}, {"connection", ""}, {"connection", "upgrade"}, {"keep-alive", "timeout=5"}, {"proxy-connection", "keep-alive"}, {"proxy-connection", ""},
		{"transfer-encoding", "chunked"}, {"transfer-encoding", "identity"}, {"transfer-encoding", ""}, {"transfer-encoding", "gzip, chunked"}, {"transfer-encoding", "trailers"}, {"upgrade", "h2c"}, {"upgrade", "websocket"}, {"upgrade", ""},
		{"te", "chunked"}, {"te", "gzip"}, {"te", "trailers, deflate"}, {"te", "trailers;q=1"}, {"te", ""}, {"te", "trailers "}, {"te", "xtrailers"},
	} {
		all = append(all, stream{name: "hop/" + f.name + " " + quoted(f.value), rfc: "8.2.2", fields: ask(f)})
	}
	return append(all,
		stream{name: "hop/http2-settings", rfc: "9113 3.1", fields: ask(field{"http2-settings", "AAMAAABkAAQAAP__"}), want: either, gone: []string{"HTTP2-Settings"}},
		stream{name: "hop/upgrade to h2c", rfc: "8.2.2", fields: ask(field{"connection", "Upgrade, HTTP2-Settings"}, field{"upgrade", "h2c"}, field{"http2-settings", "AAMAAABkAAQAAP__"})},
		stream{name: "hop/two of te", rfc: "8.2.2", fields: ask(field{"te", "trailers"}, field{"te", "gzip"})},
		stream{name: "hop/expectation of another kind", rfc: "9110 10.1.1", fields: ask(field{"expect", "200-ok"}), want: strict},
		stream{name: "hop/transfer_encoding is another name", rfc: "9110 5.1", fields: ask(field{"transfer_encoding", "chunked"}), want: either},
	)
}

// lengthStreams are about content-length, which has to be the sum of what DATA has (RFC 9113 section 8.1.1).
func lengthStreams() []stream {
	var all []stream
	add := func(name string, w want, length []string, data ...string) {
		c := stream{name: "length/" + name, rfc: "8.1.1", fields: ask(field{":method", "POST"}), data: data, want: w}
		for _, l := range length {
			c.fields = append(c.fields, field{"content-length", l})
		}
		all = append(all, c)
	}
	add("below the data", reject, []string{"4"}, "abcde")
	add("above the data", reject, []string{"6"}, "abcde")
	add("0 and data", reject, []string{"0"}, "abcde")
	add("without data", reject, []string{"5"})
	add("and empty data", reject, []string{"5"}, "")
	add("below the second frame", reject, []string{"5"}, "abcde", "f")
	add("far above the data", reject, []string{"500000"}, "abcde")
	add("0 and a hidden request", reject, []string{"0"}, hidden)
	add("5 and a hidden request", reject, []string{"5"}, "abcde"+hidden)
	add("twice", reject, []string{"5", "6"}, "abcde")
	add("twice, the other way", reject, []string{"6", "5"}, "abcde")
	add("twice, one 0", reject, []string{"0", "5"}, "abcde")
	add("twice the same", strict, []string{"5", "5"}, "abcde")
	for _, v := range []string{"+5", "-5", "5,5", "5, 5", "5, 6", "0x5", "5.0", "5a", "a5", "5 5", "5;", "5_0", `"5"`, "", "18446744073709551621", "9223372036854775808", "99999999999999999999", "5\x00", "5\r\nx: y", "5\xa0", "\xd9\xa5"} {
		w := reject
		if v == "5,5" || v == "5, 5" {
			w = strict
		}
		add(quoted(v), w, []string{v}, "abcde")
	}
	for _, f := range []field{{"Content-Length", "5"}, {"content-length ", "5"}, {"content_length", "500"}, {" content-length", "500"}, {"content-length\x00", "500"}, {"content-length:", "500"}} {
		w := reject
		if f.name == "content_length" {
			w = either
		}
		all = append(all, stream{name: "length/of " + quoted(f.name), rfc: "8.2.1", fields: ask(field{":method", "POST"}, f), data: []string{"abcde"}, want: w})
	}
	return all
}

// injectedStreams would be two requests in HTTP/1, or have another head.
func injectedStreams() []stream {
	var all []stream
	second := "\r\n\r\n" + hidden
	for where, fields := range map[string][]field{
		"value": ask(field{"x", "y" + second}), "value by LF": ask(field{"x", "y\n\n" + hidden}), "value by CR": ask(field{"x", "y\r\r" + hidden}), "value, a field": ask(field{"x", "y\r\ntransfer-encoding: chunked"}),
		"value, a length": ask(field{"x", "y\r\ncontent-length: 44"}), "name": ask(field{"x: y" + second, "z"}), "name, a field": ask(field{"x: y\r\ncontent-length", "44"}), "name by LF": ask(field{"x: y\ncontent-length", "44"}),
		"name, a colon": ask(field{"transfer-encoding: chunked\r\nx", "y"}), "path": ask(field{":path", "/x HTTP/1.1\r\nHost: a.example" + second}), "path, a version": ask(field{":path", "/x HTTP/1.0"}),
		"path, a version and LF": ask(field{":path", "/x HTTP/1.1\nX: y"}), "path, a field": ask(field{":path", "/x HTTP/1.1\r\ntransfer-encoding: chunked\r\nx: y"}), "query": ask(field{":path", "/x? HTTP/1.1\r\nHost: a.example" + second}),
		"method": ask(field{":method", "GET /hidden HTTP/1.1\r\nHost: a.example\r\n\r\nGET"}), "method, a target": ask(field{":method", "GET /hidden HTTP/1.1\r\nX: y\r\nX:"}), "method by a space": ask(field{":method", "GET /hidden"}),
		"authority": ask(field{":authority", "a.example" + second}), "authority, a field": ask(field{":authority", "a.example\r\ntransfer-encoding: chunked"}), "host": append(without(ask(), ":authority"), field{"host", "a.example" + second}),
		"scheme": ask(field{":scheme", "http://b.example/?"}), "scheme, a line": ask(field{":scheme", "http\r\nx: y"}), "cookie": ask(field{"cookie", "a=b"}, field{"cookie", "c=d" + second}), "te": ask(field{"te", "trailers\r\nx: y"}),
		"expect": ask(field{"expect", "100-continue\r\nx: y"}), "content-length": ask(field{"content-length", "0" + second}), "x-forwarded-for": ask(field{"x-forwarded-for", "192.0.2.1\r\nx: y"}), "user-agent": ask(field{"user-agent", "a" + second}),
	} {
		w := reject
		if where == "path, a version" || where == "scheme" {
			w = strict
		}
		all = append(all, stream{name: "injected/" + where, rfc: "8.2.1", fields: fields, want: w})
	}
	post := ask(field{":method", "POST"})
	for name, c := range map[string]stream{
		"coding":                 {fields: append(post[:4:4], field{"transfer-encoding", "chunked"}), data: []string{"0\r\n\r\n" + hidden}},
		"coding and length":      {fields: append(post[:4:4], field{"content-length", "55"}, field{"transfer-encoding", "chunked"}), data: []string{"0\r\n\r\n" + hidden}},
		"coding in upper case":   {fields: append(post[:4:4], field{"Transfer-Encoding", "chunked"}), data: []string{"0\r\n\r\n" + hidden}},
		"coding behind a tab":    {fields: append(post[:4:4], field{"transfer-encoding\t", "chunked"}), data: []string{"0\r\n\r\n" + hidden}},
		"coding behind a space":  {fields: append(post[:4:4], field{"transfer-encoding ", "chunked"}), data: []string{"0\r\n\r\n" + hidden}},
		"coding before a space":  {fields: append(post[:4:4], field{"transfer-encoding", " chunked"}), data: []string{"0\r\n\r\n" + hidden}},
		"coding after a newline": {fields: append(post[:4:4], field{"x", "y\r\nTransfer-Encoding: chunked"}), data: []string{"0\r\n\r\n" + hidden}},
	} {
		c.name, c.rfc = "injected/"+name, "8.2.2"
		all = append(all, c)
	}
	return append(all,
		stream{name: "injected/body of a request", rfc: "8.1", fields: post, data: []string{hidden}, want: good, method: "POST", body: hidden},
		stream{name: "injected/body of a last chunk", rfc: "8.1", fields: post, data: []string{"0\r\n\r\n" + hidden}, want: good, method: "POST", body: "0\r\n\r\n" + hidden},
		stream{name: "injected/body of a request to GET", rfc: "8.1", fields: ask(), data: []string{hidden}, want: good, body: hidden},
		stream{name: "injected/body of a request in pieces", rfc: "8.1", fields: post, data: strings.SplitAfter(hidden, " "), want: good, method: "POST", body: hidden},
	)
}

// trailerStreams are about trailers (RFC 9113 section 8.1).
func trailerStreams() []stream {
	var all []stream
	post := ask(field{":method", "POST"})
	for _, f := range []field{
		{":path", "/y"}, {":status", "200"}, {":method", "GET"}, {":x", "y"}, {"X", "y"}, {"connection", "close"}, {"transfer-encoding", "chunked"}, {"upgrade", "h2c"}, {"keep-alive", "x"}, {"x\x00", "y"}, {"x", "y\x00"}, {"x", "y\r\nz: a"},
		{"x", " y"}, {"x y", "z"}, {"x\r\ny", "z"}, {"", "y"}, {"te", "gzip"},
	} {
		all = append(all, stream{name: "trailer/" + quoted(f.name) + " " + quoted(f.value), rfc: "8.1", fields: post, data: []string{"abcde"}, trailers: []field{f}})
	}
	for _, name := range []string{"content-length", "host", "authorization", "cookie", "expect", "trailer", "te", "x-forwarded-for", "proxy-authorization"} {
		all = append(all, stream{name: "trailer/" + name, rfc: "9110 6.5.1", fields: post, data: []string{"abcde"}, trailers: []field{{name, map[bool]string{true: "trailers", false: "44"}[name == "te"]}}, want: strict})
	}
	return append(all,
		stream{name: "trailer/length that the data does not have", rfc: "8.1.1", fields: append(post[:4:4], field{"content-length", "6"}), data: []string{"abcde"}, trailers: []field{{"x", "y"}}},
		stream{name: "trailer/good", rfc: "8.1", fields: post, data: []string{"abcde"}, trailers: []field{{"x-sum", "1"}}, want: good, method: "POST", body: "abcde"},
		stream{name: "trailer/without data", rfc: "8.1", fields: post, trailers: []field{{"x-sum", "1"}}, want: good, method: "POST"},
	)
}

// largeStreams are too large for anybody.
func largeStreams() []stream {
	many := func(n int, f field) []field { return append(ask(), slices.Repeat([]field{f}, n)...) }
	return []stream{
		{name: "large/value of 1 MB", rfc: "9110 5.4", fields: ask(field{"x", strings.Repeat("a", 1<<20)})},
		{name: "large/name of 1 MB", rfc: "9110 5.4", fields: ask(field{strings.Repeat("a", 1<<20), "y"})},
		{name: "large/path of 1 MB", rfc: "9110 4.1", fields: ask(field{":path", "/" + strings.Repeat("a", 1<<20)})},
		{name: "large/authority of 1 MB", rfc: "9110 5.4", fields: ask(field{":authority", strings.Repeat("a", 1<<20)})},
		{name: "large/method of 1 MB", rfc: "9110 9.1", fields: ask(field{":method", strings.Repeat("A", 1<<20)})},
		{name: "large/10000 fields", rfc: "9110 5.4", fields: many(10_000, field{"x", "y"})},
		{name: "large/10000 cookies", rfc: "9110 5.4", fields: many(10_000, field{"cookie", "a=b"})},
		{name: "large/1000 fields of 1000 octets", rfc: "9110 5.4", fields: many(1000, field{"x", strings.Repeat("a", 1000)})},
	}
}

// goodStreams are legal, however odd.
func goodStreams() []stream {
	post := ask(field{":method", "POST"})
	all := []stream{
		{name: "least", fields: ask()},
		{name: "host alone", fields: append(without(ask(), ":authority"), field{"host", "a.example"}), host: "a.example"},
		{name: "host that says the same", fields: ask(field{"host", "a.example"}), host: "a.example"},
		{name: "pseudo-fields in another order", fields: []field{{":path", "/x"}, {":authority", "a.example"}, {":scheme", "http"}, {":method", "GET"}}},
		{name: "port", fields: ask(field{":authority", "a.example:8080"}), host: "a.example:8080"},
		{name: "IPv6", fields: ask(field{":authority", "[2001:db8::1]:8080"}), host: "[2001:db8::1]:8080"},
		{name: "https", fields: ask(field{":scheme", "https"})},
		{name: "asterisk of OPTIONS", fields: ask(field{":method", "OPTIONS"}, field{":path", "*"}), method: "OPTIONS", target: "*"},
		{name: "method of one's own", fields: ask(field{":method", "M-SEARCH"}), method: "M-SEARCH"},
		{name: "HEAD", fields: ask(field{":method", "HEAD"}), method: "HEAD"},
		{name: "query", fields: ask(field{":path", "/a/b?c=d&e=%20"}), target: "/a/b?c=d&e=%20"},
		{name: "long path", fields: ask(field{":path", "/" + strings.Repeat("a", 7800)}), target: "/" + strings.Repeat("a", 7800)},
		{name: "body", fields: post, data: []string{"abcde"}, method: "POST", body: "abcde"},
		{name: "body with a length", fields: append(post[:4:4], field{"content-length", "5"}), data: []string{"abcde"}, method: "POST", body: "abcde"},
		{name: "body in pieces with a length", fields: append(post[:4:4], field{"content-length", "5"}), data: []string{"a", "", "bcd", "e", ""}, method: "POST", body: "abcde"},
		{name: "body of every octet", fields: post, data: []string{everyOctet()}, method: "POST", body: everyOctet()},
		{name: "length of 0", fields: append(post[:4:4], field{"content-length", "0"}), method: "POST"},
		{name: "length of 0 and empty data", fields: append(post[:4:4], field{"content-length", "0"}), data: []string{""}, method: "POST"},
		{name: "body of GET", fields: ask(), data: []string{"abcde"}, body: "abcde"},
		{name: "expectation", fields: append(post[:4:4], field{"expect", "100-continue"}), data: []string{"abcde"}, method: "POST", body: "abcde"},
		{name: "te trailers", fields: ask(field{"te", "trailers"})},
		{name: "cookies", fields: ask(field{"cookie", "a=b"}, field{"x", "y"}, field{"cookie", "c=d"}, field{"cookie", "e=f"}), kept: []string{"cookie: a=b; c=d; e=f"}},
		{name: "one cookie", fields: ask(field{"cookie", "a=b; c=d"}), kept: []string{"cookie: a=b; c=d"}},
		{name: "empty value", fields: ask(field{"x", ""}), kept: []string{"x: "}},
		{name: "the same field twice", fields: ask(field{"x", "a"}, field{"x", "b"}), kept: []string{"x: a", "x: b"}},
		{name: "octets above ASCII", fields: ask(field{"x", "caf\xe9 \xff"}), kept: []string{"x: caf\xe9 \xff"}},
		{name: "tab within", fields: ask(field{"x", "a\tb"}), kept: []string{"x: a\tb"}},
		{name: "token", fields: ask(field{"!#$%&'*+-.^`|~1", "y"}), kept: []string{"!#$%&'*+-.^`|~1: y"}},
		{name: "long value", fields: ask(field{"x", strings.Repeat("v", 7900)}), kept: []string{"x: " + strings.Repeat("v", 7900)}},
		{name: "80 fields", fields: append(ask(), slices.Repeat([]field{{"x", "y"}}, 80)...), kept: repeated("x: y", 80)},
	}
	for i := range all {
		all[i].name, all[i].want = "good/"+all[i].name, good
		if all[i].rfc == "" {
			all[i].rfc = "8.3.1"
		}
	}
	return all
}
