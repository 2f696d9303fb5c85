package exchange

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/rule"
)

// chain is the lines of X-Forwarded-For.
type chain []string

func (c chain) Next(name string, from int) (string, int, bool) {
	if name != "x-forwarded-for" || from >= len(c) {
		return "", from, false
	}
	return c[from], from + 1, true
}

func TestR45_Client(t *testing.T) {
	t.Parallel()
	trusted := rule.NewNetworks([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")})
	for _, tt := range []struct {
		name  string
		peer  string
		chain chain
		want  string
	}{
		{"no proxy", "192.0.2.1:5", chain{"9.9.9.9"}, "192.0.2.1"},
		{"a proxy that tells nothing", "10.0.0.1:5", nil, "10.0.0.1"},
		{"a proxy", "10.0.0.1:5", chain{"9.9.9.9"}, "9.9.9.9"},
		{"what the client made up is not believed", "10.0.0.1:5", chain{"1.1.1.1, 9.9.9.9"}, "9.9.9.9"},
		{"two proxies", "10.0.0.1:5", chain{"1.1.1.1, 9.9.9.9 ,10.0.0.2"}, "9.9.9.9"},
		{"two proxies, two lines", "10.0.0.1:5", chain{"1.1.1.1", "9.9.9.9", "10.0.0.2"}, "9.9.9.9"},
		{"nobody but proxies", "10.0.0.1:5", chain{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"junk", "10.0.0.1:5", chain{"junk"}, "10.0.0.1"},
		{"junk before a proxy", "10.0.0.1:5", chain{"9.9.9.9, unknown, 10.0.0.2"}, "10.0.0.2"},
		{"IPv6 and ports", "[2001:db8::1]:5", chain{"[2001:db9::1]:443, 10.0.0.1:80, [2001:db8::2]"}, "2001:db9::1"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:5", chain{"::ffff:9.9.9.9"}, "9.9.9.9"},
		{"IPv4 in IPv6 in brackets", "10.0.0.1:5", chain{"[::ffff:9.9.9.9], [::ffff:10.0.0.2]"}, "9.9.9.9"},
		{"a bracket without its other one", "10.0.0.1:5", chain{"9.9.9.9, [2001:db8::2"}, "10.0.0.1"},
		{"a bracket alone", "10.0.0.1:5", chain{"9.9.9.9, ["}, "10.0.0.1"},
		{"empty", "10.0.0.1:5", chain{"", ","}, "10.0.0.1"},
		{"no end of proxies", "10.0.0.1:5", chain{"9.9.9.9, " + strings.Repeat("10.0.0.3, ", 100) + "10.0.0.2"}, "10.0.0.3"},
		{"no end of lines", "10.0.0.1:5", append(chain{"9.9.9.9"}, strings.Split(strings.Repeat("10.0.0.3,", 99)+"10.0.0.2", ",")...), "10.0.0.3"},
	} {
		var x Exchange
		f := newFrontend(t, newRing(t))
		f.Trusted = trusted
		x.Start(time.Time{}, f)
		x.Step(time.Time{}, Event{Kind: Request, Target: &Target{
			Method: "GET", Host: "a", URI: "/", Client: netip.MustParseAddrPort(tt.peer), Fields: tt.chain,
		}})
		if got := x.ClientIP(); got.String() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, got, tt.want)
		}
	}
}

func TestNewID(t *testing.T) {
	t.Parallel()
	var random [16]byte
	for i := range random {
		random[i] = 0xff
	}
	// The timestamp is that of the example in RFC 9562 appendix A.6.
	if got, want := newID(0x017F22E279B0, random), "017f22e2-79b0-7fff-bfff-ffffffffffff"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	var x Exchange
	for _, weights := range [][]int{{1}, {95, 5}, {0, 3, 0}, {500, 300, 200}, {7, 11, 13}} {
		var choices []Choice
		total := 0
		for _, w := range weights {
			choices, total = append(choices, Choice{Backend: &Backend{}}), total+w
		}
		s := NewSplit(choices, weights, nil)
		got := map[*Backend]int{}
		for range 3 * total {
			got[s.choose(&x).Backend]++
		}
		for i, w := range weights {
			if got[choices[i].Backend] != 3*w {
				t.Errorf("%v: choice %d has %d of %d, want %d", weights, i, got[choices[i].Backend], 3*total, 3*w)
			}
		}
	}
}

// Keys go where their place is: where weights move, only those in between change sides.
func TestSplitByKeyMovesFew(t *testing.T) {
	t.Parallel()
	choices := []Choice{{Backend: &Backend{Name: "a"}}, {Backend: &Backend{Name: "b"}}}
	before, after := NewSplit(choices, []int{95, 5}, nil), NewSplit(choices, []int{90, 10}, nil)
	moved, small := 0, 0
	const n = 10000
	for i := range n {
		key := []byte{byte(i), byte(i >> 8)}
		was, is := before.by(key).Backend.Name, after.by(key).Backend.Name
		if was == "b" {
			small++
		}
		if was != is {
			moved++
			if was == "b" {
				t.Errorf("key %d went from b to a, which has less now", i)
			}
		}
	}
	if small < n/25 || small > n*3/50 || moved < n/25 || moved > n*3/50 {
		t.Errorf("b has %d of %d, and %d moved, want about %d each", small, n, moved, n/20)
	}
}
