package vip_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vip/viptest"
)

// TestIntegrationGratuitousARPOnTheWire: what the other end of the cable gets, to the last byte.
func TestIntegrationGratuitousARPOnTheWire(t *testing.T) {
	env, _ := viptest.RealEnv(t)
	peer, err := net.InterfaceByName(viptest.PeerInterface)
	if err != nil {
		t.Fatal(err)
	}
	lan, err := packet.Listen(peer, packet.Raw, unix.ETH_P_ARP, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer lan.Close()
	if err := lan.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}

	s, err := vip.New(config(2), env.Kernel, env.Kernel, nil)
	if err != nil {
		t.Fatal(err)
	}
	viptest.Go(t, s.Run)
	mustAcquire(t, s)
	s.Announce()

	// As Keepalived 2.2.7 sent them on such a pair.
	frames := []string{
		"ffffffffffff 02005e100001 0806 0001 0800 0604 0001 02005e100001 0a4d0064 ffffffffffff 0a4d0064",
		"ffffffffffff 02005e100001 0806 0001 0800 0604 0001 02005e100001 0a4d0065 ffffffffffff 0a4d0065",
	}
	b := make([]byte, 128)
	for i := range 4 { // two addresses, twice each
		n, _, err := lan.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		want, err := hex.DecodeString(strings.ReplaceAll(frames[i%2], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b[:n], want) {
			t.Errorf("frame %d: got %x, want %x", i, b[:n], want)
		}
	}
}

// TestIntegrationNoBroadcastAddress: Keepalived and ip-address(8) give a VIP none, whatever its prefix length.
func TestIntegrationNoBroadcastAddress(t *testing.T) {
	env, _ := viptest.RealEnv(t)
	if err := viptest.Add(env.Kernel, address("10.77.0.100/24"), time.Minute); err != nil {
		t.Fatal(err)
	}
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	list, err := h.AddrList(nil, netlink.FAMILY_V4)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].Broadcast != nil || list[0].PreferedLft != list[0].ValidLft {
		t.Errorf("got %+v, want one address without a broadcast address, preferred as long as valid", list)
	}
}

// TestIntegrationRemover: a last will may be executed twice, and after the interface has gone.
func TestIntegrationRemover(t *testing.T) {
	env, world := viptest.RealEnv(t)
	r, err := vip.OpenRemover()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, p := range []string{"10.77.0.1/24", "10.77.0.100/24"} {
		if err := viptest.Add(env.Kernel, address(p), 0); err != nil {
			t.Fatal(err)
		}
	}
	remove := func() {
		t.Helper()
		if err := r.Remove("v0", netip.MustParsePrefix("10.77.0.100/24")); err != nil {
			t.Errorf("got error %v, want none", err)
		}
	}
	remove()
	remove()
	list := addresses(env.Kernel)
	if len(list) != 1 || list[0].Prefix.String() != "10.77.0.1/24" {
		t.Errorf("got %v, want 10.77.0.1/24 alone", list)
	}
	if err := world.RemoveInterface("v0"); err != nil {
		t.Fatal(err)
	}
	remove()
}

// TestIntegrationEventsEnd: Run reads until its context ends, though nothing comes.
func TestIntegrationEventsEnd(t *testing.T) {
	viptest.NewNamespace(t)
	k, err := vip.OpenKernel()
	if err != nil {
		t.Fatal(err)
	}
	stop := viptest.Go(t, k.Run)
	stop()
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	if err := k.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed twice: got error %v, want %v", err, os.ErrClosed)
	}
}

// TestIntegrationFloodOfEvents: more changes than the event socket holds lose events, not addresses.
func TestIntegrationFloodOfEvents(t *testing.T) {
	viptest.NewNamespace(t)
	k, err := vip.OpenKernel()
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	s, err := vip.New(config(1), k, k, nil)
	if err != nil {
		t.Fatal(err)
	}
	mustAcquire(t, s)
	var others []vip.Address
	for i := range 250 {
		others = append(others, vip.Address{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 78, 0, byte(i)}), 32), Interface: "v0"})
	}
	for range 80 { // nobody reads: the socket's queue of 8 MiB takes some ten thousand
		if err := errors.Join(append(k.Add(others, 0), k.Delete(others)...)...); err != nil {
			t.Fatal(err)
		}
	}
	changed, cancel := k.Subscribe(func(vip.Event) bool { return false })
	defer cancel()
	defer viptest.Go(t, k.Run)()
	select {
	case <-changed:
	case <-time.After(10 * time.Second):
		t.Error("nobody was told that events were lost")
	}
}

// BenchmarkIntegrationAcquire: from the call to the last address in the kernel.
func BenchmarkIntegrationAcquire(b *testing.B) {
	for _, bench := range []struct {
		family, format string
		n              int
	}{
		{"IPv4", "10.77.1.%d/32", 1},
		{"IPv4", "10.77.1.%d/32", 20},
		{"IPv4", "10.77.1.%d/32", 255},
		{"IPv6", "fd00:77::1:%x/64", 1},
		{"IPv6", "fd00:77::1:%x/64", 20},
		{"IPv6", "fd00:77::1:%x/64", 255},
	} {
		b.Run(fmt.Sprintf("%s=%d", bench.family, bench.n), func(b *testing.B) {
			env, _ := viptest.RealEnv(b)
			cfg := config(0)
			for i := range bench.n {
				cfg.Addresses = append(cfg.Addresses, address(fmt.Sprintf(bench.format, i)))
			}
			s, err := vip.New(cfg, env.Kernel, env.Kernel, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Acquire(b.Context()); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := s.Release(b.Context()); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

// BenchmarkIntegrationPutBack: from somebody's deletion until the address is there again.
func BenchmarkIntegrationPutBack(b *testing.B) {
	env, world := viptest.RealEnv(b)
	s, err := vip.New(config(1), env.Kernel, env.Kernel, nil)
	if err != nil {
		b.Fatal(err)
	}
	viptest.Go(b, s.Run)
	added, cancel := env.Kernel.Subscribe(func(e vip.Event) bool { return e.Kind == vip.AddressAdded })
	defer cancel()
	p := netip.MustParsePrefix("10.77.0.100/32")
	for b.Loop() {
		b.StopTimer() // a fresh holding each time: an address that was just put back is contested
		if err := errors.Join(s.Release(b.Context()), s.Acquire(b.Context())); err != nil {
			b.Fatal(err)
		}
		<-added
		b.StartTimer()
		if err := world.DeleteAddress("v0", p); err != nil {
			b.Fatal(err)
		}
		<-added
	}
}

// BenchmarkIntegrationAnnounce: one gratuitous ARP, one neighbour advertisement.
func BenchmarkIntegrationAnnounce(b *testing.B) {
	for _, addr := range []string{"10.77.0.100", "fd00:77::100"} {
		b.Run(addr, func(b *testing.B) {
			env, _ := viptest.RealEnv(b)
			addr := netip.MustParseAddr(addr)
			for b.Loop() {
				if _, err := env.Kernel.Announce("v0", addr, 0, false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
