// Package runner runs the scripts of trackers and notifications, in a process of its own.
//
// That process alone keeps CAP_SETUID and CAP_SETGID (and CAP_KILL, to end what it started). It is two: a worker that
// does everything, and a guard, its parent, that starts another worker when one has ended; the daemon no longer
// has the capabilities to do that. The daemon can name a
// command but not make one: Configure hands over the table of the checked configuration, Exec names an entry of it,
// and adds arguments and environment. The process checks the table itself, all or nothing.
//
// Who a script runs as: its configured user; without one tandem_script, which must exist. A runner without the
// capabilities, in a plain start by an ordinary user, runs scripts as itself and refuses others. Nothing runs as root by
// accident: `user: root` must be written, and the file and every directory on its path must be root's alone, again at
// each run. Only Argv[0] is judged so, not a script that is given to an interpreter as its argument. Users come from
// /etc/passwd and /etc/group; NSS is not asked.
//
// A script gets: a session and process group of its own, no descriptors but /dev/null and the pipe of its output, a
// minimal environment, the directory /, umask 022, no core dumps, no_new_privs, no capabilities (root's aside), and the
// ordinary out-of-memory score. Output is bounded, and its first and last part kept.
//
// Timeouts run here. At the deadline the run is reported as failed, whether it has died or not, and its whole process
// group gets SIGTERM and, a moment later, SIGKILL. The same happens when the caller gives up and when the daemon ends.
// Two runs of one command never overlap: the next one waits until the group is gone. What a script leaves running in the
// background when it ends by itself stays, as notify scripts expect; and what left the group by setsid can't be found.
// Both become children of init, and none a zombie of ours.
//
// Each call has a socket of its own, passed over the one that connects the two processes. Closing it gives up.
//
// In reading order:
//
//	command.go       Command, Result
//	check.go         Check: what is wrong with a command
//	user.go          users, and whether this process may become another one
//	path.go          is it there, may the user execute it, is it root's alone
//	client.go        the daemon's side: Start, Run, Configure, Exec, Close
//	wire.go          what the two say to each other
//	main_linux.go    the process: Main
//	guard_linux.go   the worker's parent
//	server.go        the worker: the table, and one call after the other
//	run_linux.go     one run, from fork to the end of its group
//	spawn_linux.go   the thread that forks
//	clip.go          bounded output
package runner
