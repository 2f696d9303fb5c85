package loop

import (
	"net/netip"
	"syscall"
	"time"
)

// Kernel is what a Loop needs of the system: sockets that never block, and word of what can be done with them. Descriptors
// are numbers that it may give again as soon as they are closed. No call but Wait blocks. An error is a syscall.Errno.
//
// Only the Loop's goroutine calls, but for Wake.
type Kernel interface {
	// Wait fills events with what has happened since the last call. Where nothing has it waits for timeout at most; below 0: as
	// long as it takes; 0: not at all. Wake ends it, by an event with the key Woken.
	Wait(events []Event, timeout time.Duration) (n int, err error)
	// Wake ends a Wait, this one or the next. Any goroutine may call it.
	Wake()
	// Watch has Wait tell of each change of a socket under the given key, once for each; Listen does so for a listening
	// socket, again and again while clients wait, and tells one of all Kernels that share it.
	Watch(fd int, key uint64) error
	Listen(fd int, key uint64) error
	// Forget undoes Listen.
	Forget(fd int) error

	// Accept takes a client from a listening socket: EAGAIN when none waits.
	Accept(fd int) (client int, from netip.AddrPort, err error)
	// Connect begins to connect: EINPROGRESS is success. Error tells what came of it when the socket can be written.
	Connect(to netip.AddrPort) (fd int, err error)
	// ConnectUnix does so to a Unix socket: a path, or @ and a name. EAGAIN is one whose backlog is full.
	ConnectUnix(path string) (fd int, err error)
	Error(fd int) error
	// Local is what a socket is bound to; zero where that is no address of the network.
	Local(fd int) netip.AddrPort
	Recv(fd int, b []byte) (n int, err error)
	// Send writes, and Send2 a and then b in one go. more says that something follows at once, which what does not fill a
	// segment waits for: other octets, CloseWrite or Close.
	Send(fd int, b []byte, more bool) (n int, err error)
	Send2(fd int, a, b []byte, more bool) (n int, err error)
	CloseWrite(fd int) error
	// Unacked is how many octets of those that were sent the other side's kernel has not acknowledged, as far as is known, and how many
	// of these have not left: it has no room for them, or the network not yet.
	Unacked(fd int) (octets, unsent int, err error)
	// Close closes a socket, with a reset instead of an orderly end where reset says so.
	Close(fd int, reset bool) error

	// Pipe opens a pipe that holds size octets, or what the kernel grants instead.
	Pipe(size int) (read, write, granted int, err error)
	// Splice moves octets between a socket and a pipe. EAGAIN says that one has none or the other no room.
	Splice(from, to, most int) (n int, err error)

	// Now is a clock that never goes back.
	Now() time.Duration
	CloseAll() error // gives back what is the Kernel's own, not the sockets
}

// Woken is the key of the event that tells of Wake. No socket has it.
const Woken = ^uint64(0)

// Event says what happened to a socket.
type Event struct {
	Key uint64
	What
}

// What is a set of things that a socket is ready for.
type What uint8

// The things.
const (
	Readable What = 1 << iota // there are bytes, or the end of them, or an error
	Writable                  // there is room, or an error; a connect has succeeded, or not
	HungUp                    // the other side sends nothing more, or everything is over
)

// The errors that a Loop acts upon.
const (
	again        = syscall.EAGAIN
	interrupt    = syscall.EINTR
	connAborted  = syscall.ECONNABORTED
	notConnected = syscall.ENOTCONN
)
