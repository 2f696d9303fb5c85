package viptest

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/tandem-lb/tandem/vip"
)

var (
	_ vip.Kernel    = (*Kernel)(nil)
	_ vip.Announcer = (*Kernel)(nil)
	_ vip.Listener  = (*Kernel)(nil)
	_ World         = (*Kernel)(nil)
)

// Op is an operation of the kernel that can be made to fail or to hang.
type Op string

// The operations, named as the methods.
const (
	OpAddresses Op = "Addresses"
	OpAdd       Op = "Add"
	OpRenew     Op = "Renew"
	OpDelete    Op = "Delete"
	OpAnnounce  Op = "Announce"
)

// Announcement is one that was sent.
type Announcement struct {
	At        time.Time
	Interface string
	Addr      netip.Addr
	Held      bool // the kernel had the address at that moment
}

// Kernel is a network namespace in memory. The zero value has no interface.
type Kernel struct {
	feed   vip.Feed
	claims vip.Claims
	pacer  vip.Pacer

	mu        sync.Mutex
	links     map[string]*link
	lastIndex int
	faults    map[Op]error
	stalls    map[Op]chan struct{} // closed when the stall ends
	calls     map[Op]int
	announced []Announcement
}

type link struct {
	index int
	addrs []*entry // IPv4 in the order they were added; then IPv6 by scope, the newest first
}

type entry struct {
	held  vip.Held // Left and Leased are set when it is listed
	ends  time.Time
	timer *time.Timer // removes it when its lease ends; nil without a lease
}

// NewKernel returns a kernel with the given interfaces.
func NewKernel(ifnames ...string) *Kernel {
	k := &Kernel{}
	for _, name := range ifnames {
		_ = k.AddInterface(name) // new names only fail when a caller repeats one, which changes nothing
	}
	return k
}

// Fail makes each call of the operation fail with err from now on; nil ends that.
func (k *Kernel) Fail(op Op, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.faults == nil {
		k.faults = make(map[Op]error)
	}
	k.faults[op] = err
}

// Stall makes each call of the operation hang from now on, until resume is called.
func (k *Kernel) Stall(op Op) (resume func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stalls == nil {
		k.stalls = make(map[Op]chan struct{})
	}
	c := make(chan struct{})
	k.stalls[op] = c
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.stalls, op)
		close(c)
	}
}

// Calls says how often the operation was called.
func (k *Kernel) Calls(op Op) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.calls[op]
}

// Announced returns what was announced so far.
func (k *Kernel) Announced() []Announcement {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.announced)
}

// enter begins an operation: it hangs, fails, or returns with mu held.
func (k *Kernel) enter(op Op) error {
	k.mu.Lock()
	if k.calls == nil {
		k.calls = make(map[Op]int)
	}
	k.calls[op]++
	if c := k.stalls[op]; c != nil {
		k.mu.Unlock()
		<-c
		k.mu.Lock()
	}
	if err := k.faults[op]; err != nil {
		k.mu.Unlock()
		return err
	}
	return nil
}

// Addresses is vip.Kernel's.
func (k *Kernel) Addresses(ifname string) (*vip.Listing, error) {
	if err := k.enter(OpAddresses); err != nil {
		return nil, fmt.Errorf("list addresses of %s: %w", ifname, err)
	}
	defer k.mu.Unlock()
	l := k.links[ifname]
	if l == nil {
		return nil, fmt.Errorf("list addresses of %s: %w", ifname, vip.ErrNoInterface)
	}
	list := make([]vip.Held, len(l.addrs))
	for i, e := range l.addrs {
		list[i] = e.held
		if e.timer != nil {
			list[i].Leased, list[i].Left = true, time.Until(e.ends).Truncate(time.Second)
		}
	}
	return vip.NewListing(list), nil
}

// Add is vip.Kernel's.
func (k *Kernel) Add(addrs []vip.Address, lease time.Duration) []error {
	return k.each(OpAdd, "add %s to %s: %w", addrs, func(a vip.Address) error { return k.put(a, ours(a), lease, false) })
}

// Renew is vip.Kernel's.
func (k *Kernel) Renew(addrs []vip.Address, lease time.Duration) []error {
	return k.each(OpRenew, "renew %s on %s: %w", addrs, func(a vip.Address) error { return k.put(a, ours(a), lease, true) })
}

// Delete is vip.Kernel's.
func (k *Kernel) Delete(addrs []vip.Address) []error {
	return k.each(OpDelete, "remove %s from %s: %w", addrs, func(a vip.Address) error {
		k.remove(a.Interface, a.Prefix, a.Peer)
		return nil
	})
}

// each carries out one operation, which is one call, for each address. One that is made to fail fails for all.
func (k *Kernel) each(op Op, format string, addrs []vip.Address, do func(vip.Address) error) []error {
	errs := make([]error, len(addrs))
	if len(addrs) == 0 {
		return errs
	}
	failed := k.enter(op)
	if failed == nil {
		defer k.mu.Unlock()
	}
	for i, a := range addrs {
		err := failed
		if err == nil {
			err = do(a)
		}
		if err != nil {
			errs[i] = fmt.Errorf(format, a.Prefix, a.Interface, err)
		}
	}
	return errs
}

// Add adds one address to a kernel.
func Add(k vip.Kernel, a vip.Address, lease time.Duration) error {
	return k.Add([]vip.Address{a}, lease)[0]
}

// Renew renews one address.
func Renew(k vip.Kernel, a vip.Address, lease time.Duration) error {
	return k.Renew([]vip.Address{a}, lease)[0]
}

// Delete removes one address.
func Delete(k vip.Kernel, a vip.Address) error { return k.Delete([]vip.Address{a})[0] }

// ours is what an address becomes that vip.Kernel adds, and theirs what it becomes with the kernel's defaults.
func ours(a vip.Address) vip.Held {
	held := theirs(a)
	held.Deprecated, held.NoPrefixRoute = a.Prefix.Addr().Is6(), a.Prefix.Addr().Is6()
	return held
}

func theirs(a vip.Address) vip.Held {
	held := vip.Held{Prefix: a.Prefix, Peer: a.Peer}
	if a.Prefix.Addr().Is6() {
		if a.Prefix.Addr().IsLinkLocalUnicast() {
			held.Scope = vip.ScopeLink
		}
		return held
	}
	held.Label, held.Scope, held.Broadcast = a.Label, a.Scope, a.Broadcast
	if held.Label == "" {
		held.Label = a.Interface
	}
	return held
}

// put adds the address, or renews the one that is there.
func (k *Kernel) put(a vip.Address, held vip.Held, lease time.Duration, replace bool) error {
	l := k.links[a.Interface]
	if l == nil {
		return vip.ErrNoInterface
	}
	e := l.find(a.Prefix, a.Peer)
	if e != nil && !replace {
		return vip.ErrExists
	}
	if e == nil {
		held.Secondary = l.hasSubnet(held)
		e = &entry{held: held}
		l.insert(e)
	}
	k.lease(a.Interface, e, lease)
	k.feed.Publish(vip.Event{Kind: vip.AddressAdded, Index: l.index, Addr: a.Prefix.Addr(), Tentative: e.held.Tentative})
	return nil
}

// insert puts an entry where the kernel lists it.
func (l *link) insert(e *entry) {
	v6 := e.held.Prefix.Addr().Is6()
	at := slices.IndexFunc(l.addrs, func(o *entry) bool {
		return o.held.Prefix.Addr().Is6() && (!v6 || o.held.Scope >= e.held.Scope)
	})
	if at < 0 {
		at = len(l.addrs)
	}
	l.addrs = slices.Insert(l.addrs, at, e)
}

// lease begins a lease, or none.
func (k *Kernel) lease(ifname string, e *entry, lease time.Duration) {
	if e.timer != nil {
		e.timer.Stop()
		e.timer = nil
	}
	if lease == 0 {
		return
	}
	e.ends = time.Now().Add(lease)
	var timer *time.Timer
	timer = time.AfterFunc(lease, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if e.timer == timer { // not renewed at this very moment
			k.drop(ifname, e)
		}
	})
	e.timer = timer
}

// remove removes an address with its very prefix length, and reports whether it was there.
func (k *Kernel) remove(ifname string, p netip.Prefix, peer netip.Addr) bool {
	l := k.links[ifname]
	if l == nil {
		return false
	}
	e := l.find(p, peer)
	if e == nil || e.held.Prefix != p {
		return false
	}
	k.drop(ifname, e)
	return true
}

// drop removes an address, and with a primary one the secondary ones of its subnet, as Linux does unless
// promote_secondaries is set.
func (k *Kernel) drop(ifname string, e *entry) {
	l := k.links[ifname]
	if l == nil {
		return
	}
	var gone []*entry
	l.addrs = slices.DeleteFunc(l.addrs, func(o *entry) bool {
		along := !e.held.Secondary && o.held.Secondary && subnet(o.held.Prefix, o.held.Peer) == subnet(e.held.Prefix, e.held.Peer)
		if o == e || along {
			gone = append(gone, o)
			return true
		}
		return false
	})
	k.bury(l.index, gone)
}

// bury ends the leases of addresses that are gone, and says so.
func (k *Kernel) bury(index int, gone []*entry) {
	for _, e := range gone {
		if e.timer != nil {
			e.timer.Stop()
		}
		k.feed.Publish(vip.Event{Kind: vip.AddressRemoved, Index: index, Addr: e.held.Prefix.Addr()})
	}
}

// find returns the address: of IPv6 there is one whatever its prefix length, of IPv4 one in each subnet; or nil.
func (l *link) find(p netip.Prefix, peer netip.Addr) *entry {
	i := slices.IndexFunc(l.addrs, func(e *entry) bool {
		same := e.held.Prefix.Addr() == p.Addr()
		return same && (p.Addr().Is6() || subnet(e.held.Prefix, e.held.Peer) == subnet(p, peer))
	})
	if i < 0 {
		return nil
	}
	return l.addrs[i]
}

func (l *link) hasSubnet(h vip.Held) bool {
	return h.Prefix.Addr().Is4() && slices.ContainsFunc(l.addrs, func(e *entry) bool {
		return subnet(e.held.Prefix, e.held.Peer) == subnet(h.Prefix, h.Peer)
	})
}

// subnet is the one of an address, or of its peer where it has one.
func subnet(p netip.Prefix, peer netip.Addr) netip.Prefix {
	if peer.IsValid() {
		return netip.PrefixFrom(peer, p.Bits()).Masked()
	}
	return p.Masked()
}

// Subscribe is vip.Kernel's.
func (k *Kernel) Subscribe(match func(vip.Event) bool) (changed <-chan struct{}, cancel func()) {
	return k.feed.Subscribe(match)
}

// Listen is vip.Listener's. It hears Claim.
func (k *Kernel) Listen(addrs []vip.Address, heard func(vip.Claim)) (cancel func()) {
	return k.claims.Listen(addrs, heard)
}

// Listened reports whether somebody listens for claims to the address.
func (k *Kernel) Listened(addr netip.Addr) bool { return k.claims.Wanted(addr) }

// Announce is vip.Announcer's; it records.
func (k *Kernel) Announce(ifname string, addr netip.Addr, gap time.Duration, repeat bool) (time.Duration, error) {
	if err := k.enter(OpAnnounce); err != nil {
		return 0, fmt.Errorf("announce %s on %s: %w", addr, ifname, err)
	}
	defer k.mu.Unlock()
	now := time.Now()
	if wait := k.pacer.Take(now, ifname, gap, repeat); wait > 0 {
		return wait, nil
	}
	l := k.links[ifname]
	if l == nil {
		return 0, fmt.Errorf("announce %s on %s: %w", addr, ifname, vip.ErrNoInterface)
	}
	held := slices.ContainsFunc(l.addrs, func(e *entry) bool { return e.held.Prefix.Addr() == addr })
	k.announced = append(k.announced, Announcement{At: now, Interface: ifname, Addr: addr, Held: held})
	return 0, nil
}

// AddAddress is World's.
func (k *Kernel) AddAddress(ifname string, p netip.Prefix) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	a := vip.Address{Prefix: p, Interface: ifname}
	return k.put(a, theirs(a), 0, false)
}

// AddDuplicate is World's.
func (k *Kernel) AddDuplicate(ifname string, p netip.Prefix) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	a := vip.Address{Prefix: p, Interface: ifname}
	held := theirs(a)
	held.Tentative, held.DADFailed = true, true
	return k.put(a, held, 0, false)
}

// FailDAD has duplicate address detection silence an address that is there, as when somebody changes it without nodad.
func (k *Kernel) FailDAD(ifname string, p netip.Prefix) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.links[ifname]
	if l == nil || l.find(p, netip.Addr{}) == nil {
		return fmt.Errorf("silence %s on %s: it is not there", p, ifname)
	}
	e := l.find(p, netip.Addr{})
	e.held.Tentative, e.held.DADFailed = true, true
	k.feed.Publish(vip.Event{Kind: vip.AddressAdded, Index: l.index, Addr: p.Addr(), Tentative: true})
	return nil
}

// Claim is World's.
func (k *Kernel) Claim(ifname string, addr netip.Addr, mac net.HardwareAddr) error {
	k.mu.Lock()
	there := k.links[ifname] != nil
	k.mu.Unlock()
	if !there {
		return fmt.Errorf("claim %s on %s: the interface is not there", addr, ifname)
	}
	if mac.String() != MAC().String() {
		k.claims.Hear(vip.Claim{Interface: ifname, Addr: addr, MAC: mac})
	}
	return nil
}

// DeleteAddress is World's.
func (k *Kernel) DeleteAddress(ifname string, p netip.Prefix) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.remove(ifname, p, netip.Addr{}) {
		return fmt.Errorf("remove %s from %s: it is not there", p, ifname)
	}
	return nil
}

// AddInterface is World's.
func (k *Kernel) AddInterface(ifname string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.links[ifname] != nil {
		return fmt.Errorf("add interface %s: it is there", ifname)
	}
	if k.links == nil {
		k.links = make(map[string]*link)
	}
	k.lastIndex++
	k.links[ifname] = &link{index: k.lastIndex}
	k.feed.Publish(vip.Event{Kind: vip.LinkChanged, Index: k.lastIndex, Interface: ifname})
	return nil
}

// RemoveInterface is World's.
func (k *Kernel) RemoveInterface(ifname string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.links[ifname]
	if l == nil {
		return fmt.Errorf("remove interface %s: it is not there", ifname)
	}
	delete(k.links, ifname)
	k.bury(l.index, l.addrs)
	k.feed.Publish(vip.Event{Kind: vip.LinkRemoved, Index: l.index, Interface: ifname})
	return nil
}

// LoseEvents tells the subscribers that events were lost, as a full netlink socket does.
func (k *Kernel) LoseEvents() { k.feed.Lost() }
