// Package vip holds the virtual addresses of an instance in the kernel and announces them.
//
// A Set is what one instance may hold. Its owner, who follows the VRRP state, calls Acquire, Announce and
// Release; Set.Run keeps the kernel as the owner wants it meanwhile. It compares instead of remembering: whenever an
// address or an interface of the Set changes, Run lists what is there and mends the difference. So a VIP that
// somebody deletes is back within a millisecond, and one whose interface was made anew follows it.
//
// An address carries a lease (valid_lft) from the first add. Run renews all of them at a third of it. A daemon that
// is killed, hangs or is stopped renews nothing, and the kernel drops the addresses by itself. An address that
// expired so is not put back at once: the owner gets a second to notice that it overslept and to release.
//
// Gratuitous ARP tells the LAN. The schedule is pure: bursts at takeover and once more after a delay, one on each
// sign of another holder but at most one a second, single ones as a refresh. Nothing is announced that
// is not in the kernel, and nothing leaves after Release returned.
//
// In reading order:
//
//	config.go        what an instance holds, the lease, how it is announced
//	kernel.go        Kernel and Announcer, what a Set needs of the system
//	set.go           Set: New, Acquire, Release, Announce, Answer, ClearLeftovers
//	mend.go          putting an address into the kernel, finding what is lost, renewing
//	run.go           the loop
//	apply.go         a reload, all or nothing
//	schedule.go      which announcement goes out when; pure
//	status.go        what a Set tells about itself
//	feed.go          events of the kernel to whom they concern
//	pacer.go         the least time between two announcements on an interface
//	source.go        the address that an interface has besides the virtual ones, and its changes
//	rtnl_linux.go    addresses over netlink; Remover, all that a last will needs of them
//	kernel_linux.go  Netlink: the Kernel and Announcer of a network namespace
//	events_linux.go  rtnetlink messages as events
//	garp_linux.go    gratuitous ARP on the wire
//
// Package viptest has a kernel in memory, and the cases that it and the real one pass alike.
package vip
