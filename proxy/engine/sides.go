package engine

import (
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
)

// head is that of a response, whichever protocol it came by. It is valid during the call that it is passed to.
type head struct {
	status   int
	reason   []byte // empty: none
	buf      []byte // what fields are spans of
	fields   []http1.Field
	length   int64  // of the body that follows: octets, http1.ChunkedLength where nobody knows, http1.UntilClose
	told     int64  // the Content-Length of a response that has no body: to HEAD, or a 304; -1: none
	bodiless bool   // none follows, whatever length says
	trailers bool   // some may follow a body though its length is known
	untold   bool   // the server has not said that length, which is 0: it shows by the end
	upgrade  []byte // of a 101: the protocol
}

// asker is the side of a stream that its request comes from: an HTTP/1 connection, or a stream of an HTTP/2 one. What it is
// given it takes: where the client takes no more it keeps the rest and says so by room. It may end the stream in any call.
type asker interface {
	interim(h *head) // a 1xx response other than 101
	begin(h *head)   // the head of the response
	data(b []byte)   // a piece of its body, or of what comes through a tunnel; an empty one says nothing
	// end says that the response is whole, or that the server sends nothing more through a tunnel. trailers are spans of buf.
	end(buf []byte, trailers []http1.Field)
	reply(r *exchange.Reply) // a response of the balancer itself, whole
	flush()                  // sends what the calls above have written
	room() bool              // whether more of the body is welcome; if not, answerer.more is called when it is
	more()                   // the server's side has room for more of the request
	over(abort bool)         // the exchange has ended; with abort the client must not take what it got for a whole response
}

// answerer is the side of a stream that its request goes to, as asker is the other.
type answerer interface {
	begin()        // sends stream.ask
	data(b []byte) // a piece of the request's body, or of what goes through a tunnel; an empty one says nothing
	// end says that the request is whole, or that the client sends nothing more through a tunnel.
	end(buf []byte, trailers []http1.Field)
	flush()
	room() bool
	more()  // the client's side has room for more of the response
	leave() // the exchange has no use for it any more, whatever it is doing
}
