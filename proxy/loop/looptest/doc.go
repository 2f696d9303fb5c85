// Package looptest is a network and a kernel in memory for tests of what runs on a [loop.Loop]: a scripted client at one end, a
// scripted server at the other, the Loops between them, all on the goroutine of the test and on a clock that it moves.
//
// A [Net] makes Loops ([Net.Loop]) and turns them ([Net.Step]). Clients come by [Net.Dial], and whatever a Loop connects to is a
// [Server] of [Net.Serve]. Both ends are a [Peer], which writes, reads, ends, resets, or stops reading ([Peer.Window]).
// Nothing happens but in Step and what calls it, so every step can be looked at.
//
// The kernel answers as Linux does, edge-triggered; proxy/loop has one test body that both pass. It gives the lowest descriptor that
// is free, so one that was closed is used again at once, and panics when a Loop uses one that is closed. Memory that a Handler must
// not rely on any more is spoilt: what is given to Recv before each call, the Loop's scratch after each.
//
// It is as unkind as it is asked to be, and the same each time. By a seed: everything comes in pieces, late, interrupted and in any
// order, and still has to arrive. By Net.Split: every call moves at most so many octets. By [Net.Fail]: the next calls of a
// kind come to given errors.
//
// In reading order:
//
//	net.go     Net: Loop, Step, Advance, Await, End
//	peer.go    Peer
//	ends.go    Listen and Dial, Serve and Accept
//	faults.go  Fail, and chance
//	kernel.go  the kernel of a Loop, with conn.go and pipe.go
package looptest
