// Package child starts the small processes that stand beside the daemon, and keeps them running.
//
// A child is the running binary under another name: Start executes /proc/self/exe with the child's name as argv[0], in
// a session of its own, and connects the two by one SOCK_SEQPACKET pair. The parent's end is close-on-exec and nobody
// else has a copy, so the child reads end-of-file the moment the parent ends, however it ended. There is no
// Pdeathsig: what a child does at the end of its parent is its own affair.
//
// The child calls Enter first. It takes its name, so that ps and pgrep -x show it, and closes every inherited
// descriptor that it was not given on purpose.
//
// The parent follows the child's end through a pidfd, which names one process for ever: no signal can hit a stranger
// that got the number later. Keep starts an ended child again, after a pause that grows while it keeps ending early.
//
// In reading order:
//
//	process_linux.go   Start and Process, the parent's side
//	keep.go            starting an ended child again
//	enter_linux.go     the child's side
//	ambient_linux.go   which capabilities a child inherits
package child
