package engine

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
	"github.com/tandem-lb/tandem/proxy/rule"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a loop of an engine on a network in memory: one bind, and one server that the test speaks for.
type memory struct {
	t        testing.TB
	net      *looptest.Net
	core     *core
	bind     *Bind
	frontend *exchange.Frontend
	server   *looptest.Server
	upstream *upstream.Server
	origins  []*origin
	answer   func(o *origin, r *http1.Request, head, body []byte) // nil: echo
	records  []exchange.Record
	open     int
	draining bool
	log      strings.Builder
}

var (
	bindAddress   = netip.MustParseAddrPort("192.0.2.1:80")
	serverAddress = netip.MustParseAddrPort("192.0.2.80:80")
)

func newMemory(t testing.TB, seed uint64) *memory {
	t.Helper()
	m := &memory{t: t, net: looptest.New(seed), answer: echo}
	m.upstream = upstream.NewServer(upstream.Key{Backend: "app", Name: "app1", Address: serverAddress}, upstream.Link{})
	m.upstream.SetHealth(upstream.Health{Status: hysteresis.Up})
	pool, err := upstream.NewPool(upstream.Options{}, []upstream.Member{{Server: m.upstream, Weight: 1}})
	if err != nil {
		t.Fatal(err)
	}
	rules, err := rule.Compile([]rule.Rule{{Match: rule.Match{Path: "/own"}, Respond: &rule.Respond{Status: 200, Body: "own"}}})
	if err != nil {
		t.Fatal(err)
	}
	m.frontend = &exchange.Frontend{
		Name: "web", Rules: rules, Routes: make([]exchange.Route, rules.Len()), HTTPRequest: time.Second, Client: 5 * time.Second, KeepAlive: 20 * time.Second, Tunnel: time.Minute,
		Default: &exchange.Backend{Name: "app", Servers: pool, Connect: time.Second, Server: 5 * time.Second, Retries: 1},
	}
	m.bind = &Bind{
		H2C:      true,
		Frontend: func() *exchange.Frontend { return m.frontend },
		Draining: func() bool { return m.draining },
		Account:  func(r *exchange.Record) { m.records = append(m.records, *r) },
		Opened:   func() { m.open++ },
		Unshaken: func(string) {},
		Closed:   func() { m.open-- },
	}
	e := New(Options{Log: hclog.New(&hclog.LoggerOptions{Output: &m.log, Level: hclog.Warn}), Loops: 1})
	m.core = newCore(e, m.net.Loop())
	failed := func(err error) { t.Errorf("accept: %v", err) }
	li := e.Listen(m.net.Listen(bindAddress), m.bind, failed)
	if err := m.core.loop.Listen(li.fd, func(_ *loop.Loop, from loop.Client) { li.accept(m.core, from) }, failed); err != nil {
		t.Fatal(err)
	}
	m.server = m.net.Serve(serverAddress)
	return m
}

// step lets everything happen, the server's part too.
func (m *memory) step() {
	m.net.Step()
	for p := m.server.Accept(); p != nil; p = m.server.Accept() {
		m.origins = append(m.origins, &origin{m: m, peer: p})
	}
	for _, o := range m.origins {
		o.turn()
	}
}

// end checks what has to be true of every end.
func (m *memory) end() {
	m.t.Helper()
	m.core.loop.Each(func(_ loop.Ref, h loop.Handler) {
		if c, ok := h.(client); ok {
			c.kill()
		}
	})
	if n := m.upstream.Stats().InFlight; n != 0 {
		m.t.Errorf("%d requests hold a slot of the server", n)
	}
	if m.open != 0 || m.core.engine.open.Load() != 0 {
		m.t.Errorf("%d connections are still counted", m.open)
	}
	if left := m.net.End(); left != 0 {
		m.t.Errorf("%d descriptors are left", left)
	}
	if m.log.Len() > 0 {
		m.t.Errorf("logged: %s", m.log.String())
	}
}

// origin is the server's side of a connection.
type origin struct {
	m        *memory
	peer     *looptest.Peer
	in       []byte
	request  http1.Request
	body     body
	got      []byte
	at       int // of in that is dealt with
	headed   bool
	deaf     bool // it does no more
	answered int
}

// turn deals with what has come.
func (o *origin) turn() {
	o.in = append(o.in, o.peer.Read()...)
	for !o.deaf && o.advance() {
	}
}

// advance deals with the next part of a request.
func (o *origin) advance() bool {
	lim := http1.DefaultLimits()
	if !o.headed {
		n, err := o.request.Parse(o.in, &lim)
		if err != nil {
			o.m.t.Fatalf("the server got %q: %v", o.in, err)
		}
		if n == 0 {
			return false
		}
		o.headed, o.at = true, n
		o.body.start(o.request.Length)
		if o.request.Length != 0 {
			return true
		}
	} else if o.request.Length != 0 {
		data, n, done, err := o.body.next(o.in[o.at:], &lim)
		if err != nil {
			o.m.t.Fatalf("the server got the body %q: %v", o.in[o.at:], err)
		}
		o.got = append(o.got, data...)
		o.at += n
		if !done {
			return n > 0
		}
	}
	o.answered++
	o.m.answer(o, &o.request, o.in, o.got)
	o.in, o.got, o.headed = append(o.in[:0], o.in[o.at:]...), nil, false
	o.request.Reset()
	return len(o.in) > 0
}

// echo answers with the body: in chunks where that came so, and with a trailer if its length is even.
func echo(o *origin, r *http1.Request, _, body []byte) {
	length, even, kind := int64(len(body)), len(body)%2 == 0, kindOf(body)
	if r.Length == http1.ChunkedLength {
		length = http1.ChunkedLength
	}
	b := http1.AppendFraming(http1.AppendStatusLine(nil, 200, "OK"), length)
	// Fields that repeat, some of them with another value now and then.
	b = append(b, "Server: app1\r\nX-Kind: "+kind+"\r\n\r\n"...)
	if length >= 0 {
		b = append(b, body...)
	} else {
		for len(body) > 0 {
			n := min(len(body), 9999)
			b = append(append(http1.AppendChunkHead(b, n), body[:n]...), "\r\n"...)
			body = body[n:]
		}
		b = http1.AppendLastChunk(b)
		if even {
			b = append(b, "X-Sum: "+kind+"\r\n"...)
		}
		b = append(b, "\r\n"...)
	}
	o.peer.Say(string(b))
}

// kindOf says something of a body that only some others share.
func kindOf(body []byte) string { return strings.Repeat("k", len(body)%5) }
