// Package secure is TLS for an event loop: crypto/tls over memory, on which nothing blocks. It knows no descriptors, no clock and no
// HTTP.
//
// A [Conn] is one side of a connection, of either role. Its owner, one goroutine, gives it the ciphertext that came and sends the
// ciphertext that it makes:
//
//	c := secure.Server(config, buffers)
//	c.Start(handshaker, func() { l.Post(progress) })   // and a deadline for the socket
//
//	ready:     n := recv(scratch)                      // the socket has something
//	           more := c.Feed(scratch[:n])             // handshake: more false means leave the rest in the socket until Poll
//	           if !handshaken { return }
//	           for {
//	               n, err := c.Read(plain)             // 16 KB or more in plain
//	               if err != nil { break }             // ErrAgain: all is read. io.EOF, ErrTruncated, anything else: it ends
//	               use(plain[:n])                      // cannot take more: c.Keep(), and Read again later, before the next Feed
//	           }
//	           flush
//	the end of the socket's bytes:                     // recv said so
//	           c.End(), then Read as above: ErrTruncated unless close_notify came before
//	progress:  done, err := c.Poll()                   // called by notify: the handshake has something to send, or is over
//	           flush
//	           if err != nil { count(err.(*Failure).Reason); close }
//	           if done { look at c.Info(); Read as above: data may have come with the handshake's end }
//	write:     c.Write(a); c.Write(b); flush           // both leave in one send
//	flush:     c.Sent(send(c.Out()))                   // what is left stays until the socket has room
//	close:     c.CloseNotify(); flush; c.Close()       // in any state; without it memory and a coroutine stay behind
//
// After every Read there may be something to send, for TLS answers on its own: alerts, the answer to a KeyUpdate. An owner whose socket
// takes no more stops reading too, so that nobody makes it collect such answers.
//
// What does not fit into memory that is there comes from the owner's [Buffers], and goes back when it is sent or read. A Conn that
// is idle holds none.
//
// A handshake of crypto/tls can only block. So it runs as a coroutine on the workers of a [Handshaker], a few processors' worth; where
// it would wait for the other side it hands back to the worker, and goes on when whole records have come. Deadlines are the owner's:
// it calls Close. Where too many are open, the one that has waited longest for the other side ends. Why a handshake failed is a
// [Reason].
//
// That crypto/tls can be used like this is not in its documentation, but the tests of this package hold what it rests on: that an error
// which is a temporary net.Error itself passes, that a write to memory which never fails never tears the stream.
//
// In reading order:
//
//	conn.go        Conn: the contract
//	wire.go        what crypto/tls takes for the network
//	inside_linux.go  the memory that crypto/tls keeps, and how it is taken away
//	record.go      where records and a client's hello end
//	buffers.go     Buffers, FreeList
//	handshaker.go  Handshaker: workers and turns
//	handshake.go   one handshake: a coroutine
//	queue.go       lines of handshakes
//	reason.go      why handshakes fail
package secure
