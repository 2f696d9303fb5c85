// Package vrrp runs virtual routers: it decides which of several hosts holds an instance's virtual addresses.
// It speaks VRRPv2 (RFC 3768, https://www.rfc-editor.org/rfc/rfc3768) with RFC 2338's simple text password, and VRRPv3
// (RFC 9568, https://www.rfc-editor.org/rfc/rfc9568), as Keepalived does, so that either may be the other node.
//
// A packet comes in on a Link, one receive socket for an interface and family. The Link parses and judges it: an advert that does
// not count has a DropReason, is counted, and is logged once until the master changes. One that counts goes to
// the Group that runs its VRID.
//
// A Group is one goroutine that owns Machines. It hands events to Machine.Step and carries out what comes back:
// adverts it sends itself, all else goes to the executor that its owner gave it, in order, and the executor's
// results come back as events. Nothing in a Machine reads a clock, sends, waits or logs, so a LAN of machines runs
// hours of protocol in milliseconds; see sim_test.go for what is proved that way.
//
// The members of a sync group keep to their own protocol, but each one that wants to be Master waits for the others, and
// resigns with them.
//
// A master that keeps another process beating for it (Beat) is not silent when its own is late. A Group that overslept
// reads first; a master that nobody spoke for meanwhile steps down before it says a word.
//
// In reading order:
//
//	config.go         what one virtual router is configured to be
//	advert.go         Advert, what a packet says, whatever the version
//	codec.go          Parse and Append, bytes to Advert and back; codec_v2.go and codec_v3.go
//	checksum.go       the Internet checksum
//	auth.go           the password in a packet
//	hmac.go           signed adverts; package seal has the trailer itself
//	family.go         IPv4 and IPv6: groups and sources
//	peer.go           unicast: to whom, and from whom
//	ip.go             the IP header around an advert; packet.go has one for each destination
//	resign.go         the priority-0 packet, for who speaks when this process cannot
//	drop.go           why an advert does not count; judge.go compares one with an instance's configuration
//	timing.go         skew time and master down interval
//	event.go          what happens to a Machine, and what it wants done
//	machine.go        Machine: state, Step, Deadline
//	machine_hear.go   adverts
//	machine_role.go   becoming master, resigning, yielding
//	machine_input.go  faults, priority, addresses, configuration
//	damping.go        flap damping
//	sync.go           sync groups: Master together or not at all
//	conn.go           Conn, what a Link needs of a socket; conn_linux.go has the raw one, conn4 and conn6 its families
//	link.go           Link: receive, judge, dispatch
//	report.go         the counters and the log lines of what a Link drops
//	group.go          Group: Post, Run, Shutdown
//	pass.go           one turn of the loop: drain, deliver, tick, carry out
//	beat.go           Beat, and how a Group keeps it as wanted
//	status.go         Status, what a Group tells about an instance
package vrrp
