package beside

// What the differences of rules mean.
const (
	finalDot       = "A final dot of a host means nothing: `b.test.` is `b.test`, as for nginx. HAProxy compares it."
	originForm     = "Servers are asked for a path, and the host is in Host, also where a client has named a whole URL. HAProxy passes the URL on."
	onePath        = "A path is brought into its one canonical form (`/%61` is `/a`, `/x/../y` is `/y`, nothing is above the root) before rules see it, and servers are asked for that. HAProxy compares and passes on what came; nginx compares the canonical form and passes on what came, and refuses what leads above the root."
	ambiguousPath  = "What servers are known to read in different ways, such as `%2F`, is refused with 400. Both others pass it on, for the server to read it another way than the rules did."
	emptySegments  = "`//` stays `//`, as in HAProxy. nginx compares as if it were one slash."
	noLocation     = "What nothing says otherwise of goes to `default_backend`. nginx looks for a file if no location fits."
	oneOfSeveral   = "Of several fields or parameters of a name one has to be as a rule says, as in HAProxy. nginx looks at the first alone."
	wholeValues    = "A rule sees a field's value as a whole, as `req.fhdr` does. HAProxy's `req.hdr` parts it by commas."
	emptyIsThere   = "A field without a value is there, as in HAProxy. For nginx it is not."
	caseOfQueries  = "Parameters are known by their exact names, as in HAProxy. nginx's `$arg_` makes no difference between upper and lower case."
	unescapedQuery = "Parameters are compared by what they stand for. The others compare them as they were escaped, so that one escape gets around a rule."
	firstRule      = "The first rule that matches decides, as in HAProxy. nginx takes the most specific location."
	unreadBody     = "A request that is answered without its body being read costs the connection: `Connection: close`. The others read what they do not want, so as to go on."
)
