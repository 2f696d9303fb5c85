package rule

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
	Host       string // exact host name without port, compared in lower case
	Path       string // exact canonical path
	PathPrefix string // canonical path prefix, by bytes as HAProxy's path_beg
	TLS        *bool  // whether the client's connection is TLS
	Not        *Match // must not match
}

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
