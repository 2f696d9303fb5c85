// Package poll runs many tasks that talk over TCP on one goroutine, so cheaply that what they talk to is the one who is
// measured.
//
// A task is a function that reads and writes as if that blocked. It is a coroutine: where a socket has nothing to read or
// no room, it gives way to the [Loop], which waits for all of them at once by epoll(7) and comes back to those whose sockets
// have news. So a client is a straight story (connect, shake hands, ask, read the answer), crypto/tls included, and a turn
// costs two switches of stack instead of a goroutine that has to be woken.
//
// It shares nothing with proxy/loop on purpose: what measures must not have the bugs of what is measured.
//
// loop_linux.go has Loop and Task, conn_linux.go and listen_linux.go their sockets.
package poll
