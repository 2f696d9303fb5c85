package viptest

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/tandem-lb/tandem/vip"
)

var (
	_ vip.Kernel    = (*Kernel)(nil)
	_ vip.Announcer = (*Kernel)(nil)
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
	feed  vip.Feed
	pacer vip.Pacer

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
	addrs []*entry // in the order they were added
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
func (k *Kernel) Addresses(ifname string) ([]vip.Held, error) {
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
	return list, nil
}

// Add is vip.Kernel's.
func (k *Kernel) Add(a vip.Address, lease time.Duration) error {
	if err := k.enter(OpAdd); err != nil {
		return fmt.Errorf("add %s to %s: %w", a.Prefix, a.Interface, err)
	}
	defer k.mu.Unlock()
	if err := k.put(a, lease, false); err != nil {
		return fmt.Errorf("add %s to %s: %w", a.Prefix, a.Interface, err)
	}
	return nil
}

// Renew is vip.Kernel's.
func (k *Kernel) Renew(a vip.Address, lease time.Duration) error {
	if err := k.enter(OpRenew); err != nil {
		return fmt.Errorf("renew %s on %s: %w", a.Prefix, a.Interface, err)
	}
	defer k.mu.Unlock()
	if err := k.put(a, lease, true); err != nil {
		return fmt.Errorf("renew %s on %s: %w", a.Prefix, a.Interface, err)
	}
	return nil
}

// put adds the address, or renews the one that is there.
func (k *Kernel) put(a vip.Address, lease time.Duration, replace bool) error {
	l := k.links[a.Interface]
	if l == nil {
		return vip.ErrNoInterface
	}
	i := l.find(a.Prefix)
	if i >= 0 && !replace {
		return vip.ErrExists
	}
	if i < 0 {
		held := vip.Held{Prefix: a.Prefix, Label: a.Label, Scope: a.Scope, Secondary: l.hasSubnet(a.Prefix)}
		if held.Label == "" {
			held.Label = a.Interface
		}
		l.addrs = append(l.addrs, &entry{held: held})
		i = len(l.addrs) - 1
	}
	k.lease(a.Interface, l.addrs[i], lease)
	k.feed.Publish(vip.Event{Kind: vip.AddressAdded, Index: l.index, Addr: a.Prefix.Addr()})
	return nil
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
			k.drop(ifname, e.held.Prefix)
		}
	})
	e.timer = timer
}

// Delete is vip.Kernel's.
func (k *Kernel) Delete(a vip.Address) error {
	if err := k.enter(OpDelete); err != nil {
		return fmt.Errorf("remove %s from %s: %w", a.Prefix, a.Interface, err)
	}
	defer k.mu.Unlock()
	k.drop(a.Interface, a.Prefix)
	return nil
}

// drop removes an address, and with a primary one the secondary ones of its subnet, as Linux does unless
// promote_secondaries is set.
func (k *Kernel) drop(ifname string, p netip.Prefix) {
	l := k.links[ifname]
	if l == nil {
		return
	}
	i := l.find(p)
	if i < 0 {
		return
	}
	primary := !l.addrs[i].held.Secondary
	var gone []*entry
	l.addrs = slices.DeleteFunc(l.addrs, func(e *entry) bool {
		h := e.held
		if h.Prefix == p || primary && h.Secondary && h.Prefix.Masked() == p.Masked() {
			gone = append(gone, e)
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

func (l *link) find(p netip.Prefix) int {
	return slices.IndexFunc(l.addrs, func(e *entry) bool { return e.held.Prefix == p })
}

func (l *link) hasSubnet(p netip.Prefix) bool {
	return slices.ContainsFunc(l.addrs, func(e *entry) bool { return e.held.Prefix.Masked() == p.Masked() })
}

// Subscribe is vip.Kernel's.
func (k *Kernel) Subscribe(match func(vip.Event) bool) (changed <-chan struct{}, cancel func()) {
	return k.feed.Subscribe(match)
}

// Announce is vip.Announcer's; it records.
func (k *Kernel) Announce(ifname string, addr netip.Addr, gap time.Duration) (time.Duration, error) {
	if err := k.enter(OpAnnounce); err != nil {
		return 0, fmt.Errorf("announce %s on %s: %w", addr, ifname, err)
	}
	defer k.mu.Unlock()
	now := time.Now()
	if wait := k.pacer.Take(now, ifname, gap); wait > 0 {
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
	return k.put(vip.Address{Prefix: p, Interface: ifname}, 0, false)
}

// DeleteAddress is World's.
func (k *Kernel) DeleteAddress(ifname string, p netip.Prefix) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l := k.links[ifname]; l == nil || l.find(p) < 0 {
		return fmt.Errorf("remove %s from %s: it is not there", p, ifname)
	}
	k.drop(ifname, p)
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
