// Package engine moves requests from clients to servers and responses back. It is where bytes, protocols and decisions
// meet: sockets are those of package loop, messages are read and written by packages http1 and http2, and what becomes of a request
// package exchange says.
//
// An [Engine] runs one loop for each core. A connection stays on the loop that has accepted it, together with the
// connections to servers that its requests need: they share nothing with other loops and need no locks. A [Listener] hands
// clients to all loops; what a configuration says about them is a [Bind].
//
// In a loop each request is a stream: an exchange.Exchange with an asker on one side and an answerer on the other (sides.go),
// which know nothing of each other's protocol. The sides push: who has received something hands it to the other side, which
// takes all of it, tries to send it, and keeps what the socket did not take. As long as it keeps something it has no room,
// and the first side leaves what follows in the kernel, where the sender's window closes. So no more than one read is ever held
// in between.
//
// Memory that bytes are received in belongs to the loop and is somebody else's with the next call. What has to wait is
// copied to a queue, and an idle connection has none.
//
// In reading order:
//
//	engine.go     Engine: the loops; collect.go: the garbage collector's pace
//	listener.go   Listener and Bind
//	core.go       what one loop owns
//	sides.go      asker, answerer
//	stream.go     one request: what the exchange says is done
//	question.go   a request's head, whichever protocol it came by
//	ask.go, ask2.go    the request as a server gets it, in HTTP/1 and HTTP/2; asking.go: which fields; forwarded.go: what it is told
//	verify.go     requests that have to wait for what takes long
//	gather.go     bodies that are held until they are whole
//	reservoir.go  responses that are held for slow clients, so that their servers are free
//	edits.go      heads as the configuration changes them
//	compressor.go a response that is compressed on its way; squeezers.go: who does that
//	client1.go    a client's HTTP/1 connection: heads, and what it waits for
//	client1_request.go, client1_response.go    the two directions of it
//	carrier.go    what HTTP/2 connections to clients and servers have in common
//	client2.go    a client's HTTP/2 connection: frames, and what is collected to be sent
//	client2_end.go    its deadlines, and the ways in which it ends
//	client2_request.go, client2_response.go    the two directions of one of its streams
//	dial.go       a connection to a server on its way: TCP, TLS
//	server1.go    an HTTP/1 connection to a server
//	server2.go    an HTTP/2 connection to a server, which many requests share
//	server2_end.go    the ways in which it ends
//	server2_request.go, server2_response.go    the two directions of one of its requests
//	session.go    TCP mode: a client's connection and its server's; leg.go: the two directions of it
//	idle.go       connections to servers that wait for a request
//	body.go       framing of bodies
//	queue.go      bytes that wait
package engine
