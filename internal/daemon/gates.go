package daemon

import (
	"net/netip"
	"sync"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/vip"
)

// gates open and close the balancer's gates for the instances. An address that a reload moves from one instance to
// another has two holders for a while, so its gate closes, and its connections end, when nobody holds it any more.
type gates struct {
	log hclog.Logger
	set func(netip.Addr, proxy.GateState) // of the balancer
	end func(netip.Addr) int              // ends the connections on an address, and counts them

	mu      sync.Mutex
	holders map[netip.Addr]map[string]bool // guarded by mu: instances by name
}

func newGates(p *proxy.Proxy, log hclog.Logger) *gates {
	return &gates{
		log:     log,
		set:     func(a netip.Addr, s proxy.GateState) { p.Gate(a).Set(s) },
		end:     p.EndConnections,
		holders: map[netip.Addr]map[string]bool{},
	}
}

// open lets connections in: the instance holds the addresses.
func (g *gates) open(instance string, addresses []vip.Address) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, a := range addresses {
		addr := a.Prefix.Addr()
		if g.holders[addr] == nil {
			g.holders[addr] = map[string]bool{}
		}
		g.holders[addr][instance] = true
		g.set(addr, proxy.Open)
	}
}

// close lets no more connections in: the instance is about to give the addresses up. Those that wait are not refused.
func (g *gates) close(instance string, addresses []vip.Address) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, a := range addresses {
		addr := a.Prefix.Addr()
		delete(g.holders[addr], instance)
		if len(g.holders[addr]) == 0 {
			delete(g.holders, addr)
			g.set(addr, proxy.Closed)
		}
	}
}

// hangUp ends the connections on addresses that nobody holds any more: no further packet can reach them.
func (g *gates) hangUp(addresses []vip.Address) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, a := range addresses {
		addr := a.Prefix.Addr()
		if g.holders[addr] != nil {
			continue
		}
		if n := g.end(addr); n > 0 {
			g.log.Info("ended connections of a lost address", "address", addr, "connections", n)
		}
	}
}
