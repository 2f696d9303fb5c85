package engine

import (
	"net/netip"
	"time"

	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/compress"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/loop"
)

// stream is one request on its way to a server, and the response on its way back.
type stream struct {
	core *core
	x    exchange.Exchange

	request  http1.Request  // of a client that speaks HTTP/1
	response http1.Response // of a server that does
	upload   body           // of the request, of a client that speaks HTTP/1
	asking   question       // memory for the next

	passage // apart, so that the memory above is not moved about with each request
}

// passage is what a stream has of one request alone.
type passage struct {
	bind     *Bind
	frontend *exchange.Frontend
	client   asker
	server   answerer // nil: none, or none any more
	wire     *wire    // of the client
	from     netip.AddrPort
	secure   bool           // the client's connection is TLS
	peer     []certs.Header // what servers are told of the client's certificate

	text     []byte          // host and target, which x refers to
	method   http1.Method    // of the request
	length   int64           // of the request's body: octets, or http1.ChunkedLength
	question *question       // the request's head, until ask is written
	ask      []byte          // the request as the server gets it: its head, and where it may be replayed what has been sent of its body
	head     int             // of an HTTP/2 server: how much of ask that is
	size     int64           // and what http2.Encoder.Size says of it
	replays  uint8           // how often a server said that it has not looked at the request
	tried    bool            // a connection that was used before turned out closed
	coding   compress.Coding // that its client takes
	hold     bool            // no connection to a server is looked for before letGo
	next     exchange.Action // the Connect that waits for that; the zero Action: none

	whole        bool              // all of the request has come
	begun        bool              // the server's side has been told to begin
	ended        bool              // all of the response, or of what comes through a tunnel, has been handed to the client's side
	chunks       bool              // the response goes to the client in chunks
	tunnel       bool              // the protocol was switched
	log          *exchange.Details // what the access log is told; nil: the request is not logged
	pipe         *loop.Pipe        // what the kernel moves of the response, and its client has not taken; nil: it is not moved so
	timer        loop.Ref          // of a wait before the server is asked again
	reservoir    *reservoir        // that holds the response; nil: none does
	gathered     *gatherer         // what was held of the request's body until a server has begun; nil: nothing
	verification *verification     // that the request waits for; nil: none
}

// maxReplay bounds the requests that may go to a connection which was used before: all of what is sent there is kept until
// the response begins, so that it can be sent again.
const maxReplay = 16 << 10

// maxKept bounds the memory that a stream takes along to the next request.
const maxKept = 16 << 10

// start begins a stream: the first byte of a request is there.
func (s *stream) start(client asker, b *Bind, from netip.AddrPort, w *wire) {
	s.client, s.bind, s.wire, s.from, s.secure = client, b, w, from, w.secure()
	if w.shown != nil {
		s.peer = w.shown.peer
	}
	s.frontend = b.Frontend()
	s.x.Start(s.core.now(), s.frontend)
	if s.frontend.Log != nil {
		s.log = s.core.detail(s.frontend.Log, from, w)
		s.x.Detail(s.log)
	}
}

// reset forgets all but the memory.
func (s *stream) reset() {
	text, ask := s.text, s.ask
	s.passage = passage{}
	s.request.Reset()
	s.response.Reset()
	if cap(text) <= maxKept {
		s.text = text[:0]
	}
	if cap(ask) <= 2*maxKept {
		s.ask = ask[:0]
	}
}

// step tells the exchange what has happened and does what it says.
func (s *stream) step(ev exchange.Event) {
	if s.reservoir != nil {
		ev.Rest = s.reservoir.rests()
	}
	a := s.x.Step(s.core.now(), ev)
	s.act(&a)
}

func (s *stream) act(a *exchange.Action) {
	switch a.Do {
	case exchange.Connect:
		s.turnAway()
		s.connect(a)
	case exchange.Verify:
		s.write(a.Backend, a.Backend.HTTP2)
		s.verify(a.Verify)
	case exchange.Gather:
		s.write(a.Backend, a.Backend.HTTP2)
		s.gather(a.Backend)
	case exchange.Queue:
		s.turnAway()
		s.write(a.Backend, a.Backend.HTTP2)
		s.wait(a.Timeout)
	case exchange.Wait:
		s.turnAway()
		s.wait(a.Timeout)
	case exchange.Send:
		s.begun = true
		if s.server.begin(); s.gathered != nil && s.begun {
			s.handOver()
		}
		if s.question == nil && s.begun { // not within route, whose caller goes on with the body, and not over
			s.client.more()
			s.flushServer()
		}
	case exchange.Forward, exchange.Stay:
	case exchange.Tunnel:
		s.tunnel, s.whole = true, false // what follows has no end but that of the connection
	case exchange.Drain:
		s.leaveServer()
		s.reservoir.broken = true
		s.client.flush()
	case exchange.Respond:
		s.leaveServer()
		s.client.reply(a.Reply)
	default:
		s.end(a)
	}
}

// refuse tells it that what the client sends is no HTTP.
func (s *stream) refuse(why http1.Reason) {
	s.step(exchange.Event{Kind: exchange.Refused, Status: why.Status(), Why: why.Label()})
}

// tooLarge tells it that the client has sent more than it may.
func (s *stream) tooLarge() {
	s.step(exchange.Event{Kind: exchange.Refused, Status: 413, Why: "body_too_large"})
}

func (s *stream) tell(kind exchange.Kind) { s.step(exchange.Event{Kind: kind}) }

// turnAway forgets the server that was asked before, and what it has said.
func (s *stream) turnAway() {
	if s.server != nil {
		s.leaveServer()
	}
	if s.begun {
		s.begun = false
		s.response.Reset()
	}
}

// connect writes the request as the server gets it, and finds a connection unless that is to wait.
func (s *stream) connect(a *exchange.Action) {
	s.write(a.Backend, a.Server.Link().HTTP2)
	if s.hold {
		s.next = *a
		return
	}
	s.join(a)
}

// write writes the request as the servers of a backend get it, unless it is written: its fields are somebody else's soon.
func (s *stream) write(b *exchange.Backend, http2 bool) {
	switch {
	case len(s.ask) > 0:
	case http2:
		s.encodeAsk(b)
	default:
		s.appendAsk(b)
	}
}

// letGo looks for the connection to a server that was held back.
func (s *stream) letGo() {
	a := s.next
	s.hold, s.next = false, exchange.Action{}
	if a.Do != 0 {
		s.join(&a)
	}
}

// join finds a connection to the server. A request that could not be sent again gets one of its own.
func (s *stream) join(a *exchange.Action) {
	c := s.core
	if a.Server.Link().HTTP2 {
		s.connect2(a.Server, a.Backend)
		return
	}
	if !s.tried && s.length >= 0 && s.length <= maxReplay {
		if v := c.takeIdle(a.Server); v != nil {
			v.serve(s, a.Backend)
			s.tell(exchange.Connected)
			return
		}
	}
	if v := s.dial(a.Server, a.Backend, a.Timeout); v != nil {
		v.serve(s, a.Backend)
		return
	}
	s.tell(exchange.ConnectFailed)
}

// wait has the exchange told when a time has passed.
func (s *stream) wait(d time.Duration) {
	s.timer = s.core.loop.Timer(s)
	s.core.loop.SetDeadline(s.timer, d)
}

// stopWaiting takes that back.
func (s *stream) stopWaiting() {
	if s.timer != (loop.Ref{}) {
		s.core.loop.Close(s.timer, false)
		s.timer = loop.Ref{}
	}
}

// Wake implements upstream.Waker: whoever has freed a slot calls it, on any loop.
func (s *stream) Wake() {
	s.core.loop.Post(func(*loop.Loop) { s.turn() }) // a loop that has ended serves nobody
}

// turn goes on with a request whose turn it is. It may have gone on by itself, and the stream be another one's.
func (s *stream) turn() {
	defer s.rescue()
	if s.x.Given() {
		s.stopWaiting()
		s.tell(exchange.Turn)
	}
}

// Ready implements loop.Handler for the timer, which is never.
func (s *stream) Ready(*loop.Loop, loop.Ref) {}

// Expired implements loop.Handler: the wait before the server is asked again, or for one that has room, is over.
func (s *stream) Expired(l *loop.Loop, r loop.Ref) {
	defer s.rescue()
	l.Close(r, false)
	s.timer = loop.Ref{}
	s.tell(exchange.WaitOver)
}

// rescue ends the stream that a bug was met on.
func (s *stream) rescue() {
	if what := recover(); what != nil {
		s.core.broken(what)
		s.breaks()
	}
}

// breaks ends a stream, if it has not ended, that the engine cannot go on with. A nil stream is none.
func (s *stream) breaks() {
	if s != nil && s.client != nil {
		s.tell(exchange.Broken)
	}
}

// respond tells the exchange of a response head, and reports whether it is to be forwarded. held: the request could be sent again.
func (s *stream) respond(status int, held bool) bool {
	a := s.x.Step(s.core.now(), exchange.Event{Kind: exchange.Head, Status: status, Held: held})
	s.act(&a)
	return a.Do == exchange.Forward || a.Do == exchange.Tunnel
}

// failed tells it that the server has failed the request, which could be sent again if it is held.
func (s *stream) failed(kind exchange.Kind, held bool) {
	s.step(exchange.Event{Kind: kind, Held: held})
}

// leaveServer ends what the server's side is doing.
func (s *stream) leaveServer() {
	s.forgetVerification()
	if v := s.server; v != nil {
		s.server = nil
		v.leave()
	}
	s.stopWaiting()
}

// end gives the exchange's account and ends the stream. Nobody has it after that. An exchange without an account to give has ended
// before: what was to follow has been cut short by a bug.
func (s *stream) end(a *exchange.Action) {
	s.leaveServer()
	s.dropGathered()
	s.endPipe()
	if a.Record != nil {
		s.account(a.Record)
	}
	s.client.over(a.Do == exchange.Abort || a.Record == nil)
	s.core.reuse(s)
}

// delivered reports whether nothing more is to come, once the client has taken what it was given: all of the response, or of a
// tunnel both directions.
func (s *stream) delivered() bool {
	return s.ended && (!s.tunnel || s.whole && (s.server == nil || s.server.room()))
}

// flushServer has the server's side send what it was given.
func (s *stream) flushServer() {
	if s.server != nil {
		s.server.flush()
	}
}

// sent notes that the server's side gets the end of the request's body.
func (s *stream) sent() {
	s.whole = true
	s.x.Sent(s.core.now())
}

// takes reports whether the server's side takes more of the request.
func (s *stream) takes() bool { return s.begun && s.server != nil && s.server.room() }
