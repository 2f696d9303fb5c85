package hostile

import (
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }
func itox(n int) string { return strconv.FormatInt(int64(n), 16) }

// chunkedPost writes a request with a chunked body.
func chunkedPost(body string) string { return post(body, "Transfer-Encoding: chunked") }

// chunkCases are about chunked bodies and trailers (RFC 9112 section 7.1).
func chunkCases() []request {
	var all []request
	for _, b := range chunkedBodies() {
		all = append(all, request{name: "chunk/" + b.name, rfc: "9112 7.1", text: chunkedPost(b.body), want: b.want, status: b.status})
	}
	return all
}

// chunked is a chunked body that is not as it should be.
type chunked struct {
	name   string
	want   want
	status []int
	body   string
}

func chunkedBodies() []chunked {
	var all []chunked
	add := func(name string, w want, status []int, body string) {
		all = append(all, chunked{name, w, status, body})
	}
	for _, size := range []string{
		"", " ", "g", "-5", "+5", "0x5", "0X5", "x5", "5x", "5h", " 5", "\t5", "5_0", "5.0", "5,", "5 5", `"5"`, "5\x00", "\x005", "5\v", "5\xa0", "\xef\xbc\x95", "5\r", "\r5", "5\n",
		"10000000000000005", "8000000000000000", "fffffffffffffffb", "FFFFFFFFFFFFFFFF", "100000000000000005", strings.Repeat("f", 64), "-fffffffffffffffb", "5:", "5=", "5#", "5?", "%35",
		"5\\", "5/5", "NaN", "chunk", "5-", "5+", "--5", "5'",
	} {
		add("size "+quoted(short(size)), reject, nil, size+"\r\nabcde\r\n0\r\n\r\n")
	}
	for _, size := range []string{"5 ", "5\t", "5  ;a", "5\t;a", strings.Repeat("0", 17) + "5", strings.Repeat("0", 300) + "5"} {
		w := either
		if strings.HasPrefix(size, "5 ") && !strings.Contains(size, ";") || size == "5\t" { // malformed, but in one way alone
			w = strict
		}
		add("size "+quoted(short(size)), w, nil, size+"\r\nabcde\r\n0\r\n\r\n")
	}
	for _, end := range []string{"", "0", "-0", "+0", "0x", "0x0", "00x", "0 0", "-", "0\x00", "0.", "_0", "0\r"} {
		if end == "0" {
			continue
		}
		add("last "+quoted(end), reject, nil, "5\r\nabcde\r\n"+end+"\r\n\r\n")
	}
	for name, body := range map[string]string{
		"LF after the size":              "5\nabcde\r\n0\r\n\r\n",
		"CR after the size":              "5\rabcde\r\n0\r\n\r\n",
		"CR and a letter after the size": "5\rxabcde\r\n0\r\n\r\n",
		"CR CR LF after the size":        "5\r\r\nabcde\r\n0\r\n\r\n",
		"LF CR after the size":           "5\n\rabcde\r\n0\r\n\r\n",
		"LF after the data":              "5\r\nabcde\n0\r\n\r\n",
		"CR after the data":              "5\r\nabcde\r0\r\n\r\n",
		"LF CR after the data":           "5\r\nabcde\n\r0\r\n\r\n",
		"CR CR LF after the data":        "5\r\nabcde\r\r\n0\r\n\r\n",
		"CRLF twice after the data":      "5\r\nabcde\r\n\r\n0\r\n\r\n",
		"nothing after the data":         "5\r\nabcde0\r\n\r\n",
		"two letters after the data":     "5\r\nabcdexx0\r\n\r\n",
		"space after the data":           "5\r\nabcde \r\n0\r\n\r\n",
		"data longer than its size":      "5\r\nabcdefgh\r\n0\r\n\r\n",
		"data shorter than its size":     "8\r\nabcde\r\n0\r\n\r\n",
		"data longer by a line":          "5\r\nabcde" + hidden + "\r\n0\r\n\r\n",
		"CRLF first":                     "\r\n5\r\nabcde\r\n0\r\n\r\n",
		"LF alone everywhere":            "5\nabcde\n0\n\n",
		"LF after the last size":         "5\r\nabcde\r\n0\n\r\n",
		"LF for both ends":               "5\r\nabcde\r\n0\n\n",
		"no chunks at all":               "xyz\r\n",
		"a request for a chunk":          hidden,
		"extension with LF":              "5;a\nabcde\r\n0\r\n\r\n",
		"extension with LF and hidden":   "5;\nxx\r\nabcde\r\n0\r\n\r\n" + hidden,
		"extension with CR":              "5;a\rb\r\nabcde\r\n0\r\n\r\n",
		"extension with CR CR LF":        "5;a\r\r\nabcde\r\n0\r\n\r\n",
		"extension of the last with LF":  "5\r\nabcde\r\n0;a\n\r\n",
		"extension folded":               "5;a\r\n b\r\nabcde\r\n0\r\n\r\n",
	} {
		add(name, reject, nil, body)
	}
	for name, body := range map[string]string{
		"extension of 8 KB":          "5;" + strings.Repeat("a", 8<<10) + "\r\nabcde\r\n0\r\n\r\n",
		"extensions in each of many": strings.Repeat("1;"+strings.Repeat("b", 300)+"\r\na\r\n", 50) + "0\r\n\r\n",
	} { // RFC 9112 7.1.1: "a recipient MUST ignore unrecognized chunk extensions" and "ought to limit the total length"
		add(name, either, nil, body)
	}
	for name, body := range map[string]string{
		"extension with NUL":          "5;a\x00b\r\nabcde\r\n0\r\n\r\n",
		"extension with a control":    "5;a\x01b\r\nabcde\r\n0\r\n\r\n",
		"extension with DEL":          "5;a\x7fb\r\nabcde\r\n0\r\n\r\n",
		"extension with escape in it": "5;a=\"\x1b\"\r\nabcde\r\n0\r\n\r\n",
	} { // malformed, but whoever ignores extensions has ended them all the same
		add(name, strict, nil, body)
	}
	end := "5\r\nabcde\r\n0\r\n"
	for name, line := range map[string]string{
		"trailer without a colon": "X", "trailer without a name": ": y", "trailer with a space in its name": "X Y: z", "trailer with a space before the colon": "X : y",
		"trailer with NUL in its name": "X\x00: y", "trailer with a high octet in its name": "X\xff: y", "trailer that is a request": "GET /hidden HTTP/1.1",
		"trailer with a bracket in its name": "X[: y",
	} {
		add(name, reject, nil, end+line+"\r\n\r\n")
	}
	for name, line := range map[string]string{
		"trailer folded": "X: y\r\n z", "first trailer folded": " X: y", "trailer with CR": "X: y\rz", "trailer with LF": "X: y\nZ: a", "trailer with NUL": "X: y\x00z",
		"trailer with a control": "X: y\x01z", "trailer with DEL": "X: y\x7f", "trailer that ends in LF": "X: y\n\r\n", "trailer with CR CR LF": "X: y\r",
		"trailer Content-Length": "Content-Length: 44", "trailer Transfer-Encoding": "Transfer-Encoding: chunked", "trailer Host": "Host: b.example",
		"trailer Authorization": "Authorization: Basic YTpi", "trailer Cookie": "Cookie: admin=1", "trailer Connection": "Connection: close", "trailer TE": "TE: trailers",
		"trailer Expect": "Expect: 100-continue", "trailer Trailer": "Trailer: X", "trailer Upgrade": "Upgrade: h2c", "trailer X-Forwarded-For": "X-Forwarded-For: 192.0.2.1",
		"trailer content-length in lower case": "content-length: 44", "trailer Proxy-Authorization": "Proxy-Authorization: Basic YTpi", "trailer Keep-Alive": "Keep-Alive: timeout=5",
	} {
		add(name, strict, nil, end+line+"\r\n\r\n")
	}
	limits := []int{400, 413, 431}
	add("trailers of 1 MB", reject, limits, end+strings.Repeat("X: "+strings.Repeat("a", 1000)+"\r\n", 1000)+"\r\n")
	add("trailer of 1 MB", reject, limits, end+"X: "+strings.Repeat("a", 1<<20)+"\r\n\r\n")
	add("10000 trailers", reject, limits, end+strings.Repeat("X: y\r\n", 10_000)+"\r\n")
	return all
}
