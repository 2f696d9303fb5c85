// Package upstream knows the servers of a backend: who they are, how they are, and which of them may get a request.
//
// A [Server] is identified by backend, name and address, and by its [Link], how it is spoken to: what connections to it may be used
// for follows from that. That identity outlives a reload: requests in flight, totals and
// health stay with the server while the tables around it are replaced. Everything that changes in it is atomic, so any
// number of engines may share it.
//
// A [Pool] is one backend of one configuration: servers with their weights and the balancer that chooses among them. It
// is immutable but for the balancer's own state. Which servers may be chosen is decided here and nowhere else:
//
//  1. those whose health checks say up, as well as servers without checks
//  2. where the checks of no server say so: those whose first check has not ended yet
//  3. never those that are down, and never those of weight 0
//
// Inside each step a server that this request has tried already comes last.
//
// Files, in reading order:
//
//	server.go  Server: identity, slots in flight, totals, health
//	pool.go    Pool: Pick
package upstream
