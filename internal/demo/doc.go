// Package demo is `tandem demo`: a pair of balancers, two servers and a client in network namespaces, to which
// everything happens that people do to a new pair to see whether it works. While it runs it shows who holds the virtual
// address and what the client sees; at the end it prints a table of what each fault cost, beside its bound.
//
// In reading order:
//
//	faults.go   the list of faults: what is done, what it may cost, how it is undone
//	demo.go     Run: one fault after the other, and the verdict
//	live.go     the line that shows what goes on
//	table.go    the table at the end
package demo
