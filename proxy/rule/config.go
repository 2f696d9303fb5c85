package rule

import "net/netip"

// Rule takes a request that matches and says what becomes of it. Exactly one of Backend, Redirect and Respond is set.
type Rule struct {
	Match    Match
	Backend  string
	Redirect *Redirect
	Respond  *Respond
	NoLog    bool // requests taken by this rule leave no access log line
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
	Location string // a whole URL or an absolute path; used where Scheme is empty
}

// Respond answers from the balancer itself.
type Respond struct {
	Status      int // 200 to 599
	Body        string
	ContentType string // empty: none is sent
}
