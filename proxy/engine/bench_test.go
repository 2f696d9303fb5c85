package engine_test

import (
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/engine"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
	"github.com/tandem-lb/tandem/proxy/rate"
	"github.com/tandem-lb/tandem/proxy/rule"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// usual is a request as browsers and tools make them.
const usual = "GET /index.html?a=b HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0)\r\n" +
	"Accept: text/html,application/xhtml+xml\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nCookie: session=0123456789abcdef\r\n"

// treadmill is a kernel with clients that ask the same again and again as soon as they are answered, and a server that answers at once.
// It allocates nothing, so that what is measured is the engine.
type treadmill struct {
	request, response []byte
	last              bool // each client asks once

	now     time.Duration
	list    []loop.Event
	keys    [64]uint64 // by descriptor
	unread  [64][]byte
	clients int // to be accepted
	next    int // descriptor of a client
	calls   [looptest.OpClose + 1]int
	served  int
}

const listens, connects = 3, 4 // descriptors; those of clients follow

func (k *treadmill) Wait(events []loop.Event, _ time.Duration) (int, error) {
	k.calls[looptest.OpWait]++
	k.now += time.Microsecond
	n := copy(events, k.list)
	k.list = k.list[:0]
	if k.clients > 0 {
		events[n] = loop.Event{Key: k.keys[listens], What: loop.Readable}
		n++
	}
	return n, nil
}

func (k *treadmill) Watch(fd int, key uint64) error {
	k.calls[looptest.OpWatch]++
	k.keys[fd] = key
	k.list = append(k.list, loop.Event{Key: key, What: loop.Writable})
	return nil
}

func (k *treadmill) Listen(fd int, key uint64) error {
	k.keys[fd] = key
	return nil
}

func (k *treadmill) Accept(int) (int, netip.AddrPort, error) {
	k.calls[looptest.OpAccept]++
	if k.clients == 0 {
		return 0, netip.AddrPort{}, syscall.EAGAIN
	}
	k.clients--
	k.unread[k.next] = k.request
	return k.next, here, nil
}

func (k *treadmill) ConnectUnix(string) (int, error) { return 0, syscall.ENOENT }

func (k *treadmill) Local(int) netip.AddrPort { return netip.AddrPort{} }

func (k *treadmill) Connect(netip.AddrPort) (int, error) {
	k.calls[looptest.OpConnect]++
	return connects, nil
}

func (k *treadmill) Recv(fd int, b []byte) (int, error) {
	k.calls[looptest.OpRecv]++
	n := copy(b, k.unread[fd])
	if n == 0 {
		return 0, syscall.EAGAIN
	}
	k.unread[fd] = k.unread[fd][n:]
	return n, nil
}

func (k *treadmill) Send(fd int, b []byte, _ bool) (int, error) {
	k.calls[looptest.OpSend]++
	k.sent(fd)
	return len(b), nil
}

func (k *treadmill) Send2(fd int, a, b []byte, _ bool) (int, error) {
	k.calls[looptest.OpSend]++
	k.sent(fd)
	return len(a) + len(b), nil
}

// sent has the other side answer, or ask again.
func (k *treadmill) sent(fd int) {
	switch {
	case fd == connects:
		k.unread[fd] = k.response
	case k.last:
		k.served++
		k.clients++
		return
	default:
		k.served++
		k.unread[fd] = k.request
	}
	k.list = append(k.list, loop.Event{Key: k.keys[fd], What: loop.Readable})
}

func (k *treadmill) Close(int, bool) error {
	k.calls[looptest.OpClose]++
	return nil
}

func (k *treadmill) Wake()                             {}
func (k *treadmill) Forget(int) error                  { return nil }
func (k *treadmill) Error(int) error                   { return nil }
func (k *treadmill) CloseWrite(int) error              { return nil }
func (k *treadmill) Unacked(int) (int, int, error)     { return 0, 0, nil }
func (k *treadmill) Pipe(int) (int, int, int, error)   { return 0, 0, 0, syscall.EMFILE }
func (k *treadmill) Splice(int, int, int) (int, error) { return 0, syscall.EINVAL }
func (k *treadmill) Now() time.Duration                { return k.now }
func (k *treadmill) CloseAll() error                   { return nil }

// run has the loop serve one more request.
func (k *treadmill) run(tb testing.TB, l *loop.Loop) {
	for before := k.served; k.served == before; {
		if err := l.Pass(); err != nil {
			tb.Fatal(err)
		}
	}
}

// load is what a treadmill is to carry.
type load struct {
	last   bool // each request has a connection of its own
	octets int  // of a response
	log    *exchange.Log
	rate   bool // of clients, which they keep to
}

// tread returns a loop of an engine on a treadmill that has gone round for a while.
func tread(tb testing.TB, c load) (*treadmill, *loop.Loop) {
	tb.Helper()
	last, octets, log, end := c.last, c.octets, c.log, "\r\n"
	if last {
		end = "Connection: close\r\n\r\n"
	}
	k := &treadmill{
		request: []byte(usual + end), last: last, clients: 1, next: 5,
		response: []byte("HTTP/1.1 200 OK\r\nServer: app\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\nContent-Type: text/html\r\nContent-Length: " +
			strconv.Itoa(octets) + "\r\n\r\n" + strings.Repeat("x", octets)),
	}
	app := upstream.NewServer(upstream.Key{Backend: "app", Name: "one", Address: there}, upstream.Link{})
	app.SetHealth(upstream.Health{Status: hysteresis.Up})
	pool, err := upstream.NewPool(upstream.Options{}, []upstream.Member{{Server: app, Weight: 1}})
	if err != nil {
		tb.Fatal(err)
	}
	table, err := rule.Compile(nil)
	if err != nil {
		tb.Fatal(err)
	}
	frontend := &exchange.Frontend{
		Name: "web", Rules: table, HTTPRequest: headTime, Client: clientTime, KeepAlive: keepAliveTime, Tunnel: tunnelTime, Log: log,
		Default: &exchange.Backend{Name: "app", Servers: pool, Connect: connectTime, Server: serverTime, Retries: retries, Forwarded: exchange.Forwarded{AppendFor: true, Proto: true}},
	}
	if c.rate {
		clients := rate.Clients{IPv4Prefix: 32, IPv6Prefix: 64, TableSize: 100_000}
		all := rate.Requests{Pace: rate.Pace{Count: 1_000_000, Per: time.Second, Burst: 1 << 40}, Clients: clients}
		frontend.Rate = exchange.NewRate(&all, rate.NewTable(clients), nil)
	}
	b := &engine.Bind{
		Frontend: func() *exchange.Frontend { return frontend }, Draining: func() bool { return false },
		Account: func(r *exchange.Record) {
			if r.Status != 200 || (r.Details != nil) != (log != nil) {
				tb.Errorf("record %+v", r)
			}
		},
		Opened: func() {}, Closed: func() {},
	}
	e := engine.New(engine.Options{Loops: 1})
	e.Listen(listens, b, func(err error) { tb.Error(err) }).Open()
	l := loop.New(k)
	e.Attach(l)
	for range 100 {
		k.run(tb, l)
	}
	return k, l
}

// everything is what a log may want to know.
var everything = &exchange.Log{
	Request:  []exchange.Capture{{Name: "Host", Length: 64}, {Name: "User-Agent", Length: 128}, {Name: "Absent", Length: 64}},
	Response: []exchange.Capture{{Name: "Content-Type", Length: 64}}, TLS: true, Unheard: true,
}

func BenchmarkExchange(b *testing.B) {
	for _, bb := range []struct {
		name string
		load
	}{
		{"KeepAlive1KB", load{octets: 1 << 10}}, {"KeepAlive1KBLogged", load{octets: 1 << 10, log: everything}}, {"KeepAlive1KBRate", load{octets: 1 << 10, rate: true}},
		{"KeepAlive16KB", load{octets: 16 << 10}}, {"ConnectionARequest", load{octets: 1 << 10, last: true}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			k, l := tread(b, bb.load)
			b.ReportAllocs()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			before := threadTime(b)
			for b.Loop() {
				k.run(b, l)
			}
			b.ReportMetric(float64(threadTime(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// threadTime is the processor time of the thread, which other processes do not lengthen.
func threadTime(b *testing.B) time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// A request costs no allocation: of a connection that stays none at all.
func TestExchangeAllocatesNothing(t *testing.T) {
	for _, tt := range []struct {
		name string
		most float64
		load
	}{{"kept alive", 0, load{}}, {"a connection a request", 1, load{last: true}}, {"logged", 0, load{log: everything}}, {"at a rate", 0, load{rate: true}}} { // client1
		tt.octets = 1 << 10
		k, l := tread(t, tt.load)
		if got := testing.AllocsPerRun(1000, func() { k.run(t, l) }); got > tt.most {
			t.Errorf("%s: %v allocations a request, want %v", tt.name, got, tt.most)
		}
	}
}

// A request costs two receives and two sends, and a connection of its own to accept and close it. Nothing is watched for that.
func TestSystemCalls(t *testing.T) {
	t.Parallel()
	const requests = 100
	for _, tt := range []struct {
		name string
		last bool
		want map[looptest.Op]int
	}{
		{"kept alive", false, map[looptest.Op]int{looptest.OpRecv: 2, looptest.OpSend: 2}},
		{"a connection a request", true, map[looptest.Op]int{looptest.OpRecv: 2, looptest.OpSend: 2, looptest.OpAccept: 2, looptest.OpClose: 1}},
	} {
		k, l := tread(t, load{last: tt.last, octets: 1 << 10})
		k.calls = [len(k.calls)]int{}
		for range requests {
			k.run(t, l)
		}
		for op, n := range k.calls {
			if op := looptest.Op(op); op != looptest.OpWait && n != tt.want[op]*requests {
				t.Errorf("%s: %d calls of %v for %d requests, want %d", tt.name, n, op, requests, tt.want[op]*requests)
			}
		}
	}
}
