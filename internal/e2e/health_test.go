package e2e

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/status"
)

// plainConfig is a balancer without virtual addresses before the two servers of a pair's LAN.
const plainConfig = `proxy:
  frontends: [{name: web, bind: [{address: "127.0.0.1:8080"}], default_backend: web}]
  backends:
    - name: web
      health_check: CHECK
      servers: [{name: web1, address: "10.77.0.11:80"}, {name: web2, address: "10.77.0.12:80"}]
`

// startPlain starts a balancer with one way to check its servers, and waits until both are up.
func startPlain(t *testing.T, checks string) *drill.Pair {
	t.Helper()
	p := newPair(t, strings.Replace(plainConfig, "CHECK", checks, 1))
	if err := p.StartDaemon("lb1"); err != nil {
		t.Fatal(err)
	}
	serversAre(t, p, "up", "up")
	return p
}

// serversAre waits until the checks say so of both servers, and returns them.
func serversAre(t *testing.T, p *drill.Pair, web1, web2 string) (servers []status.Server) {
	t.Helper()
	eventually(t, "web1 is "+web1+" and web2 "+web2, func() (bool, any) {
		now, err := snapshot(t, p, "lb1")
		if err != nil || len(now.Backends) == 0 {
			return false, err
		}
		servers = now.Backends[0].Servers
		return servers[0].Status == web1 && servers[1].Status == web2, servers
	})
	return servers
}

// asked is what came of one request.
type asked struct {
	began, ended time.Time
	err          error
}

// visit has visitors ask lb1's balancer at an address for a page again and again, each on a connection of its own, until ctx ends.
func visit(ctx context.Context, t *testing.T, p *drill.Pair, address string, visitors int) func() []asked {
	dial := dialFrom(t, p.Node("lb1"), 4)
	var mu sync.Mutex
	var all []asked
	var wg sync.WaitGroup
	for range visitors {
		wg.Go(func() {
			transport := &http.Transport{DialContext: dial, MaxIdleConns: 1}
			defer transport.CloseIdleConnections()
			client := http.Client{Transport: transport, Timeout: 15 * time.Second}
			for ctx.Err() == nil {
				one := asked{began: time.Now()}
				one.err = askOnce(&client, "http://"+address+"/")
				one.ended = time.Now()
				mu.Lock()
				all = append(all, one)
				mu.Unlock()
				select {
				case <-time.After(2 * time.Millisecond): // visitors, no flood
				case <-ctx.Done():
				}
			}
		})
	}
	return func() []asked { wg.Wait(); return all }
}

func askOnce(client *http.Client, url string) error {
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errStatus(resp.Status)
	}
	return nil
}

type errStatus string

func (e errStatus) Error() string { return "status " + string(e) }

// A server whose cable is pulled, so that nothing of it comes and nothing says why, costs no request more than a second, and the site no
// more than a second of such: with the checks of every 2 s, three of which have to fail, and 5 s for connecting.
func TestIntegrationFaultServerCable(t *testing.T) {
	p := startPlain(t, "{http: {path: /health}}")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	answers := visit(ctx, t, p, "127.0.0.1:8080", 16)
	pause(t, time.Second)
	pulled := time.Now()
	check(t, p.Cable("web1").Mute())
	pause(t, 5*time.Second)
	stop()
	var longest time.Duration
	end, n := pulled, 0
	for _, a := range answers() {
		took := a.ended.Sub(a.began)
		if a.err != nil {
			t.Errorf("a request %v after the cable was pulled: %v after %v", a.began.Sub(pulled), a.err, took)
		}
		if took > 100*time.Millisecond && a.ended.After(end) {
			end = a.ended
		}
		longest = max(longest, took)
		n++
	}
	t.Logf("%d requests, the longest %v, trouble for %v", n, longest, end.Sub(pulled))
	within(t, "the longest request", longest, time.Second)
	within(t, "trouble", end.Sub(pulled), time.Second)
	serversAre(t, p, "down", "up")
	check(t, p.Cable("web1").Restore(t.Context()))
	serversAre(t, p, "up", "up")
}

// A script is the probe, of a balancer that has nothing else to run scripts for.
func TestIntegrationCheckByScript(t *testing.T) {
	needLab(t)
	needRootScripts(t, "/bin/sh")
	p := startPlain(t, `{script: {command: [/bin/sh, -c, 'echo "asked for $1:$2"; test ! -e "/run/$TANDEM_BACKEND-$TANDEM_SERVER.down"', check], user: root}, interval: 100ms, timeout: 5s}`)
	down := p.Node("lb1").Path("/run/web-web1.down")
	check(t, os.WriteFile(down, nil, 0o644))
	servers := serversAre(t, p, "down", "up")
	if got, want := servers[0].Check, `script exit status 1: "asked for 10.77.0.11:80"`; got != want || servers[0].CheckCode != 1 || servers[0].CheckedAt.IsZero() {
		t.Errorf("got %q, code %d, want %q", got, servers[0].CheckCode, want)
	}
	check(t, os.Remove(down))
	serversAre(t, p, "up", "up")
	check(t, p.WriteConfig(strings.Replace(plainConfig, "CHECK", `{script: {command: [/bin/sh, -c, "exit 7", check], user: root}, interval: 100ms, timeout: 5s}`, 1)))
	if out, err := p.Command(t.Context(), "lb1", "reload"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if servers := serversAre(t, p, "down", "down"); servers[0].CheckCode != 7 {
		t.Errorf("after a reload: got %+v, want the other script's exit status", servers[0])
	}
}
