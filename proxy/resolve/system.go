package resolve

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	// maxFile bounds what is read of a file, in octets. Lists of thousands of hosts are smaller.
	maxFile = 4 << 20
	// maxNameservers bounds how many of /etc/resolv.conf are used. The C library uses three.
	maxNameservers = 8
	// dnsPort is where nameservers listen.
	dnsPort = 53
)

// file is one whose content is read again when it has changed.
type file[T any] struct {
	path  string
	parse func(io.Reader) (T, error)

	mu    sync.Mutex // guards what follows
	mtime time.Time
	size  int64
	value T
}

// get returns what the file says now.
func (f *file[T]) get() (T, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var none T
	info, err := os.Stat(f.path)
	if err != nil {
		return none, err
	}
	if info.ModTime().Equal(f.mtime) && info.Size() == f.size && !f.mtime.IsZero() {
		return f.value, nil
	}
	content, err := os.Open(f.path)
	if err != nil {
		return none, err
	}
	defer func() { _ = content.Close() }() // it was only read
	value, err := f.parse(io.LimitReader(content, maxFile))
	if err != nil {
		return none, fmt.Errorf("read %s: %w", f.path, err)
	}
	f.value, f.mtime, f.size = value, info.ModTime(), info.Size()
	return value, nil
}

// resolvConf is what /etc/resolv.conf says.
type resolvConf struct {
	servers []netip.AddrPort
	names   func(name string) []string // what is asked for in the place of a name, one after the other
}

func parseResolvConf(r io.Reader) (resolvConf, error) {
	c, err := dns.ClientConfigFromReader(r)
	if err != nil {
		return resolvConf{}, err
	}
	conf := resolvConf{names: c.NameList}
	for _, s := range c.Servers {
		if a, err := netip.ParseAddr(s); err == nil && len(conf.servers) < maxNameservers {
			conf.servers = append(conf.servers, netip.AddrPortFrom(a, dnsPort))
		}
	}
	return conf, nil
}

// nameservers returns who is asked, and what in the place of a name.
func (c *client) nameservers(cfg *Config) (resolvConf, error) {
	if len(cfg.Nameservers) > 0 {
		return resolvConf{servers: cfg.Nameservers, names: func(name string) []string { return []string{dns.Fqdn(name)} }}, nil
	}
	conf, err := c.resolvConf.get()
	if err == nil && len(conf.servers) == 0 {
		err = errors.New("no nameserver in " + c.resolvConf.path)
	}
	return conf, err
}

// parseHosts reads a file of addresses, each with its names behind it (hosts(5)). Lines that are none are passed over.
func parseHosts(r io.Reader) (map[string][]netip.Addr, error) {
	hosts := map[string][]netip.Addr{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		a, err := netip.ParseAddr(words[0])
		if err != nil {
			continue
		}
		for _, name := range words[1:] {
			name = hostKey(name)
			hosts[name] = append(hosts[name], a.Unmap())
		}
	}
	return hosts, lines.Err()
}

// hostKey is what a name is found by, however it is written.
func hostKey(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// hostsOf returns the addresses that /etc/hosts has for a name. Without the file there are none.
func (c *client) hostsOf(name string) ([]netip.Addr, error) {
	hosts, err := c.hosts.get()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return hosts[hostKey(name)], err
}
