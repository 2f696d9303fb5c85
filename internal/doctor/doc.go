// Package doctor examines the host and its networks before, or while, Tandem runs there, and says what to do about
// what it finds. It changes nothing and sends no advert: it listens, asks by ARP without claiming an address, and sends
// one datagram that nobody answers.
//
// It has two halves. Examine gathers Facts; Judge makes Findings of them, and is pure: tables of facts test it. A check is
// a line of the table in checks.go, and a file with its name that holds its judgement. What no check has asked the kernel for
// yet is a new fact: gathered in a *_linux.go file, called by Examine.
//
// In reading order:
//
//	finding.go         Finding: what was seen, why it matters, what to do; print.go writes them
//	plan.go            what the configuration wants of this host
//	facts.go           Facts: all that is known; examine_linux.go gathers it, with link_linux.go, system_linux.go, rivals_linux.go
//	checks.go          the one table of checks, and Judge
//	capabilities.go    what processes here may do
//	users.go           whom scripts run as
//	kernel.go          the features that Tandem uses
//	realtime.go        whether the keeper is on time on a busy host
//	clock.go           boot time, and a clock that is kept right
//	rivals.go          other programs here that speak VRRP
//	names.go           whether the names of servers have addresses; names_linux.go asks
//	link.go            the interface: up, carrier, size, an address of its own, the subnets of virtual ones
//	sysctls.go         how the kernel answers ARP and filters by source
//	multicast.go       whether multicast leaves and the group is joined
//	snooping.go        IGMP snooping of a bridge on this host
//	firewall.go        adverts on the wire that no socket gets
//	vrid.go            who speaks which VRID, whether it is ours, which is free
//	holders.go         who answers for the virtual addresses
//
// The ears on a network:
//
//	packet.go          what a frame says; filter.go lets the kernel choose those that matter
//	hearing.go         the tally of what was heard
//	ear_linux.go       one interface, listened to for a time
//	tap_linux.go       the wire; socket_linux.go, what a daemon would hear of it
//	probe_linux.go     questions: a datagram to the group, ARP
package doctor
