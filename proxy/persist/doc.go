// Package persist sends clients back to the server that they were sent to before: by a cookie that names it, or by where they come from.
//
// A [Cookie] is what the configuration says of one, with the servers of a backend. It reads what a request carries, which gives a [Visit]
// and the servers that the request belongs to, takes out of the request what servers are not to see, and says by a [Response] what becomes
// of the head of the response. Names, dates and what is logged are HAProxy's, so that clients keep their servers when one takes the other's
// place; with a secret names and dates are sealed, alike on all nodes that have the same one.
//
// [Sources] remembers which server a client had, by its address, for so many clients and so long.
//
// Both only say whom a request belongs to. Whether that one may be used is for upstream.Pool to say, and what follows for package exchange.
//
// Cookies are pure: no clock, no I/O, nothing that changes. Sources are safe for concurrent use.
//
// Files, in reading order:
//
//	config.go    Config, and what is wrong with one
//	cookie.go    Cookie: what servers are called
//	read.go      what a request says: Visit
//	dates.go     since when, and when last
//	seal.go      names and dates that nobody can make up
//	request.go   what a server gets to see of it
//	response.go  what the client gets: Response
//	control.go   Cache-Control of a response with a cookie
//	sources.go   Sources; part.go: a table of them
package persist
