package engine

import (
	"sync/atomic"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/loop"
)

// reservoir is the asker of a response that its server gets rid of sooner than a slow client takes it. What the client's side has room for
// it gets at once; only what comes beyond that is held, and goes before all that comes later.
type reservoir struct {
	s    *stream // nil: the stream is over
	to   asker   // the client's side
	most int     // octets that may be held

	held   [][]byte // buffers of the loop
	octets int      // that these take, full or not
	tail   section  // the trailers

	ended   bool // all of the response has come
	broken  bool // no more is going to come
	stalled bool // the server's side was told that there is no room
	posted  bool // pour is going to be called
}

// reserve bounds the memory of all reservoirs of an Engine together.
type reserve struct {
	most  atomic.Int64 // octets; 0: no bound
	taken atomic.Int64
}

// room reports whether more may be held. Several loops may find that there is at the same time: it may become more by what they have
// received at once.
func (r *reserve) room() bool {
	most := r.most.Load()
	return most == 0 || r.taken.Load() < most
}

// SetReserve changes how much memory, in octets, may be taken by responses that clients are slow to take; 0: any. What is held stays.
func (e *Engine) SetReserve(most int64) { e.reserve.most.Store(most) }

// Reserved returns how much of that memory is taken, in octets.
func (e *Engine) Reserved() int64 { return e.reserve.taken.Load() }

// readAhead has the response held, as far as the client is slower than the server.
func (s *stream) readAhead(most int) {
	c := s.core
	k := &reservoir{}
	if n := len(c.reservoirs); n > 0 {
		k, c.reservoirs = c.reservoirs[n-1], c.reservoirs[:n-1]
	}
	k.s, k.to, k.most = s, s.client, most
	s.client, s.reservoir = k, k
}

var (
	_ asker   = (*reservoir)(nil)
	_ splicer = (*reservoir)(nil)
)

func (k *reservoir) interim(h *head)         { k.to.interim(h) }
func (k *reservoir) begin(h *head)           { k.to.begin(h) }
func (k *reservoir) reply(r *exchange.Reply) { k.to.reply(r) }
func (k *reservoir) flush()                  { k.to.flush() }
func (k *reservoir) more()                   { k.to.more() }

// data implements asker.
func (k *reservoir) data(b []byte) {
	if len(k.held) == 0 && k.to.room() {
		k.to.data(b)
		return
	}
	k.keep(b)
}

// keep adds b to what is held.
func (k *reservoir) keep(b []byte) {
	spare, before := &k.s.core.spare, k.octets
	for len(b) > 0 {
		last := len(k.held) - 1
		if last < 0 || len(k.held[last]) == cap(k.held[last]) {
			buffer := spare.buffer(min(len(b), largeBuffer))
			k.held, k.octets = append(k.held, buffer), k.octets+cap(buffer)
			last++
		}
		to := k.held[last]
		n := copy(to[len(to):cap(to)], b)
		k.held[last], b = to[:len(to)+n], b[n:]
	}
	k.s.core.engine.reserve.taken.Add(int64(k.octets - before))
}

// end implements asker. The server has nothing to do with what the client has not taken yet.
func (k *reservoir) end(buf []byte, trailers []http1.Field) {
	s := k.s
	if len(k.held) == 0 {
		k.to.end(buf, trailers)
	} else {
		k.tail.set(buf, trailers)
		k.ended = true
		k.to.flush()
	}
	if k.s == s {
		s.x.Served()
	}
}

// room implements asker.
func (k *reservoir) room() bool {
	if len(k.held) == 0 && k.to.room() || k.octets < k.most && k.s.core.engine.reserve.room() {
		return true
	}
	k.stalled = true
	return false
}

// rests reports whether the client has not taken all that it is to get.
func (k *reservoir) rests() bool { return len(k.held) > 0 || !k.to.room() }

// pour gives the client's side, which has room, what is held: so much in one turn that others get theirs.
func (k *reservoir) pour() {
	for range budget {
		if len(k.held) == 0 || !k.to.room() {
			break
		}
		if k.next(); k.s == nil {
			return
		}
	}
	if len(k.held) == 0 && k.ended {
		k.to.end(k.tail.buf, k.tail.fields)
		return
	}
	if k.to.flush(); k.s == nil {
		return
	}
	if k.broken && !k.rests() {
		k.s.tell(exchange.Finished)
		return
	}
	if len(k.held) > 0 && !k.posted && k.to.room() {
		k.posted = true
		k.s.core.loop.Post(k.again)
	}
	k.unstall()
}

// next gives the client's side the first of what is held.
func (k *reservoir) next() {
	core, b := k.s.core, k.held[0]
	n := copy(k.held, k.held[1:])
	k.held[n] = nil
	k.held, k.octets = k.held[:n], k.octets-cap(b)
	core.engine.reserve.taken.Add(-int64(cap(b)))
	k.to.data(b)
	core.spare.give(b)
}

// again goes on in another turn.
func (k *reservoir) again(*loop.Loop) {
	k.posted = false
	if s := k.s; s != nil {
		defer s.rescue()
		k.pour()
	}
}

// unstall has the server's side go on that waits for room.
func (k *reservoir) unstall() {
	if !k.stalled || !k.room() {
		return
	}
	if k.stalled = false; k.s.server != nil {
		k.s.server.more()
	}
}

// over implements asker.
func (k *reservoir) over(abort bool) {
	core, to := k.s.core, k.to
	core.engine.reserve.taken.Add(-int64(k.octets))
	for i, b := range k.held {
		core.spare.give(b)
		k.held[i] = nil
	}
	if *k = (reservoir{held: k.held[:0], tail: k.tail.reset(), posted: k.posted}); !k.posted && len(core.reservoirs) < maxSpare {
		core.reservoirs = append(core.reservoirs, k)
	}
	to.over(abort)
}

// spliceable implements splicer: as long as the client takes all there is nothing to hold.
func (k *reservoir) spliceable() bool {
	to, ok := k.to.(splicer)
	return ok && len(k.held) == 0 && k.to.room() && to.spliceable()
}

// splice implements splicer.
func (k *reservoir) splice() { k.to.(splicer).splice() }

// goOn has the response go on, for which the client's side has room.
func (s *stream) goOn() {
	switch {
	case s.reservoir != nil:
		s.reservoir.pour()
	case s.server != nil:
		s.server.more()
	}
}
