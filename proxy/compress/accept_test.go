package compress

import (
	"strings"
	"testing"
)

// fields are lines "name: value" with names in lower case.
type fields []string

func (f fields) Next(name string, from int) (string, int, bool) {
	for i := from; i < len(f); i++ {
		if value, ok := strings.CutPrefix(f[i], name+": "); ok {
			return value, i + 1, true
		}
	}
	return "", len(f), false
}

func mustCompile(t testing.TB, c Config) *Rules {
	t.Helper()
	r, err := Compile(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestChoose(t *testing.T) {
	t.Parallel()
	both := mustCompile(t, Config{Codings: []Coding{Zstd, Gzip}})
	gzip := mustCompile(t, Config{Codings: []Coding{Gzip}})
	for _, tt := range []struct {
		name  string
		rules *Rules
		head  fields
		want  Coding
	}{
		{"nothing is said", both, nil, Identity},
		{"nothing is accepted", both, fields{"accept-encoding: "}, Identity},
		{"one", both, fields{"accept-encoding: gzip"}, Gzip},
		{"what a browser says", both, fields{"accept-encoding: gzip, deflate, br, zstd"}, Zstd},
		{"what a browser says, gzip alone", gzip, fields{"accept-encoding: gzip, deflate, br, zstd"}, Gzip},
		{"in another case", both, fields{"accept-encoding: GZip"}, Gzip},
		{"by its old name", both, fields{"accept-encoding: x-gzip"}, Gzip},
		{"a longer name", both, fields{"accept-encoding: gzipped, zstd2"}, Identity},
		{"the client prefers the other", both, fields{"accept-encoding: zstd;q=0.5, gzip;q=0.6"}, Gzip},
		{"the client does not care", both, fields{"accept-encoding: gzip;q=0.5, zstd;q=0.500"}, Zstd},
		{"refused", both, fields{"accept-encoding: zstd;q=0, gzip;q=0.001"}, Gzip},
		{"all refused", both, fields{"accept-encoding: zstd;q=0, gzip;q=0.000"}, Identity},
		{"anything", both, fields{"accept-encoding: *"}, Zstd},
		{"anything else", both, fields{"accept-encoding: zstd;q=0, *;q=0.1"}, Gzip},
		{"nothing else", both, fields{"accept-encoding: identity, *;q=0"}, Identity},
		{"identity is preferred", both, fields{"accept-encoding: gzip;q=0.5, identity"}, Identity},
		{"identity is as good", both, fields{"accept-encoding: gzip;q=0.5, identity;q=0.5"}, Gzip},
		{"several fields", both, fields{"accept-encoding: br", "host: a", "accept-encoding: gzip"}, Gzip},
		{"blanks", both, fields{"accept-encoding: br ,\tgzip ; a=b ;\tQ=1.0 "}, Gzip},
		{"no weight", both, fields{"accept-encoding: gzip;q=x, zstd;q="}, Identity},
		{"weight above 1", both, fields{"accept-encoding: gzip;q=1.001"}, Identity},
		{"weight of four decimals", both, fields{"accept-encoding: gzip;q=0.5000"}, Identity},
		{"weight below 0", both, fields{"accept-encoding: gzip;q=-1"}, Identity},
		{"not to be transformed", both, fields{"accept-encoding: gzip", "cache-control: max-age=0", "cache-control: a, No-Transform"}, Identity},
		{"another directive", both, fields{"accept-encoding: gzip", "cache-control: no-transforms"}, Gzip},
	} {
		if got := tt.rules.Choose(tt.head); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// FuzzChoose holds it to choosing nothing that a client has not named.
func FuzzChoose(f *testing.F) {
	for _, s := range []string{"gzip", "zstd;q=0.3, *;q=0", "identity;q=1;q=0", ",;=,", "*;q=0.0001"} {
		f.Add(s)
	}
	r := mustCompile(f, Config{Codings: []Coding{Gzip, Zstd}})
	f.Fuzz(func(t *testing.T, value string) {
		got := r.Choose(fields{"accept-encoding: " + value})
		lower := strings.ToLower(value)
		if got != Identity && !strings.Contains(lower, got.String()) && !strings.Contains(lower, "*") {
			t.Errorf("%q: got %v", value, got)
		}
		if got != r.Choose(fields{"accept-encoding: " + value}) {
			t.Errorf("%q: got another coding the second time", value)
		}
	})
}
