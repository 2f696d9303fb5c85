// Package balance picks the server for a request.
//
// A [Balancer] knows servers as indices with weights. Whether a server is up, full, a backup, recovering or tried already is the
// caller's knowledge, which it tells in one way: a server that shall get nothing has weight 0 for as long as that lasts. So every
// algorithm can do all of that without a line of its own. Algorithms that want to know more say so by what they implement: [Loaded] goes by
// requests in flight, [Timed] by how long servers take.
//
// What a balancer promises, whatever the algorithm: it picks no server of weight 0, it returns -1 where that leaves none, a pick does
// not allocate, and what a pick or a change costs grows at most with the logarithm of the number of servers. A server whose weight is
// taken away and given back, as for a retry, is as it was before.
//
// The package is pure: no clock, no I/O, no goroutines.
//
// To add an algorithm: write one file with a type that implements Balancer and a constructor that takes the Config, and add its line to the
// table in algorithms.go. The configuration, its reference and its errors know it by that, and balance_test.go holds it to the promises
// above. How it distributes is for a test of its own, as in round_robin_test.go.
//
// Files, in reading order:
//
//	algorithms.go   Balancer, New and the one table of algorithms
//	key.go          what requests are known by, and its hash
//	heap.go         servers in an order that changes one by one
//	round_robin.go  smooth weighted round robin
//	least_conn.go   fewest requests in flight
//	latency.go      how long a server takes; least_time.go: who answers first
//	random.go       two by chance, and the better of them
//	hash.go         a server for each key, with or without a bound for its load
//	rendezvous.go   how, among few servers
//	ring.go         how, among many; marks.go: sets of numbers that find the next one
//	first.go        the first that there is
package balance
