package config

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/resolve"
)

// maxSlots bounds how many servers a name stands for: as many as are kept of an answer.
const maxSlots = 1000

type rawResolvers struct {
	Nameservers []string      `yaml:"nameservers"`
	Family      string        `yaml:"family"`
	Timeout     time.Duration `yaml:"timeout"`
	Attempts    int           `yaml:"attempts"`
	MinTTL      time.Duration `yaml:"min_ttl"`
	MaxTTL      time.Duration `yaml:"max_ttl"`
	Hold        struct {
		Failed time.Duration `yaml:"failed"`
		Absent time.Duration `yaml:"absent"`
		Gone   time.Duration `yaml:"gone"`
	} `yaml:"hold"`
}

// resolverKeys are how servers with names are looked up.
func resolverKeys(in string) []Key {
	return []Key{
		{Path: in, Type: section(), Default: "{}", Others: "resolver", Example: "{nameservers: [192.168.1.53]}", Reload: ReloadParts, Help: "How servers that have names are looked up."},
		{Path: in + ".nameservers", Type: list(1, 8), Others: "nameserver parse-resolv-conf", Absent: "those of `/etc/resolv.conf`, with its search list, read again when it changes", Example: "[192.168.1.53, 192.168.1.54]", Reload: ReloadLive,
			Help: "Who is asked, in this order; the one that answered last comes first. Names are complete then, and no search list holds."},
		{Path: in + ".nameservers[]", Type: nameserverAddress(), Example: "192.168.1.53", Reload: ReloadLive, Help: "A nameserver; without a port it is 53."},
		{Path: in + ".family", Type: oneOf(resolve.Families[:]...), Default: resolve.Families[resolve.PreferIPv4], Others: "resolve-prefer ipv6", Example: "ipv4", Reload: ReloadLive,
			Help: "Which addresses of a host are taken. A family that is preferred stands alone where a host has it, so that a host with both is one server."},
		{Path: in + ".timeout", Type: duration("100ms", "10s"), Default: "2s", Others: "timeout_retry resolver_timeout", Example: "1s", Reload: ReloadLive, Help: "How long a nameserver has to answer before the next one is asked."},
		{Path: in + ".attempts", Type: integer(1, 10), Default: "2", Others: "resolve_retries", Example: "3", Reload: ReloadLive, Help: "How often each nameserver is asked before a name has no answer. Then it is asked for again after 1 s, 2 s and so on up to 10 s."},
		{Path: in + ".min_ttl", Type: duration("1s", "1h"), Default: "1s", Example: "5s", Reload: ReloadLive, Help: "The least time between two lookups of a name, however short its answer is good for."},
		{Path: in + ".max_ttl", Type: duration("1s", "24h"), Default: "5m", Others: "valid", Example: "30s", Reload: ReloadLive, Help: "The longest time, however long its answer is good for."},
		{Path: in + ".hold", Type: section(), Default: "{}", Others: "hold", Example: "{absent: 1m}", Reload: ReloadParts, Help: "How long addresses that are known stay in use against what is said now."},
		{Path: in + ".hold.failed", Type: duration("1s", "168h"), Absent: "as long as it takes", Others: "timeout other refused", Example: "1h", Reload: ReloadLive, Help: "While no nameserver answers, or all fail to."},
		{Path: in + ".hold.absent", Type: duration("0s", "168h"), Default: "30s", Others: "nx", Example: "1m", Reload: ReloadLive, Help: "When the answer is that there is no such name, or that it has no address."},
		{Path: in + ".hold.gone", Type: duration("0s", "168h"), Default: "0s", Others: "obsolete", Example: "30s", Reload: ReloadLive, Help: "When an address is missing in an answer that has others: for nameservers that tell some of many each time."},
	}
}

// lookupKeys are what a server with a name says.
func lookupKeys(in string) []Key {
	return []Key{
		{Path: in + ".slots", Type: integer(1, maxSlots), Absent: "one server, of this name", Others: "server-template", Example: "5", Reload: ReloadLive,
			Help: "How many addresses of its name are servers, each in a slot: called by this name and 1, 2 and so on. An address that stays keeps its slot. Free slots are no servers; addresses beyond them are not used."},
		{Path: in + ".family", Type: oneOf(resolve.Families[:]...), Absent: "`proxy.resolvers.family`", Others: "resolve-prefer", Example: "prefer_ipv6", Reload: ReloadLive, Help: "Which addresses of its name are taken."},
	}
}

// config returns how servers are looked up.
func (raw *rawResolvers) config() resolve.Config {
	c := resolve.Config{
		Timeout: raw.Timeout, Attempts: raw.Attempts, MinTTL: raw.MinTTL, MaxTTL: raw.MaxTTL,
		HoldFailed: raw.Hold.Failed, HoldAbsent: raw.Hold.Absent, HoldGone: raw.Hold.Gone,
	}
	for _, text := range raw.Nameservers {
		ap, _ := parseNameserver(text) // the walk has let nothing else through
		c.Nameservers = append(c.Nameservers, ap)
	}
	return c
}

// lookUp has a server looked up that has a name.
func (b *builder) lookUp(to *proxy.Server, s rawServer) {
	if s.Address.Name == "" {
		return
	}
	family := b.raw.Proxy.Resolvers.Family
	if s.Family != "" {
		family = s.Family
	}
	to.Lookup = resolve.Query{Name: s.Address.Name, Family: resolve.Family(slices.Index(resolve.Families[:], family))}
	to.Port, to.Slots = s.Address.Port, s.Slots
}

// names returns what the servers are called that s stands for.
func (s *rawServer) names() []string {
	if s.Slots == 0 || s.Name == "" {
		return []string{s.Name}
	}
	var all []string
	for i := range min(s.Slots, maxSlots) {
		all = append(all, s.Name+strconv.Itoa(i+1))
	}
	return all
}

// standFor returns how many servers all of them are, their slots counted.
func standFor(all []rawServer) (n int) {
	for _, s := range all {
		n += max(s.Slots, 1)
	}
	return n
}

// checkLookup reports what does not fit together in how a server is found.
func (b *builder) checkLookup(path string, s rawServer) {
	if b.reported(path) {
		return
	}
	named := s.Address.Name != ""
	switch {
	case !named && s.Slots > 0:
		b.errorAt(join(path, "slots"), "does nothing: the address is no name", "a name there")
	case !named && s.Family != "":
		b.errorAt(join(path, "family"), "does nothing: the address is no name", "a name there")
	case s.Address.service() && s.Weight > 1:
		b.errorAt(join(path, "weight"), fmt.Sprintf("%d, and yet the records of a service say weights", s.Weight), "no weight, or 0 for no traffic")
	}
}

// checkResolvers reports what does not fit together in how names are looked up.
func (b *builder) checkResolvers() {
	raw, path := b.raw.Proxy.Resolvers, "proxy.resolvers"
	if b.reported(path) {
		return
	}
	if raw.MaxTTL < raw.MinTTL {
		b.errorAt(join(path, "max_ttl"), fmt.Sprintf("%v is less than min_ttl, %v", raw.MaxTTL, raw.MinTTL), "no less")
	}
	names := unique{b: b}
	for i, text := range raw.Nameservers {
		if ap, err := parseNameserver(text); err == nil {
			names.add(ap.String(), "nameserver", item(join(path, "nameservers"), i))
		}
	}
	if len(raw.Nameservers) > 0 && !slices.ContainsFunc(b.raw.Proxy.Backends, func(raw rawBackend) bool {
		return slices.ContainsFunc(raw.Servers, func(s rawServer) bool { return s.Address.Name != "" })
	}) {
		b.warnAt(path, "does nothing: no server has a name", "")
	}
}
