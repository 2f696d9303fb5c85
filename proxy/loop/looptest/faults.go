package looptest

import (
	"fmt"
	"syscall"
)

// Op is something that a Loop asks its kernel for.
type Op uint8

// The operations.
const (
	OpWait Op = iota
	OpWatch
	OpListen
	OpAccept
	OpConnect
	OpRecv
	OpSend // Send2 too
	OpPipe
	OpSplice
	OpClose
)

// String returns the operation's name.
func (op Op) String() string {
	names := [...]string{"wait", "watch", "listen", "accept", "connect", "recv", "send", "pipe", "splice", "close"}
	if int(op) < len(names) {
		return names[op]
	}
	return fmt.Sprintf("operation %d", uint8(op))
}

// Fail has the next calls of an operation come to these errors, in their order; nil stands for one that goes well. EAGAIN is taken
// back soon, as by bytes that come or room that there is.
func (n *Net) Fail(op Op, errs ...error) { n.fail[op] = append(n.fail[op], errs...) }

// begins counts a call, and says what it is to fail with.
func (n *Net) begins(op Op) error {
	n.Calls[op]++
	if planned := n.fail[op]; len(planned) > 0 {
		n.fail[op] = planned[1:]
		return planned[0]
	}
	switch op {
	case OpAccept, OpRecv, OpSend, OpSplice:
		if n.chance(8) {
			return syscall.EAGAIN
		}
		fallthrough
	case OpWait:
		if n.chance(16) {
			return syscall.EINTR
		}
	}
	return nil
}

// chance is true once in so many times with a kernel that is not kind.
func (n *Net) chance(in int) bool { return n.random != nil && n.random.IntN(in) == 0 }

// some is how many of so many octets, above 0, a call moves.
func (n *Net) some(octets int) int {
	if n.Split > 0 {
		octets = min(octets, n.Split)
	}
	if n.chance(2) {
		octets = 1 + n.random.IntN(octets)
	}
	return octets
}
