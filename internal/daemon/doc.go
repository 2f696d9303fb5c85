// Package daemon composes a node and gives it a life: it opens what the packages need, connects them, reloads them
// together and ends them in order. It decides nothing that a package of its own could decide.
//
// The arrows of the system, and where they are drawn:
//
//	adverts -> vrrp.Group -> actions -> executor -> keeper's will, vip.Set, gates         actions.go, gates.go
//	tracker.Set and the balancer's health -> inputs.judge -> vrrp.Group                   watch.go, inputs.go
//	kernel -> source address -> vrrp.Group, keeper's will                                 watch.go
//	vrrp.Group -> beat, heartbeat -> keeper                                               beat.go, group.go
//	transitions -> notify queue -> runner                                                 actions.go, children.go
//	everything -> status.Snapshot -> admin                                                snapshot.go
//
// New opens, Run runs. What New returns has no goroutine, and what can keep a node from starting fails there, with nothing
// left behind. A part that cannot go on while the node runs ends the node in order.
//
// In reading order:
//
//	daemon.go       Options, New, Run: a node from its lock to its last word
//	host.go         what all instances of a node share
//	group.go        the instances of a sync group, or one alone: a loop of state machines, and who follows them
//	instance.go     one virtual router with all that hangs on it, and what it needs of each
//	actions.go      what the state machine wants done, in its order
//	executor.go     the ordered executor
//	links.go        where adverts come in, one an interface and family
//	neighbours.go   who did not answer while a cable was out is asked again when it is back
//	gates.go        the balancer's gates, which open for whoever holds an address
//	watch.go        what is told to the state machine; inputs.go judges it, health.go collects the balancer's part
//	beat.go         adverts that the keeper sends for us
//	reload.go       a new configuration, all or nothing; change.go, what becomes of groups and instances
//	handover.go     an operator's handover to another node
//	snapshot.go     the one status of everything
//	recovery.go     the memory of unclean ends; lock_linux.go, one daemon a node
//	effects_linux.go, sender_linux.go, children.go, privileges_linux.go   the child processes and what they may do
//	systemd.go      words to the service manager; broadcast.go, words to whoever waits
package daemon
