package config

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/persist"
)

func TestPersistence(t *testing.T) {
	cookie := func(c persist.Config, secret string) *proxy.Cookie {
		return &proxy.Cookie{Config: c, SecretFile: secret}
	}
	for i, want := range []struct {
		cookie  *proxy.Cookie
		sources *persist.SourcesConfig
		values  []string
	}{
		{cookie(persist.Config{
			Name: "SERVERID", Indirect: true, NoCache: true, Preserve: true, Domain: ".example.com", Path: "/shop", HTTPOnly: true, Secure: true, SameSite: "None",
			MaxIdle: 30 * time.Minute, MaxLife: 8 * time.Hour,
		}, ""), nil, []string{"A", "A"}},
		{cookie(persist.Config{Name: "__Secure-s", Secure: true}, "/etc/tandem/cookies.key"), nil, []string{"", "B"}},
		{cookie(persist.Config{Name: "JSESSIONID", Mode: persist.Prefix}, ""), nil, []string{"A"}},
		{cookie(persist.Config{Name: "JSESSIONID", Mode: persist.Rewrite}, ""), nil, []string{"A"}},
		{nil, &persist.SourcesConfig{Size: 5, Expire: 30 * time.Minute, IPv6Prefix: 64}, []string{""}},
		{nil, &persist.SourcesConfig{Size: 100000, Expire: time.Hour, IPv6Prefix: 128}, []string{""}},
		{nil, nil, []string{""}},
	} {
		b := good(t, "persistence.yaml", "lb1").Proxy.Backends[i]
		var values []string
		for _, s := range b.Servers {
			values = append(values, s.Cookie)
		}
		if !reflect.DeepEqual(b.Cookie, want.cookie) || !reflect.DeepEqual(b.Sources, want.sources) || !slices.Equal(values, want.values) {
			t.Errorf("%s: got %+v, %+v, %q", b.Name, b.Cookie, b.Sources, values)
		}
	}
}

func TestServersWithoutCookie(t *testing.T) {
	_, problems := Parse("f.yaml", []byte(`
proxy:
  frontends: [{name: f, bind: [{address: "192.168.1.11:80"}], default_backend: web}]
  backends:
    - {name: web, cookie: {name: S}, servers: [{name: a, address: "10.0.0.1:80", cookie: A}, {name: b, address: "10.0.0.2:80"}]}
`))
	const want = "f.yaml:5:94: warning: proxy.backends[0].servers[1]: has no cookie: its clients do not come back to it, want cookie there"
	if len(problems) != 1 || problems[0].String() != want {
		t.Errorf("got %v, want %s", problems, want)
	}
}
