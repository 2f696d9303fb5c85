package e2e

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	growthTo       = flag.Int("growth", 1000, "servers of a backend, and rules; a fiftieth of it are frontends")
	growthRequests = flag.Int("growth.requests", 2000, "requests of a round")
	growthRounds   = flag.Int("growth.rounds", 1, "rounds with each configuration, taking turns")
)

// few is how many there are of everything else, and of each in the configuration that is compared with.
const few = 10

// size is how much of each a configuration has.
type size struct{ servers, rules, frontends int }

// A configuration may be large. What it costs to load, to hold and to serve by is told beside a small one; with -growth 10000 it is in
// docs/benchmarks.md.
func TestIntegrationGrowth(t *testing.T) {
	needLab(t)
	small := size{few, few, few}
	sites := []*growthSite{newGrowthSite(t, "10 of each", small)}
	for _, g := range []struct {
		name string
		size size
	}{
		{fmt.Sprintf("%d servers", *growthTo), size{*growthTo, few, few}},
		{fmt.Sprintf("%d rules", *growthTo), size{few, *growthTo, few}},
		{fmt.Sprintf("%d frontends", *growthTo/50), size{few, few, max(*growthTo/50, few)}},
	} {
		sites = append(sites, newGrowthSite(t, g.name, g.size))
	}
	for range *growthRounds {
		for _, s := range sites {
			s.costs = append(s.costs, s.ask(*growthRequests))
		}
	}
	t.Log("growth | configuration | checked in | serves after | resident | CPU a request |")
	for _, s := range sites {
		slices.Sort(s.costs)
		t.Logf("growth | %s | %v | %v | %.1f MiB | %v |", s.name, s.checked.Round(time.Millisecond), s.loaded.Round(time.Millisecond),
			float64(s.memory().Now)/(1<<20), s.costs[len(s.costs)/2].Round(10*time.Nanosecond))
	}
}

// growthSite is a balancer with a configuration of some size.
type growthSite struct {
	*stage
	name            string
	last            string // where its last frontend is
	path            string // that its last rule has
	checked, loaded time.Duration
	costs           []time.Duration // of a request, a round each
}

// growthServer is the port of all servers, which are one, on all addresses of the node.
const growthServer = 8081

func newGrowthSite(t *testing.T, name string, of size) *growthSite {
	t.Helper()
	g := &growthSite{name: name, last: fmt.Sprintf("127.0.0.1:%d", 20000+of.frontends-1), path: fmt.Sprintf("/path%d/", of.rules-1)}
	g.stage = newStage(t, binary(t), func(s *stage) string {
		l, err := s.node.Listen(t.Context(), "tcp4", fmt.Sprintf("0.0.0.0:%d", growthServer))
		check(t, err)
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) })}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = server.Serve(l) // ends with Close
		}()
		t.Cleanup(func() {
			_ = server.Close()
			<-ended
		})
		return of.config()
	})
	began := time.Now()
	if out, err := exec.Command(binary(t), "check", "--node", "lb1", g.file).CombinedOutput(); err != nil {
		t.Fatalf("tandem check: %v\n%s", err, out)
	}
	g.checked, g.loaded = time.Since(began), g.serves.Sub(g.began)
	g.ask(100) // connections stand, memory has grown
	return g
}

// config routes the last rule of every frontend to the backend with all servers, where a client has one that it always gets.
func (of size) config() string {
	var b strings.Builder
	b.WriteString("nodes:\n  lb1: {address: 127.0.0.1}\nproxy:\n  frontends:\n")
	for f := range of.frontends {
		fmt.Fprintf(&b, "    - name: f%d\n      bind: [{address: \"127.0.0.1:%d\"}]\n      rules:\n", f, 20000+f)
		rules := few
		if f == of.frontends-1 {
			rules = of.rules
		}
		for r := range rules {
			fmt.Fprintf(&b, "        - {match: {path_prefix: /path%d/}, backend: app}\n", r)
		}
	}
	b.WriteString("  backends:\n    - name: app\n      balance: {algorithm: source}\n      servers:\n")
	for s := range of.servers {
		fmt.Fprintf(&b, "        - {name: s%d, address: \"127.%d.%d.%d:%d\"}\n", s, 1+s/62500, s/250%250, 1+s%250, growthServer)
	}
	return b.String()
}

// ask makes requests for the last rule at the last frontend, over connections that stay, and returns what each cost the balancer.
func (g *growthSite) ask(requests int) time.Duration {
	g.Helper()
	const clients = 4
	before := cpu(g.daemon.Pid())
	var wg sync.WaitGroup
	for range clients {
		conn, err := g.calm(g.Context(), "tcp4", g.last)
		check(g.T, err)
		wg.Go(func() {
			if err := askAlong(conn, g.path, requests/clients); err != nil {
				g.Errorf("%s: %v", g.name, err)
			}
		})
	}
	wg.Wait()
	return (cpu(g.daemon.Pid()) - before) / time.Duration(requests)
}

// askAlong makes requests one after the other, and closes the connection.
func askAlong(conn net.Conn, path string, requests int) error {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for range requests {
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: www.example.com\r\n\r\n", path); err != nil {
			return err
		}
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK || string(body) != path {
			return fmt.Errorf("got %s %q, %v", response.Status, body, err)
		}
	}
	return nil
}
