// Package loop moves bytes for many sockets in one goroutine. It knows nothing of what they mean.
//
// A [Loop] owns sockets. It waits until the kernel says that some can be read or written, or a deadline has passed, and calls
// their [Handler], which reads, writes, closes and opens sockets by the Loop's methods and returns soon: while it runs, every
// other socket of the Loop waits. There is one Loop for each core that serves, and they share nothing but listening
// sockets.
//
// Sockets are known by [Ref], an index and a generation, and never by descriptor: a Ref of a socket that was closed
// names nothing any more, whoever has its descriptor now. Only the goroutine in Run touches a Loop's sockets. Others ask it by
// [Loop.Post].
//
// A socket is registered once, edge-triggered, and what the kernel said is kept: a Handler that leaves bytes where they are, to slow
// down who sends them, comes back to them when it likes. A read that came short has drained the socket, and a write that did has filled it, so the
// ones that would find nothing are saved. Deadlines are coarse, a tick long, and cost a store to move on.
//
// A pass first notes what the kernel said of all sockets, then calls the Handlers of those, of who asked for another turn, of
// deadlines that have passed, then what was posted, and at its end who has to settle.
//
// The kernel is an interface, [Kernel]. Package looptest has one in memory, in which every read can come short, every write be
// partial, every descriptor be used again at once.
//
// In reading order:
//
//	kernel.go        Kernel, what a Loop needs of the system
//	loop.go          Loop: New, Run, Post
//	sockets.go       Ref, the table of sockets, Handler
//	pages.go         what the table grows by
//	io.go            Recv, Send, CloseWrite, Close
//	open.go          Accept and Connect
//	watch.go         clients that need not be watched
//	settle.go        what is done once at the end of a pass
//	pipe.go          bytes from socket to socket without a copy
//	wheel.go         deadlines; pure
//	lag.go           how long sockets had to wait
//	kernel_linux.go  the Kernel of Linux, with calls_linux.go and pipe_linux.go
package loop
