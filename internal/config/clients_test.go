package config

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/rate"
)

func TestClients(t *testing.T) {
	p := good(t, "clients.yaml", "lb1").Proxy
	usual := rate.Clients{IPv4Prefix: 32, IPv6Prefix: 64, TableSize: 100000}
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"a rate", p.Frontends[0].ClientRate, &rate.Requests{
			Pace: rate.Pace{Count: 100, Per: 10 * time.Second, Burst: 50}, Clients: usual, Status: 429, Exempt: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		}},
		{"that of a rule", p.Frontends[0].Rules[0].Rate, &rate.Requests{
			Pace: rate.Pace{Count: 5, Per: time.Minute, Burst: 5}, Clients: rate.Clients{IPv4Prefix: 24, IPv6Prefix: 56, TableSize: 5000}, Status: 403,
		}},
		{"a rule without one", p.Frontends[0].Rules[1].Rate, (*rate.Requests)(nil)},
		{"connections at once", p.Frontends[0].ClientConnections, &rate.Connections{Max: 50, Clients: usual}},
		{"none", p.Frontends[1].ClientRate, (*rate.Requests)(nil)},
		{"new connections", p.Frontends[1].ClientConnections, &rate.Connections{
			Pace: rate.Pace{Count: 7, Per: time.Second, Burst: 20}, Clients: usual, Exempt: []netip.Prefix{netip.MustParsePrefix("2001:db8::/32")},
		}},
	} {
		if !reflect.DeepEqual(tt.got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, tt.got, tt.want)
		}
	}
}
