package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-lb/tandem/internal/admin"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/status"
)

// takeover is when a node did what, for each address and VRID the first time.
type takeover struct {
	advert    map[uint8]time.Time      // its first advert
	held      map[netip.Addr]time.Time // the address is in its kernel
	announced map[netip.Addr]time.Time // its first gratuitous ARP has reached the switch
	gone      map[netip.Addr]time.Time // the address has left the other node's kernel
	garps     int
}

func newTakeover() *takeover {
	return &takeover{map[uint8]time.Time{}, map[netip.Addr]time.Time{}, map[netip.Addr]time.Time{}, map[netip.Addr]time.Time{}, 0}
}

// add takes an event to the record.
func (r *takeover) add(e netlab.Event, node, other string) {
	switch {
	case e.Kind == netlab.AdvertSeen && e.Node == node && e.Advert.Payload[2] > 0:
		first(r.advert, e.Advert.Payload[1], e.Time)
	case e.Kind == netlab.AddressAdded && e.Node == node:
		first(r.held, e.Address.Addr(), e.Time)
	case e.Kind == netlab.AddressRemoved && e.Node == other:
		first(r.gone, e.Address.Addr(), e.Time)
	case e.Kind == netlab.ARPSeen && e.Node == node && e.ARP.Gratuitous():
		first(r.announced, e.ARP.SenderIP, e.Time)
		r.garps++
	}
}

func first[K comparable](m map[K]time.Time, key K, at time.Time) {
	if _, ok := m[key]; !ok {
		m[key] = at
	}
}

// ends returns the earliest and the latest of the times.
func ends[K comparable](m map[K]time.Time) (earliest, latest time.Time) {
	for _, t := range m {
		if earliest.IsZero() || t.Before(earliest) {
			earliest = t
		}
		if t.After(latest) {
			latest = t
		}
	}
	return earliest, latest
}

// takes does something and prints how long it takes until a node holds and has announced every address. A node that held
// them before must have given up all. The node's first advert is when the first of its down timers ended.
func (c *crowd) takes(what, node, other string, do func()) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), 3*patience)
	defer cancel()
	r, n := newTakeover(), len(c.addresses)
	mark, began := c.lab.Mark(), time.Now()
	do()
	_, err := c.lab.Await(ctx, mark, func(e netlab.Event) bool {
		if !e.Address.IsValid() || c.vrids[e.Address.Addr()] != 0 { // a node has addresses of its own
			r.add(e, node, other)
		}
		return len(r.held) == n && len(r.announced) == n && (other == "" || len(r.gone) == n)
	})
	if err != nil {
		c.Fatalf("%s: %s holds %d, has announced %d, %s has given up %d of %d: %v", what, node, len(r.held), len(r.announced), other, len(r.gone), n, err)
	}
	timer, last := ends(r.advert)
	_, held := ends(r.held)
	_, announced := ends(r.announced)
	_, gone := ends(r.gone)
	if !gone.IsZero() {
		c.row(what+": all gone from the other node", gone.Sub(began))
	}
	c.row(what+": first down timer", timer.Sub(began))
	c.row(what+": last down timer", last.Sub(began))
	c.row(what+": all held", held.Sub(began))
	c.row(what+": all held, from the first down timer", held.Sub(timer))
	slowest := c.slowest(r)
	c.row(what+": the slowest instance, from its own down timer", slowest)
	if slowest > takeoverBound+busy {
		c.Errorf("%s: an instance on %s took %v from its down timer, want at most %v and %v of slack", what, node, slowest, takeoverBound, busy)
	}
	c.row(what+": all announced once, from the first down timer", announced.Sub(timer))
}

// returns starts a node again, and waits until it has everything back.
func (c *crowd) returns(node string) {
	c.Helper()
	<-c.daemons[node].Done()
	name := filepath.Join("/run/tandem", node+".run")
	if err := os.Remove(c.nodes[node].Path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.Fatal(err) // after an unclean end it would hold back for half a minute
	}
	c.takes("failback", node, other(node), func() { c.start(node) })
	c.settle(other(node), status.Backup)
}

// slowest is the longest time from an instance's first advert to its last address.
func (c *crowd) slowest(r *takeover) (slowest time.Duration) {
	for addr, vrid := range c.vrids {
		slowest = max(slowest, r.held[addr].Sub(r.advert[vrid]))
	}
	return slowest
}

func (c *crowd) status(node string) (s status.Snapshot, err error) {
	ctx, cancel := context.WithTimeout(c.Context(), patience)
	defer cancel()
	text, err := admin.Call(ctx, c.nodes[node].Path("/run/tandem/admin.sock"), "status")
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(text, &s)
}

// footprint prints what a node's processes cost while nothing happens.
func (c *crowd) footprint(node string) {
	c.Helper()
	const span = 5 * time.Second
	family := processes(c.daemons[node].Pid())
	before := map[int]time.Duration{}
	for _, p := range family {
		before[p] = cpu(p)
	}
	pause(c.T, span)
	for _, p := range family {
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", p))
		c.row(fmt.Sprintf("%s: %s: CPU", node, bytes.TrimSpace(name)),
			fmt.Sprintf("%.2f%%, %d KiB resident", 100*float64(cpu(p)-before[p])/float64(span), resident(p)))
	}
	began := time.Now()
	_, err := c.status(node)
	check(c.T, err)
	c.row(node+": status", time.Since(began))
}

// reload reloads the same file, and one in which one address differs.
func (c *crowd) reload() {
	c.Helper()
	text, err := os.ReadFile(c.file)
	check(c.T, err)
	mark := c.lab.Mark()
	c.row("reload of the same file", c.reloaded("lb1"))
	events, err := c.lab.Since(mark)
	check(c.T, err)
	if done := filter(events, func(e netlab.Event) bool { return e.Kind == netlab.AddressAdded || e.Kind == netlab.AddressRemoved }); len(done) > 0 {
		c.Errorf("a reload of the same file led to %v", done[0])
	}
	old := c.addresses[len(c.addresses)-1].String()
	check(c.T, os.WriteFile(c.file, []byte(strings.Replace(string(text), old, "10.77.255.200/16", 1)), 0o644))
	c.row("reload of one address", c.reloaded("lb1"))
	check(c.T, os.WriteFile(c.file, text, 0o644))
	c.row("reload of one address back", c.reloaded("lb1"))
}

func (c *crowd) reloaded(node string) time.Duration {
	c.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(c.Context(), 2*patience)
	defer cancel()
	_, err := admin.Call(ctx, c.nodes[node].Path("/run/tandem/admin.sock"), "reload")
	check(c.T, err)
	return time.Since(began)
}

// processes returns a process and its children.
func processes(pid int) []int {
	all := []int{pid}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // no bad pattern
	for _, name := range tasks {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended
		}
		for _, f := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(f); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}

// tick is the unit of CPU time in /proc, on all architectures that Go runs on.
const tick = 10 * time.Millisecond

// cpu is the CPU time that a process has used, 0 when it is gone.
func cpu(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(text), ") ") // behind the name
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick
}

// resident is how much memory a process has, in KiB.
func resident(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	fields := strings.Fields(after)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.Atoi(fields[0])
	return kib
}
