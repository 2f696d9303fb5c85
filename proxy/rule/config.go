package rule

import (
	"net/netip"
	"regexp"

	"github.com/tandem-lb/tandem/proxy/edit"
	"github.com/tandem-lb/tandem/proxy/rate"
)

// Rule takes a request that matches and says what becomes of it. Exactly one of Backend, Split, Map, Redirect,
// Respond and Deny is set.
type Rule struct {
	Match    Match
	Backend  string
	Split    []Share
	SplitKey string // a template: requests for which it comes out the same go to the same backend of Split; empty: they go in turn
	Map      *Map
	Redirect *Redirect
	Respond  *Respond
	Deny     int // the status of a refusal, 400 to 599
	Auth     *Auth
	Rate     *rate.Requests // how often a client may ask for what this rule takes; nil: as often as the frontend says
	MaxBody  int64          // octets that the body of a request may have, others get 413; 0: as many as the frontend says
	AsItIs   bool           // responses to these requests are not compressed
	NoLog    bool           // requests taken by this rule leave no access log line

	Rewrite       *Rewrite    // what the servers of a backend are asked for instead; nil: what the client asked for
	RequestEdits  []edit.Edit // of what servers get
	ResponseEdits []edit.Edit // of what the client gets
}

// Share is a backend's part of the requests that a rule takes.
type Share struct {
	Backend string
	Weight  int // 0 to MaxShare; 0: none
}

// Map chooses the backend by what a file says.
type Map struct {
	File    string // a key and the name of a backend on each line, as ParseDictionary reads it
	Key     string // a template
	Prefix  bool   // the keys of the file are prefixes, of which the longest counts
	Default string // the backend for what the file does not have; empty: that of the frontend
}

// Auth has clients say who they are, by basic authentication.
type Auth struct {
	File  string // the users, as htpasswd -B writes them
	Realm string // what clients are told they come in to
}

// MaxShare is the largest weight of a Share.
const MaxShare = 1000

// Rewrite changes what servers are asked for, the path in the order of the fields.
type Rewrite struct {
	StripPrefix string // what the path loses at its start, where it starts with it
	Find        string // a regular expression (RE2) of which each match in the path is replaced; empty: none is
	With        string // what takes its place; $1 stands for its first group
	Path        string // a template for the whole path, in which {path} is what the client asked for; empty: it stays
	Host        string // a template for host and port; empty: those that the client asked for

	path, host edit.Template
	find       *regexp.Regexp
}

// Match is the conjunction of its non-zero fields; the zero value matches everything.
type Match struct {
	Host       string         // host name without port, compared in lower case; "*.example.com" is every name below example.com
	Path       string         // exact canonical path
	PathPrefix string         // canonical path prefix, by bytes as HAProxy's path_beg
	PathRegexp string         // RE2, found anywhere in the canonical path unless it is anchored
	Method     []string       // one of these
	Header     []Test         // of the request's fields; names in any case
	Query      []Test         // of the parameters of its query, decoded
	Cookie     []Test         // of its cookies
	Source     []netip.Prefix // the client's address is in one of these
	TLS        *bool          // whether the client's connection is TLS
	SNI        string         // the name that the client asked for in its TLS handshake, as Host
	All        []Match        // all of these match
	Any        []Match        // at least one of these matches
	Not        *Match         // must not match
}

// Test is a condition on the values of one name: it holds where it does for one of them.
type Test struct {
	Name  string
	Op    Op
	Value string // of Equals, HasPrefix and Matches
}

// Op says what a Test looks for.
type Op uint8

// The operators.
const (
	Equals    Op = iota // the value is Value
	HasPrefix           // the value starts with Value
	Matches             // Value, RE2, is found in the value
	Present             // there is one of that name
	Absent              // there is none
)

// Redirect answers with a Location.
type Redirect struct {
	Code     int    // 301, 302, 303, 307 or 308; 0: 302
	Scheme   string // "http" or "https": same host without its port, same path and query
	Location string // a template for a whole URL or an absolute path; used where Scheme is empty

	location edit.Template // of Location, where it has variables
}

// Respond answers from the balancer itself.
type Respond struct {
	Status      int // 200 to 599
	Body        string
	ContentType string // empty: none is sent
}
