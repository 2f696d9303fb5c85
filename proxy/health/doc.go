// Package health probes servers and says which of them are healthy.
//
// One [Checker] looks after one server: Run probes it, the first time almost at once and then at the interval, counts
// successes and failures through internal/hysteresis, and reports every probe's [Result]. Both nodes of a pair check,
// whoever holds the virtual address, so a takeover finds the verdicts ready. Probes leave from the node's own address.
//
// The verdict of a probe is a text that an operator can act upon ("layer 4 connection refused", "HTTP status 503, want
// 200: "database is away""), since it is what status and log show for a server that is down.
//
// To add a kind of probe: write one file with a type that implements [Kind]. The loop, the counting, jitter and timeout come for free.
//
// Files, in reading order:
//
//	config.go   Check: what the configuration hands in
//	checker.go  Checker: the loop, from probe to Result
//	kinds.go    Kind: a way to probe; probe, outcome
//	place.go    where and how a probe connects, and how connection errors read
//	tcp.go      the connection probe, with TLS or not; talk.go: what is said on it
//	http.go     the HTTP probe, by HTTP/1.1 or HTTP/2; expect.go: what its answer has to be
//	http2.go    a question by HTTP/2
//	grpc.go     the probe that calls grpc.health.v1.Health/Check
//	script.go   the probe that runs a command
package health
