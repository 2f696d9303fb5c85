package exchange

import (
	"sync/atomic"
	"time"

	"github.com/tandem-lb/tandem/proxy/balance"
	"github.com/tandem-lb/tandem/proxy/compress"
	"github.com/tandem-lb/tandem/proxy/rule"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// Frontend is a compiled frontend. It is immutable: a reload makes another one, for the exchanges that start later.
type Frontend struct {
	Name    string
	Rules   *rule.Table
	Routes  []Route  // what becomes of the requests that a rule takes, in the rules' order
	Default *Backend // for requests that no rule takes; nil: 503

	Edits        *Edits // of what no rule takes and no backend gets; nil: none
	DefaultEdits *Edits // of what goes to Default, those above included; nil: none
	Pages        Pages
	Monitor      *Monitor       // nil: none
	Rate         *Rate          // nil: clients may ask as often as they like
	Trusted      *rule.Networks // of proxies that are believed what they tell of clients; nil: none are
	ByForwarded  bool           // they tell it by Forwarded (RFC 7239) and nothing else; else by the X-Forwarded fields
	RequestID    *RequestID     // nil: none is made
	Maps         map[string]*Lookup
	MaxBody      int64 // octets of a request's body, further ones are refused; 0: any

	// What an engine carries out by itself.
	// ClientCertificates says that servers are told of client certificates, so that what clients send under the names of those fields
	// is not passed on.
	ClientCertificates bool
	Compression        *compress.Rules // which responses are compressed; nil: none
	Handshake          bool            // some rule or edit asks for what the client's TLS handshake has come to
	Log                *Log            // nil: requests are not logged

	HTTPRequest time.Duration // from the first byte of a request head, or from that of a connection, to its end
	Client      time.Duration // without a byte from or to the client
	KeepAlive   time.Duration // between two requests of a connection
	Tunnel      time.Duration // without a byte in either direction after an upgrade
}

// Route is where a rule leads.
type Route struct {
	Choice               // Backend nil: the rule answers by itself, or one of the next two chooses
	Split     *Split     // nil: nothing to choose from
	Directory *Directory // the same
	Realm     *Realm     // that clients have to be known in; nil: none
	Rate      *Rate      // as that of the Frontend, in its place; nil: that
	MaxBody   int64      // the same; 0: that
	AsItIs    bool       // responses are not compressed
}

// Backend is a compiled backend, immutable like Frontend.
type Backend struct {
	Name    string
	Servers Picker
	Queue   time.Duration // waiting for a server that has room
	Connect time.Duration // each connection attempt
	Retries int           // further attempts after the first
	Repeat  *Repeat       // what requests that were sent are sent again for; nil: nothing
	Persist *Persistence  // nil: requests belong to no server
	// Redispatch says that a request may go to another server than the one that it belongs to: with its last retry, or where too many wait for it.
	Redispatch bool
	Active     *atomic.Int64     // its requests; nil: nobody wants to know. It outlives this Backend
	Passive    *upstream.Passive // how requests judge the servers; nil: they do not
	Key        *balance.Key      // what Servers know requests by; nil: nothing

	Pages Pages

	// What an engine carries out by itself.
	Ahead     int           // octets of a response that are taken from the server before the client takes them; 0: none
	Hold      int           // octets of a request's body that are held until it is whole, before a server is asked; 0: none
	Server    time.Duration // without a byte from the server while one is due
	HTTP2     bool          // what its servers speak
	Doubts    bool          // a server that takes far longer than usual to take anything, or too long to answer, is probed at once
	Forwarded Forwarded
}

// Picker chooses servers; upstream.Pool is one.
type Picker interface {
	// Pick returns a server after it has taken a slot of it, nil where none may get the request, and why.
	Pick(r upstream.Request) (*upstream.Server, upstream.Outcome)
	// Enter has a request that was told Full wait.
	Enter(r upstream.Request, w *upstream.Waiter) (*upstream.Server, upstream.Outcome)
}

var _ Picker = (*upstream.Pool)(nil)
