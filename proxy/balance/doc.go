// Package balance picks the server for a request.
//
// A [Balancer] knows servers only as indices with weights. Whether a server is up, full or already tried is the caller's
// knowledge, passed as a function with each pick: health belongs to the server, not to the algorithm. What a balancer
// promises, whatever the algorithm: it never returns a server that is not eligible or that has weight 0, it returns -1
// where that leaves none, it asks about each server at most once, and it does not allocate.
//
// The package is pure: no clock, no I/O, no goroutines.
//
// To add an algorithm: write one file with a type that implements Balancer and a constructor that takes the weights,
// add its line to the table in algorithms.go, and add its name to the cases of balance_test.go, which hold every algorithm to
// the promises above. How it distributes is for a test of its own, as in round_robin_test.go.
//
// Files, in reading order:
//
//	algorithms.go   Balancer, New and the one table of algorithms
//	round_robin.go  smooth weighted round robin
package balance
