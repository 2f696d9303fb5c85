package vip

import "time"

// Status is a Set at one moment.
type Status struct {
	Held      bool // the owner wants the addresses held; whether the kernel has them says each address
	Addresses []AddressStatus
	Lease     time.Duration // 0: none
	RenewAt   time.Time     // when the lease is renewed next; zero: not held, or no lease
	Counters
}

// AddressStatus is one address of a Set, as far as the Set knows.
type AddressStatus struct {
	Address
	Present     bool      // in the kernel
	NoInterface bool      // its interface does not exist
	LeasedAt    time.Time // when it was last added or renewed; zero: never
	Err         error     // why it is not as it should be; nil when it is
	Foreign     Foreign   // who else claimed it
}

// Counters count since New; a reload does not reset them.
type Counters struct {
	Announcements    uint64 // sent
	AnnounceErrors   uint64 // announcements that could not be sent
	ForeignDeletions uint64 // addresses that went away while held, by no doing of ours
	ForeignClaims    uint64 // claims of others to addresses while held
	DADFailures      uint64 // IPv6 addresses found while held that the kernel did not answer for: detected as duplicates, or tentative
	Expiries         uint64 // addresses whose lease ended while held
	ReAdds           uint64 // addresses put back while held
	Renewals         uint64 // leases renewed, one an address
	KernelErrors     uint64 // additions, deletions, renewals and listings that failed
}

// Status returns what the Set knows. It waits for no kernel call.
func (s *Set) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Status{
		Held:      s.held,
		Addresses: make([]AddressStatus, len(s.slots)),
		Lease:     s.cfg.Lease,
		RenewAt:   s.renewAt,
		Counters:  s.count,
	}
	for i, sl := range s.slots {
		st.Addresses[i] = sl.AddressStatus
	}
	return st
}
