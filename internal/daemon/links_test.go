package daemon

import (
	"context"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/vip/viptest"
	"github.com/tandem-lb/tandem/vrrp"
)

// A reload that leaves an interface, or the last instance of a family on it, closes the socket there.
func TestIntegrationALinkThatNoInstanceUsesIsClosed(t *testing.T) {
	viptest.NewNamespace(t)
	on := func(iface, address string) config.Instance {
		return config.Instance{VRRP: vrrp.Config{Interface: iface, Addresses: []netip.Addr{netip.MustParseAddr(address)}}}
	}
	all := []config.Instance{
		on(viptest.Interface, "10.0.0.100"), on(viptest.PeerInterface, "10.0.1.100"), on(viptest.PeerInterface, "fe80::100"),
	}
	ctx, cancel := context.WithCancel(t.Context())
	h := &host{log: hclog.NewNullLogger(), adverts: map[linkKey]*advertLink{}, ctx: ctx}
	defer func() {
		cancel()
		h.wg.Wait()
	}()
	open := func() {
		t.Helper()
		for _, i := range all {
			if _, err := h.link(i.VRRP); err != nil {
				t.Fatal(err)
			}
		}
	}
	open()
	open() // those that are there
	wantRawSockets(t, 2, 1)
	h.keepLinks(all)
	wantRawSockets(t, 2, 1)
	h.keepLinks(all[:2])
	wantRawSockets(t, 2, 0)
	h.keepLinks(all[:1])
	wantRawSockets(t, 1, 0)
	open() // and again, as if they had never been
	wantRawSockets(t, 2, 1)
}

// wantRawSockets waits until this network namespace has so many raw sockets: the kernel tells nobody of a closed one.
func wantRawSockets(t *testing.T, v4, v6 int) {
	t.Helper()
	count := func(file string) int {
		text, err := os.ReadFile("/proc/thread-self/net/" + file)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(text), "\n") - 1 // the head
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		four, six := count("raw"), count("raw6")
		if four == v4 && six == v6 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d and %d sockets of IPv4 and IPv6, want %d and %d", four, six, v4, v6)
		}
	}
}
