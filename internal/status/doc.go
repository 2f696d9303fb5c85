// Package status is what a node knows about itself at one moment, as plain data.
//
// The daemon fills in one Snapshot from copies that its parts keep, so that taking one never waits for the state machine.
// Everything that shows the state shows this: the runtime socket as JSON, `tandem status` as WriteText's tables, and
// `tandem explain` as Explain's sentences. So no two of them can disagree.
//
// In reading order:
//
//	snapshot.go   Snapshot: the node, its configuration and its child processes
//	instance.go   Instance: a virtual router, its addresses, its trackers and what it has been through
//	balancer.go   Frontend, Backend and their parts
//	text.go       WriteText, for people
//	certificates.go  its lines about certificates
//	explain.go    Explain: why an instance is MASTER, BACKUP or FAULT, and what would change it
//	format.go     the words for durations, ages and absences
//
// The JSON names are snake_case and part of the interface: fields are added, and none is renamed. Times that have not
// come and texts that say nothing are left out; durations are seconds. The package is a leaf and pure: it imports
// nothing of Tandem, and the only "now" is Snapshot.Time.
package status
