package proxy

import (
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/resolve"
)

// R37: "With a single server max_fails is ignored." One that is looked up may be several, though none has an address yet.
func TestR37_ServersThatCanBeEjected(t *testing.T) {
	t.Parallel()
	one, off := Server{Name: "a", Weight: 1}, Server{Name: "b"}
	named := Server{Name: "c", Weight: 1, Lookup: resolve.Query{Name: "c.test"}}
	slots := named
	slots.Slots = 2
	for _, tt := range []struct {
		name    string
		servers []Server
		want    bool
	}{
		{"one", []Server{one}, false},
		{"one, and one without weight", []Server{one, off}, false},
		{"two", []Server{one, one}, true},
		{"one with a name", []Server{named}, false},
		{"one with slots", []Server{slots}, true},
	} {
		c := Passive{MaxFails: 3, FailTimeout: time.Second}
		if got, err := c.compile(tt.servers); err != nil || (got != nil) != tt.want {
			t.Errorf("%s: got %v, %v; want them ejected: %t", tt.name, got, err, tt.want)
		}
	}
}
