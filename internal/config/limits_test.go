package config

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/health"
)

func TestR14R43LimitsAndQueues(t *testing.T) {
	backends := good(t, "limits.yaml", "lb1").Proxy.Backends
	web, api := backends[0], backends[1]
	if web.MaxConnections != 500 || web.MaxQueue != 50 || web.Servers[0].MaxConnections != 200 || web.Servers[0].MaxQueue != 20 {
		t.Errorf("web: got %d and %d, its first server %+v", web.MaxConnections, web.MaxQueue, web.Servers[0])
	}
	if s := web.Servers[1]; s.MaxConnections != 0 || s.MaxQueue != 0 {
		t.Errorf("a server that says nothing: got %+v, want no limits", s)
	}
	if api.MaxConnections != 0 || api.MaxQueue != 10000 {
		t.Errorf("a backend that says nothing: got %d and %d, want 0 and 10000", api.MaxConnections, api.MaxQueue)
	}
	if web.Timeouts.Queue != 7*time.Second || api.Timeouts.Queue != 300*time.Millisecond {
		t.Errorf("timeouts: got %v and %v, want 7s and 300ms", web.Timeouts.Queue, api.Timeouts.Queue)
	}
}

func TestRetries(t *testing.T) {
	backends := good(t, "limits.yaml", "lb1").Proxy.Backends
	want := &proxy.Repeat{Empty: true, Timeout: true, Statuses: []health.Status{{From: 500, To: 500}, {From: 502, To: 504}}, Percent: 5, Least: 10}
	if got := backends[1].Repeat; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := backends[0].Repeat; got != nil {
		t.Errorf("a backend that says nothing: got %+v, want nothing", got)
	}
}

func TestRetriesWithoutRetries(t *testing.T) {
	const text = `
proxy:
  frontends: [{name: f, bind: [{address: "192.168.1.11:80"}], default_backend: web}]
  backends: [{name: web, retries: 0, retry_on: [503], servers: [{name: s, address: "192.168.1.101:80"}]}]
`
	_, problems := Parse("f.yaml", []byte(text))
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	if want := []string{"f.yaml:4:48: warning: proxy.backends[0].retry_on: does nothing: retries is 0"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
