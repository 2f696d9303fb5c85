package exchange

import (
	"strconv"
	"time"

	"github.com/tandem-lb/tandem/proxy/upstream"
)

// Do names an action.
type Do uint8

// What an engine can be told to do.
const (
	Connect Do = iota + 1 // to Action.Server within Action.Timeout; an idle connection to it will do
	Verify                // call Action.Verify where nobody waits for it, then Verified, Unverified or Overloaded
	Gather                // hold the request's body, Action.Backend.Hold octets at most, then Gathered
	Wait                  // for Action.Timeout, then WaitOver
	Queue                 // the request waits for a server of Action.Backend: for Action.Timeout, then WaitOver, unless Turn comes before
	Send                  // forward the request
	Forward               // forward the response, head and body
	Tunnel                // forward the 101, then bytes in both directions
	Respond               // answer with Action.Reply, then Finished
	Stay                  // go on as before: of Lost, there is no other server; of Turn, there is none yet
	Drain                 // give the client what has come of a response that does not become whole, then Finished
	Done                  // the exchange is over, Action.Record complete; the client's connection may go on
	Abort                 // the same, but the client must not take what it got for a whole response
)

// Action is what an engine is to do next.
type Action struct {
	Do      Do
	Server  *upstream.Server // whose slot is held; nil: none
	Backend *Backend         // that the request goes to, once that is decided
	Verify  func() bool
	Timeout time.Duration
	Reply   *Reply  // of Respond; valid until the exchange starts anew
	Record  *Record // of Done and Abort, the first time only; valid until the exchange starts anew
}

// Reply is an answer of the balancer itself.
type Reply struct {
	Status      int
	Location    string // empty: none
	ContentType string // empty: none
	Body        string
	Challenge   string // of a 401; empty: none
	RetryAfter  int    // seconds; 0: nothing is said
	NoCache     bool   // Cache-Control: no-cache
	Close       bool   // what follows on the client's connection cannot be trusted or is not wanted
}

// Fields calls set for each field of the reply's head.
func (r *Reply) Fields(set func(name, value string)) {
	if r.Status != 204 && r.Status != 304 { // RFC 9110 section 8.6: none in a 204; that of a 304 would be another's
		set("Content-Length", strconv.Itoa(len(r.Body)))
	}
	if r.Location != "" {
		set("Location", r.Location)
	}
	if r.ContentType != "" {
		set("Content-Type", r.ContentType)
	}
	if r.Challenge != "" {
		set("WWW-Authenticate", r.Challenge)
	}
	if r.RetryAfter > 0 {
		set("Retry-After", strconv.Itoa(r.RetryAfter))
	}
	if r.NoCache {
		set("Cache-Control", "no-cache")
	}
	if r.Close {
		set("Connection", "close")
	}
}
