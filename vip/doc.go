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
// Gratuitous ARP tells the LAN, or unsolicited neighbour advertisements for IPv6. The schedule is pure: bursts at
// takeover and once more after a delay, one on each sign of another holder but at most one a second, single ones as a
// refresh. Nothing is announced that is not in the kernel, and nothing leaves after Release returned. Such a sign may come
// from the Listener: somebody else's ARP or neighbour advertisement for an address while it is held.
//
// An IPv6 address answers from the first moment, without duplicate address detection; one that somebody else's doing
// had detected is mended. It is deprecated, so that no connection leaves from it while the node has an address of its
// own, and brings no route to its subnet, so that its lease ends without taking the node's own along: /64 and /128
// behave alike.
//
// In reading order:
//
//	config.go        what an instance holds, the lease, how it is announced
//	kernel.go        Kernel, Announcer and Listener, what a Set needs of the system
//	set.go           Set: New, Acquire, Release, Announce, Answer, ClearLeftovers
//	adopt.go         putting an address into the kernel, whatever is there
//	mend.go          finding what is lost, putting it back, renewing
//	run.go           the loop
//	apply.go         a reload, all or nothing
//	contest.go       somebody else's claims
//	schedule.go      which announcement goes out when; pure
//	status.go        what a Set tells about itself
//	feed.go          events of the kernel to whom they concern
//	claims.go        claims to whom they concern
//	claimfilter.go   what the kernel drops of all that is no claim; pure
//	pacer.go         the least time between two announcements on an interface
//	source.go        the address that adverts leave from, none of the virtual ones, and its changes
//	listing.go       the addresses of an interface, as Sets share them
//	rtnl_linux.go    addresses over netlink
//	netlink_linux.go a netlink socket for thousands of messages
//	batch_linux.go   many changes with one system call
//	links_linux.go   the node's interfaces
//	addr_linux.go    addresses as netlink has them
//	remover_linux.go Remover, all that a last will needs
//	kernel_linux.go  Netlink: the Kernel, Announcer and Listener of a network namespace
//	events_linux.go  rtnetlink messages as events
//	frame_linux.go   packets on any interface
//	garp_linux.go    gratuitous ARP on the wire
//	na_linux.go      unsolicited neighbour advertisements on the wire
//	netconf_linux.go whether the node is a router
//	ears_linux.go    who claims an address on the wire
//	neighbours_linux.go asking again for who did not answer while a cable was out
//
// Package viptest has a kernel in memory, and the cases that it and the real one pass alike.
package vip
