package config

import (
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/certs"
)

// Host is what a check asks of the machine that it runs on. A function that is nil is not asked.
type Host struct {
	Interfaces   func(name string) ([]netip.Prefix, error) // the addresses of an interface, with the lengths of their prefixes
	Executable   func(path string) error                   // why a program cannot be run; nil: it can
	Certificates func(paths []certs.Path) error            // why certificates cannot be used; nil: they can
	Authorities  func(files []string) error                // why certificates of authorities cannot be used; nil: they can
	TicketSecret func(file string) error                   // why a secret of session tickets cannot be used; nil: it can
	Appendable   func(path string) error                   // why there can be no file to append to; nil: there can
	ErrorPage    func(file string) error                   // why a file can be no error page; nil: it can
	CookieSecret func(file string) error                   // why a secret of cookies cannot be used; nil: it can
	Users        func(file string) error                   // why a file cannot say who may come in; nil: it can
	// Map asks why a file cannot say which backend gets a request; nil: it can.
	Map func(file string, prefix bool, known func(backend string) bool) error
}

// ThisHost asks the kernel. What concerns TLS is for the caller to add.
func ThisHost() Host {
	return Host{
		Interfaces: interfacePrefixes, Executable: executable, Appendable: appendable,
		ErrorPage: proxy.CheckErrorPage, CookieSecret: proxy.CheckCookieSecret, Users: proxy.CheckUsers, Map: proxy.CheckMap,
	}
}

// appendable looks at what is there alone: who asks may be another user than the daemon.
func appendable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("it is a directory")}
	case !os.IsNotExist(err):
		return err
	}
	_, err = os.Stat(filepath.Dir(path))
	return err
}

func interfacePrefixes(name string) ([]netip.Prefix, error) {
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	addrs, err := ifi.Addrs()
	if err != nil {
		return nil, err
	}
	var prefixes []netip.Prefix
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil { // other kinds than IP have no prefix
			prefixes = append(prefixes, p)
		}
	}
	return prefixes, nil
}

func executable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return &fs.PathError{Op: "run", Path: path, Err: fmt.Errorf("it is no file")}
	case info.Mode().Perm()&0o111 == 0:
		return &fs.PathError{Op: "run", Path: path, Err: fmt.Errorf("nobody may execute it")}
	}
	return nil
}

// CheckHost checks what only the machine can answer. n is the view of the node that it is.
func (c *Config) CheckHost(n *Node, h Host) Problems {
	report := &checker{src: c.src}
	if h.Interfaces != nil {
		for i, in := range n.Instances {
			report.subnets(i, c.raw.VRRP.Instances[i], n, h)
			report.source(i, in, n, h)
		}
	}
	if h.Executable != nil {
		c.commands(report, n, h)
	}
	c.tlsFiles(report, h)
	c.siteFiles(report, h)
	if h.Appendable != nil {
		c.logFiles(report, h)
	}
	return report.problems()
}

// tlsFiles reports files of TLS that cannot be used.
func (c *Config) tlsFiles(report *checker, h Host) {
	if file := c.raw.Proxy.TLS.TicketSecretFile; h.TicketSecret != nil && file != "" {
		if err := h.TicketSecret(file); err != nil {
			report.errorAt("proxy.tls.ticket_secret_file", err.Error(), "")
		}
	}
	for i, f := range c.raw.Proxy.Frontends {
		for j, bind := range f.Bind {
			if bind.TLS == nil {
				continue
			}
			path := item(frontendPath(i, "bind"), j) + ".tls"
			if h.Certificates != nil {
				if err := h.Certificates(bind.TLS.paths()); err != nil {
					report.errorAt(path+".certificates", err.Error(), "")
				}
			}
			if h.Authorities != nil && bind.TLS.Clients != nil {
				if err := h.Authorities(bind.TLS.Clients.CA); err != nil {
					report.errorAt(path+".client_certificates.ca", err.Error(), "")
				}
			}
		}
	}
}

// subnets warns of virtual addresses that nobody on the network of their interface would ask for.
func (c *checker) subnets(i int, raw rawInstance, n *Node, h Host) {
	in := n.Instances[i]
	if _, err := h.Interfaces(in.VRRP.Interface); err != nil {
		c.warnAt(instancePath(i, "interface"), "no interface "+in.VRRP.Interface+" here: "+err.Error(), "")
	}
	for j, a := range in.VIP.Addresses {
		path := raw.movingPath(i, j)
		prefixes, err := h.Interfaces(a.Interface)
		if err != nil {
			if a.Interface != in.VRRP.Interface {
				c.warnAt(path, "no interface "+a.Interface+" here: "+err.Error(), "")
			}
			continue
		}
		var subnets []string
		inside := false
		for _, p := range prefixes {
			if own := p.Addr(); sameScope(own, a.Prefix.Addr()) && !n.holds(own) { // a virtual address may be held right now
				subnets = append(subnets, p.Masked().String())
				inside = inside || p.Contains(a.Prefix.Addr())
			}
		}
		switch {
		case len(subnets) == 0:
			c.warnAt(path, fmt.Sprintf("%s has no %v address of its own, so %s is in none of its subnets", a.Interface, familyOf(a.Prefix.Addr()), a.Prefix.Addr()), "")
		case !inside:
			c.warnAt(path, a.Prefix.Addr().String()+" is in no subnet of "+a.Interface, "one of "+strings.Join(subnets, ", "))
		}
	}
}

// sameScope reports whether a subnet of own may hold the address: it is of the same family, and in IPv6 as link-local.
func sameScope(own, virtual netip.Addr) bool {
	return familyOf(own) == familyOf(virtual) && (own.Is4() || own.IsLinkLocalUnicast() == virtual.IsLinkLocalUnicast())
}

// source warns of a node that its peers would not know by the address that its adverts leave from.
func (c *checker) source(i int, in Instance, n *Node, h Host) {
	prefixes, err := h.Interfaces(in.VRRP.Interface)
	if err != nil || len(in.VRRP.UnicastPeers) == 0 {
		return
	}
	expected := in.Source.Prefer
	if !expected.IsValid() || slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Addr() == expected }) {
		return
	}
	c.warnAt(instancePath(i, "unicast_peers"), fmt.Sprintf("%s does not have %s, the address of %s that the peers expect adverts from",
		in.VRRP.Interface, expected, n.Name), "it there")
}

// commands reports programs that cannot be run: such a check would never succeed.
func (c *Config) commands(report *checker, n *Node, h Host) {
	for _, s := range n.Scripts {
		if err := h.Executable(s.Command[0]); err != nil {
			report.errorAt(item(join(join("tracker.scripts", s.Name), "command"), 0), err.Error(), "")
		}
	}
	for i, raw := range c.raw.Proxy.Backends {
		if raw.Check == nil || raw.Check.Script == nil {
			continue
		}
		if err := h.Executable(raw.Check.Script.Command[0]); err != nil {
			report.errorAt(item(backendPath(i, "health_check.script.command"), 0), err.Error(), "")
		}
	}
	for i, in := range n.Instances {
		if in.Notify == nil {
			continue
		}
		if err := h.Executable(in.Notify.Script[0]); err != nil {
			report.errorAt(instancePath(i, "notify.script"), err.Error(), "")
		}
	}
}
