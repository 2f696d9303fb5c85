package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/status"
)

// The addresses of the pairs for IPv6: one with the subnet's prefix length, one alone, and the link-local one that comes first.
var (
	vip6      = netip.MustParseAddr("fd00:77::100")
	vip6Alone = netip.MustParseAddr("fd00:77::101")
	vip6Local = netip.MustParseAddr("fe80::77:100")
)

// The bounds of these pairs: version 3 with an advert each 100 ms and priorities 101 and 100.
const (
	silenceBound3 = 3*advertInterval3 + keepalivedSkew3 + 50*time.Millisecond
	stopBound3    = keepalivedSkew3 + 150*time.Millisecond
	killBound3    = 200 * time.Millisecond
)

// config6 is drill.Config for IPv6: servers too.
func config6(t *testing.T, changes ...string) string {
	return edited(t, edited(t, drill.Config,
		"      advert_interval: 1s\n", "      advert_interval: 100ms\n",
		"      authentication: {type: PASS, password: s3cret77}\n", "",
		"[10.77.0.100/24]", fmt.Sprintf("[%q, %q, %q]", vip6Local.String()+"/64", vip6.String()+"/64", vip6Alone.String()),
		"10.77.0.11:80", "[fd00:77::11]:80", "10.77.0.12:80", "[fd00:77::12]:80"), changes...)
}

// on matches the event of an address on a node.
func on(kind netlab.Kind, node string, addr netip.Addr) func(netlab.Event) bool {
	return func(e netlab.Event) bool { return e.Kind == kind && e.Node == node && e.Address.Addr() == addr }
}

// A pair for IPv6 fails over as one for IPv4 does. Duplicate address detection would cost a second each time.
func TestIntegrationIPv6Pair(t *testing.T) {
	p := newPairOf(t, config6(t), vip6)
	wire := sniffIPv6(t, p.Node("client"))
	check(t, p.Start(t.Context()))
	ready(t, p, "lb1")
	for _, address := range []string{"[fd00:77::100]:80", "[fd00:77::101]:80"} {
		if code, err := get(t, p, address, "/"); err != nil || code != http.StatusOK {
			t.Errorf("%s: got status %d and %v, want 200", address, code, err)
		}
	}
	measure(t, p, figure{"IPv6: master's cable pulled", silenceBound3}, "lb2", func(ctx context.Context) error { return p.Cable("lb1").Pull(ctx) })
	unserving(t, p, "lb1")
	measure(t, p, figure{"IPv6: cable back", contestBound}, "lb1", func(ctx context.Context) error { return p.Cable("lb1").Restore(ctx) })
	ready(t, p, "lb1")
	measure(t, p, figure{"IPv6: clean stop", stopBound3}, "lb2", signal(p, "lb1", syscall.SIGTERM))
	measure(t, p, figure{"IPv6: start again: failback", contestBound}, "lb1", func(context.Context) error { return p.StartDaemon("lb1") })
	ready(t, p, "lb1")
	t.Run("address deleted by hand", func(t *testing.T) { deleted6(t, p) })
	t.Run("address put there by hand", func(t *testing.T) { tentative6(t, p) })
	t.Run("killed", func(t *testing.T) {
		measure(t, p, figure{"IPv6: daemon killed (kill -9)", killBound3}, "lb2", signal(p, "lb1", syscall.SIGKILL))
		restartForgetting(t, p, "lb1")
		awaitFailback(t, p)
		ready(t, p, "lb1")
	})
	t.Run("no source", func(t *testing.T) { sourceless6(t, p) })
	t.Run("both killed", func(t *testing.T) { bothKilled6(t, p) })
	wire.judge(t, p, "lb1")
}

// unserving waits until a node that is cut off knows that it cannot serve: else it takes the address back for a moment, and
// answers 503. That is the affair of the checks' interval, here five times that of adverts.
func unserving(t *testing.T, p *drill.Pair, node string) {
	t.Helper()
	awaitStatus(t, p, node, "sees no healthy server", func(s status.Snapshot) bool { return s.Backends[0].Healthy == 0 })
}

// deleted6: what somebody deletes is back at once.
func deleted6(t *testing.T, p *drill.Pair) {
	mark := p.Lab.Mark()
	measure(t, p, figure{"IPv6: address deleted by hand", 0}, "lb1", func(context.Context) error {
		command(t, p, "lb1", "ip", "-6", "address", "del", vip6.String()+"/64", "dev", "eth0")
		await(t, p, mark, "the address is back", on(netlab.AddressAdded, "lb1", vip6))
		return nil
	})
	i := mustSnapshot(t, p, "lb1").Instances[0]
	if i.State != status.Master || i.Counters.ForeignDeletions != 1 || i.Counters.Readded != 1 {
		t.Errorf("lb1 is %s with %+v, want MASTER and one address put back", i.State, i.Counters)
	}
	wantVirtual(t, p, "lb1")
}

// tentative6: an address that somebody adds anew is under duplicate address detection, and the kernel does not answer for it.
func tentative6(t *testing.T, p *drill.Pair) {
	measure(t, p, figure{"IPv6: address put there by hand, to be detected", 0}, "lb1", func(context.Context) error {
		try(t, p, "lb1", "sh", "-c", "ip -6 address del fd00:77::100/64 dev eth0; ip -6 address add fd00:77::100/64 dev eth0") // who is first is open
		return nil
	})
	wantVirtual(t, p, "lb1")
	eventually(t, "what was done is counted", func() (bool, any) {
		c := mustSnapshot(t, p, "lb1").Instances[0].Counters
		return c.ForeignDeletions+c.DADFailures >= 2, c
	})
}

// wantVirtual holds the virtual addresses of a node to what they must be: ready at once, none to send from, without a route.
func wantVirtual(t *testing.T, p *drill.Pair, node string) {
	t.Helper()
	there := command(t, p, node, "ip", "-6", "-o", "address", "show", "dev", "eth0")
	for _, want := range []string{vip6Local.String() + "/64", vip6.String() + "/64", vip6Alone.String() + "/128"} {
		out := ""
		for line := range strings.Lines(there) {
			if strings.Contains(line, " "+want+" ") {
				out = line
			}
		}
		switch {
		case strings.Contains(out, "tentative") || strings.Contains(out, "dadfailed"):
			t.Errorf("%s is under duplicate address detection: %s", want, out)
		case !strings.Contains(out, "deprecated") || !strings.Contains(out, "noprefixroute") || strings.Contains(out, "valid_lft forever"):
			t.Errorf("%s is not there, deprecated, without a route and with a lease: %s", want, there)
		}
	}
}

// own is what a node has besides the virtual addresses: its addresses and its routes, without times.
func own(t *testing.T, p *drill.Pair, node string) []string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(command(t, p, node, "ip", "-6", "-o", "address", "show", "dev", "eth0")) {
		if address := strings.Fields(line)[3]; !strings.HasPrefix(address, "fd00:77::10") && !strings.HasPrefix(address, "fe80::77:") {
			lines = append(lines, address)
		}
	}
	for line := range strings.Lines(command(t, p, node, "ip", "-6", "route", "show", "table", "all", "dev", "eth0")) {
		if !strings.Contains(line, "fd00:77::10") && !strings.Contains(line, "fe80::77:") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	slices.Sort(lines)
	return lines
}

// bothKilled6: the lease takes the addresses away, whatever their prefix lengths, and nothing else.
func bothKilled6(t *testing.T, p *drill.Pair) {
	ready(t, p, "lb1")
	before := own(t, p, "lb1")
	lease := time.Duration(mustSnapshot(t, p, "lb1").Instances[0].Addresses[0].Lease * float64(time.Second))
	mark, began := p.Lab.Mark(), time.Now()
	// Adverts come so often that lb2 takes over before the shortest lease ends.
	measure(t, p, figure{"IPv6: daemon and keeper killed at once", lease + 400*time.Millisecond}, "lb2", killBoth(t, p, "lb1"))
	for _, a := range []netip.Addr{vip6, vip6Alone, vip6Local} {
		gone := await(t, p, mark, "the lease ends", on(netlab.AddressRemoved, "lb1", a))
		within(t, fmt.Sprintf("both killed: the lease of %s ends after", a), gone.Time.Sub(began), lease+400*time.Millisecond)
	}
	if after := own(t, p, "lb1"); !slices.Equal(after, before) {
		t.Errorf("lb1 has\n  %s\nhad before\n  %s", strings.Join(after, "\n  "), strings.Join(before, "\n  "))
	}
	command(t, p, "lb1", "ping", "-6", "-c", "1", "-W", "2", "fd00:77::11")
	restartForgetting(t, p, "lb1")
	awaitFailback(t, p)
	ready(t, p, "lb1")
}

// sourceless6: a node that has no link-local address of its own can send no advert. It is in FAULT at once, and the other
// node hears so.
func sourceless6(t *testing.T, p *drill.Pair) {
	text := command(t, p, "lb1", "ip", "-6", "-o", "address", "show", "dev", "eth0", "scope", "link")
	measure(t, p, figure{"IPv6: no source address any more", stopBound3}, "lb2", func(context.Context) error {
		for line := range strings.Lines(text) {
			if address := strings.Fields(line)[3]; !strings.HasPrefix(address, vip6Local.String()) {
				command(t, p, "lb1", "ip", "-6", "address", "del", address, "dev", "eth0")
			}
		}
		return nil
	})
	s := awaitStatus(t, p, "lb1", "is in FAULT", func(s status.Snapshot) bool { return s.Instances[0].State == status.Fault })
	if want := []string{"interface eth0 has no link-local address to send from"}; !slices.Equal(s.Instances[0].Faults, want) {
		t.Errorf("got faults %q, want %q", s.Instances[0].Faults, want)
	}
	measure(t, p, figure{"IPv6: a source address again", contestBound}, "lb1", func(context.Context) error {
		command(t, p, "lb1", "ip", "-6", "address", "add", "fe80::1/64", "dev", "eth0") // which is ready after its detection
		return nil
	})
}
