package engine

import (
	"github.com/tandem-lb/tandem/proxy/compress"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/loop"
)

const (
	// maxCompressing bounds the responses that are compressed at once, of all loops together: each has an encoder, of about 1 MB. The
	// others go as they are.
	maxCompressing = 128
	// squeezed is how much is compressed at once, in octets: what comes meanwhile waits.
	squeezed = 32 << 10
	// maxSqueezed is from how many octets on that wait the server's side has to.
	maxSqueezed = 64 << 10
)

// compressor is the asker of a response that is compressed on its way to the client. Pieces go to a worker, one at a time; what the worker
// makes of them goes to the client's side.
//
// What there is always goes at once. A piece that others follow is not flushed, and as soon as none does, what the encoder holds is:
// so a stream of events comes as it would without, and a large body is compressed as a whole.
type compressor struct {
	s       *stream // nil: nobody waits for the rest any more
	to      asker   // the client's side
	workers *squeezers

	in   []byte  // what waits for the worker to be free
	tail section // the trailers

	ended   bool // all of the response has come
	stalled bool // the server's side was told that there is no room
	busy    bool // the piece is the worker's
	last    bool // there is no further piece
	counted bool // among those that are compressed at once
	held    bool // the encoder has something that the client has not got
	piece   piece
}

// piece is what a worker gets and gives back.
type piece struct {
	coding  compress.Coding
	encoder *compress.Encoder // nil: none yet, or none any more
	in, out []byte
	how     compress.How
	err     error
}

// work compresses it. Only a worker calls it.
func (p *piece) work(pool *compress.Pool) {
	if p.encoder == nil {
		if p.encoder, p.err = pool.Get(p.coding); p.err != nil {
			return
		}
	}
	if p.out, p.err = p.encoder.Encode(p.out[:0], p.in, p.how); p.err == nil && p.how == compress.End {
		pool.Put(p.encoder)
		p.encoder = nil
	}
}

// forward hands on the head of a response that may go on: to a compressor, where the configuration, the client and the response itself
// are for one, and to a reservoir.
func (s *stream) forward(h *head) {
	if most := s.x.Ahead(); most > 0 && h.status != 101 {
		s.readAhead(most)
	}
	if r := s.x.Compression(); r != nil && !h.bodiless && h.status != 101 && r.Suits(h.status, h.length, h.buf, h.fields) {
		s.compress(h)
		return
	}
	s.client.begin(h)
}

// compress has the response compressed, if the client takes that and not too many others are.
func (s *stream) compress(h *head) {
	to, workers, memory := s.client, s.core.engine.squeezers, &s.core.coded
	coding := s.coding
	if coding != compress.Identity && !workers.enter() {
		coding = compress.Identity
	}
	memory.Rewrite(coding, h.buf, h.fields)
	coded := *h // the server's side goes by the head that it has
	coded.buf, coded.fields = memory.Buf, memory.Fields
	if coding != compress.Identity {
		coded.length = http1.ChunkedLength
		s.client = &compressor{s: s, to: to, workers: workers, counted: true, piece: piece{coding: coding}}
	}
	to.begin(&coded)
}

var _ asker = (*compressor)(nil)

func (k *compressor) interim(h *head)         { k.to.interim(h) }
func (k *compressor) begin(h *head)           { k.to.begin(h) }
func (k *compressor) reply(r *exchange.Reply) { k.to.reply(r) }
func (k *compressor) more()                   { k.to.more() }

// data implements asker.
func (k *compressor) data(b []byte) {
	k.in = append(k.in, b...)
	if len(k.in) >= squeezed {
		k.next()
	}
}

// end implements asker.
func (k *compressor) end(buf []byte, trailers []http1.Field) {
	k.tail.set(buf, trailers)
	k.ended = true
	k.flush()
}

// flush implements asker.
func (k *compressor) flush() {
	k.next()
	k.to.flush()
}

// room implements asker.
func (k *compressor) room() bool {
	if len(k.in) < maxSqueezed {
		return k.to.room()
	}
	k.stalled = true
	return false
}

// over implements asker.
func (k *compressor) over(abort bool) {
	k.s = nil
	if !k.busy {
		k.free()
	}
	k.to.over(abort)
}

// next gives the worker what there is, if it is free and there is something.
func (k *compressor) next() {
	if k.busy || k.last || len(k.in) == 0 && !k.ended && !k.held {
		return
	}
	p := &k.piece
	p.in, k.in = k.in, p.in[:0]
	switch {
	case k.ended:
		p.how = compress.End
	case len(p.in) < squeezed:
		p.how = compress.Flush
	default:
		p.how = compress.More
	}
	k.held, k.last, k.busy = p.how == compress.More, p.how == compress.End, true
	k.workers.do(k, k.s.core.loop.Post)
}

// done takes in what the worker has made of the piece.
func (k *compressor) done(*loop.Loop) {
	k.busy = false
	s := k.s
	if s == nil {
		k.free()
		return
	}
	defer s.rescue()
	p := &k.piece
	if p.err != nil {
		s.core.log.Error("response could not be compressed", "err", p.err)
		s.tell(exchange.Broken)
		return
	}
	if len(p.out) > 0 {
		k.to.data(p.out)
	}
	switch {
	case k.s == nil: // the client has left
	case k.last:
		k.free()
		k.to.end(k.tail.buf, k.tail.fields)
	default:
		k.flush()
		k.unstall()
	}
}

// unstall has the server's side go on that waits for room.
func (k *compressor) unstall() {
	if k.s == nil || !k.stalled || !k.room() {
		return
	}
	if k.stalled = false; k.s.server != nil {
		k.s.server.more()
	}
}

// free gives back what it has, which no worker does anything with.
func (k *compressor) free() {
	if !k.counted {
		return
	}
	k.counted = false
	k.workers.leave(k.piece.encoder)
	k.piece.encoder = nil
}
