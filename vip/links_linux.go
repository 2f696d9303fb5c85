package vip

import (
	"net"
	"sync"
)

// nodeLinks knows the node's interfaces. It asks the kernel when it is asked itself, and only after something changed.
type nodeLinks struct {
	rtnl    *rtnl
	changed <-chan struct{}

	mu     sync.Mutex
	known  bool            // what follows is that of now
	names  map[int]string  // by index
	byName map[string]link // none where the kernel has none
	macs   map[string]bool // of all interfaces, as strings of their bytes
}

// link is an interface.
type link struct {
	index int
	mac   net.HardwareAddr // empty where it has none; not to be written to
}

// foreign returns the name of an interface, and whether the MAC is none of this node's.
func (n *nodeLinks) foreign(ifindex int, mac net.HardwareAddr) (ifname string, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refresh()
	ifname, ok = n.names[ifindex]
	return ifname, ok && !n.macs[string(mac)]
}

// named returns an interface by its name.
func (n *nodeLinks) named(ifname string) (l link, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refresh()
	l, ok = n.byName[ifname]
	return l, ok
}

// forget has the kernel asked the next time, whatever it has told meanwhile.
func (n *nodeLinks) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.known = false
}

// refresh asks for the interfaces if they may have changed; mu is held. When the kernel does not answer, what is known
// stands until the next time.
func (n *nodeLinks) refresh() {
	select {
	case <-n.changed:
		n.known = false
	default:
	}
	if n.known {
		return
	}
	links, err := n.rtnl.links()
	if err != nil {
		return
	}
	n.names, n.byName, n.macs = make(map[int]string, len(links)), make(map[string]link, len(links)), make(map[string]bool, len(links))
	for _, l := range links {
		a := l.Attrs()
		n.names[a.Index] = a.Name
		n.byName[a.Name] = link{a.Index, a.HardwareAddr}
		n.macs[string(a.HardwareAddr)] = true
	}
	n.known = true
}
