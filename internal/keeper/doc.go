// Package keeper is the small process beside the daemon that keeps the advert beat and holds the last will.
//
// A busy daemon is late by milliseconds and more; a process that does nothing else is not. So while MASTER the daemon
// hands its adverts to the keeper, which sends each at its interval for as long as the daemon's heartbeat is fresh.
//
// A dead daemon can't give up its addresses. So before it adds them it leaves a will with the keeper: the operations
// that undo them, in order, each harmless when it is carried out twice. The will is carried out when the daemon ends
// without having cancelled it, however it ends (the kernel closes its end of the socket), and when an instance's loop
// has been silent for too long (the keeper kills the daemon first, so that nothing puts the addresses back). A clean
// stop cancels all wills.
//
// The wills are in a file too. When both processes were killed at once, the next start of either carries it out: Replay.
//
// Time: heartbeats carry the daemon's CLOCK_BOOTTIME, so one that waited in a queue is as old as it is. A keeper that
// finds that it overslept (a suspended or stalled machine) knows nothing about the daemon's health: it grants a fresh
// period of silence. On a machine so busy that the keeper itself is late by a sixth of that period over and over, a
// frozen daemon is not killed; then the lease ends the address. Where adverts were missing for longer than the peer waits,
// they go on only when a heartbeat shows that the daemon is awake, because that must read what the peer has done
// meanwhile before anyone speaks for it. The ledger tells the daemon when each beat was last sent, so that it does not take
// its own sleep for silence.
//
// A daemon that wants to run and is not let is not frozen. Its threads' accounts tell it from one that is stopped, waits
// for itself or spins; such time is excused, within bounds. The keeper itself can be in real time, and all of it then.
//
// The child ignores TERM, INT, HUP, ABRT and QUIT, and ends when the daemon does. It is single-threaded: wait, read, decide,
// act. Its sockets are open before they are needed. The daemon asks it twice a second whether it is there; while it
// is not, Alive is false and the daemon sends adverts itself. A keeper that was killed is started again and gets the
// same wills and beats.
//
// Adverts of an instance with HMAC are sealed by who sends them, just before: the keeper gets the key with the packet, keeps it
// in memory alone, and what it leaves on disk has none.
//
// The package moves no address and knows no VRRP: the child's Main gets Effects that do, and packets are bytes.
//
// In reading order:
//
//	op.go            RemoveAddress, SendPacket: what a will consists of
//	beat.go          Beat: an advert, and when
//	signer.go        Signer: how a packet is sealed
//	core.go          which message and which silence leads to what; pure
//	starved.go       whether the daemon was denied a processor; pure
//	ledger_linux.go  when each beat was last sent
//	realtime_linux.go  SCHED_RR and locked memory
//	effects.go       Effects and Sender, and carrying out operations with them
//	main_linux.go    the child: Main
//	loop_linux.go    the child's loop
//	log.go           what the child has to say
//	willfile.go      wills on disk, and Replay
//	wire.go          what the daemon and the child say to each other
//	client.go        the daemon's side: Start, SetWill, SetBeat, Spoke, Heartbeat, Close
//	run.go           the daemon's side: Run, which watches the child
package keeper
