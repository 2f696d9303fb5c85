// Package drill does what people do to a pair to see whether it works, and measures what a visitor sees of it.
//
// A Pair is two balancers, two web servers and a client in network namespaces (internal/netlab). The client asks every
// 5 ms over a new connection; its Record tells how many requests failed and how long the longest outage was.
//
// In reading order:
//
//	record.go   outcomes, and the Summary of a span of time
//	client.go   the client
//	pair.go     the LAN, the daemons, the servers
package drill
