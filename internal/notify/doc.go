// Package notify tells an operator's script about every state of an instance, in order and one at a time.
//
// Each instance has a Queue. Post never blocks: it leaves the newest state for the queue's loop, and a state that was
// still waiting there is forgotten and counted, because a script that is late should hear how things are and not how
// they were. So two runs never overlap, a BACKUP can't finish after the MASTER that followed it, and the last state
// that was posted is always the last one told, at a shutdown too.
//
// Notification is level triggered: posting the same state again runs the script again ("I am still MASTER", after a
// contest). The epoch in the environment tells a script which of two calls is the newer one.
//
// The arguments are Keepalived's, after the script's own: INSTANCE, the instance's name, its state, its priority. The
// environment adds TANDEM_INSTANCE, TANDEM_STATE, TANDEM_PRIORITY, TANDEM_EPOCH and TANDEM_REASON.
//
// In reading order:
//
//	config.go   what one instance calls
//	queue.go    the slot for the newest state, the loop, and Status
//
// The package starts no process: the Runner does, under the script's user. It knows nothing of VRRP; a state is a word.
package notify
