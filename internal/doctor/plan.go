package doctor

import (
	"net/netip"
	"slices"
	"time"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/proxy/resolve"
)

// Plan is what Tandem is to do on this host, as far as a check looks at it.
type Plan struct {
	Configured bool         // there is a configuration; without one only the host and an interface are examined
	Node       string       // the node that this host is
	Peers      []netip.Addr // the addresses of the other nodes
	RTPriority int          // that the keeper is to have; 0: none
	Interfaces []string     // those that speak VRRP or get virtual addresses, sorted
	Routers    []Router
	LowPorts   []netip.AddrPort // binds that need CAP_NET_BIND_SERVICE
	Scripts    []ScriptUser     // whom scripts run as
	Names      []Name           // that servers are found by
	Resolvers  resolve.Config   // how they are looked up
}

// Name is a name and the servers that are found by it: "web/web1".
type Name struct {
	resolve.Query
	Servers []string
}

// Router is one virtual router of the plan.
type Router struct {
	Name      string // the instance's
	Interface string // where it speaks
	VRID      uint8
	Version   uint8
	Priority  uint8
	Interval  time.Duration // of its adverts
	AuthType  uint8         // v2: as it stands in packets
	HMAC      bool          // adverts may be signed
	Addresses []netip.Addr  // those that it advertises
	VIPs      []VIP         // those that it holds
}

// VIP is a virtual address and the interface that gets it.
type VIP struct {
	Prefix    netip.Prefix // with its host bits
	Interface string
}

// ScriptUser is a user that scripts are to run as.
type ScriptUser struct {
	Name string
	For  []string // what runs as it: "check script web", "notify script of VI_1"
}

// defaultScriptUser is whom scripts run as that name nobody.
const defaultScriptUser = "tandem_script"

// firstFreePort is the first port that anyone may listen on (ip(7), ip_unprivileged_port_start).
const firstFreePort = 1024

// PlanInterface is the plan where there is no configuration yet: to look at one interface.
func PlanInterface(name string) Plan { return Plan{Interfaces: []string{name}} }

// PlanNode is what the configuration wants of one of its nodes.
func PlanNode(cfg *config.Config, n *config.Node) (Plan, error) {
	p := Plan{Configured: true, Node: n.Name, RTPriority: n.RealTime.Priority}
	for _, name := range cfg.Nodes {
		if name == n.Name {
			continue
		}
		other, err := cfg.Node(name)
		if err != nil {
			return Plan{}, err
		}
		p.Peers = append(p.Peers, other.Addresses...)
	}
	for _, in := range n.Instances {
		p.Routers = append(p.Routers, router(in))
	}
	for _, r := range p.Routers {
		p.addInterface(r.Interface)
		for _, v := range r.VIPs {
			p.addInterface(v.Interface)
		}
	}
	for _, f := range n.Proxy.Frontends {
		for _, b := range f.Binds {
			if b.Unix.Path == "" && b.Address.Port() < firstFreePort {
				p.LowPorts = append(p.LowPorts, b.Address)
			}
		}
	}
	p.addScripts(n)
	p.addNames(n)
	slices.Sort(p.Interfaces)
	return p, nil
}

func router(in config.Instance) Router {
	r := Router{
		Name:      in.VRRP.Name,
		Interface: in.VRRP.Interface,
		VRID:      in.VRRP.VRID,
		Version:   uint8(in.VRRP.Version),
		Priority:  in.VRRP.Priority,
		Interval:  in.VRRP.AdvertInterval,
		AuthType:  uint8(in.VRRP.Auth.Type),
		HMAC:      len(in.VRRP.HMAC.Keys) > 0,
		Addresses: in.VRRP.Addresses,
	}
	for _, a := range in.VIP.Addresses {
		r.VIPs = append(r.VIPs, VIP{Prefix: a.Prefix, Interface: a.Interface})
	}
	return r
}

func (p *Plan) addInterface(name string) {
	if !slices.Contains(p.Interfaces, name) {
		p.Interfaces = append(p.Interfaces, name)
	}
}

func (p *Plan) addScripts(n *config.Node) {
	add := func(user, what string) {
		if user == "" {
			user = defaultScriptUser
		}
		i := slices.IndexFunc(p.Scripts, func(s ScriptUser) bool { return s.Name == user })
		if i < 0 {
			i = len(p.Scripts)
			p.Scripts = append(p.Scripts, ScriptUser{Name: user})
		}
		p.Scripts[i].For = append(p.Scripts[i].For, what)
	}
	for _, s := range n.Scripts {
		add(s.User, "check script "+s.Name)
	}
	for _, in := range n.Instances {
		if in.Notify != nil {
			add(in.Notify.User, "the notify script of "+in.VRRP.Name)
		}
	}
}

func (p *Plan) addNames(n *config.Node) {
	p.Resolvers = n.Proxy.Resolvers
	for _, b := range n.Proxy.Backends {
		for _, s := range b.Servers {
			if s.Lookup.Name == "" {
				continue
			}
			i := slices.IndexFunc(p.Names, func(n Name) bool { return n.Query == s.Lookup })
			if i < 0 {
				i = len(p.Names)
				p.Names = append(p.Names, Name{Query: s.Lookup})
			}
			p.Names[i].Servers = append(p.Names[i].Servers, b.Name+"/"+s.Name)
		}
	}
}

// Only narrows the plan to one interface.
func (p Plan) Only(name string) Plan {
	p.Interfaces = []string{name}
	var routers []Router
	for _, r := range p.Routers {
		vips := slices.DeleteFunc(slices.Clone(r.VIPs), func(v VIP) bool { return v.Interface != name })
		if r.Interface == name || len(vips) > 0 {
			r.VIPs = vips
			routers = append(routers, r)
		}
	}
	p.Routers = routers
	return p
}

// routersOn returns the virtual routers that speak on an interface.
func (p Plan) routersOn(name string) []Router {
	var on []Router
	for _, r := range p.Routers {
		if r.Interface == name {
			on = append(on, r)
		}
	}
	return on
}

// speaksOn says whether VRRP is spoken on an interface, or may come to be: without a configuration it is why one asks.
func (p Plan) speaksOn(name string) bool { return !p.Configured || len(p.routersOn(name)) > 0 }

// vipsOn returns the virtual addresses that an interface gets.
func (p Plan) vipsOn(name string) []netip.Prefix {
	var on []netip.Prefix
	for _, r := range p.Routers {
		for _, v := range r.VIPs {
			if v.Interface == name {
				on = append(on, v.Prefix)
			}
		}
	}
	return on
}

// speaksIPv4 says whether adverts over IPv4 are sent on an interface, or may come to be.
func (p Plan) speaksIPv4(name string) bool { return !p.Configured || p.speaksFamily(name, 4) }

// usesIPv4 says whether IPv4 has a part in what an interface is for: adverts or virtual addresses.
func (p Plan) usesIPv4(name string) bool {
	return p.speaksIPv4(name) || slices.ContainsFunc(p.vipsOn(name), func(v netip.Prefix) bool { return v.Addr().Is4() })
}

// speaksIPv6 says whether adverts over IPv6 are sent on an interface.
func (p Plan) speaksIPv6(name string) bool { return p.speaksFamily(name, 6) }

func (p Plan) speaksFamily(name string, family int) bool {
	return slices.ContainsFunc(p.routersOn(name), func(r Router) bool { return r.family() == family })
}

// family is that of the IP that a router speaks, 4 or 6: that of its addresses.
func (r Router) family() int {
	if len(r.Addresses) > 0 && r.Addresses[0].Is6() {
		return 6
	}
	return 4
}

// isVIP says whether the plan makes an address a virtual one.
func (p Plan) isVIP(a netip.Addr) bool {
	return slices.ContainsFunc(p.Routers, func(r Router) bool {
		return slices.ContainsFunc(r.VIPs, func(v VIP) bool { return v.Prefix.Addr() == a })
	})
}
