package engine

import (
	"net/netip"
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/hello"
	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// session is a client's connection in TCP mode, with the one to a server that its bytes go to and come from.
type session struct {
	core     *core
	bind     *Bind
	frontend *exchange.Frontend // nil: nobody has been asked yet
	backend  *exchange.Backend  // nil: none was chosen yet
	x        exchange.Exchange
	from     netip.AddrPort
	client   front
	server   *back             // nil: none, or none any more
	log      *exchange.Details // nil: it is not logged
	early    *queue            // what the client sent before there was a server
	timer    loop.Ref          // of a wait before a server is asked again, or has room

	waits  bool // for what it is routed by
	routed bool
	open   bool // both connections stand
	ended  bool // the exchange has
	gone   bool // and nothing is left of it
}

// earlyMost is what is taken of a client that has hung up before there is a server: all that it had to say, if that is not much.
const earlyMost = 16 << 10

func (c *core) newSession(b *Bind, w wire, from netip.AddrPort) *session {
	s := &session{core: c, bind: b, from: from}
	s.x.Wake(s)
	s.client.leg = leg{s: s, wire: w}
	return s
}

// begin has the exchange decide where the session goes.
func (s *session) begin() {
	s.frontend = s.bind.Frontend()
	s.x.StartSession(s.core.now(), s.frontend)
	if s.frontend.Log != nil {
		s.log = s.core.detail(s.frontend.Log, s.from, &s.client.wire)
		s.x.Detail(s.log)
	}
	if n := len(s.early.bytes()); n > 0 {
		s.x.Count(int64(n), 0)
	}
	switch w := &s.client.wire; {
	case !s.frontend.Handshake:
		s.route("")
	case w.secure():
		s.route(w.handshake().ServerName)
	default:
		s.listen()
	}
}

// route has the exchange decide where the session goes. name is what the client asks for in its TLS handshake; empty: nothing.
func (s *session) route(name string) {
	s.routed = true
	s.step(exchange.Event{Kind: exchange.Opened, Target: &exchange.Target{TLS: s.client.wire.secure(), SNI: name, Client: s.from}})
}

// listen waits for the name that a client asks for in a TLS handshake that passes through. Who speaks something else asks for none.
func (s *session) listen() {
	c, l, f := s.core, s.core.loop, &s.client
	if !s.waits {
		s.waits = true
		l.SetDeadline(f.wire.ref, s.frontend.HTTPRequest)
	}
	for {
		name, done, err := hello.ServerName(s.early.bytes())
		switch {
		case err != nil && err != hello.NotTLS:
			s.step(exchange.Event{Kind: exchange.Refused, Status: 400, Why: err.(hello.Reason).Label()})
			return
		case done:
			l.SetDeadline(f.wire.ref, -1)
			s.route(name)
			return
		}
		n, st := l.Recv(f.wire.ref, l.Scratch()[:hello.Most-len(s.early.bytes())])
		switch st {
		case loop.Blocked:
			return
		case loop.Ended, loop.Failed:
			s.tell(exchange.ClientGone)
			return
		}
		s.x.Count(int64(n), 0)
		s.early = c.spare.put(s.early, l.Scratch()[:n])
	}
}

func (s *session) tell(kind exchange.Kind) { s.step(exchange.Event{Kind: kind}) }

// step tells the exchange what has happened and does what it says.
func (s *session) step(ev exchange.Event) {
	a := s.x.Step(s.core.now(), ev)
	s.act(&a)
}

func (s *session) act(a *exchange.Action) {
	switch a.Do {
	case exchange.Connect:
		s.connect(a)
	case exchange.Wait, exchange.Queue:
		s.timer = s.core.loop.Timer(s)
		s.core.loop.SetDeadline(s.timer, a.Timeout)
	case exchange.Tunnel:
		s.join()
	default:
		s.end(a)
	}
}

// connect begins to connect to a server.
func (s *session) connect(a *exchange.Action) {
	s.backend = a.Backend
	v := &back{leg: leg{s: s}}
	v.dial = dialing{core: s.core, to: a.Server, wire: &v.wire, head: s.core.introduction(a.Server, s.from, &s.client.wire)}
	if v.dial.open(v) != nil {
		s.tell(exchange.ConnectFailed)
		return
	}
	s.server = v
	v.allow(a.Timeout, patience(a.Server, a.Backend))
}

// Wake implements upstream.Waker: whoever has freed a slot calls it, on any loop.
func (s *session) Wake() {
	s.core.loop.Post(func(*loop.Loop) { s.turn() }) // a loop that has ended serves nobody
}

// turn goes on with a session whose turn it is, unless it has gone on by itself.
func (s *session) turn() {
	defer s.rescue()
	if s.x.Given() {
		s.stopWaiting()
		s.tell(exchange.Turn)
	}
}

// stopWaiting takes back the time of a wait.
func (s *session) stopWaiting() {
	if s.timer != (loop.Ref{}) {
		s.core.loop.Close(s.timer, false)
		s.timer = loop.Ref{}
	}
}

// Ready implements loop.Handler for the timer, which is never.
func (s *session) Ready(*loop.Loop, loop.Ref) {}

// Expired implements loop.Handler: the wait before a server is asked again, or has room, is over.
func (s *session) Expired(l *loop.Loop, r loop.Ref) {
	defer s.rescue()
	l.Close(r, false)
	s.timer = loop.Ref{}
	s.tell(exchange.WaitOver)
}

// join lets the bytes flow. What was waited for until now has no deadline any more.
func (s *session) join() {
	s.open = true
	s.core.loop.SetDeadline(s.server.wire.ref, -1)
	s.alive()
	if s.early != nil {
		s.server.send(s.early.bytes())
		s.early = s.core.spare.free(s.early)
	}
	if s.client.ended {
		s.server.finish()
	}
	if !s.ended {
		s.client.pump()
	}
	if !s.ended {
		s.server.pump()
	}
}

// hasten looks after a client whose server is not there yet, if it has hung up: one that had something to say gets its answer
// nevertheless.
func (s *session) hasten() {
	c, l := s.core, s.core.loop
	f := &s.client
	if f.ended || !l.HungUp(f.wire.ref) || len(s.early.bytes()) >= earlyMost {
		return
	}
	n, st := f.wire.recv(c, l.Scratch()[:earlyMost])
	switch {
	case st == loop.Done:
		s.x.Count(int64(n), 0)
		s.early = c.spare.put(s.early, l.Scratch()[:n])
		l.Again(f.wire.ref)
	case st == loop.Ended && s.early != nil:
		f.ended = true
	case st != loop.Blocked:
		s.tell(exchange.ClientGone)
	}
}

// alive gives both sides their time again: something has moved.
func (s *session) alive() { s.core.loop.SetDeadline(s.client.wire.ref, s.patience()) }

// patience is how long nothing may move. Who has sent its end waits for the other side alone.
func (s *session) patience() time.Duration {
	switch {
	case s.server.ended:
		return s.frontend.Client
	case s.client.ended:
		return s.backend.Server
	}
	return s.frontend.Tunnel
}

// end gives the exchange's account and closes both connections. Who was cut off sees a reset, and takes nothing for whole.
func (s *session) end(a *exchange.Action) {
	s.ended = true
	if a.Record != nil {
		if s.log != nil {
			s.log.ProcessConnections = s.core.engine.open.Load()
			s.log.Unheard = a.Record.BytesIn == 0 // as HAProxy takes it
		}
		s.bind.Account(a.Record)
	}
	s.close(a.Do == exchange.Abort || a.Record == nil)
}

func (s *session) close(reset bool) {
	if s.gone {
		return
	}
	s.ended, s.gone = true, true
	c := s.core
	s.stopWaiting()
	s.early = c.spare.free(s.early)
	c.reuseDetails(s.log)
	if s.server != nil {
		s.server.close(reset)
		s.server = nil
	}
	s.client.close(reset)
	s.bind.closed(c, &s.client.wire, s.from)
}

// rescue ends the session that a bug was met on.
func (s *session) rescue() {
	if what := recover(); what != nil {
		s.core.broken(what)
		if !s.ended {
			s.tell(exchange.Broken)
		}
		s.close(true) // if that is not done already
	}
}

var _ client = (*front)(nil)

// front is the session's connection with its client.
type front struct{ leg }

// Ready implements loop.Handler.
func (f *front) Ready(_ *loop.Loop, r loop.Ref) {
	s := f.s
	defer s.rescue()
	f.wire.ref = r
	switch {
	case s.frontend == nil:
		s.begin()
	case !s.routed:
		s.listen()
	case s.open:
		f.turn()
	default:
		s.hasten()
	}
}

// Expired implements loop.Handler. The deadline is that of both directions, or of what the session is routed by: a client that says
// nothing may be one that waits for its server to speak first.
func (f *front) Expired(*loop.Loop, loop.Ref) {
	s := f.s
	defer s.rescue()
	if !s.routed && s.early == nil {
		s.route("")
		return
	}
	if s.open && s.client.ended && !s.client.blocked() { // who has ended and takes nothing is waited for, not waits
		s.tell(exchange.ServerSilent)
	} else {
		s.tell(exchange.ClientSilent)
	}
}

func (f *front) owner() *Bind { return f.s.bind }

// retire does nothing: a session is under way as long as it lasts.
func (f *front) retire() {}

func (f *front) kill() {
	defer f.s.rescue()
	f.s.tell(exchange.ClientGone)
}

// back is the session's connection with its server, or on its way to it.
type back struct {
	leg
	dial dialing
	rest time.Duration // of the attempt's time, which is left when the present deadline has passed; 0: nothing
}

var _ toServer = (*back)(nil)

func (v *back) server() *upstream.Server { return v.dial.to }

// forsake implements toServer. What has begun to speak with a server can go to no other.
func (v *back) forsake(cut bool) {
	s := v.s
	defer s.rescue()
	switch {
	case s.open && cut:
		s.tell(exchange.ServerDown)
	case s.open:
	default:
		s.lost()
		if cut && s.server == v {
			v.fail(exchange.ServerDown)
		}
	}
}

// lost has another server get the session, where there is one, or an end.
func (s *session) lost() {
	a := s.x.Step(s.core.now(), exchange.Event{Kind: exchange.Lost})
	if a.Do == exchange.Stay {
		return
	}
	s.server.close(false)
	s.server = nil
	s.act(&a)
}

// allow gives an attempt its time, in which first is when it is to be looked after; 0: never.
func (v *back) allow(d, first time.Duration) {
	if first <= 0 || first >= d {
		first = d
	}
	v.rest = d - first
	v.s.core.loop.SetDeadline(v.wire.ref, first)
}

// Ready implements loop.Handler.
func (v *back) Ready(*loop.Loop, loop.Ref) {
	s := v.s
	defer s.rescue()
	if s.open {
		v.turn()
		return
	}
	switch pending, err := v.dial.step(); {
	case pending:
	case err != nil:
		v.dial.failed(err)
		v.fail(exchange.ConnectFailed)
	default:
		s.tell(exchange.Connected)
	}
}

// Expired implements loop.Handler.
func (v *back) Expired(*loop.Loop, loop.Ref) {
	defer v.s.rescue()
	if v.rest > 0 {
		if v.wire.tls == nil { // it has not even acknowledged, which hosts do at once
			v.dial.to.Doubt(upstream.Unheard)
		}
		v.allow(v.rest, 0)
		return
	}
	v.dial.late()
	v.fail(exchange.ConnectTimedOut)
}

// fail ends an attempt to connect.
func (v *back) fail(kind exchange.Kind) {
	v.close(false)
	v.s.server = nil
	v.s.tell(kind)
}
