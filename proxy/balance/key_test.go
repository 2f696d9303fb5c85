package balance

import (
	"strings"
	"testing"
)

func TestParseKey(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want Key
	}{
		{"source", Key{From: FromSource}},
		{"path", Key{From: FromPath}},
		{"header:X-Tenant", Key{FromHeader, "x-tenant"}},
		{"cookie:SESSION", Key{FromCookie, "SESSION"}},
		{"query:user_id", Key{FromQuery, "user_id"}},
	} {
		if got, err := ParseKey(tt.text); err != nil || got != tt.want {
			t.Errorf("%s: got %v, %v, want %v", tt.text, got, err, tt.want)
		}
	}
	for _, text := range []string{"", "header", "header:", "headers:X-Tenant", "source:", "path:/", "header:X Tenant", "cookie:a=b", "cookie:ü", "query:a&b", "query:a:b"} {
		_, err := ParseKey(text)
		if want := `key "` + text + `", want source, path, header:NAME, cookie:NAME or query:NAME`; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// The numbers are fixed: two nodes of different versions must not send a client to different servers.
func TestHashKey(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		key  string
		want uint64
	}{{"", 0xf52a15e9a9b5e89b}, {"a", 0x2c0bdbf481420f8}, {strings.Repeat("x", 300), 0xa35b39f73adb54f2}} {
		if got := HashKey(tt.key); got != tt.want {
			t.Errorf("%.9q: got %#x, want %#x", tt.key, got, tt.want)
		}
		if got := HashKey([]byte(tt.key)); got != tt.want {
			t.Errorf("%.9q in octets: got %#x, want %#x", tt.key, got, tt.want)
		}
	}
}
