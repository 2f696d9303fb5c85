// Package rate bounds what clients may do, each known by its address: how often they ask, how many connections they have, and how often
// they make one.
//
// A [Table] knows clients. It has a fixed size, and all loops share it: clients are found in sets of eight, each of which has a lock of its
// own, so that loops hardly ever meet. Of each client it keeps the time until which it has used up what a [Pace] lets it do (the generic cell
// rate algorithm of ITU-T I.371, by virtual scheduling), and how many connections it has: 32 octets, and nothing is allocated for it.
//
// Where a set is full the client is forgotten that is nearest to having used up nothing, and no connections; a client that could have a
// place only at the cost of others who have connections gets none, and is not bounded. So whatever addresses an attacker has, others are
// never refused for want of room, and the clients that do most are known for longest.
//
// All is pure: the time is an argument.
//
//	config.go    Requests and Connections: what a configuration says
//	pace.go      Pace: how often
//	table.go     Table
package rate
