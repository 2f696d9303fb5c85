package e2e

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/peers"
)

var serverFaultsFor = flag.Duration("server.faults", 2*time.Second, "how long a server's fault lasts")

// The two balancers before the two servers, with the same checks, deadlines and retries, each as its manual has it.
const (
	faultsTandem  = "127.0.0.1:8080"
	faultsHAProxy = "127.0.0.1:8081"

	faultsTandemConfig = `proxy:
  defaults: {timeouts: {connect: 5s, client: 50s, server: 5s}, retries: 3, redispatch: true}
  frontends: [{name: web, bind: [{address: "` + faultsTandem + `"}], default_backend: web}]
  backends:
    - name: web
      health_check: {http: {path: /health}, interval: 2s, rise: 2, fall: 3}
      passive_check: {max_fails: 3, fail_timeout: 30s, fail_status: [500]}
      servers: [{name: web1, address: "10.77.0.11:8080"}, {name: web2, address: "10.77.0.12:8080"}]
`
	faultsHAProxyConfig = `defaults
    mode http
    timeout connect 5s
    timeout client 50s
    timeout server 5s
    retries 3
    option redispatch
frontend web
    bind ` + faultsHAProxy + `
    default_backend web
backend web
    option httpchk GET /health
    default-server check inter 2s rise 2 fall 3 observe layer7 error-limit 3 on-error mark-down
    server web1 10.77.0.11:8080
    server web2 10.77.0.12:8080
`
)

// moody is a server that may misbehave.
type moody struct {
	listener net.Listener
	server   *http.Server
	mood     atomic.Int32
	calm     chan struct{} // closed when it need not stay silent any more
}

// Moods.
const (
	friendly = iota
	failing  // answers 500
	slow     // takes a second for each answer
	frozen   // takes requests and answers none
)

func newMoody(t *testing.T, p *drill.Pair, node, address string) *moody {
	t.Helper()
	l, err := p.Node(node).Listen(t.Context(), "tcp4", address)
	check(t, err)
	m := &moody{listener: l, calm: make(chan struct{})}
	m.server = &http.Server{Handler: m}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = m.server.Serve(l) // ends with Close
	}()
	t.Cleanup(func() {
		close(m.calm)
		_ = m.server.Close()
		<-ended
	})
	return m
}

func (m *moody) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch m.mood.Load() {
	case failing:
		w.WriteHeader(http.StatusInternalServerError)
	case slow:
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
		}
	case frozen:
		select {
		case <-m.calm:
		case <-r.Context().Done():
		}
	}
}

// serverFaults are what one of two servers may do to its visitors. What failed says how many of Tandem's may fail at most, where that can
// be said; the others are told.
var serverFaults = []struct {
	name   string
	do     func(t *testing.T, p *drill.Pair, web1 *moody)
	failed int // below 0: it depends on the checks
}{
	{"killed", func(_ *testing.T, _ *drill.Pair, m *moody) { _ = m.server.Close() }, 0},
	{"frozen", func(_ *testing.T, _ *drill.Pair, m *moody) { m.mood.Store(frozen) }, -1},
	{"unplugged", func(t *testing.T, p *drill.Pair, _ *moody) { check(t, p.Cable("web1").Mute()) }, 0},
	{"answers 500", func(_ *testing.T, _ *drill.Pair, m *moody) { m.mood.Store(failing) }, -1},
	{"answers after 1 s", func(_ *testing.T, _ *drill.Pair, m *moody) { m.mood.Store(slow) }, 0},
}

// One of two servers has a fault, under load, before Tandem and HAProxy at the same time. The table with -server.faults 10s is in
// docs/benchmarks.md.
func TestIntegrationServerFaults(t *testing.T) {
	haproxy := peers.Find(t, "haproxy")
	for _, f := range serverFaults {
		t.Run(underscored(f.name), func(t *testing.T) {
			p := newPair(t, faultsTandemConfig)
			web1 := newMoody(t, p, "web1", "10.77.0.11:8080")
			newMoody(t, p, "web2", "10.77.0.12:8080")
			file := filepath.Join(t.TempDir(), "haproxy.cfg")
			check(t, os.WriteFile(file, []byte(faultsHAProxyConfig), 0o600))
			_, err := p.Node("lb1").Start(exec.Command(haproxy, "-db", "-f", file))
			check(t, err)
			check(t, p.StartDaemon("lb1"))
			serversAre(t, p, "up", "up")
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			tandem, peer := visit(ctx, t, p, faultsTandem, 8), visit(ctx, t, p, faultsHAProxy, 8)
			pause(t, time.Second)
			began := time.Now()
			f.do(t, p, web1)
			pause(t, *serverFaultsFor)
			stop()
			ours, theirs := sumUp(tandem(), began), sumUp(peer(), began)
			t.Logf("server | %s | Tandem: %v | HAProxy: %v |", f.name, ours, theirs)
			if f.failed >= 0 && ours.failed > f.failed {
				t.Errorf("got %d failed requests (first: %v), want %d", ours.failed, ours.first, f.failed)
			}
		})
	}
}

// outcome is what visitors met.
type outcome struct {
	all, failed int
	first       error
	longest     time.Duration
	trouble     time.Duration // until the last request that failed or took longer than 100 ms had ended
}

func (o outcome) String() string {
	return fmt.Sprintf("%d of %d failed, longest %v, trouble for %v", o.failed, o.all, o.longest.Round(time.Millisecond), o.trouble.Round(time.Millisecond))
}

// sumUp counts what ended since the fault.
func sumUp(all []asked, since time.Time) (o outcome) {
	for _, a := range all {
		if a.ended.Before(since) {
			continue
		}
		o.all++
		took := a.ended.Sub(a.began)
		if a.err != nil {
			if o.failed++; o.first == nil {
				o.first = a.err
			}
		}
		if a.err != nil || took > 100*time.Millisecond {
			o.trouble = max(o.trouble, a.ended.Sub(since))
		}
		o.longest = max(o.longest, took)
	}
	return o
}
