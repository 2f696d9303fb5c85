// Package rule decides which rule of a frontend takes a request, and what path the request has.
//
// Both answers belong together: a router that reads one path and forwards another can be talked past (a rule for
// /admin/ that "/%61dmin/" or "/x/../admin/" slips by). So [CanonicalPath] is called once for each request; its result
// is what [Table.Find] matches and what the server receives, byte for byte. A path that servers are known to read in
// different ways is refused with a [PathError] and never guessed at.
//
// The package is pure: no clock, no I/O, no goroutines, and no allocation for a request whose path is canonical already and whose query
// is not escaped where a rule asks for it.
//
// Files, in reading order:
//
//	config.go     Rule, Match, Redirect, Respond: what the configuration hands in
//	path.go       CanonicalPath
//	request.go    Request: what is matched
//	condition.go  a Match as it is evaluated; values.go has headers, cookies and queries, networks.go addresses
//	table.go      Compile and Table.Find: first match wins
//	index.go      which rules are looked at at all; prefixes.go by paths
//	rewrite.go    Rewrite: what servers are asked for instead
//	dictionary.go what files of maps say
//	check.go      what Compile refuses
//	redirect.go   Redirect.Target
package rule
