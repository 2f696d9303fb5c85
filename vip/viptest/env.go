package viptest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/vip"
)

// World is everybody else who changes a kernel: administrators, DHCP clients, hotplug.
type World interface {
	// AddAddress adds an address with the kernel's defaults: an IPv6 one is probed for duplicates first.
	AddAddress(ifname string, p netip.Prefix) error
	// AddDuplicate adds an IPv6 address that duplicate address detection finds elsewhere.
	AddDuplicate(ifname string, p netip.Prefix) error
	// Claim has somebody on the interface's LAN say that the address is at mac, by ARP or a neighbour advertisement.
	Claim(ifname string, addr netip.Addr, mac net.HardwareAddr) error
	DeleteAddress(ifname string, p netip.Prefix) error
	AddInterface(ifname string) error
	RemoveInterface(ifname string) error
}

// Env is a kernel under test, whose events run. It has one interface, without an address.
type Env struct {
	Kernel interface {
		vip.Kernel
		vip.Announcer
		vip.Listener
	}
	World     World
	Interface string
	IPv6      bool // the family that a case of both is to use
}

// MAC is the Ethernet address of the environment's interface.
func MAC() net.HardwareAddr { return net.HardwareAddr{0x02, 0x00, 0x5e, 0x10, 0x00, 0x01} }

// Case is a test that any kernel passes.
type Case struct {
	Name string
	Run  func(t *testing.T, e Env)
}

// patience is how long a test waits for what must happen: in a bubble it costs nothing.
const patience = 20 * time.Second

// bothFamilies makes two cases of one.
func bothFamilies(name string, run func(*testing.T, Env)) []Case {
	cases := []Case{{name, run}}
	return append(cases, Case{name + ", IPv6", func(t *testing.T, e Env) {
		e.IPv6 = true
		run(t, e)
	}})
}

// host returns an address of the LAN with the prefix length of a host, net with that of the LAN.
func (e Env) host(n int) string {
	if e.IPv6 {
		return fmt.Sprintf("fd00:77::%d/128", n)
	}
	return fmt.Sprintf("10.77.0.%d/32", n)
}

func (e Env) net(n int) string {
	if e.IPv6 {
		return fmt.Sprintf("fd00:77::%d/64", n)
	}
	return fmt.Sprintf("10.77.0.%d/24", n)
}

// addr returns an address of the environment's interface.
func (e Env) addr(prefix string) vip.Address {
	return vip.Address{Prefix: netip.MustParsePrefix(prefix), Interface: e.Interface}
}

// list returns what the interface has.
func (e Env) list(t *testing.T) []vip.Held {
	t.Helper()
	list, err := e.Kernel.Addresses(e.Interface)
	if err != nil {
		t.Fatal(err)
	}
	return list.Held
}

// has returns the kernel's view of an address, or false. The interface may be gone.
func (e Env) has(prefix string) (vip.Held, bool) {
	list, err := e.Kernel.Addresses(e.Interface)
	if err != nil {
		return vip.Held{}, false // an interface that is gone has none
	}
	i := slices.IndexFunc(list.Held, func(h vip.Held) bool { return h.Prefix == netip.MustParsePrefix(prefix) })
	if i < 0 {
		return vip.Held{}, false
	}
	return list.Held[i], true
}

// prefixes returns the addresses of the interface.
func (e Env) prefixes(t *testing.T) []string {
	t.Helper()
	got := []string{}
	for _, h := range e.list(t) {
		got = append(got, h.Prefix.String())
	}
	slices.Sort(got)
	return got
}

// await waits until cond holds; what says what that is. It looks after each event, and between them for what has none.
func (e Env) await(t *testing.T, what string, cond func() bool) {
	t.Helper()
	changed, cancel := e.Kernel.Subscribe(func(vip.Event) bool { return true })
	defer cancel()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	late := time.After(patience)
	for !cond() {
		select {
		case <-changed:
		case <-look.C:
		case <-late:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// start makes a Set and runs it until the test ends, or until stop.
func (e Env) start(t *testing.T, cfg vip.Config) (s *vip.Set, stop func()) {
	t.Helper()
	cfg.Instance = "VI_1"
	s, err := vip.New(cfg, e.Kernel, e.Kernel, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s, Go(t, s.Run)
}

// Go runs a function such as Set.Run until stop or the end of the test, which fails when it returns an error.
func Go(t testing.TB, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1) // the one goroutine sends once
	go func() { ended <- run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}
