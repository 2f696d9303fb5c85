package engine

import (
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/loop"
)

// gatherer is the answerer of a request whose body is held until all of it has come, or as much as may be held. Only then a server is
// looked for, which so has nothing to do with clients that are slow.
type gatherer struct {
	s        *stream // nil: nobody waits any more
	most     int     // octets
	body     *queue
	trailers section
	ended    bool // all of it has come
	told     bool // the exchange is going to hear that there is enough
}

var _ answerer = (*gatherer)(nil)

// gather begins to hold the body of the request. A client that waits for a word before it sends that has it here.
func (s *stream) gather(b *exchange.Backend) {
	g := &gatherer{s: s, most: b.Hold}
	s.server, s.begun = g, true
	if s.question != nil && s.question.expects {
		s.client.interim(&head{status: 100, reason: []byte("Continue")})
	}
}

func (g *gatherer) begin() {}

// data implements answerer.
func (g *gatherer) data(b []byte) { g.body = g.s.core.spare.put(g.body, b) }

// end implements answerer.
func (g *gatherer) end(buf []byte, trailers []http1.Field) {
	g.trailers.set(buf, trailers)
	g.ended = true
}

// flush implements answerer. A server may begin at once, and ask the client's side for more, which is in the midst of something: it has
// to wait for the next turn.
func (g *gatherer) flush() {
	if !g.told && !g.room() {
		g.told = true
		g.s.core.loop.Post(g.done)
	}
}

// room implements answerer.
func (g *gatherer) room() bool { return !g.ended && len(g.body.bytes()) < g.most }

func (g *gatherer) more() {}

// leave implements answerer.
func (g *gatherer) leave() {
	g.body = g.s.core.spare.free(g.body)
	g.s = nil
}

// done has a server looked for.
func (g *gatherer) done(*loop.Loop) {
	s := g.s
	if s == nil {
		return
	}
	defer s.rescue()
	s.gathered, s.server, s.begun = g, nil, false
	s.tell(exchange.Gathered)
}

// handOver gives the server's side, which has begun, what was held.
func (s *stream) handOver() {
	g := s.gathered
	s.gathered = nil
	if s.server.data(g.body.bytes()); g.ended {
		s.server.end(g.trailers.buf, g.trailers.fields)
	}
	g.leave()
}

// dropGathered gives back what is held of a request that ends.
func (s *stream) dropGathered() {
	if s.gathered != nil {
		s.gathered.leave()
		s.gathered = nil
	}
}
