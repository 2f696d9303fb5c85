// Package loadtest loads a balancer with every kind of traffic and knows of each request what must come of it. It is for
// tests of whole daemons (internal/e2e) and imports none of the daemon's packages: what it sends is written by hand or by
// net/http, and what comes is read by net/http, so that no mistake of Tandem's own codecs can hide another.
//
// A request carries its script in its target: what the server behind the balancer is to do with it (a body of so many
// octets, in chunks, slowly, cut off in the middle). Both bodies are made from the request's number at one end and
// compared octet by octet at the other. So an answer is right, or it is an error; and an error is expected (the script
// says so), explained (a server that had the request has died), or a failure that is printed with its target, which is
// all that it takes to send it again.
//
//	origins, err := loadtest.NewOrigins(ctx, addresses, listen)
//	report := loadtest.NewReport()
//	loadtest.Run(ctx, loadtest.Config{
//		Target: target, Origins: origins, Scenarios: loadtest.Scenarios(), Workers: 24, Seed: 1, Report: report,
//	})
//	failures, all := report.Failures()
//
// The same seed draws the same requests for each worker. Everything is bounded: requests by half a minute, failures kept
// by number, scenarios by the requests that they make.
//
// Files, in reading order:
//
//	script.go     what a request asks of its server, as a target
//	body.go       octets that both ends know
//	origin.go     one server; origins.go: all of them, their deaths, and what those explain
//	scenario.go   Scenario and the table of all kinds of traffic
//	kind_*.go     one kind of traffic each
//	conn.go       a client's HTTP/1 connection
//	run.go        Config, Run and the worker that plays scenarios
//	report.go     Report and Failure; errors.go: kinds of errors
//	flood.go      Flood, the table of floods, and a flood's connections; flood_*.go: what they send
//	flooder_linux.go   a flood in a process of its own
//	steady.go     Steady: traffic at a rate of its own; latency.go: how long it took
//	hold_linux.go Hold: many idle connections in a process of its own
//	pauses.go     Pauses: when this program itself did not run
//	process_linux.go   what a process has open and in memory
package loadtest
