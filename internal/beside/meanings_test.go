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
	unreadBody     = "A request that is answered without its body being read costs the connection: `Connection: close`, as with redirects of HAProxy. Its `deny`, and nginx, read what they do not want, so as to go on."
)

// What the differences of messages mean.
const (
	serversGet11     = "Servers are asked in HTTP/1.1, whatever the client speaks, as nginx does with `proxy_http_version 1.1`. HAProxy asks them in the client's version."
	chunksForOld     = "A client of HTTP/1.0 gets no chunks, as with nginx. HAProxy sends them on."
	untilClose       = "A response that its server ends by closing comes in chunks, and the client's connection is kept, as with nginx. HAProxy closes it, too."
	noKeepAlive      = "Clients of HTTP/1.1 are not told `Connection: keep-alive`, which is understood. HAProxy tells them where the server speaks HTTP/1.0."
	hopByHop         = "Fields that concern one connection alone go no further: what `Connection` names, `Keep-Alive`, `Proxy-Connection`, `Upgrade` beside no upgrade (RFC 9110 section 7.6.1). HAProxy passes them on but for `TE`, nginx what it does not know."
	sharedConns      = "Idle connections to servers are for the next request of any client, as with nginx. HAProxy asks a client's first request over one that is new, unless `http-reuse` says otherwise."
	headCoding       = "A response to HEAD says nothing of chunks that it would have, as with nginx."
	lengthOfChunks   = "A body in chunks goes on in chunks while it comes, as in HAProxy. nginx takes all of it first, and says its length."
	noTrailers       = "Trailers pass in both directions, as in HAProxy. nginx drops them."
	connectionTE     = "`TE: trailers` goes on with the `Connection: TE` that RFC 9110 section 10.1.4 wants. HAProxy leaves that out."
	continueByServer = "Whether to go on after `Expect: 100-continue` is for the server to say, as in HAProxy. nginx says it by itself."
	otherExpect      = "An expectation besides 100-continue is refused with 417. HAProxy passes it on, nginx drops it."
	upgradeWord      = "A switch of protocols is answered with `Connection: upgrade`, as by nginx. HAProxy keeps the server's spelling."
	upgradeHalf      = "In an upgraded connection each direction ends by itself, as in HAProxy. nginx ends both."
	noH2C            = "`Upgrade: h2c` never reaches a server, which might then speak what nobody here reads."
	noTrace          = "TRACE and CONNECT are refused with 501: the one shows what others have added, the other is for proxies of another kind. HAProxy passes both on; nginx refuses them with 405 and 400."
	optionsAll       = "`OPTIONS *` goes to the server, as in HAProxy. nginx refuses it."
	emptyLines       = "One empty line before a request is skipped (RFC 9112 section 2.2), more of them are refused. The others skip any number."
	orderOfLength    = "Fields keep their order, but for `Content-Length` and what else frames a message, which stand last. In HAProxy these keep theirs too."
	orderNginx       = "Fields keep their order, and `Server` is that of the server. nginx puts those that it knows first, with its own name and `Connection: keep-alive` in every response."
	caseOfNames      = "Names of fields stay as they were written. HAProxy writes them in lower case, nginx writes those that it knows as it likes."
	underscores      = "Names with underscores pass, as in HAProxy. nginx drops such fields."
)

// What the differences of faults mean.
const (
	silent408     = "Who does not send a request, or all of it, in time is told so by 408, as by HAProxy. nginx closes without a word."
	bodyTimeout   = "A body that stops is the client's fault, and answered with 408 after `timeouts.client`. HAProxy 2.6 waits for its server until `timeout server`, and says 504."
	halfClosed    = "Who ends what it sends is taken for gone, in a request and before its response, as with HAProxy's `option abortonclose`: what is under way ends, and the connection is reset. HAProxy without that option answers; nginx closes."
	abortResets   = "A response that its server does not finish ends by a reset of the client's connection, so that nobody takes a part for the whole. The others close it. nginx holds back what it has of the body."
	strictServers = "What a server sends has to be HTTP to the letter, or the answer is 502. nginx passes on odd statuses and two lengths, and what is no HTTP; both others take a length beside chunks."
	largerHeads   = "Heads may have up to 64 KiB, lines among them. HAProxy takes 15 KiB, nginx 8 KiB a line of a request and 4 KiB of response, unless they are told otherwise."
	connect503    = "A server that cannot be connected to makes 503, as in HAProxy; in nginx 502, or 504 when time has run out."
	keptClosed    = "A request that meets the end of a kept connection of its server is sent again over a new one, if it may be sent twice, as by nginx. HAProxy closes the client's connection."
	connectCloses = "The client's connection goes on after a 503 for a server that did not answer. HAProxy closes it, without having said so."
	strictClients = "Requests have to be HTTP/1.0 or 1.1 to the letter, or the answer is 400 (505 for other versions): one Host, that of the target if that has one; one length, and no chunks beside it; no folded lines. HAProxy mends some of these, nginx others."
	unknownCoding = "A coding besides chunked is 501, as in nginx. HAProxy says 422."
	targetStatus  = "A target that is too long is 414, as in nginx. HAProxy says 400."
	ownPages      = "The pages say the same in words of their own, with `Cache-Control: no-cache` as those of HAProxy do, which nginx leaves out."
)

// What the differences of answers mean.
const (
	emptyRedirects   = "Redirects have no body, and those that are not for good say `Cache-Control: no-cache`, as in HAProxy. nginx writes a page."
	noPort           = "A redirect to https leaves out the port of the host, which is that of plain HTTP, as nginx' `$host` does. HAProxy keeps it."
	canonicalTo      = "A redirect to https names the canonical path. The others name what came."
	relativeLocation = "Location is what the configuration says, as in HAProxy. nginx makes a whole URL of a path, with the port that it listens on."
	oneContentType   = "A response has one Content-Type. nginx' `add_header` adds another."
	monitorPath      = "`monitor` answers in plain text, for its path with any query. HAProxy answers in HTML, and compares the whole target."
	pageCharset      = "Error pages of files say that they are in UTF-8, and that they are not to be cached."
)

// What the differences of headers mean.
const (
	replaceParts   = "`replace` changes what its expression finds, wherever that is. HAProxy's `replace-header` puts the new text in place of the whole value."
	noEmptyField   = "A field whose value comes out empty is not sent, as in nginx. HAProxy sends it empty."
	firstOfSeveral = "A variable for a field that comes several times is the first of them, as in nginx 1.22. HAProxy's `req.fhdr` is the last."
	setReplaces    = "`set` replaces what the server says, as in HAProxy. nginx' `add_header` joins it."
	setEverywhere  = "Headers of responses are set in the balancer's own too, as by HAProxy's `http-after-response` and nginx' `always`, unless `always: false` says otherwise."
	noPlainHSTS    = "Strict-Transport-Security is not told to clients without TLS (RFC 6797 section 7.2)."
)

// What the differences of what is told of clients mean.
const (
	nobodyMakesUp = "What a client tells in X-Forwarded-For goes, unless it is one of `trusted_proxies`. HAProxy and nginx pass on what anybody tells."
	oneField      = "X-Forwarded-For is one field, whose list the client's address joins, as in nginx. HAProxy adds a field."
)

// What the differences of passwords mean.
const utf8Passwords = "Who is asked for a password is told that it is in UTF-8 (RFC 7617 section 2.1)."

// What the differences of compression mean.
const (
	anyCoding      = "`Accept-Encoding: *` takes gzip, too, as in HAProxy. nginx wants it to be named."
	varyForAll     = "`Vary: Accept-Encoding` is told to those that take nothing, too, as by nginx: a cache has to know it of each of the representations."
	refusedCoding  = "`gzip;q=0.000, *` refuses gzip. HAProxy compresses for it."
	leastSize      = "Bodies below `min_size` are left as they are, as below nginx' `gzip_min_length`. HAProxy 2.6 compresses any."
	headAsItCame   = "Responses to HEAD are left as they are, as in HAProxy. nginx says what it would say of a GET."
	anyStatus      = "Responses of every status are compressed, but for parts and redirects. HAProxy compresses 200, nginx 403 and 404 as well."
	noTransform    = "`Cache-Control: no-transform` is obeyed, as in HAProxy. nginx does not look at it."
	orderOfVary    = "`Vary` of the server comes before the one that is added. nginx puts its own first."
	noRangesInGzip = "What is compressed says no `Accept-Ranges`, as in nginx: a part of it cannot be had."
)

// What the differences of balancing mean.
const (
	orderOfTurns   = "The order of turns by weight is nginx': 3:2:1 goes 1 2 1 3 2 1. HAProxy's is another one, with the same shares."
	idleLeast      = "`least_conn` breaks ties by weight, as nginx does: an idle site distributes 3:2:1. HAProxy breaks them in turn."
	threeOctets    = "`source` takes the whole address, as HAProxy does. nginx' `ip_hash` takes three octets of IPv4, so that a network has one server."
	backupsRefused = "A request that all other servers have refused goes to a backup, as in nginx. HAProxy waits for its checks to say so."
)

// What the differences of retries mean.
const (
	retryNoTurn = "A server that gets a request again has its next turn all the same. In HAProxy it was its turn."
	retryPost   = "A POST that a server got is never sent again, as in nginx unless it says `non_idempotent`. HAProxy sends it again."
	nobodyLeft  = "While all servers are ejected all are used. nginx answers 502 at once for a while."
)

// What the differences of TCP mode and the PROXY protocol mean.
const (
	tcpResets     = "A session that its server resets, that no server can be connected for, or that was silent for too long ends by a reset, so that nobody takes it for an orderly end. HAProxy closes it."
	unknownClient = "A header of the PROXY protocol that names nobody leaves the address of the connection, as in HAProxy. For nginx' `$proxy_protocol_addr` it is nothing."
	strictProxy   = "A header of the PROXY protocol with a malformed address is refused. HAProxy makes an address of it, nginx passes it on."
	proxyAbsent   = "Who does not send the header that is due is reset, as by HAProxy. nginx closes."
	proxyOnce     = "A connection to a server that is told of its client carries one request. HAProxy keeps it for that client's next ones."
)

// What the differences of TLS mean.
const (
	otherALPN  = "Who offers only protocols that are not spoken is refused (RFC 7301 section 3.2), as by nginx. HAProxy goes on without."
	plainOnTLS = "Who speaks without TLS where it is due is cut off, as by HAProxy. nginx answers 400 without TLS."
)
