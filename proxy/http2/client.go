package http2

import (
	"time"

	"github.com/tandem-lb/tandem/proxy/http1"
)

// maxStream is the highest identifier (RFC 9113 section 5.1.1).
const maxStream = 1<<31 - 1

// ClientConn is a client's side of a connection, as [Conn] is a server's: the same streams and windows, opened by us.
type ClientConn struct {
	endpoint
	left bool   // the server leaves
	most uint32 // the highest stream that the server has taken up or may yet: what its GOAWAY said
}

// NewClientConn returns the state of a new connection. A server that has not said yet how many streams it takes is trusted
// with those of the Config; what it refuses then may be sent again.
func NewClientConn(cfg *Config) *ClientConn {
	c := &ClientConn{most: maxStream}
	c.init(cfg)
	c.peer.EnablePush = false // a server's says nothing, and must not say otherwise
	c.toServer = true
	c.encoder.resize(0)
	return c
}

// Start appends what a client sends first. Requests may follow at once (RFC 9113 section 3.4).
func (c *ClientConn) Start(out []byte) []byte {
	return c.start(append(out, Preface...), Setting{EnablePush, 0})
}

// Receive is that of [Conn], but that it is to be called until n is 0 and nothing has happened: a GOAWAY brings several events.
func (c *ClientConn) Receive(now time.Time, buf, out []byte) (n int, ev Event, _ []byte) {
	if ev := c.abandoned(); ev.Kind != Nothing {
		return 0, ev, out
	}
	return c.receive(c, now, buf, out)
}

// Openable is how many streams may be opened now: what the server and the Config allow above those that are open. It grows
// as streams end and by SETTINGS; 0 for ever is told by Closing.
func (c *ClientConn) Openable() int {
	if c.Closing() {
		return 0
	}
	most, _ := c.Allowed()
	return int(max(min(int64(most-len(c.streams.open)), int64(maxStream-c.last+1)/2), 0))
}

// Allowed is how many streams may be open at once, by the Config and by what the server says. said: it has said so, or it bounds none.
func (c *ClientConn) Allowed() (streams int, said bool) {
	return int(min(int64(c.cfg.Streams), int64(c.peer.MaxConcurrentStreams))), c.greeted
}

// Closing reports whether no stream can ever be opened again: the server leaves, or we do, or the identifiers are used up.
func (c *ClientConn) Closing() bool {
	return c.ended != 0 || c.drain == left || c.left || c.last >= maxStream
}

// Drained reports whether the connection is of no use any more, and no stream is open.
func (c *ClientConn) Drained() bool { return c.Closing() && len(c.streams.open) == 0 }

// Open opens a stream with the head of a request of method m: block is all of its fields, as the [Encoder] has begun it last.
// end ends the request. The error is TooManyStreams, or HeadTooLarge for a head that the server has said it would refuse;
// nothing is appended then.
func (c *ClientConn) Open(out, block []byte, m http1.Method, end bool) (id uint32, _ []byte, err error) {
	switch {
	case c.Openable() == 0:
		return 0, out, TooManyStreams
	case c.encoder.size > int64(c.peer.MaxHeaderListSize):
		return 0, out, HeadTooLarge
	}
	c.last = (c.last + 1) | 1 // the next odd one
	c.streams.add(stream{
		id: c.last, method: m, answered: true, left: -1, room: int64(c.peer.InitialWindowSize),
		inbound: inbound{window: int64(c.cfg.StreamWindow), size: int64(c.cfg.StreamWindow)},
	})
	return c.last, c.sendBlock(out, c.last, block, end), nil
}

// unopened judges HEADERS on a stream that is gone, or that was never opened.
func (c *ClientConn) unopened(id uint32) Reason { return c.missing(id) }

// headed takes in the head of a response, or of an interim one.
func (c *ClientConn) headed(out []byte) (Event, []byte) {
	s := c.streams.find(c.block.stream)
	r, why := c.respond(s)
	if why != 0 {
		return c.fault(s.id, why, out)
	}
	ev := Event{Kind: Interim, Stream: s.id, Owner: s.owner, Response: r, Head: &c.head}
	if r.Status >= 200 {
		ev.Kind, ev.End = ResponseHead, s.remoteEnd
		c.closeIfEnded(s)
	}
	return ev, out
}

// respond judges the head that is complete, and notes on its stream what is to follow.
func (c *ClientConn) respond(s *stream) (r Response, why Reason) {
	if c.block.fault != 0 {
		return r, c.block.fault
	}
	r, err := c.head.Response()
	if err != nil {
		return r, err.(Reason)
	}
	if r.Status < 200 {
		if c.block.end { // RFC 9113 section 8.1: "MUST be treated as malformed"
			return r, InterimEnds
		}
		if s.interims++; int(s.interims) > c.cfg.Interims {
			return r, TooManyInterims
		}
		return r, 0
	}
	s.headed, s.remoteEnd = true, c.block.end
	s.bodiless, s.left = r.Bodiless(s.method), r.ContentLength
	if s.remoteEnd && s.left > 0 && !s.bodiless {
		return r, LengthDiffers
	}
	return r, 0
}

// goneAway takes in which streams the server takes up. It may be told twice, of fewer the second time (RFC 9113 section 6.8).
func (c *ClientConn) goneAway(last uint32, code Code) Event {
	c.left, c.most = true, last
	return Event{Kind: PeerLeaves, Code: code}
}

// abandoned gives up a stream above the last one that the server takes up. Requests on them "might be retried" as those that
// it refuses (RFC 9113 section 6.8), unless it has answered in spite of what it says.
func (c *ClientConn) abandoned() Event {
	n := len(c.streams.open)
	if n == 0 || c.streams.open[n-1].id <= c.most {
		return Event{}
	}
	s := &c.streams.open[n-1]
	ev := Event{Kind: Reset, Stream: s.id, Owner: s.owner, Code: RefusedStream, Unprocessed: !s.begun()}
	c.streams.remove(s)
	return ev
}
