// Package exchange decides what becomes of one request: which rule takes it, which server gets it, whether a failed
// connection is tried again and where, which status the client sees, and what the accounting record says.
//
// It is pure: no I/O, no clock, no goroutines. An engine owns the connections; it tells an [Exchange] what happened and
// when, and does what comes back:
//
//	Start                           the first byte of a request is there
//	Step(now, Request)    Connect   the head is complete; a server is chosen and its slot taken
//	Step(now, Connected)  Send      forward the request
//	Step(now, Head)       Forward   forward the response
//	Step(now, Finished)   Done      the record is complete
//
// A rule or a fault leads to Respond instead, an answer of the balancer itself; after a fault that comes too late for
// one the client's connection is aborted, so that nobody takes half a response for a whole one. Each exchange ends with
// Done or Abort, exactly once, with its [Record]; from then on it holds no slot of any server.
//
// The statuses: 503 where no server may be used or none can be connected to (also when connecting timed out, as HAProxy
// answers; nginx says 504), 502 where a server closes or talks nonsense before its response head, 504 where it stays
// silent, 408 where the client does.
//
// Where all servers have as many requests as they may a request waits in the backend's queue, which tells the engine when its turn has come:
//
//	Step(now, Request)    Queue     there is no room; the engine waits
//	Step(now, Turn)       Connect   a server was given to it
//
// It gets 503 when that does not happen in time.
//
// Only connecting is tried again unless the configuration says more (Repeat): once a byte of a request has been sent nobody knows what the
// server did with it. The first retry goes to another server where there is one, unless the request belongs to the one that it had: then
// the last one does. On the server that has just refused it waits
// min(connect timeout, 1 s) first, so that a restart can be bridged.
//
// In TCP mode a whole connection is one exchange, which begins with Opened, is a Tunnel when it is connected, and gets no answers:
//
//	Step(now, Opened)     Connect   the client's connection stands, its TLS too
//	Step(now, Connected)  Tunnel    move bytes in both directions
//	Step(now, Finished)   Done      both sides have ended
//
// Files, in reading order:
//
//	route.go     Frontend and Backend: what the configuration says about exchanges, compiled
//	target.go    which requests are fit to be routed
//	client.go    who the client is, and what the request is called
//	split.go     Split: backends that share requests; directory.go: backends that a file chooses from
//	gather.go    bodies that have to come before a server is looked for
//	auth.go      Realm: who has to say who they are
//	edits.go     what is changed in heads; facts.go: what variables stand for there
//	pages.go     error pages, and the monitor
//	key.go       what a request is known by where servers are chosen by that
//	persist.go   whom a request belongs to
//	forwarded.go Forwarded: what servers are told about clients
//	event.go     Event: what an engine tells
//	action.go    Action and Reply: what it is to do
//	record.go    Record: what is counted and logged; details.go: what is logged alone
//	step.go      Exchange.Step; exchange.go: what each state makes of it; decide.go: where a request goes
//	queue.go     waiting for a server that has room
//	rate.go      clients that ask too often
//	repeat.go    requests that are sent again; budget.go: not too many
//	timing.go    what servers are told of how long they take
//	session.go   what is different in TCP mode
//	ends.go      the ways in which an exchange ends
package exchange
