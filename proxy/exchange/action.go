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
	Wait                  // for Action.Timeout, then WaitOver
	Send                  // forward the request
	Forward               // forward the response, head and body
	Tunnel                // forward the 101, then bytes in both directions
	Respond               // answer with Action.Reply, then Finished
	Stay                  // of Lost: go on as before, there is no other server
	Done                  // the exchange is over, Action.Record complete; the client's connection may go on
	Abort                 // the same, but the client must not take what it got for a whole response
)

// Action is what an engine is to do next.
type Action struct {
	Do      Do
	Server  *upstream.Server
	Backend *Backend // of Connect
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
	NoCache     bool // Cache-Control: no-cache
	Close       bool // what follows on the client's connection cannot be trusted or is not wanted
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
	if r.NoCache {
		set("Cache-Control", "no-cache")
	}
	if r.Close {
		set("Connection", "close")
	}
}

// errorReply returns the page for a status.
func errorReply(status int) Reply {
	title, sentence := page(status)
	return Reply{
		Status:      status,
		ContentType: "text/html",
		Body:        "<html><body><h1>" + strconv.Itoa(status) + " " + title + "</h1>\n<p>" + sentence + "</p></body></html>\n",
		NoCache:     true,
		Close:       status < 500 || status == 501 || status == 505,
	}
}

// page returns title and explanation of an error page.
func page(status int) (title, sentence string) {
	switch status {
	case 400:
		return "Bad Request", "The request is malformed or ambiguous."
	case 408:
		return "Request Timeout", "The request did not arrive in time."
	case 413:
		return "Content Too Large", "The request body is larger than this site accepts."
	case 414:
		return "URI Too Long", "The address is longer than this site accepts."
	case 417:
		return "Expectation Failed", "The request expects what this site does not offer."
	case 431:
		return "Request Header Fields Too Large", "The request head is larger than this site accepts."
	case 501:
		return "Not Implemented", "The request method or encoding is not supported here."
	case 502:
		return "Bad Gateway", "The server behind this site gave no valid response."
	case 503:
		return "Service Unavailable", "No server can handle the request at the moment."
	case 504:
		return "Gateway Timeout", "The server behind this site did not respond in time."
	case 505:
		return "HTTP Version Not Supported", "The protocol version is not supported here."
	}
	return "Error", "The request cannot be handled."
}
