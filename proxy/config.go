package proxy

import (
	"io/fs"
	"net/netip"
	"time"

	"github.com/tandem-lb/tandem/proxy/accesslog"
	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/compress"
	"github.com/tandem-lb/tandem/proxy/edit"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/health"
	"github.com/tandem-lb/tandem/proxy/persist"
	"github.com/tandem-lb/tandem/proxy/proxyproto"
	"github.com/tandem-lb/tandem/proxy/rate"
	"github.com/tandem-lb/tandem/proxy/resolve"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// Config is everything the balancer serves on one node.
type Config struct {
	Frontends []Frontend
	Backends  []Backend
	TLS       TLS
	Maps      []Map // that {map:NAME} stands for a value of

	Resolvers resolve.Config // how servers that have names are looked up; the zero value where none has

	MaxConnections int   // how many clients all frontends together serve at once, further ones wait; 0: no bound
	MaxHeld        int64 // octets that responses which are held for slow clients may take, of all backends together; 0: no bound
}

// TLS is what all binds with TLS have in common.
type TLS struct {
	// TicketSecretFile has the secret that the keys of session tickets are made of, the same on all nodes that shall
	// take up each other's sessions; empty: a secret of this process alone.
	TicketSecretFile string
}

// Frontend accepts connections and decides which backend answers.
type Frontend struct {
	Name           string
	TCP            bool // connections go to a server as they are, with no rules and headers; else HTTP is spoken
	Binds          []Bind
	Rules          []rule.Rule // first match wins
	RequestEdits   []edit.Edit // of all that servers get
	ResponseEdits  []edit.Edit // of all that clients get, the balancer's own responses too
	DefaultBackend string      // for requests that no rule takes; empty: 503
	Timeouts       FrontendTimeouts
	ErrorPages     map[int]string    // files by status, in place of the balancer's own pages
	Monitor        *Monitor          // nil: none
	TrustedProxies []netip.Prefix    // that are believed what they tell of clients
	ByForwarded    bool              // they tell it by Forwarded (RFC 7239), and are believed nothing else; else by the X-Forwarded fields
	ClientRate     *rate.Requests    // of each client, where no rule has another one; nil: they may ask as often as they like
	RequestID      *RequestID        // nil: none is made
	Compression    *compress.Config  // nil: responses go as they are
	MaxBody        int64             // octets that the body of a request may have, others get 413; 0: any
	MaxConnections int               // how many clients it serves at once, further ones wait; 0: no bound but that of Config
	AccessLog      *accesslog.Config // nil: requests are not logged

	// ClientConnections bounds those of each client, who is known by the other end of the connection, or as the PROXY protocol tells. What is
	// too much is closed at once. TrustedProxies have no bound. nil: nobody has.
	ClientConnections *rate.Connections
}

// FrontendTimeouts bound what a client may take. All are finite; the configuration supplies the defaults.
type FrontendTimeouts struct {
	HTTPRequest time.Duration // from the first byte of a request head to its end
	Client      time.Duration // without a byte from or to the client
	KeepAlive   time.Duration // between two requests of a connection
	Tunnel      time.Duration // without a byte in either direction after an upgrade
}

// Monitor is where others ask whether the balancer is alive. Such requests are answered before all rules, and not logged.
type Monitor struct {
	Path   string
	FailIf []TooFew // then the answer is 503
}

// TooFew is a state of a backend: less than so many of its servers are healthy.
type TooFew struct {
	Backend string
	MinUp   int
}

// RequestID says how requests are named.
type RequestID struct {
	Header  string // that servers get the name in; what trusted proxies say there is kept
	Respond bool   // clients get it too
}

// Bind is one listening address.
type Bind struct {
	Address netip.AddrPort
	Unix    Unix          // in its place; the zero value: there is none
	VIP     bool          // the address is a virtual one: bound before it arrives, gated by Proxy.Gate(Address.Addr())
	TLS     *certs.Config // nil: plain
	// Proxies are the networks of those who tell, by the PROXY protocol, for whom they connect, and have to; nobody else may connect. Empty:
	// clients connect by themselves.
	Proxies []netip.Prefix
	H2C     bool // of a plain bind: clients may speak HTTP/2, by prior knowledge
}

// String is where it listens.
func (b *Bind) String() string {
	if b.Unix.Path != "" {
		return b.Unix.Path
	}
	return b.Address.String()
}

// Unix is a Unix socket to listen on.
type Unix struct {
	Path  string      // absolute, or @ and a name in the abstract name space; at most 107 octets
	Mode  fs.FileMode // who may connect, as permission bits of the file. An abstract name has none, and lets everybody
	User  string      // whose the file is, and which group's: a name or number; empty: as the process makes it
	Group string
	// Proxied says that connections begin with a header of the PROXY protocol: who may connect is believed.
	Proxied bool
}

// Backend is a pool of servers that answer alike.
type Backend struct {
	Name      string
	TCP       bool // for frontends that have it too
	Balance   Balance
	Servers   []Server
	TLS       *certs.ServerConfig // nil: plain. Its ALPN is what HTTP2 says
	HTTP2     bool                // HTTP/2 is spoken to the servers: over TLS agreed on by ALPN, else known beforehand
	Check     *health.Check       // nil: servers are taken as healthy
	FastEject bool                // with Check: a server that does not even acknowledge is probed at once, and gets nothing meanwhile
	CutOnDown bool                // connections to a server that goes down are cut, whatever is under way on them
	Passive   *Passive            // nil: what servers answer is not held against them
	CheckTLS  *certs.ServerConfig // TLS of the probes alone; nil: that of the backend, at the server's own port
	Forwarded Forwarded

	Cookie  *Cookie                // that clients come back to their server by; nil: none
	Sources *persist.SourcesConfig // of a table that does it by their addresses; nil: none

	RequestEdits  []edit.Edit    // of what its servers get, after those of the frontend
	ResponseEdits []edit.Edit    // of what they answer
	ErrorPages    map[int]string // as that of a frontend, before that

	HoldRequests  int // octets of a request body that are held until it is whole, before a server is asked; 0: bodies go on as they come
	HoldResponses int // octets of a response that are taken from a server before a slow client takes them; 0: servers wait for clients
	Timeouts      BackendTimeouts

	MaxConnections int     // requests at once, of all servers together; further ones wait in its queue; 0: no bound
	MaxQueue       int     // how many may wait there, and for each server that they belong to; further ones get 503; 0: any number
	Retries        int     // further attempts after the first; the configuration's default is 3
	Repeat         *Repeat // what besides failed connections requests are sent to another server for; nil: nothing
	Redispatch     bool    // the last retry may go to another server even where persistence names one
}

// Repeat says what requests are sent to another server for that a server has got already: those with an idempotent method (GET, HEAD, OPTIONS,
// PUT, DELETE) of which all that was sent is held, up to 16 KiB.
type Repeat struct {
	Empty    bool            // the server closes or resets before the head of its response is complete
	Junk     bool            // it sends no HTTP
	Timeout  bool            // it is silent for BackendTimeouts.Server
	Statuses []health.Status // it answers with one of these

	// Of the requests of the last 10 s no more than Percent are sent again, 0 to 100, or Least a second where that is more.
	Percent, Least int
}

// Passive is how servers are judged by the requests that they get. A server that fails too many is ejected for a while, and then tried
// again; where nobody could take its place it is not.
type Passive struct {
	MaxFails    int             // failures in a row that eject a server, above 0
	FailTimeout time.Duration   // how long it is ejected at first, and in which failures count; above 0
	Statuses    []health.Status // of responses that are failures; empty: only what is no whole response is one
	ErrorRatio  int             // share of its requests that may fail within FailTimeout, in percent, 0 to 100; 0: any
	MinRequests int             // fewer than these say nothing about the share
	// PanicThreshold is what share of the servers that are up has to be left, in percent, 0 to 100, or all are used; 0: some.
	PanicThreshold int
}

// Balance says which server gets the next request.
type Balance struct {
	Algorithm   string  // a name of balance.Algorithms; empty: round_robin
	Key         string  // of hash, as balance.ParseKey reads it
	BoundedLoad float64 // of source and hash: how many times its share of the requests in flight a server may have, 1.01 or more; 0: any
	Draws       int     // of random: of how many servers the less loaded is taken, 1 or 2; 0: 2
	FirstBackup bool    // of several backups that can be used only the first is, as HAProxy does it; else all are
}

// BackendTimeouts bound what a server may take.
type BackendTimeouts struct {
	Connect time.Duration // each connection attempt
	Server  time.Duration // without a byte from the server while one is due
	Queue   time.Duration // waiting for a server that has room; 0: as long as Connect
}

// ForwardedFor says what happens to X-Forwarded-For.
type ForwardedFor uint8

// The choices for X-Forwarded-For.
const (
	ForwardedForAppend  ForwardedFor = iota // the client's address joins what a trusted proxy tells
	ForwardedForReplace                     // only the client's address
	ForwardedForOff                         // the header passes as it came
	ForwardedForIfNone                      // the client's address, unless a trusted proxy tells one
)

// Forwarded says which facts about the client a server is told.
type Forwarded struct {
	For    ForwardedFor
	Proto  bool // X-Forwarded-Proto: http or https
	RealIP bool // X-Real-IP: the client's address

	Host     bool           // X-Forwarded-Host: the host that the client asked for
	Port     bool           // X-Forwarded-Port: the port that the client connected to
	Standard bool           // Forwarded (RFC 7239)
	Except   []netip.Prefix // of clients for which X-Forwarded-For stays as it came
}

func (f *Forwarded) compile() exchange.Forwarded {
	return exchange.Forwarded{
		AppendFor: f.For == ForwardedForAppend, ReplaceFor: f.For == ForwardedForReplace, KeepFor: f.For == ForwardedForIfNone,
		Proto: f.Proto, RealIP: f.RealIP, Host: f.Host, Port: f.Port, Standard: f.Standard, Except: rule.NewNetworks(f.Except),
	}
}

// Server is one member of a backend.
type Server struct {
	Name    string
	Address netip.AddrPort
	Path    string // in its place: of a Unix socket, absolute, or @ and a name in the abstract name space
	Weight  int    // 0 to 256; 0: no new traffic. The configuration's default is 1
	Backup  bool   // it gets traffic while no other server can
	Cookie  string // what it is called in the backend's cookie; empty: its clients do not come back to it, or it is called by its name where that is sealed

	MaxConnections int // requests at once; 0: no bound
	MaxQueue       int // how many may wait for it alone, because they belong to it; further ones go to other servers; 0: as in Backend

	// Lookup is what its address is found by; without a name Address is it. Of a service the answer says port, weight (unless Weight is 0)
	// and whether it is a backup too.
	Lookup resolve.Query
	Port   uint16 // of a host that is looked up
	Slots  int    // how many addresses of the answer are servers, called Name1, Name2 and so on; 0: one is, called Name

	SlowStart time.Duration // in which its share grows to Weight after it was down; 0: at once

	SendProxy proxyproto.Version // the PROXY protocol, by which it is told of each client; 0: it is not

	// With TLS, and with CheckTLS: the name that it is asked for and verified by, or its address; empty for a service: the name of the host.
	ServerName, CheckName string

	Track ServerRef // whose health it has; the zero value: its own
}

// ServerRef names a server.
type ServerRef struct{ Backend, Server string }

// String returns the two with a slash between them.
func (r ServerRef) String() string { return r.Backend + "/" + r.Server }
