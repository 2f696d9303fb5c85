// Package resolve finds the addresses of servers by name: from /etc/hosts, and by DNS (RFC 1035), for services by SRV records (RFC 2782).
//
// A [Resolver] is told by [Resolver.Apply] what is asked for, and keeps the answers in the background as long as [Resolver.Run] runs: each
// [Query] is asked again when the time to live of its answer has passed. Nothing waits for it. Where DNS fails the last good answer is
// kept, as long as the [Config] says; what is known, when it is asked for next and what went wrong last is told by [Resolver.State].
//
// [Assign] gives addresses to the slots of a pool, so that one that stays keeps its slot.
//
// Answers come from strangers: one counts only if it comes from the address that was asked, to the port that the question left from, with
// its ID and the question itself; all else is counted and ignored. Each question has a socket, and so a port that the kernel chose, of its
// own, and an ID by chance.
//
// Files, in reading order:
//
//	query.go     Query, Endpoint, Config
//	record.go    what is known of one query, and when it is asked again: pure
//	resolver.go  Resolver: Apply, State; run.go: Run
//	lookup.go    one query: search, families, services and their hosts
//	answer.go    what a message answers: pure, fuzzed
//	exchange.go  one question to one nameserver after the other
//	system.go    /etc/resolv.conf and /etc/hosts, read again when they change
//	assign.go    Assign
package resolve
