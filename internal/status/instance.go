package status

import (
	"net/netip"
	"time"
)

// The states of an Instance.
const (
	Init   = "INIT"
	Backup = "BACKUP"
	Master = "MASTER"
	Fault  = "FAULT"
)

// MaxTransitions bounds Instance.Transitions: enough for a bad night, and little to read.
const MaxTransitions = 16

// Instance is one virtual router on this node.
type Instance struct {
	Name      string    `json:"name"`
	Interface string    `json:"interface"`
	VRID      uint8     `json:"vrid"`
	Version   uint8     `json:"version"`
	State     string    `json:"state"`
	Since     time.Time `json:"since"`
	Epoch     uint64    `json:"epoch"` // grows with every transition
	Priority  Priority  `json:"priority"`
	Preempt   bool      `json:"preempt"`
	Interval  float64   `json:"advert_interval_seconds"`
	DownAfter float64   `json:"master_down_interval_seconds"` // silence of the master that makes this node take over

	// SyncGroup is the name that it shares with the instances with which it is MASTER, or not at all; empty: it is in none.
	SyncGroup   string `json:"sync_group,omitempty"`
	WantsMaster bool   `json:"wants_master,omitempty"` // BACKUP that would be MASTER, and waits for others of the sync group

	// HandoverUntil is when a handover ends: until then it leaves a live master alone.
	HandoverUntil time.Time `json:"handover_until,omitzero"`

	HMAC *HMAC `json:"hmac,omitempty"` // nil: adverts are not signed

	// Peer is the other router whose advert was accepted last: while BACKUP, the master.
	Peer        *Router      `json:"peer,omitempty"`
	Addresses   []Address    `json:"addresses"`
	Faults      []string     `json:"faults,omitempty"` // what keeps it in FAULT
	Holds       []string     `json:"holds,omitempty"`  // what keeps it from preempting a live master; none for a MASTER
	Terms       []Term       `json:"terms"`
	Counters    Counters     `json:"counters"`
	Transitions []Transition `json:"transitions"` // the last ones, oldest first, at most MaxTransitions
}

// HMAC is how adverts are signed, without a key.
type HMAC struct {
	Mode   string  `json:"mode"`                          // enforce, permissive or receive-only
	Keys   []int   `json:"keys"`                          // ids of the keys that count
	Active int     `json:"active_key"`                    // id of the key that signs, unless the mode is receive-only
	Window float64 `json:"time_window_seconds,omitempty"` // by how much clocks may differ; 0: they are not compared
}

// Priority is what the instance says, and what it was configured to say.
type Priority struct {
	Configured uint8 `json:"configured"`
	Effective  uint8 `json:"effective"`
}

// Router is another router of the same VRID.
type Router struct {
	Address  netip.Addr `json:"address"`
	Node     string     `json:"node,omitempty"` // whose address that is, where the configuration says so
	Priority uint8      `json:"priority"`
	Since    time.Time  `json:"since,omitzero"` // when it was first heard as a master
	Heard    time.Time  `json:"heard"`
}

// Address is one virtual address.
type Address struct {
	Prefix    netip.Prefix `json:"prefix"`
	Interface string       `json:"interface"`
	Held      bool         `json:"held"`                    // in the kernel of this node
	Lease     float64      `json:"lease_seconds,omitempty"` // the kernel drops it when it is not renewed for so long; 0: never
	RenewedAt time.Time    `json:"renewed_at,omitzero"`
	Error     string       `json:"error,omitempty"` // why it is not as it should be

	// ClaimedBy is the hardware address of the last other host that said it has the address, while this node had it.
	ClaimedBy string    `json:"claimed_by,omitempty"`
	ClaimedAt time.Time `json:"claimed_at,omitzero"`
}

// Term is what one tracker contributes to the priority of one instance.
type Term struct {
	Tracker string `json:"tracker"` // Tracker.Name
	Weight  int    `json:"weight"`
	Status  string `json:"status"`           // up, down or unknown
	Delta   int    `json:"delta"`            // added to the configured priority
	Fault   bool   `json:"fault"`            // keeps the instance in FAULT
	Number  bool   `json:"number,omitempty"` // a number times Weight is added, as a file's; nothing goes up or down
	Text    string `json:"text"`
}

// Counters count since the instance was started.
type Counters struct {
	AdvertsSent      uint64            `json:"adverts_sent"`
	AdvertsReceived  uint64            `json:"adverts_received"`           // accepted ones
	Unsigned         uint64            `json:"adverts_unsigned,omitempty"` // of those: not signed, with HMAC in a mode that lets them pass
	Dropped          map[string]uint64 `json:"adverts_dropped,omitempty"`
	Transitions      uint64            `json:"transitions"`
	GARPSent         uint64            `json:"garp_sent"`
	GARPErrors       uint64            `json:"garp_errors"`
	ForeignDeletions uint64            `json:"foreign_deletions"` // addresses that someone else removed while held
	Readded          uint64            `json:"addresses_readded"`
	DADFailures      uint64            `json:"dad_failures"` // held IPv6 addresses that duplicate address detection kept silent
	LeaseExpiries    uint64            `json:"lease_expiries"`
	LeaseRenewals    uint64            `json:"lease_renewals"`
	ForeignClaims    uint64            `json:"foreign_claims"` // ARP or neighbour packets by which others claimed held addresses
	KernelErrors     uint64            `json:"kernel_errors"`
	Handovers        uint64            `json:"handovers"` // times that it gave up mastership for tandem handover, since the daemon's start
}

// Transition is one change of state.
type Transition struct {
	Time   time.Time `json:"time"`
	From   string    `json:"from"`
	To     string    `json:"to"`
	Reason string    `json:"reason"`
}

// Remember returns a list of its own with t at the end of past, without the oldest ones beyond MaxTransitions. past is
// not touched, so that a Snapshot may share it.
func Remember(past []Transition, t Transition) []Transition {
	past = past[max(len(past)+1-MaxTransitions, 0):]
	return append(append(make([]Transition, 0, len(past)+1), past...), t)
}
