// Package upstream knows the servers of a backend: who they are, how they are, and which of them may get a request.
//
// A [Server] is identified by backend, name and address, and by its [Link], how it is spoken to: what connections to it may be used
// for follows from that. That identity outlives a reload: requests in flight, totals and
// health stay with the server while the tables around it are replaced. Everything that changes in it is atomic, so any
// number of engines may share it.
//
// A [Pool] is one backend of one configuration: its members, and the balancer that chooses among them. Which of them may be chosen
// is decided here and nowhere else. They are the first of these groups that is not empty, and servers of weight 0 are in none:
//
//  1. those whose health checks say up, as well as servers without checks
//  2. those whose first check has not ended yet
//  3. backups that are up
//  4. backups whose first check has not ended yet
//  5. those of 1 that are held back: ejected for what requests have met (passive checks), or in doubt while a probe is under way
//  6. backups of that kind
//
// Where those that are held back leave too few of the first two groups they are among them all the same.
//
// Of the group those get nothing that have as many requests as they may, and those that have just come back get less for a while
// (slow start). A request that a server of the group has failed goes to another of them, then to a backup, then to one that is held
// back, and to the same server only if there is none of these.
//
// Where servers have limits, requests that come when those are reached wait in a [Queue], which outlives the pool as the servers do.
//
// The servers tell the pool that is attached what changes in them, so that a choice looks at none but those that the balancer looks
// at. Until a pool is attached, and after another one has taken its place, it looks at all of them each time.
//
// Files, in reading order:
//
//	server.go      Server: identity, slots in flight, totals, health
//	member.go      Member: a server as one configuration has it, and its group
//	pool.go        Pool: Pick
//	standing.go    what the balancer is told, when something changes
//	hold.go        why a server is held back, and who is told
//	outlier.go     ejecting servers that fail requests, and trying them again
//	slow_start.go  weights that grow
//	queue.go       Queue: requests that wait for a server; line.go: in which order
package upstream
