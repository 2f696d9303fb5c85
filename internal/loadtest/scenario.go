package loadtest

// Scenario is one kind of traffic.
type Scenario struct {
	Name   string
	Weight int // its share of the scenarios begun, beside those of the others
	// run opens connections, makes some requests, and closes them. It concludes each.
	run func(w *worker)
}

// Scenarios is the table of all kinds of traffic. A further one is a file with its run function, and a line here.
func Scenarios() []Scenario {
	return []Scenario{
		{"keep-alive", 20, keepAlive},
		{"connection-per-request", 10, onePerConnection},
		{"http10", 5, http10},
		{"pipelined", 8, pipelined},
		{"uploads", 10, uploads},
		{"trailers", 5, trailers},
		{"until-close", 4, untilClose},
		{"head", 4, heads},
		{"expect-continue", 4, expectContinue},
		{"early-hints", 3, earlyHints},
		{"slow-server", 3, slowServer},
		{"tls12", 5, tls12},
		{"tls13", 5, tls13},
		{"tls-resumed", 6, tlsResumed},
		{"compressed", 6, compressed},
		{"sticky", 5, sticky},
		{"websocket", 6, webSocket},
		{"slow-client", 3, slowClient},
		{"slow-reader", 3, slowReader},
		{"client-resets-upload", 3, resetUpload},
		{"client-resets-download", 3, resetDownload},
		{"server-resets-body", 3, serverResets},
		{"server-ends-body-early", 3, serverCloses},
		{"server-gives-no-response", 2, serverSilent},
		{"h2", 12, http2TLS},
		{"h2c", 8, http2Plain},
		{"h2-client-resets", 4, http2Resets},
		{"h2-server-resets", 3, http2ServerResets},
	}
}
