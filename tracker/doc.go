// Package tracker watches the things that move an instance's priority.
//
// A tracker is a script, a network interface, a backend of the balancer, a gateway or a file. Each runs once on a node,
// however many instances bind it, and ends in a State: Unknown until its first result, then Up or Down. An instance binds
// it with a weight, and Tally adds the weights up: positive is added while up, negative is subtracted while down, and 0
// means FAULT while down, or while nothing is known yet. A file has a number besides: its weight is a factor.
//
// In reading order:
//
//	config.go        what is watched (ID, Script, File, Gateway) and what an instance makes of it (Binding)
//	state.go         State, and track, which turns observations into States; pure
//	tally.go         base priority and States into an Outcome; pure
//	kinds.go         the one table of kinds, and Sources: what they look at
//	script.go        a command: interval, deadline, no overlap
//	interface.go     a network interface: existence and carrier
//	backend.go       healthy servers of a backend
//	file.go          a number in a file; file_linux.go: the kernel says when to look
//	gateway.go       a neighbour that answers ARP; gateway_nd.go: one of IPv6; gateway_linux.go: one question on the wire
//	set.go           Set: runs what the bindings need, and replaces only what a reload changed
//	links.go         Links: the interfaces of this node, from one netlink subscription
//	links_linux.go   that subscription
//
// A new kind is one file with a watcher, its test, and one line in kinds.go.
//
// The package starts no process and checks no server: Runner and Backends are declared here and filled in by the
// daemon. Decisions take the time as an argument; only the watchers, Set and Links read the clock.
package tracker
