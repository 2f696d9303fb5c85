package rule

import (
	"net/netip"
	"reflect"
	"testing"
)

// Each field makes a difference, those too that will be there one day.
func TestEqual(t *testing.T) {
	yes, no := true, false
	values := map[string][2]any{
		"TLS": {&yes, &no}, "Not": {&Match{Host: "a"}, &Match{Host: "b"}},
		"Method": {[]string{"GET"}, []string{"PUT"}}, "Source": {[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/9")}},
	}
	for i := range reflect.TypeFor[Match]().NumField() {
		f := reflect.TypeFor[Match]().Field(i)
		pair, ok := values[f.Name]
		switch {
		case ok:
		case f.Type.Kind() == reflect.String:
			pair = [2]any{"a", "b"}
		case f.Type == reflect.TypeFor[[]Test]():
			pair = [2]any{[]Test{{Name: "a"}}, []Test{{Name: "a", Op: Present}}}
		case f.Type == reflect.TypeFor[[]Match]():
			pair = [2]any{[]Match{{Host: "a"}}, []Match{{Host: "a", Path: "/"}}}
		default:
			t.Fatalf("%s: no values of a %v", f.Name, f.Type)
		}
		var none, a, same, b Match
		for m, v := range map[*Match]any{&a: pair[0], &same: pair[0], &b: pair[1]} {
			reflect.ValueOf(m).Elem().Field(i).Set(reflect.ValueOf(v))
		}
		if !a.Equal(&same) {
			t.Errorf("%s: what is alike is not equal", f.Name)
		}
		if a.Equal(&b) || b.Equal(&a) || a.Equal(&none) || none.Equal(&a) {
			t.Errorf("%s makes no difference", f.Name)
		}
	}
}
