package proxy_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/tandem-lb/tandem/internal/peers"
	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/resolve"
	"github.com/tandem-lb/tandem/proxy/resolve/resolvetest"
)

const haproxyNames = `resolvers r
	nameserver n NAMESERVER
	timeout resolve 1s
	hold valid 1s
defaults
	mode http
	timeout connect 1s
	timeout client 10s
	timeout server 10s
frontend f
	bind PLAIN
	http-request set-header Connection close
	default_backend b
backend b
	TEMPLATE resolvers r resolve-prefer ipv4 init-addr none
`

// haproxyLookingUp runs HAProxy with such a template, and returns where it listens.
func haproxyLookingUp(t *testing.T, s *resolvetest.Server, template string) string {
	t.Helper()
	p := peers.NewBalancer(t, "haproxy")
	at, bind := p.Listens(t)
	p.Run(t, strings.NewReplacer("NAMESERVER", s.Address.String(), "PLAIN", bind, "TEMPLATE", template).Replace(haproxyNames))
	return at
}

// answersAt counts who answers so many requests, each on a connection of its own.
func answersAt(address string, n int) map[string]int {
	transport := &http.Transport{DisableKeepAlives: true}
	client, by := &http.Client{Transport: transport, Timeout: 10 * time.Second}, map[string]int{}
	for range n {
		who := "nobody listens"
		if resp, err := client.Get("http://" + address + "/"); err == nil {
			body := make([]byte, 1)
			_, _ = resp.Body.Read(body) // what is missing is no answer
			_ = resp.Body.Close()
			if who = string(body); resp.StatusCode != 200 {
				who = fmt.Sprint(resp.StatusCode)
			}
		}
		by[who]++
	}
	return by
}

// What becomes of names is what HAProxy makes of them: nobody known at first, several addresses in slots, one in the place of another,
// nameservers that fail, a service with ports.
func TestIntegrationNamesBesideHAProxy(t *testing.T) {
	t.Parallel()
	s := resolvetest.New(t)
	port, _ := islands(t, 4)
	s.Fail("app.test", "A", dns.RcodeServerFailure)
	s.Fail("_http._tcp.test", "SRV", dns.RcodeServerFailure)
	srv := func(hosts ...string) (texts []string) {
		for _, h := range hosts {
			texts = append(texts, fmt.Sprintf("_http._tcp.test. 1 IN SRV 0 1 %d %s.test.", port, h))
		}
		return texts
	}
	for i, host := range []string{"a", "b", "c", "d"} {
		s.Set(host+".test", "A", records(host+".test", i+2)...)
	}
	ours := func(server proxy.Server) string {
		b, _ := logged(t, lookedUp(s, server))
		return b.Snapshot().Frontends[0].Binds[0].Address.String()
	}
	for _, kind := range []struct {
		name  string
		sites map[string]string
		set   func(hosts ...int) // the answer from here on; none: SERVFAIL
	}{
		{"hosts", map[string]string{
			"tandem":  ours(proxy.Server{Name: "app", Lookup: resolve.Query{Name: "app.test"}, Port: port, Slots: 4}),
			"haproxy": haproxyLookingUp(t, s, fmt.Sprintf("server-template app 4 app.test:%d", port)),
		}, func(hosts ...int) {
			if len(hosts) == 0 {
				s.Fail("app.test", "A", dns.RcodeServerFailure)
			} else {
				s.Set("app.test", "A", records("app.test", hosts...)...)
			}
		}},
		{"a service", map[string]string{
			"tandem":  ours(proxy.Server{Name: "app", Lookup: resolve.Query{Name: "_http._tcp.test"}, Slots: 4}),
			"haproxy": haproxyLookingUp(t, s, "server-template app 4 _http._tcp.test"),
		}, func(hosts ...int) {
			var names []string
			for _, h := range hosts {
				names = append(names, string(rune('a'+h-2)))
			}
			if len(hosts) == 0 {
				s.Fail("_http._tcp.test", "SRV", dns.RcodeServerFailure)
			} else {
				s.Set("_http._tcp.test", "SRV", srv(names...)...)
			}
		}},
	} {
		for _, step := range []struct {
			hosts []int
			want  map[string]int // of 12 requests
		}{
			{nil, map[string]int{"503": 12}},
			{[]int{2, 3, 4}, map[string]int{"2": 4, "3": 4, "4": 4}},
			{[]int{4, 5, 2}, map[string]int{"2": 4, "5": 4, "4": 4}},
			{nil, map[string]int{"2": 4, "5": 4, "4": 4}},
			{[]int{5}, map[string]int{"5": 12}},
		} {
			kind.set(step.hosts...)
			for who, address := range kind.sites {
				got := map[string]int{}
				for end := time.Now().Add(20 * time.Second); !maps.Equal(got, step.want) && time.Now().Before(end); {
					got = answersAt(address, 12)
				}
				if !maps.Equal(got, step.want) {
					t.Errorf("%s, %s, when the answer is %v: got %v, want %v", kind.name, who, step.hosts, got, step.want)
				}
			}
		}
	}
}
