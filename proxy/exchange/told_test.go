package exchange

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/rule"
)

// lines are those of Forwarded, beside an X-Forwarded-For that nobody is to look at.
type lines []string

func (l lines) Next(name string, from int) (string, int, bool) {
	if name == "x-forwarded-for" && from == 0 {
		return "6.6.6.6", 1, true
	}
	if name != "forwarded" || from >= len(l) {
		return "", from, false
	}
	return l[from], from + 1, true
}

func TestR45_ClientOfForwarded(t *testing.T) {
	t.Parallel()
	trusted := rule.NewNetworks([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")})
	for _, tt := range []struct {
		name, peer   string
		lines        lines
		want         string
		scheme, host string
	}{
		{"no proxy", "192.0.2.1:5", lines{"for=9.9.9.9"}, "192.0.2.1", "", ""},
		{"a proxy that tells nothing", "10.0.0.1:5", nil, "10.0.0.1", "", ""},
		{"a proxy", "10.0.0.1:5", lines{`For=9.9.9.9;proto=HTTPS; host="a.example:81";by=_x`}, "9.9.9.9", "https", "a.example:81"},
		{"what the client made up is not believed", "10.0.0.1:5", lines{"for=1.1.1.1;proto=https, for=9.9.9.9"}, "9.9.9.9", "", ""},
		{"two proxies", "10.0.0.1:5", lines{"for=1.1.1.1, for=9.9.9.9;proto=http ,for=10.0.0.2;proto=https"}, "9.9.9.9", "http", ""},
		{"two lines", "10.0.0.1:5", lines{"for=9.9.9.9", "for=10.0.0.2;host=b"}, "9.9.9.9", "", ""},
		{"IPv6 and ports", "10.0.0.1:5", lines{`for="[2001:db9::1]:443", for="10.0.0.1:80", for="[2001:db8::2]"`}, "2001:db9::1", "", ""},
		{"unknown", "10.0.0.1:5", lines{"for=9.9.9.9, for=unknown"}, "10.0.0.1", "", ""},
		{"hidden", "10.0.0.1:5", lines{"for=_secret;proto=https"}, "10.0.0.1", "", ""},
		{"nobody", "10.0.0.1:5", lines{"for=9.9.9.9, proto=https"}, "10.0.0.1", "", ""},
		{"empty elements", "10.0.0.1:5", lines{"for=9.9.9.9, ,", ""}, "9.9.9.9", "", ""},
		{"a quote that does not end", "10.0.0.1:5", lines{`for=9.9.9.9;x=", for=8.8.8.8`}, "10.0.0.1", "", ""},
		{"a quote that ends in another's", "10.0.0.1:5", lines{`for=9.9.9.9;x=", for="[2001:db9::1]"`}, "10.0.0.1", "", ""},
		{"a backslash", "10.0.0.1:5", lines{`for="9.9.9.9\""`}, "10.0.0.1", "", ""},
		{"twice", "10.0.0.1:5", lines{"for=9.9.9.9;for=8.8.8.8"}, "10.0.0.1", "", ""},
		{"no value", "10.0.0.1:5", lines{"for=9.9.9.9;proto"}, "10.0.0.1", "", ""},
		{"no list", "10.0.0.1:5", lines{"for=9.9.9.9 for=8.8.8.8"}, "10.0.0.1", "", ""},
		{"no scheme and no host", "10.0.0.1:5", lines{`for=9.9.9.9;proto=gopher;host="a b"`}, "9.9.9.9", "", ""},
		{"no end of proxies", "10.0.0.1:5", lines{"for=9.9.9.9, " + strings.Repeat("for=10.0.0.3, ", 100) + "for=10.0.0.2"}, "10.0.0.3", "", ""},
	} {
		var x Exchange
		f := newFrontend(t, newRing(t))
		f.Trusted, f.ByForwarded = trusted, true
		x.Start(time.Time{}, f)
		x.Step(time.Time{}, Event{Kind: Request, Target: &Target{
			Method: "GET", Host: "a", URI: "/", Client: netip.MustParseAddrPort(tt.peer), Fields: tt.lines,
		}})
		scheme, host := x.Told()
		if got := x.ClientIP(); got.String() != tt.want || scheme != tt.scheme || host != tt.host {
			t.Errorf("%s: got %v, %q and %q, want %s, %q and %q", tt.name, got, scheme, host, tt.want, tt.scheme, tt.host)
		}
	}
}

// FuzzTold holds what is read to what a trusted proxy appends: whatever a client has sent before, it is believed or nothing is.
func FuzzTold(f *testing.F) {
	for _, s := range []string{"", "for=1.1.1.1", `for="`, `for="\`, "for=", ";", "a=b;", `x="y", `} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, before string) {
		for _, own := range []string{"for=9.9.9.9", `for="[2001:db8::9]:80";proto=https`} {
			var last told
			if eachTold(before+", "+own, func(e told) { last = e }) && last.from != "9.9.9.9" && last.from != "[2001:db8::9]:80" {
				t.Errorf("%q: got %+v", before+", "+own, last)
			}
		}
	})
}
