package e2e

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/internal/loadtest"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/status"
)

var (
	idleConns = flag.Int("idle", 2000, "how many idle connections are held")
	idleFor   = flag.Duration("idle.measure", 2*time.Second, "how long new requests are measured, before and after")
)

// idleEach is what an idle connection may take of the daemon's memory, in bytes. What a heap has grown to while the
// connections came is in it, which counts for more where they are few.
const idleEach = 1 << 10

// idleOnce is what the daemon may have grown beside: a heap that has seen requests.
const idleOnce = 4 << 20

// idleSlack is what new requests may take longer beside many idle connections, where other work keeps the machine busy.
const idleSlack = 20 * time.Millisecond

// holderMarker is the environment variable that has this program hold connections; its value is a HoldConfig.
const holderMarker = "TANDEM_HOLD"

// runHolder is the program that holds connections. Its standard input and output are the lines of loadtest.Hold.
func runHolder() int {
	var cfg loadtest.HoldConfig
	err := json.Unmarshal([]byte(os.Getenv(holderMarker)), &cfg)
	if err == nil {
		err = loadtest.Hold(cfg, os.Stdin, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// Idle connections cost little memory, and those who ask notice nothing of them. Where a process may not have enough
// descriptors for all of them there are several balancers, each with its share.
func TestIntegrationIdle(t *testing.T) {
	needLab(t)
	shares := idleShares(t, *idleConns)
	var crowds []*idleCrowd
	for range shares {
		crowds = append(crowds, &idleCrowd{stage: newStage(t, binary(t), (*stage).idleConfig)})
	}
	first := crowds[0]
	first.steady(*idleFor, func(context.Context) {}) // warms up, too
	usual := first.steady(*idleFor, func(context.Context) {})
	t.Logf("idle | 0 connections | %v", usual)
	began := time.Now()
	for i, c := range crowds {
		c.hold(shares[i], uint64(i+2))
	}
	t.Logf("idle | %d connections on %d balancers, each after one request, in %v", *idleConns, len(shares), time.Since(began).Round(time.Millisecond))
	for i, c := range crowds {
		c.judgeMemory(shares[i])
	}
	for try := 1; ; try++ {
		took := first.steady(*idleFor, func(context.Context) {})
		t.Logf("idle | %d connections | %v", *idleConns, took)
		if took.At(0.5) <= usual.At(0.5)*5/4+idleSlack/10 && took.At(0.99) <= 2*usual.At(0.99)+idleSlack {
			break
		}
		if try == floodTries {
			t.Errorf("new requests: %v; without the idle connections: %v", took, usual)
			break
		}
	}
	for i, c := range crowds {
		began := time.Now()
		c.askAgain(min(shares[i], 1000))
		asked := time.Now()
		c.leave()
		t.Logf("idle | %d requests over idle connections in %v, all gone after another %v", min(shares[i], 1000),
			asked.Sub(began).Round(time.Millisecond), time.Since(asked).Round(time.Millisecond))
	}
}

// idleShares divides connections among as few balancers as the limit of descriptors allows, which each can have two of for
// a client.
func idleShares(t *testing.T, all int) (shares []int) {
	t.Helper()
	var limit unix.Rlimit
	check(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	const beside = 1 << 11 // listeners and pipes; this program's own, and those of the usual requests
	most := (int(min(limit.Max, 1<<30)) - beside) / 2
	if most < 1 {
		t.Fatalf("a process may have %d descriptors, want more than %d", limit.Max, beside)
	}
	n := (all + most - 1) / most
	for i := range n {
		shares = append(shares, all*(i+1)/n-all*i/n)
	}
	if n > 1 {
		t.Logf("a process may have %d descriptors: %d balancers", limit.Max, n)
	}
	return shares
}

// idleConfig never ends an idle connection by itself.
func (s *stage) idleConfig() string {
	return fmt.Sprintf(`nodes:
  lb1: {address: 127.0.0.1}
proxy:
  limits: {max_connections: 1000000}
  defaults:
    timeouts: {keep_alive: 24h}
  frontends:
    - name: web
      bind: [{address: "%s"}]
      default_backend: app
  backends:
    - name: app
      servers: [{name: app1, address: "%s"}]
`, stagePlain, stageServers[0])
}

// idleCrowd is a balancer and its idle connections.
type idleCrowd struct {
	*stage
	before  loadtest.Memory
	held    int // connections
	holder  *netlab.Process
	asks    *os.File
	answers *json.Decoder
}

// hold has a process on the node open connections and make one request over each.
func (c *idleCrowd) hold(connections int, seed uint64) {
	c.Helper()
	c.before = c.memory()
	cfg := loadtest.HoldConfig{Address: netip.MustParseAddrPort(stagePlain), Connections: connections, Seed: seed}
	for i := range byte(10) {
		cfg.Sources = append(cfg.Sources, netip.AddrFrom4([4]byte{127, 0, 0, 21 + i}))
	}
	text, err := json.Marshal(cfg)
	check(c.T, err)
	in, asks, err := os.Pipe()
	check(c.T, err)
	answers, out, err := os.Pipe()
	check(c.T, err)
	program := exec.Command("/proc/self/exe")
	program.Env = append(os.Environ(), holderMarker+"="+string(text))
	program.Stdin, program.Stdout = in, out
	c.holder, err = c.node.Start(program)
	check(c.T, err)
	_, _ = in.Close(), out.Close() // the process has them
	c.asks, c.answers = asks, json.NewDecoder(answers)
	c.Cleanup(func() { _, _ = asks.Close(), answers.Close() })
	c.held = connections
	c.want(loadtest.Held{Open: connections, Answered: connections})
	c.await("it holds them", func(now status.Snapshot) bool { return now.Frontends[0].Connections >= int64(connections) })
}

// want wants the holder to say so.
func (c *idleCrowd) want(want loadtest.Held) {
	c.Helper()
	var got loadtest.Held
	if err := c.answers.Decode(&got); err != nil || got != want {
		c.Fatalf("held: %+v, %v, want %+v; %s", got, err, want, c.holder.Output())
	}
}

// judgeMemory compares with what the balancer had before.
func (c *idleCrowd) judgeMemory(connections int) {
	c.Helper()
	m := c.memory()
	grown := m.Now - c.before.Now
	c.Logf("idle | %d connections | %d MiB resident after %d MiB: %d bytes each", connections, m.Now>>20, c.before.Now>>20, grown/connections)
	if limit := idleOnce + idleEach*connections; grown > limit {
		c.Errorf("%d idle connections take %d bytes, want at most %d", connections, grown, limit)
	}
}

// askAgain makes requests over connections that have been idle.
func (c *idleCrowd) askAgain(n int) {
	c.Helper()
	check(c.T, json.NewEncoder(c.asks).Encode(loadtest.Ask{Requests: n}))
	c.want(loadtest.Held{Open: c.held, Answered: n})
}

// leave ends the holder, and with it the connections.
func (c *idleCrowd) leave() {
	c.Helper()
	check(c.T, c.asks.Close())
	ctx, cancel := context.WithTimeout(c.Context(), patience)
	defer cancel()
	check(c.T, c.holder.Wait(ctx))
	c.await("the connections are gone", func(now status.Snapshot) bool { return now.Frontends[0].Connections == 0 })
	for _, err := range c.origins.Faults() {
		c.Errorf("seen by a server: %v", err)
	}
}
