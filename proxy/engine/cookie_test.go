package engine

import (
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
)

func TestCaptureCookie(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		head string // lines
		name string
		want string
	}{
		{"Cookie: a=1; SID=abc; b=2", "SID=", "SID=abc"},
		{"Cookie: SIDE=1; SID=abc", "SID=", "SID=abc"},
		{"Cookie: SIDE=1; SID=abc", "SID", "SIDE=1"},
		{"Cookie: sid=abc", "SID", ""},
		{"Cookie: a=1\nCookie: SID=abc\nCookie: SID=other", "SID=", "SID=abc"},
		{"Cookie: SID = abc  ;b=2", "SID=", "SID=abc"},
		{`Cookie: SID="a;b\";c,d"; b=2`, "SID=", `SID="a;b\";c`[:12]},
		{"Cookie: SID=a,SID=b", "SID=", "SID=a"},
		{"Cookie: SID; SIDE; SID=", "SID", "SID="},
		{"Cookie: $SID=1; SID=2", "$SID", ""},
		{"Cookie: ;; , ;SID=1", "SID=", "SID=1"},
		{"Cookie: SID=0123456789", "SID=", "SID=01234567"},
		{"Cookie: ", "SID=", ""},
		{"X-Cookie: SID=1", "SID=", ""},
		{"Set-Cookie: a=1; SID=2\nSet-Cookie: SID=abc; Path=/", "SID=", "SID=abc"},
	} {
		var r http1.Request
		text := "GET / HTTP/1.1\r\nHost: a\r\n" + strings.ReplaceAll(tt.head, "\n", "\r\n") + "\r\n\r\n"
		lim := http1.DefaultLimits()
		if _, err := r.Parse([]byte(text), &lim); err != nil {
			t.Fatal(err)
		}
		field := http1.Cookie
		if strings.HasPrefix(tt.head, "Set-") {
			field = http1.SetCookie
		}
		if got := captureCookie([]byte("<"), &exchange.Capture{Name: tt.name, Length: 12}, r.Fields, []byte(text), field); string(got) != "<"+tt.want {
			t.Errorf("%s for %s: got %s, want %s", tt.head, tt.name, got[1:], tt.want)
		}
	}
}
