package proxy_test

import (
	"cmp"
	"testing"

	"github.com/tandem-lb/tandem/proxy/accesslog"
)

// cookieHeads are values of Cookie or Set-Cookie, and how the cookie that begins with SID is logged of both, up to 20 octets of it.
var cookieHeads = []struct {
	value, want string
	haproxy     string // what HAProxy logs where that differs: what it writes as it is could be taken for the fields that follow
}{
	{value: "a=1; SID=abc; b=2", want: "SID=abc -"},
	{value: "SID=abc; Path=/", want: "SID=abc SID=abc"},
	{value: "SID = abc ;b=2", want: "SID=abc SID=abc"},
	{value: "SIDE=1; SID=2", want: "SIDE=1 SIDE=1"},
	{value: "sid=abc", want: "- -"},
	{value: "SID", want: "- -"},
	{value: "SID=", want: "SID= SID="},
	{value: `SID="a;b"; c=d`, want: `SID="a;b" SID="a;b"`},
	{value: "SID=a,SID=b", want: "SID=a SID=a"},
	{value: "$SID=1; SID=2", want: "SID=2 -"},
	{value: "SID=0123456789abcdefghijklmnopqrstuvwxyz", want: "SID=0123456789abcdef SID=0123456789abcdef"},
	{value: "SID=a{|}#", want: "SID=a{|}# SID=a{|}#"},
	{value: "a; b;SID=1", want: "SID=1 -"},
	{value: "SID=a b", want: "SID=a#20b SID=a#20b", haproxy: "SID=a b SID=a b"},
	{value: "SID=\x80", want: "SID=#80 SID=#80", haproxy: "SID=\x80 SID=\x80"},
}

const cookieFormat = `%CC %CS`

func (c *talk) cookie(value string) {
	c.send = "GET /cookie HTTP/1.1\r\nHost: a\r\nCookie: " + value + "\r\nX-Set: " + value + "\r\nConnection: close\r\n\r\n"
}

// Captured cookies as HAProxy logs them, octet for octet.
func TestIntegrationR6_CookiesBesideHAProxy(t *testing.T) {
	t.Parallel()
	c := accesslog.Config{Format: cookieFormat, Cookie: &accesslog.Capture{Name: "SID", Length: 20}}
	ours := tandem(t, c)
	theirs, heard := haproxy(t, "capture cookie SID len 20\n\tlog-format '"+cookieFormat+"'")
	for i, tt := range cookieHeads {
		var c talk
		c.cookie(tt.value)
		c.have(t, ours)
		c.have(t, theirs)
		if got := ours.lines(t, i+1)[i]; got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.value, got, tt.want)
		}
		if got, want := heard(), cmp.Or(tt.haproxy, tt.want); got != want {
			t.Errorf("%s: HAProxy logs %s, the test takes it for %s", tt.value, got, want)
		}
	}
}
