package http1

import (
	"errors"
	"testing"
)

func TestResponseRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		why        Reason
	}{
		{"noise", "220 mail.example ESMTP\r\n", BadStatusLine},
		{"HTTP/0.9", "<html>", BadStatusLine},
		{"HTTP/2.0", crlf("HTTP/2.0 200 OK"), BadStatusLine},
		{"HTTP/1.2", crlf("HTTP/1.2 200 OK"), BadStatusLine},
		{"ICY", crlf("ICY 200 OK"), BadStatusLine},
		{"Hello", crlf("Hello"), BadStatusLine},
		{"two spaces", crlf("HTTP/1.1  200 OK"), BadStatusLine},
		{"no status", crlf("HTTP/1.1 OK"), BadStatusLine},
		{"two digits", crlf("HTTP/1.1 20 OK"), BadStatusLine},
		{"four digits", crlf("HTTP/1.1 2000 OK"), BadStatusLine},
		{"status with a sign", crlf("HTTP/1.1 +20 OK"), BadStatusLine},
		{"status 099", crlf("HTTP/1.1 099 Low"), BadStatusLine},
		{"status 600", crlf("HTTP/1.1 600 High"), BadStatusLine},
		{"NUL in the reason", crlf("HTTP/1.1 200 O\x00K"), BadStatusLine},
		{"CR in the reason", crlf("HTTP/1.1 200 O\rK"), BadStatusLine},
		{"LF alone", "HTTP/1.1 200 OK\n\n", BareLF},
		{"space first", crlf(" HTTP/1.1 200 OK"), BadStatusLine},
		{"empty line first", "\r\n" + crlf("HTTP/1.1 200 OK"), BadStatusLine},
		{"length twice", crlf("HTTP/1.1 200 OK", "Content-Length: 1", "Content-Length: 1"), LengthTwice},
		{"length and coding", crlf("HTTP/1.1 200 OK", "Content-Length: 1", "Transfer-Encoding: chunked"), LengthAndCoding},
		{"coding in HTTP/1.0", crlf("HTTP/1.0 200 OK", "Transfer-Encoding: chunked"), CodingInOld},
		{"another coding", crlf("HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked"), UnknownCoding},
		{"length with a sign", crlf("HTTP/1.1 200 OK", "Content-Length: +1"), BadLength},
		{"204 with a length", crlf("HTTP/1.1 204 No Content", "Content-Length: 1"), BodyWhereNone},
		{"204 with a coding", crlf("HTTP/1.1 204 No Content", "Transfer-Encoding: chunked"), BodyWhereNone},
		{"100 with a length", crlf("HTTP/1.1 100 Continue", "Content-Length: 1"), BodyWhereNone},
		{"101 with a coding", crlf("HTTP/1.1 101 Switching Protocols", "Transfer-Encoding: chunked"), BodyWhereNone},
		{"folded", crlf("HTTP/1.1 200 OK", "X: a", " b"), Folded},
		{"space before the colon", crlf("HTTP/1.1 200 OK", "X : a"), BadName},
		{"Connection names Set-Cookie", crlf("HTTP/1.1 200 OK", "Connection: Set-Cookie"), BadConnection},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			lim := DefaultLimits()
			var r Response
			if n, err := r.Parse([]byte(tt.text), &lim); n != 0 || !errors.Is(err, tt.why) {
				t.Errorf("got %d, %v, want %v", n, err, tt.why)
			}
		})
	}
}

func TestResponse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		method     Method
		status     int
		reason     string
		length     int64
		close      bool
		upgrade    string
	}{
		{name: "until close", text: crlf("HTTP/1.1 200 OK"), status: 200, reason: "OK", length: UntilClose},
		{name: "no reason", text: crlf("HTTP/1.1 200 "), status: 200, length: UntilClose},
		{name: "no reason and no space", text: crlf("HTTP/1.1 200"), status: 200, length: UntilClose},
		{name: "odd reason", text: crlf("HTTP/1.1 404 Nicht gef\xfcnden\t"), status: 404, reason: "Nicht gef\xfcnden\t", length: UntilClose},
		{name: "length", text: crlf("HTTP/1.1 200 OK", "Content-Length: 7"), status: 200, reason: "OK", length: 7},
		{name: "chunked", text: crlf("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"), status: 200, reason: "OK", length: ChunkedLength},
		{name: "HEAD", text: crlf("HTTP/1.1 200 OK", "Content-Length: 7"), method: HEAD, status: 200, reason: "OK"},
		{name: "HEAD chunked", text: crlf("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"), method: HEAD, status: 200, reason: "OK"},
		{name: "304", text: crlf("HTTP/1.1 304 Not Modified", "Content-Length: 7"), status: 304, reason: "Not Modified"},
		{name: "204", text: crlf("HTTP/1.1 204 No Content", "Content-Length: 0"), status: 204, reason: "No Content"},
		{name: "100", text: crlf("HTTP/1.1 100 Continue"), status: 100, reason: "Continue"},
		{name: "HTTP/1.0", text: crlf("HTTP/1.0 200 OK", "Content-Length: 7"), status: 200, reason: "OK", length: 7, close: true},
		{name: "HTTP/1.0 that stays", text: crlf("HTTP/1.0 200 OK", "Content-Length: 7", "Connection: keep-alive"), status: 200, reason: "OK", length: 7},
		{name: "close", text: crlf("HTTP/1.1 200 OK", "Connection: close"), status: 200, reason: "OK", length: UntilClose, close: true},
		{name: "101", text: crlf("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket"), status: 101, reason: "Switching Protocols", upgrade: "websocket"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			lim := DefaultLimits()
			buf := []byte(tt.text + "body")
			var r Response
			n, err := r.Parse(buf, &lim)
			if n != len(tt.text) || err != nil {
				t.Fatalf("got %d, %v, want %d", n, err, len(tt.text))
			}
			if r.Status != tt.status || string(r.Reason.In(buf)) != tt.reason || r.Length(tt.method) != tt.length || r.Close != tt.close || string(r.Upgrade.In(buf)) != tt.upgrade {
				t.Errorf("got %d %q, length %d, close %v, upgrade %q", r.Status, r.Reason.In(buf), r.Length(tt.method), r.Close, r.Upgrade.In(buf))
			}
		})
	}
}

func TestContentLengthOfHead(t *testing.T) {
	t.Parallel()
	lim := DefaultLimits()
	for text, want := range map[string]int64{crlf("HTTP/1.1 200 OK", "Content-Length: 7"): 7, crlf("HTTP/1.1 200 OK"): -1} {
		var r Response
		if _, err := r.Parse([]byte(text), &lim); err != nil || r.ContentLength() != want {
			t.Errorf("%q: got %d, %v, want %d", text, r.ContentLength(), err, want)
		}
	}
}
