// Package proxy is the balancer: frontends that accept connections, rules that choose a backend, backends whose servers
// are watched and answer.
//
// A connection's way: the engine (package engine) accepts it from the socket of a [listener] while the [Gate] of its address
// lets it, does TLS where its bind says so (packages certs and secure), reads a request and asks package exchange
// what to do. That finds the rule (package rule), the backend, and a server (packages upstream and balance); the engine
// connects and moves the bytes; the record of the exchange comes back here and is counted. Meanwhile package health probes
// every server, whether the gates are open or not, so that a node which takes over knows them.
//
// Addresses that are virtual are bound before the node holds them, and their gates start [Closed]: connections wait in
// the kernel and nobody is refused. All other addresses always serve.
//
// A configuration comes in by [Proxy.Plan], which does all that can fail, and [Proxy.Apply], which cannot. What both the
// old and the new configuration have lives on: sockets, connections, the health of servers, counters, the balancers'
// places. Requests that are under way finish by the configuration they began with. A connection that outlives its bind is
// closed after its response.
//
// [Proxy.Run] serves, from what has been applied before it or is applied meanwhile, until its context ends.
//
// Files, in reading order:
//
//	config.go    Config
//	proxy.go     Proxy: Run and the order of stopping
//	compile.go, pool.go, persistence.go    Config to the tables that exchanges run by
//	plan.go      Plan and Apply
//	listener.go  listener and lane, what the connections of one belong to; listener_linux.go, unix_linux.go: sockets
//	names.go     servers that are looked up by name
//	gate.go      Gate
//	clients.go   what each client may do
//	descriptors_linux.go    how many clients can be served
//	checks.go    health checks, and WatchBackend
//	frontend.go  what is counted for a frontend
//	snapshot.go  Snapshot
package proxy
