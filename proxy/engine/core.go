package engine

import (
	"runtime/debug"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/proxy/compress"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/http2"
	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/persist"
	"github.com/tandem-lb/tandem/proxy/secure"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// core is what one loop owns. Only its goroutine touches it.
type core struct {
	engine *Engine
	log    hclog.Logger
	loop   *loop.Loop
	epoch  time.Time     // what the loop's clock calls 0
	passed time.Duration // what it said last
	moment time.Time     // and what that means, which is asked for several times in a pass

	octet    [1]byte             // for a read that should find nothing, while the loop's memory is in use
	cipher   []byte              // what ciphertext is received in
	ciphers  secure.FreeList     // what waits of it
	ports    map[*Listener]*port // those that it takes clients from
	spare    spare
	streams  []*stream // to be used again
	streams2 []*stream2

	spareDetails []*exchange.Details // to be used again
	head         head                // memory for the next; nobody's between calls
	target       exchange.Target     // of the request that is routed; nobody's between calls
	reason       []byte              // of a status that came without; nobody's between calls
	block        []byte              // the fields of a head in HTTP/2; empty between calls
	coded        compress.Head       // of a response that is compressed; nobody's between calls
	value        []byte              // of a field that is added; empty between calls
	cookies      persist.Response    // memory for the next; nobody's between calls
	changes      changes             // the same
	down         []byte              // what is being written to a client; empty between calls
	up           []byte              // what is being written to a server; empty between calls
	frames       []byte              // what is received in of an HTTP/2 server; nil until there is one
	asks         http2.Encoder
	calls2       []*call2 // to be used again
	reservoirs   []*reservoir
	held         []held2 // requests of the read that is being dealt with; empty between calls
	idle         map[*upstream.Server]*idleServers
	servers2     map[*upstream.Server]*servers2 // all HTTP/2 connections
	sweep        loop.Ref                       // the timer that ends connections which have been idle for long
	sweeping     bool                           // it runs
}

// requestLimits and responseLimits bound heads. Servers send large policies and cookies, and are trusted with more memory.
var (
	requestLimits  = http1.DefaultLimits()
	responseLimits = http1.Limits{RequestLine: 16 << 10, FieldLine: 64 << 10, Head: 256 << 10, Fields: 256}
)

// cipherSize is what is received of TLS at once. Its plaintext, with that of a record which has begun to come before, fits the loop's
// memory.
const cipherSize = 48 << 10

// maxStreams bounds the streams that are kept for the next requests.
const maxStreams = 1024

func newCore(e *Engine, l *loop.Loop) *core {
	c := &core{engine: e, log: e.log, loop: l, cipher: make([]byte, cipherSize), ports: map[*Listener]*port{}, idle: map[*upstream.Server]*idleServers{}, servers2: map[*upstream.Server]*servers2{}}
	c.epoch = time.Now().Add(-l.Now())
	c.moment = c.epoch
	c.sweep = l.Timer(c)
	return c
}

// now is the time of this pass.
func (c *core) now() time.Time {
	if d := c.loop.Now(); d != c.passed {
		c.passed, c.moment = d, c.epoch.Add(d)
	}
	return c.moment
}

// stream returns one that nothing is known of yet.
func (c *core) stream() *stream {
	if n := len(c.streams); n > 0 {
		s := c.streams[n-1]
		c.streams = c.streams[:n-1]
		return s
	}
	return c.newStream()
}

func (c *core) newStream() *stream {
	s := &stream{core: c}
	s.x.Wake(s)
	return s
}

// reuse keeps a stream that has ended for the next request.
func (c *core) reuse(s *stream) {
	c.reuseDetails(s.log)
	s.reset()
	if len(c.streams) < maxStreams {
		c.streams = append(c.streams, s)
	}
}

// broken says that a bug was met: it costs one connection.
func (c *core) broken(what any) {
	c.down, c.up, c.block, c.held = c.down[:0], c.up[:0], c.block[:0], c.held[:0]
	c.log.Error("connection ended in a panic", "err", what, "stack", string(debug.Stack()))
}
