package config

import (
	"reflect"
	"testing"
	"time"
)

// HAProxy takes a number without a unit for milliseconds, and other programs take one for seconds: here it is an error.
func TestR10_Units(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want string // what is wrong with it; empty: nothing
	}{
		{"1500us", ""}, {"250ms", ""}, {"1s", ""}, {"2m", ""}, {"24h", ""}, {"1m30s", ""},
		{"5000", "5000 has no unit"}, {"0", "0 has no unit"}, {"1d", `"1d" is no duration`}, {"25h", "25h is out of range"}, {"999us", "999us is out of range"},
	} {
		if got := timeout().fault(tt.text); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

// A configuration that says nothing of timeouts has all of them.
func TestR15_TimeoutsAreFinite(t *testing.T) {
	t.Parallel()
	cfg, problems := Parse("f.yaml", []byte(`
proxy:
  frontends: [{name: f, bind: [{address: ":80"}], default_backend: web}]
  backends: [{name: web, servers: [{name: w, address: "10.0.0.11:80"}]}]
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	n, err := cfg.Node("any")
	if err != nil {
		t.Fatal(err)
	}
	front, back := n.Proxy.Frontends[0].Timeouts, n.Proxy.Backends[0].Timeouts
	for _, all := range []any{front, back} {
		v := reflect.ValueOf(all)
		for i := range v.NumField() {
			if d := v.Field(i).Interface().(time.Duration); d <= 0 || d > time.Hour {
				t.Errorf("%T.%s: got %v, want more than 0 and no more than an hour", all, v.Type().Field(i).Name, d)
			}
		}
	}
}
