package engine_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/engine"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
	"github.com/tandem-lb/tandem/proxy/rule"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// The addresses of the tests: where clients come, and where the server is.
var (
	here  = netip.MustParseAddrPort("192.0.2.2:80")
	there = netip.MustParseAddrPort("192.0.2.80:80")
)

// The times of the tests. No two are the same.
const (
	headTime      = 5 * time.Second
	clientTime    = 20 * time.Second
	keepAliveTime = 10 * time.Second
	tunnelTime    = 60 * time.Second
	connectTime   = 500 * time.Millisecond
	serverTime    = 30 * time.Second
	retries       = 3
)

// tick is how much later than said a deadline may come.
const tick = 10 * time.Millisecond

// site is what a world is made of. The zero site has one loop, on a kind kernel.
type site struct {
	seed  uint64 // of the kernel; 0: it is kind
	loops int    // 0: one
	tls   *tls.Config
	tcp   bool
	limit *engine.Limit // of all clients; nil: none
}

// world is an engine on a network in memory, with one bind, whose requests go to one server.
type world struct {
	testing.TB
	net      *looptest.Net
	engine   *engine.Engine
	loops    []*loop.Loop
	bind     *engine.Bind
	listener *engine.Listener
	frontend *exchange.Frontend
	backend  *exchange.Backend
	app      *upstream.Server
	server   *looptest.Server

	records        []exchange.Record
	opened, closed int
	draining       bool
	account        func(*exchange.Record) // called first; nil: nothing
	accepting      []error                // why clients could not be accepted
	log            bytes.Buffer
	peers          []*fixedPeer // of fixed
	unshaken       []string     // why TLS handshakes failed
	shaking        *shaking     // of TLS; nil: without
	panics         bool         // they are expected
	refused        []string     // why connections were, before they said anything
	clients        turnstile
}

// turnstile counts the connections of each client, and lets so many of them in.
type turnstile struct {
	most   int // 0: any number
	in     map[netip.Addr]int
	turned int // away
}

func (s *turnstile) Enter(_ time.Time, from netip.Addr) (ok, leaves bool) {
	if s.most > 0 && s.in[from] == s.most {
		s.turned++
		return false, false
	}
	s.in[from]++
	return true, true
}

func (s *turnstile) Leave(from netip.Addr) {
	if s.in[from]--; s.in[from] == 0 {
		delete(s.in, from)
	}
}

// newWorld returns one whose listener is open.
func newWorld(t testing.TB, s site) *world {
	t.Helper()
	w := &world{TB: t, net: looptest.New(s.seed), clients: turnstile{in: map[netip.Addr]int{}}}
	w.routes()
	w.bind = &engine.Bind{
		TLS:      s.tls,
		TCP:      s.tcp,
		Frontend: func() *exchange.Frontend { return w.frontend },
		Draining: func() bool { return w.draining },
		Account: func(r *exchange.Record) {
			if w.account != nil {
				w.account(r)
			}
			w.records = append(w.records, *r)
		},
		Opened:   func() { w.opened++ },
		Unshaken: func(why string) { w.unshaken = append(w.unshaken, why) },
		Closed:   func() { w.closed++ },
		Clients:  &w.clients,
	}
	w.engine = engine.New(engine.Options{Log: hclog.New(&hclog.LoggerOptions{Output: &w.log, Level: hclog.Warn}), Loops: max(s.loops, 1), Limit: s.limit})
	w.listener = w.engine.Listen(w.net.Listen(here), w.bind, func(err error) { w.accepting = append(w.accepting, err) })
	w.listener.Open()
	for range max(s.loops, 1) {
		w.loops = append(w.loops, w.net.Loop())
	}
	w.engine.Attach(w.loops...)
	w.engine.Spoil()
	w.engine.Stock()
	w.server = w.net.Serve(there)
	if s.tls != nil {
		w.shake()
	}
	return w
}

// dial has a client come.
func (w *world) dial() party {
	w.Helper()
	if w.shaking == nil {
		return w.net.Dial(here)
	}
	return w.dialTLS(w.net.Dial(here))
}

// routes makes the frontend: /own is answered by the balancer, /moved redirected, all else goes to the server.
func (w *world) routes() {
	w.app = upstream.NewServer(upstream.Key{Backend: "app", Name: "one", Address: there}, upstream.Link{})
	w.app.SetHealth(upstream.Health{Status: hysteresis.Up})
	pool, err := upstream.NewPool(upstream.Options{}, []upstream.Member{{Server: w.app, Weight: 1}})
	if err != nil {
		w.Fatal(err)
	}
	table, err := rule.Compile([]rule.Rule{
		{Match: rule.Match{Path: "/own"}, Respond: &rule.Respond{Status: 200, Body: "own"}},
		{Match: rule.Match{Path: "/moved"}, Redirect: &rule.Redirect{Location: "/there"}},
	})
	if err != nil {
		w.Fatal(err)
	}
	w.backend = &exchange.Backend{Name: "app", Servers: pool, Connect: connectTime, Server: serverTime, Retries: retries}
	w.frontend = &exchange.Frontend{
		Name: "web", Rules: table, Routes: make([]exchange.Route, table.Len()), Default: w.backend,
		HTTPRequest: headTime, Client: clientTime, KeepAlive: keepAliveTime, Tunnel: tunnelTime,
	}
}

// step turns the loops until they have nothing to do, and looks at what they own.
func (w *world) step() {
	w.Helper()
	w.net.Step()
	w.inspect()
}

func (w *world) advance(d time.Duration) {
	w.Helper()
	w.net.Advance(d)
	w.inspect()
}

func (w *world) inspect() {
	w.Helper()
	for _, f := range w.engine.Inspect() {
		w.Errorf("after %v: %s", w.net.Now(), f)
	}
	if open := w.opened - w.closed; open != w.engine.Open() {
		w.Errorf("after %v: %d connections are open and %d counted", w.net.Now(), w.engine.Open(), open)
	}
}

// do calls a function of the engine that waits for the loops, and turns them meanwhile.
func (w *world) do(f func()) {
	w.Helper()
	done := false
	go func() {
		f()
		w.loops[0].Post(func(*loop.Loop) { done = true })
	}()
	if !w.net.Await(func() bool { return done }) {
		w.Fatal("the engine waits for ever")
	}
	w.inspect()
}

// ended lets all time pass that anybody may have, and looks at what is left then: nothing.
func (w *world) ended() {
	w.Helper()
	w.advance(2 * tunnelTime)
	if w.engine.Open() != 0 {
		w.Errorf("%d connections of clients are left", w.engine.Open())
	}
	if len(w.clients.in) > 0 {
		w.Errorf("connections count that have ended: %v", w.clients.in)
	}
	if n := w.engine.Idle(); n != 0 {
		w.Errorf("%d connections to servers are left", n)
	}
	if n := w.net.Backlog(here); n != 0 {
		w.Errorf("%d clients were never accepted", n)
	}
	if n := w.app.Stats().InFlight; n != 0 {
		w.Errorf("%d requests hold a slot of the server", n)
	}
	w.end()
}

// end ends the loops.
func (w *world) end() {
	w.Helper()
	if w.shaking != nil {
		w.shaking.end()
	}
	if left := w.net.End(); left != 0 {
		w.Errorf("%d descriptors are left", left)
	}
	if !w.panics && w.log.Len() > 0 {
		w.Errorf("logged: %s", w.log.String())
	}
}

// accounts are the records of the requests that have ended: status, termination, octets of bodies in and out.
func (w *world) accounts() []string {
	var all []string
	for i := range w.records {
		r := &w.records[i]
		all = append(all, fmt.Sprintf("%d %v %d/%d", r.Status, r.Termination, r.BytesIn, r.BytesOut))
	}
	return all
}

// wantAccounts compares them.
func (w *world) wantAccounts(want ...string) {
	w.Helper()
	if got := strings.Join(w.accounts(), ", "); got != strings.Join(want, ", ") {
		w.Errorf("records: got %s, want %s", got, strings.Join(want, ", "))
	}
}
