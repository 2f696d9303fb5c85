// Package load asks a proxy for the same resource again and again, as many clients at once, and checks every answer: its
// status, the length of its body, and with TLS the cipher suite and whether the session was resumed as asked for.
//
// [Run] measures. Without a rate it is a closed loop: a client asks again as soon as it has its answer, which shows what a
// request costs a proxy that is never idle. With a rate it is an open one: requests fall due by the clock, whether earlier ones
// were answered or not, and the time of each counts from when it was due. So a proxy that stalls is charged for all who
// came meanwhile, and not only for those clients who were waiting.
//
// [Hold] opens connections, has one answer on each, and keeps them, to see what an idle connection costs.
//
// In reading order:
//
//	config.go        what is asked for, and what came of it
//	run_linux.go     Run: the window of time, and counting
//	visitor_linux.go one client: connect, ask, read
//	hold_linux.go    Hold
//	pace.go          when requests of an open loop fall due
//	response.go, chunks.go   HTTP/1 responses
//	secure_linux.go  TLS
//	http2_linux.go, asker.go, frames.go   many requests at once on a connection of HTTP/2
package load
