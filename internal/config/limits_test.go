package config

import (
	"testing"
	"time"
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
