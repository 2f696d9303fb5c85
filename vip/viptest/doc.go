// Package viptest has a kernel in memory for tests of package vip and of those who use it, and the cases that this
// kernel and the real one pass alike.
//
//	kernel.go           Kernel: addresses, leases that end by the clock, events, faults, recorded announcements
//	env.go              Env: a kernel under test, and the World that meddles with it
//	cases.go            what any vip.Kernel does
//	setcases.go         what a vip.Set does on any kernel
//	ipv6cases.go        what both do with IPv6 alone
//	claimcases.go       what both do when somebody else claims an address
//	namespace_linux.go  a real kernel: a network namespace with a veth pair
//	frames_linux.go     what somebody else on its LAN sends
//
// The kernel in memory keeps time with timers and starts no goroutine, so it lives in synctest bubbles.
package viptest
