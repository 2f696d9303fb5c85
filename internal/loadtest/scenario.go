package loadtest

// Scenario is one kind of traffic.
type Scenario struct {
	Name   string
	Weight int  // its share of the scenarios begun, beside those of the others
	HTTP2  bool // it needs HTTP/2 with clients
	// run opens connections, makes some requests, and closes them. It concludes each.
	run func(w *worker)
}

// Scenarios is the table of all kinds of traffic, without those of HTTP/2 where the balancer does not serve it. A further
// one is a file with its run function, and a line here.
func Scenarios(http2 bool) []Scenario {
	var all []Scenario
	for _, s := range []Scenario{
		{"keep-alive", 20, false, keepAlive},
		{"connection-per-request", 10, false, onePerConnection},
		{"http10", 5, false, http10},
		{"pipelined", 8, false, pipelined},
		{"uploads", 10, false, uploads},
		{"trailers", 5, false, trailers},
		{"until-close", 4, false, untilClose},
		{"head", 4, false, heads},
		{"expect-continue", 4, false, expectContinue},
		{"early-hints", 3, false, earlyHints},
		{"slow-server", 3, false, slowServer},
		{"tls12", 5, false, tls12},
		{"tls13", 5, false, tls13},
		{"tls-resumed", 6, false, tlsResumed},
		{"websocket", 6, false, webSocket},
		{"slow-client", 3, false, slowClient},
		{"slow-reader", 3, false, slowReader},
		{"client-resets-upload", 3, false, resetUpload},
		{"client-resets-download", 3, false, resetDownload},
		{"server-resets-body", 3, false, serverResets},
		{"server-ends-body-early", 3, false, serverCloses},
		{"server-gives-no-response", 2, false, serverSilent},
		{"h2", 12, true, http2TLS},
		{"h2c", 8, true, http2Plain},
		{"h2-client-resets", 4, true, http2Resets},
		{"h2-server-resets", 3, true, http2ServerResets},
	} {
		if http2 || !s.HTTP2 {
			all = append(all, s)
		}
	}
	return all
}
