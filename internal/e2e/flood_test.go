package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/loadtest"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/status"
)

var (
	floodFor   = flag.Duration("flood", 1500*time.Millisecond, "how long each flood lasts")
	floodConns = flag.Int("flood.connections", 100, "how many connections each has; a twentieth where each is costly for the client")
)

// The deadlines of the balancer under a flood, short so that the tests are.
const (
	floodHead   = time.Second     // http_request
	floodClient = time.Second     // client
	handshaking = 5 * time.Second // of TLS; it is not configured
)

// steadyEach is the distance of the requests that go on as if nothing were: a rate that leaves a core its time.
const steadyEach = 10 * time.Millisecond

// floodMemory is what the daemon may have in memory at most, in bytes, during a flood and after those before it.
const floodMemory = 60 << 20

// floodSlack is what the 99th percentile of the steady requests may be longer, beside being twice as long as usual: the
// flood itself runs on the processors that the balancer needs.
const floodSlack = 50 * time.Millisecond

// floodTries is how often a flood is measured whose steady requests took too long: other work on the machine passes, and
// what a flood does to the balancer does not. Each further time begins with what is usual then.
const floodTries = 3

// endings is how a flood's connections may end, and how long each may live at most; 0: as long as the flood goes on, and
// then for the client timeout.
type endings struct {
	how    []string
	within time.Duration
}

// wantEndings has every flood.
var wantEndings = map[string]endings{
	"silence":                {[]string{"408"}, floodHead},
	"slow heads":             {[]string{"408"}, floodHead},
	"slow bodies":            {[]string{"408"}, 0},
	"slow readers":           {[]string{"200 broken off"}, 0},
	"half a ClientHello":     {[]string{"closed"}, handshaking},
	"half a TLS handshake":   {[]string{"closed"}, handshaking},
	"HTTP/2 rapid reset":     {[]string{"GOAWAY ENHANCE_YOUR_CALM"}, 0},
	"HTTP/2 late reset":      {[]string{"GOAWAY ENHANCE_YOUR_CALM"}, 0},
	"HTTP/2 CONTINUATION":    {[]string{"GOAWAY ENHANCE_YOUR_CALM"}, 0},
	"HTTP/2 unfinished head": {[]string{"closed", "GOAWAY NO_ERROR", "GOAWAY PROTOCOL_ERROR", "GOAWAY ENHANCE_YOUR_CALM"}, floodHead},
	"HTTP/2 PING":            {[]string{"GOAWAY ENHANCE_YOUR_CALM"}, 0},
	"HTTP/2 SETTINGS":        {[]string{"GOAWAY ENHANCE_YOUR_CALM"}, 0},
	"HTTP/2 empty DATA":      {[]string{"GOAWAY ENHANCE_YOUR_CALM"}, 0},
	"HTTP/2 WINDOW_UPDATE":   {[]string{"GOAWAY ENHANCE_YOUR_CALM"}, 0},
	"HTTP/2 HPACK":           {[]string{"GOAWAY ENHANCE_YOUR_CALM"}, 0},
}

// Each flood costs itself and nobody else: it ends at its deadline, usual requests are served as usual meanwhile, and
// memory stays where it was.
func TestIntegrationFlood(t *testing.T) {
	s := newStage(t, binary(t), (*stage).floodConfig)
	s.smallBuffers()
	s.steady(*floodFor, func(context.Context) {}) // warms up
	spent := s.spend(s.daemon)
	usual := s.steady(*floodFor, func(context.Context) {})
	t.Logf("flood | none | %v | %v", usual, spent())
	for i, f := range loadtest.Floods() {
		t.Run(underscored(f.Name), func(t *testing.T) {
			s := *s
			s.T = t
			s.flood(f, uint64(i+1), usual)
		})
	}
	for _, err := range s.origins.Faults() {
		t.Errorf("seen by a server: %v", err)
	}
	if *floodPeers {
		floodThePeers(t)
	}
}

// underscored is a flood's name as that of a test.
func underscored(name string) string { return strings.NewReplacer(" ", "_", "/", "").Replace(name) }

// smallBuffers keeps the kernel from taking ten megabytes for each slow reader, which it takes this program longer to fill
// than the balancer to see that nobody reads.
func (s *stage) smallBuffers() {
	s.Helper()
	check(s.T, s.node.Do(func() error {
		for _, name := range []string{"tcp_rmem", "tcp_wmem"} { // of the node
			if err := os.WriteFile("/proc/sys/net/ipv4/"+name, []byte("4096 65536 131072"), 0); err != nil {
				return err
			}
		}
		return nil
	}))
}

// floodConfig has short deadlines, of which that of keep-alive is longer than the test: steady connections do not meet it.
func (s *stage) floodConfig() string {
	var b strings.Builder
	fmt.Fprintf(&b, `nodes:
  lb1: {address: 127.0.0.1}
proxy:
  limits: {max_connections: 4000}
  defaults:
    timeouts: {http_request: %v, client: %v, keep_alive: 10m, server: 10s}
  frontends:
    - name: web
      bind:
        - {address: "%s", h2c: true}
        - {address: "%s", tls: {certificates: [%s], alpn: [h2, http/1.1]}}
      default_backend: app
  backends:
    - name: app
      servers:
`, floodHead, floodClient, stagePlain, stageTLS, s.pem)
	for i, address := range stageServers {
		fmt.Fprintf(&b, "        - {name: app%d, address: \"%s\"}\n", i+1, address)
	}
	return b.String()
}

// steady sends usual requests while something happens, for at least so long, and judges all but how long they took.
func (s *stage) steady(least time.Duration, meanwhile func(context.Context)) loadtest.Latencies {
	s.Helper()
	report := loadtest.NewReport()
	ctx, cancel := context.WithCancel(s.Context())
	var (
		took loadtest.Latencies
		wg   sync.WaitGroup
	)
	wg.Go(func() {
		took = s.usual(report).Run(ctx)
	})
	during, end := context.WithTimeout(ctx, least)
	meanwhile(during)
	<-during.Done()
	end()
	cancel()
	wg.Wait()
	first, all := report.Failures()
	for _, f := range first {
		s.Errorf("a usual request, one of %d: %v", all, f)
	}
	return took
}

// flood judges one flood.
func (s *stage) flood(f loadtest.Flood, seed uint64, usual loadtest.Latencies) {
	for try := 1; ; try++ {
		took := s.measure(f, seed<<8|uint64(try))
		limit := 2*usual.At(0.99) + floodSlack
		if took.At(0.99) <= limit {
			return
		}
		s.Logf("flood | %s | usual requests: %v; without the flood: %v; want a p99 of at most %v", f.Name, took, usual, limit)
		if try == floodTries {
			s.Errorf("usual requests took too long in each of %d floods", try)
			return
		}
		usual = s.steady(*floodFor, func(context.Context) {})
	}
}

// measure floods once, judges what became of the flood, and returns how long usual requests took.
func (s *stage) measure(f loadtest.Flood, seed uint64) loadtest.Latencies {
	s.Helper()
	before, err := s.status()
	check(s.T, err)
	var r loadtest.FloodResult
	spent := s.spend(s.daemon)
	took := s.steady(*floodFor, func(context.Context) {
		r = s.runFlood(f, seed, 0, handshaking+patience)
	})
	cost := spent()
	s.Logf("flood | %s | %v | %v | %v", f.Name, took, r, cost)
	if cost.peak > floodMemory {
		s.Errorf("%d MiB resident at most, want at most %d", cost.peak>>20, floodMemory>>20)
	}
	if r.Failed > 0 {
		s.Errorf("%d connections of the flood could not be opened: %s", r.Failed, r.Why)
	}
	s.wantEnded(r, wantEndings[f.Name])
	now := s.await("the flood's connections are gone", func(now status.Snapshot) bool { return now.Frontends[0].Connections == 0 })
	if accepted := now.Frontends[0].Accepted - before.Frontends[0].Accepted; accepted < int64(r.Opened) {
		s.Errorf("%d connections counted, want at least the %d of the flood", accepted, r.Opened)
	}
	if answered := now.Frontends[0].Requests - before.Frontends[0].Requests; answered < int64(len(took)+r.Endings["408"]) {
		s.Errorf("%d requests counted, want at least the %d usual ones and the %d that got a 408", answered, len(took), r.Endings["408"])
	}
	return took
}

// runFlood floods from a process on the node, and returns what became of it. Connections live for as long as the balancer lets them,
// but no longer than a life above 0.
func (s *stage) runFlood(f loadtest.Flood, seed uint64, life, grace time.Duration) (r loadtest.FloodResult) {
	s.Helper()
	roots, err := os.ReadFile(s.pem)
	check(s.T, err)
	cfg, err := json.Marshal(loadtest.FloodConfig{
		Name: f.Name, Plain: s.target.Plain, TLS: s.target.TLS, Roots: roots,
		Connections: floodSize(f), Seed: seed, For: *floodFor, Life: life, Grace: grace,
	})
	check(s.T, err)
	var out bytes.Buffer
	program := exec.Command("/proc/self/exe")
	program.Env = append(os.Environ(), flooderMarker+"="+string(cfg))
	program.Stdout = &out
	process, err := s.node.Start(program)
	check(s.T, err)
	if err := process.Wait(s.Context()); err != nil {
		s.Fatalf("flood: %v; %s", err, process.Output())
	}
	check(s.T, json.Unmarshal(out.Bytes(), &r))
	return r
}

// flooderMarker is the environment variable that has this program flood; its value is a FloodConfig.
const flooderMarker = "TANDEM_FLOOD"

// runFlooder is the program that floods. Its standard output is a FloodResult.
func runFlooder() int {
	var cfg loadtest.FloodConfig
	var r loadtest.FloodResult
	err := json.Unmarshal([]byte(os.Getenv(flooderMarker)), &cfg)
	if err == nil {
		r, err = loadtest.RunFlood(context.Background(), cfg)
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// expense is what a process and its children have needed in a time.
type expense struct {
	during, cpu       time.Duration
	before, now, peak int // bytes resident
}

func (e expense) String() string {
	return fmt.Sprintf("%.1f %% of a processor for %v, %d MiB resident before, at most %d, %d now",
		100*e.cpu.Seconds()/e.during.Seconds(), e.during.Round(time.Millisecond), e.before>>20, e.peak>>20, e.now>>20)
}

// spend begins such a time, and returns what ends it.
func (s *stage) spend(p *netlab.Process) func() expense {
	s.Helper()
	began, e := time.Now(), expense{}
	for _, pid := range processes(p.Pid()) {
		check(s.T, loadtest.ForgetPeak(pid))
		e.cpu -= cpu(pid)
	}
	e.before = family(s.T, p).Now
	return func() expense {
		s.Helper()
		e.during = time.Since(began)
		for _, pid := range processes(p.Pid()) {
			e.cpu += cpu(pid)
		}
		m := family(s.T, p)
		e.now, e.peak = m.Now, m.Peak
		return e
	}
}

// floodSize is how many connections a flood has.
func floodSize(f loadtest.Flood) int {
	if f.Costly {
		return max(*floodConns/20, 1)
	}
	return *floodConns
}

// wantEnded judges how a flood's connections ended, and when.
func (s *stage) wantEnded(r loadtest.FloodResult, want endings) {
	s.Helper()
	right := 0
	for _, how := range want.how {
		right += r.Endings[how]
	}
	if right != r.Opened || r.Opened == 0 {
		s.Errorf("%v; want all of them: %s", r, strings.Join(want.how, " or "))
	}
	within := want.within
	if within == 0 {
		within = *floodFor + floodClient
	}
	if limit := within + within/4 + busy; r.Longest > limit {
		s.Errorf("%v; want none beyond %v and %v of slack", r, within, limit-within)
	}
}
