package exchange

import (
	"net/netip"

	"github.com/tandem-lb/tandem/proxy/rule"
)

// Kind names an event.
type Kind uint8

// What can happen to an exchange.
const (
	Request    Kind = iota + 1 // the request head is complete; Event.Target
	Opened                     // in its place: a session of TCP mode begins; Event.Target says no more than Client, TLS and SNI
	Refused                    // the request, or its body, is not fit for anything; Event.Status says why
	Verified                   // Action.Verify has said yes
	Unverified                 // it has said no
	Overloaded                 // too many others wait for that
	Gathered                   // all of the request's body has come, or as much as may be held
	WaitOver                   // the delay of a Wait or a Queue has passed
	Turn                       // of a Queue: a server was given to the request

	Connected       // the connection stands, TLS included
	ConnectFailed   // it was refused, reset, or TLS failed
	ConnectTimedOut // it did not come within the time
	Stale           // a connection that was used before turned out closed, and the server cannot have seen the request
	Lost            // the server answers nothing any more; the request has not been sent, or may be sent to another one too
	ServerDown      // the server is down, and connections to it are cut

	Head          // the response head; Event.Status. Interim (1xx) heads other than 101 are no event
	ServerClosed  // the server closed or reset before its response was complete
	ServerGarbage // the server sent what is no HTTP
	ServerSilent  // the server timeout passed, or that of a tunnel

	Finished     // everything has been delivered to the client, or a tunnel has ended
	ClientGone   // the client closed or reset its connection, or it cannot be written to
	ClientSilent // the client timeout passed, or that of the request head
	Broken       // the engine cannot go on, by its own fault
)

// Event is what an engine tells an exchange.
type Event struct {
	Kind   Kind
	Target *Target // of Request and Opened; what it refers to is valid until Forget
	Status int     // of Refused and Head
	Held   bool    // of Head, ServerClosed, ServerGarbage and ServerSilent: all that was sent of the request is there to be sent again
	Rest   bool    // of what the server does: the client has not taken all that has come of the response, which is held for it
	Why    string  // of Refused and ServerGarbage: a label of the reason, one of few
}

// Target is what a request head asks for, as it came.
type Target struct {
	Method  string
	Host    string // of an absolute URI, else of the Host field
	URI     string // the request target, in whichever form
	Upgrade string // the protocol that the client asks to switch to, empty for none
	Fields  rule.Fields

	Client netip.AddrPort // the other end of the connection
	TLS    bool           // the client's connection is TLS
	Body   bool           // one follows the head; Exchange.Sent is called when the server's side has all of it
	Length int64          // of the body in octets; below 0: nobody knows

	// Where Frontend asks for it:
	SNI     string   // the name that the client asked for in its handshake; empty: none
	Version uint16   // of TLS, as in package tls
	Random  [16]byte // that nobody can guess
}
