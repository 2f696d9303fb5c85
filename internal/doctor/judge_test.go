package doctor

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func addrs(list ...string) []netip.Addr {
	var all []netip.Addr
	for _, a := range list {
		all = append(all, netip.MustParseAddr(a))
	}
	return all
}

func prefixes(list ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, p := range list {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}

var (
	ownMAC  = MAC{2, 0, 0, 0, 0, 1}
	peerMAC = MAC{2, 0, 0, 0, 0, 2}
	farMAC  = MAC{2, 0, 0, 0, 0, 9}
)

// peerSpeaks is the pair's other node, MASTER.
func peerSpeaks() Speaker {
	return Speaker{MAC: peerMAC, Source: netip.MustParseAddr("10.77.0.2"), VRID: 51, Version: 2, Priority: 90,
		Interval: time.Second, Addresses: addrs("10.77.0.100"), Wire: 5, Socket: 5}
}

// strangerSpeaks has our VRID and other addresses.
func strangerSpeaks() Speaker {
	s := peerSpeaks()
	s.MAC, s.Source, s.Priority, s.Addresses = farMAC, netip.MustParseAddr("10.77.0.9"), 200, addrs("10.77.0.200")
	return s
}

// healthy are the facts of a BACKUP on a clean LAN.
func healthy() *Facts {
	all := Privileges{NetAdmin: true, NetRaw: true, NetBindService: true}
	return &Facts{
		Plan: Plan{
			Configured: true, Node: "lb1", Peers: addrs("10.77.0.2"), Interfaces: []string{"eth0"},
			Routers: []Router{{Name: "VI_1", Interface: "eth0", VRID: 51, Version: 2, Priority: 100, Interval: time.Second,
				Addresses: addrs("10.77.0.100"), VIPs: []VIP{{netip.MustParsePrefix("10.77.0.100/24"), "eth0"}}}},
			Scripts: []ScriptUser{{Name: "tandem_script", For: []string{"check script web"}}},
		},
		Listened:     5 * time.Second,
		Capabilities: Capabilities{Effective: all, Bounding: all},
		Users:        Users{"tandem": true, "tandem_script": true},
		Kernel:       Kernel{Release: "6.1.0", Lifetimes: Works},
		Clock:        Clock{Asked: true, Synced: true},
		Interfaces: []Interface{{
			Name: "eth0",
			Link: Link{MAC: ownMAC, Ethernet: true, Up: true, Carrier: true, Multicast: true, MTU: 1500,
				Addresses: prefixes("10.77.0.1/24", "fe80::1/64"), Default: "eth0"},
			Sysctls: Sysctls{RPFilter: 0, ARPIgnore: 1, ARPAnnounce: 2, PromoteSecondaries: 1},
			Heard: Hearing{Sockets: Ears{IPv4: true, IPv6: true}, Joined: true, Probe: Probe{Sent: true, Left: true},
				Speakers: []Speaker{peerSpeaks()}, Asked: 1, Answers: []Answer{{netip.MustParseAddr("10.77.0.100"), peerMAC}}},
		}},
	}
}

func TestACleanLANHasNoFindingsToMend(t *testing.T) {
	t.Parallel()
	found := Judge(healthy())
	var got []string
	for _, f := range found {
		if f.Level != OK || f.Why != "" || len(f.Do) > 0 {
			t.Errorf("got %+v, want that all is well", f)
		}
		got = append(got, f.Check)
	}
	var want []string
	for _, c := range checks() {
		want = append(want, c.name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got findings of %v, want one of each of %v", got, want)
	}
}

// onlyIPv6 makes the facts those of a pair that speaks IPv6 and nothing else, on a host that has both.
func onlyIPv6(f *Facts) {
	f.Plan.Peers = addrs("fd00:77::2")
	r := &f.Plan.Routers[0]
	r.Version, r.Addresses = 3, addrs("fe80::64", "fd00:77::100")
	r.VIPs = []VIP{{netip.MustParsePrefix("fe80::64/64"), "eth0"}, {netip.MustParsePrefix("fd00:77::100/64"), "eth0"}}
	in := &f.Interfaces[0]
	in.Link.Addresses = prefixes("10.77.0.1/24", "fd00:77::1/64", "fe80::1/64")
	in.Sysctls = Sysctls{RPFilter: 1} // which concern IPv4
	in.Link.Default = "eth1"
	s := peerSpeaks()
	s.Source, s.Version, s.Addresses = netip.MustParseAddr("fe80::2"), 3, r.Addresses
	in.Heard = Hearing{Sockets: Ears{IPv6: true}, JoinErr: "there is no IPv4 here", Speakers: []Speaker{s}}
}

// To who speaks IPv6 alone nothing is said of IPv4.
func TestIPv6IsJudgedAsIPv6(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*Facts)
		want   []string // checks that find something to mend
	}{
		{"all is well", func(*Facts) {}, nil},
		{"on a bridge that snoops", func(f *Facts) { f.Interfaces[0].Bridge = &Bridge{Name: "br0", Snooping: true} }, nil},
		{"on a bridge that does not", func(f *Facts) { f.Interfaces[0].Bridge = &Bridge{Name: "br0"} }, nil},
		{"nobody is heard", func(f *Facts) { f.Interfaces[0].Heard.Speakers = nil }, []string{"firewall"}},
		{"a firewall", func(f *Facts) { f.Interfaces[0].Heard.Speakers[0].Socket = 0 }, []string{"firewall"}},
		{"no multicast", func(f *Facts) { f.Interfaces[0].Link.Multicast = false }, []string{"multicast"}},
		{"as many addresses as fit", func(f *Facts) {
			r := &f.Plan.Routers[0]
			for len(r.Addresses) < 90 {
				r.Addresses = append(r.Addresses, netip.AddrFrom16([16]byte{0: 0xfd, 15: byte(len(r.Addresses))}))
			}
			f.Interfaces[0].Heard.Speakers[0].Addresses = r.Addresses
		}, nil},
		{"too small for IPv6", func(f *Facts) { f.Interfaces[0].Link.MTU = 1279 }, []string{"link"}},
		{"a virtual address elsewhere", func(f *Facts) { f.Interfaces[0].Link.Addresses = prefixes("fd00:88::1/64", "fe80::1/64") }, []string{"link"}},
		{"Keepalived has the VRID over IPv4", func(f *Facts) {
			f.Rivals = []RawSocket{{42, "keepalived"}}
			s := strangerSpeaks()
			s.Local = true
			f.Interfaces[0].Heard.Speakers = append(f.Interfaces[0].Heard.Speakers, s)
		}, []string{"rivals"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := healthy()
			onlyIPv6(f)
			tt.change(f)
			var mend []string
			for _, found := range Judge(f) {
				if found.Level != OK {
					mend = append(mend, found.Check)
				}
				text := found.Saw + " " + found.Why + " " + strings.Join(found.Do, " ")
				for _, word := range []string{"IPv4", "224.", "ARP", "arp_", "IGMP", "ip protocol", "rp_filter", "with the VRID"} {
					if strings.Contains(text, word) && !strings.Contains(tt.name, word) {
						t.Errorf("%s speaks of %s: %s", found.Check, word, text)
					}
				}
			}
			if !slices.Equal(mend, tt.want) {
				t.Errorf("got something to mend of %v, want of %v", mend, tt.want)
			}
		})
	}
}

// Where the virtual addresses of IPv6 are only adverts can tell.
func TestHoldersOfIPv6(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*Facts)
		want   string
	}{
		{"the other node", func(*Facts) {}, "fe80::64 and fd00:77::100 held by the MASTER that is heard"},
		{"nobody heard", func(f *Facts) { f.Interfaces[0].Heard.Speakers = nil }, "IPv6 virtual addresses are not asked for, and no MASTER was heard that has them"},
		{"this host", func(f *Facts) {
			f.Rivals = []RawSocket{{42, "tandem"}}
			f.Interfaces[0].Link.Addresses = append(f.Interfaces[0].Link.Addresses, netip.MustParsePrefix("fd00:77::100/64"))
		}, "fd00:77::100 held by Tandem on this host"},
	} {
		f := healthy()
		onlyIPv6(f)
		tt.change(f)
		if got := judgeHolders(f, &f.Interfaces[0]); len(got) != 1 || got[0].Level != OK || got[0].Saw != tt.want {
			t.Errorf("%s: got %+v, want %s", tt.name, got, tt.want)
		}
	}
}

// Each case changes one thing about a clean LAN and wants what the doctor has to say about it, and nothing else.
func TestJudge(t *testing.T) {
	t.Parallel()
	type want struct {
		check string
		level Level
		saw   string // all of it
		do    string // part of what to do
	}
	first := func(f *Facts) *Interface { return &f.Interfaces[0] }
	tests := []struct {
		name   string
		change func(*Facts)
		want   []want
	}{
		{"adverts too frequent for a busy host", func(f *Facts) {
			f.Plan.Routers[0].Interval, first(f).Heard.Speakers[0].Interval = 90*time.Millisecond, 90*time.Millisecond
		},
			[]want{{"realtime", Warning, "VI_1 advertises each 90ms, and vrrp.rt_priority is 0", "rt_priority: 10"}}},
		{"they are, and the keeper is on time", func(f *Facts) {
			f.Plan.Routers[0].Interval, first(f).Heard.Speakers[0].Interval = 10*time.Millisecond, 10*time.Millisecond
			f.Plan.RTPriority = 10
			f.RealTime = RealTime{Trial: "operation not permitted", Keepers: []Keeper{{PID: 7, Priority: 10}}}
		}, nil},
		{"a keeper from before", func(f *Facts) {
			f.Plan.RTPriority = 10
			f.RealTime.Keepers = []Keeper{{PID: 7}}
		}, []want{{"realtime", Warning, "the keeper that runs here (pid 7) has real-time priority 0, the configuration says 10", "restart tandem"}}},
		{"no real time to be had", func(f *Facts) {
			f.Plan.RTPriority = 10
			f.RealTime.Trial = "operation not permitted"
		}, []want{{"realtime", Problem, "real-time priority 10: operation not permitted", "LimitRTPRIO=10"}}},
		{"names with addresses", func(f *Facts) {
			f.Lookups = []Lookup{{Name: "app.internal", Servers: []string{"web/app"}, Addresses: 3, Took: time.Second}}
		}, nil},
		{"names without", func(f *Facts) {
			f.Lookups = []Lookup{
				{Name: "app.internal.", Servers: []string{"web/app", "api/app"}, Err: "nameserver 10.77.0.53:53: SERVFAIL"},
				{Name: "slow.internal", Servers: []string{"web/slow"}, Took: 15 * time.Second},
				{Name: "_http._tcp.internal", Servers: []string{"web/all"}, Addresses: 2, Err: "nameserver 10.77.0.53:53: no answer within 2s"},
				{Name: "late.internal", Servers: []string{"web/late"}, Addresses: 1, Took: 2001 * time.Millisecond},
			}
		}, []want{
			{"names", Warning, "app.internal. has no address: nameserver 10.77.0.53:53: SERVFAIL", "getent ahosts app.internal"},
			{"names", Warning, "slow.internal has no answer after 15s", "proxy.resolvers"},
			{"names", Warning, "_http._tcp.internal has an answer that is not whole: nameserver 10.77.0.53:53: no answer within 2s", "getent"},
			{"names", Warning, "late.internal took 2.001s to be answered", "the nameserver that answers first"},
		}},
		{"real time to be had", func(f *Facts) { f.Plan.RTPriority = 10 }, nil},
		{"no NET_ADMIN to be had", func(f *Facts) { f.Capabilities.Bounding.NetAdmin = false },
			[]want{{"capabilities", Problem, "CAP_NET_ADMIN cannot be had here", "--cap-add CAP_NET_ADMIN"}}},
		{"no NET_RAW to be had", func(f *Facts) { f.Capabilities.Bounding.NetRaw = false },
			[]want{{"capabilities", Problem, "CAP_NET_RAW cannot be had here", "--cap-add CAP_NET_RAW"}}},
		{"no low ports, not needed", func(f *Facts) { f.Capabilities.Bounding.NetBindService = false },
			[]want{{"capabilities", Warning, "CAP_NET_BIND_SERVICE cannot be had here", "CAP_NET_BIND_SERVICE"}}},
		{"no low ports, needed", func(f *Facts) {
			f.Capabilities.Bounding.NetBindService = false
			f.Plan.LowPorts = []netip.AddrPort{netip.MustParseAddrPort("10.77.0.100:80")}
		}, []want{{"capabilities", Problem, "CAP_NET_BIND_SERVICE cannot be had here", "CAP_NET_BIND_SERVICE"}}},
		{"no daemon's user", func(f *Facts) { f.Users["tandem"] = false },
			[]want{{"users", Warning, "there is no user tandem", "useradd --system --shell /usr/sbin/nologin tandem"}}},
		{"no scripts' user", func(f *Facts) { f.Users["tandem_script"] = false },
			[]want{{"users", Problem, "there is no user tandem_script", "systemd-sysusers"}}},
		{"no scripts' user, and no script", func(f *Facts) { f.Users["tandem_script"] = false; f.Plan.Scripts = nil }, nil},
		{"no free bind", func(f *Facts) { f.Kernel.FreeBind = "protocol not available" },
			[]want{{"kernel", Problem, "IP_FREEBIND: protocol not available", "Linux 5.4"}}},
		{"no pidfd", func(f *Facts) { f.Kernel.PidFD = "function not implemented" },
			[]want{{"kernel", Problem, "pidfd_open: function not implemented", "seccomp"}}},
		{"no lifetimes", func(f *Facts) { f.Kernel.Lifetimes = Fails },
			[]want{{"kernel", Problem, "addresses have no lifetime", "Linux 5.4"}}},
		{"no boot time", func(f *Facts) { f.Clock.BootTime = "invalid argument" },
			[]want{{"clock", Problem, "CLOCK_BOOTTIME: invalid argument", "2.6.39"}}},
		{"a clock that nobody keeps", func(f *Facts) { f.Clock.Synced = false },
			[]want{{"clock", Warning, "nothing keeps the time right", "timedatectl set-ntp true"}}},
		{"a clock that is not told of", func(f *Facts) { f.Clock.Asked = false },
			[]want{{"clock", Warning, "the kernel does not say whether the time is kept right", "timesync-status"}}},
		{"Keepalived beside", func(f *Facts) { f.Rivals = []RawSocket{{42, "keepalived"}} },
			[]want{{"rivals", Warning, "keepalived (process 42) speaks VRRP here", "systemctl disable --now keepalived"}}},
		{"Keepalived with our VRID", func(f *Facts) {
			f.Rivals = []RawSocket{{42, "keepalived"}}
			s := peerSpeaks()
			s.Local, s.Source, s.MAC = true, netip.MustParseAddr("10.77.0.1"), ownMAC
			first(f).Heard.Speakers = append(first(f).Heard.Speakers, s)
		}, []want{{"rivals", Problem, "keepalived (process 42) speaks VRRP here, with the VRID of VI_1", "systemctl disable --now keepalived"}}},
		{"somebody unseen beside", func(f *Facts) { f.Rivals = []RawSocket{{}} },
			[]want{{"rivals", Warning, "a process that cannot be seen from here speaks VRRP here", "stop"}}},
		{"Tandem and its keeper", func(f *Facts) { f.Rivals = []RawSocket{{42, "tandem"}, {43, "tandem-keeper"}} }, nil},

		{"no interface", func(f *Facts) {
			*first(f) = Interface{Name: "eth0", Link: Link{Err: "there is no interface eth0"}, Sysctls: first(f).Sysctls}
		},
			[]want{{"link", Problem, "there is no interface eth0", "ip -brief link"}}},
		{"interface down", func(f *Facts) { first(f).Link.Up = false },
			[]want{{"link", Problem, "it is down", "ip link set eth0 up"}}},
		{"a port of a bridge", func(f *Facts) { first(f).Link.Master, first(f).Link.MasterIs = "br0", "bridge" },
			[]want{{"link", Problem, "it is a port of br0 (bridge)", "use br0"}}},
		{"in a VRF", func(f *Facts) { first(f).Link.Master, first(f).Link.MasterIs = "red", "vrf" }, nil},
		{"no carrier", func(f *Facts) { first(f).Link.Carrier = false },
			[]want{{"link", Problem, "no carrier", "ethtool eth0"}}},
		{"no Ethernet", func(f *Facts) { first(f).Link.Ethernet = false },
			[]want{{"link", Problem, "it has no Ethernet address", "Ethernet interface"}}},
		{"no ARP", func(f *Facts) { first(f).Link.NoARP = true },
			[]want{{"link", Problem, "ARP is switched off", "ip link set eth0 arp on"}}},
		{"no address but the virtual one", func(f *Facts) {
			first(f).Link.Addresses = prefixes("10.77.0.100/24")
			f.Rivals = []RawSocket{{42, "tandem"}}
		}, []want{{"link", Problem, "it has no IPv4 address of its own", "ip addr add"}}},
		{"virtual address outside", func(f *Facts) { first(f).Link.Addresses = prefixes("10.78.0.1/24") },
			[]want{{"link", Warning, "10.77.0.100/24: in no subnet of its own addresses (10.78.0.1/24)", "10.78.0.0/24"}}},
		{"no link-local address for IPv6", func(f *Facts) {
			first(f).Link.Addresses = prefixes("10.77.0.1/24", "fd00:77::1/64")
			f.Plan.Routers[0].Addresses = addrs("fd00:77::100")
		}, []want{{"link", Problem, "it has no link-local IPv6 address of its own", "disable_ipv6=0"}}},
		{"small MTU", func(f *Facts) { first(f).Link.MTU = 500 },
			[]want{{"link", Problem, "MTU 500", "mtu 1500"}}},
		{"more addresses than an MTU", func(f *Facts) {
			first(f).Link.MTU = 1000
			f.Plan.Routers[0].Addresses = make([]netip.Addr, 255)
			for i := range f.Plan.Routers[0].Addresses {
				f.Plan.Routers[0].Addresses[i] = netip.AddrFrom4([4]byte{10, 77, 0, byte(i)})
			}
			first(f).Heard.Speakers[0].Addresses = f.Plan.Routers[0].Addresses
		}, []want{{"link", Problem, "MTU 1000 is less than an advert of VI_1 has octets", "divide the addresses"}}},

		{"arp_ignore 0", func(f *Facts) { first(f).Sysctls.ARPIgnore = 0 },
			[]want{{"sysctls", Warning, "arp_ignore is 0, want 1", "sysctl -w net.ipv4.conf.eth0.arp_ignore=1"}}},
		{"arp_ignore 2, not for itself alone", func(f *Facts) { first(f).Sysctls.ARPIgnore = 2 }, nil},
		{"arp_ignore 2 and a host's prefix", func(f *Facts) {
			first(f).Sysctls.ARPIgnore = 2
			f.Plan.Routers[0].VIPs[0].Prefix = netip.MustParsePrefix("10.77.0.100/32")
		}, []want{{"sysctls", Problem, "arp_ignore is 2, want 1", "arp_ignore=1"}}},
		{"arp_ignore 8", func(f *Facts) { first(f).Sysctls.ARPIgnore = 8 },
			[]want{{"sysctls", Problem, "arp_ignore is 8, want 1", "arp_ignore=1"}}},
		{"arp_announce 1", func(f *Facts) { first(f).Sysctls.ARPAnnounce = 1 },
			[]want{{"sysctls", Warning, "arp_announce is 1, want 2", "arp_announce=2"}}},
		{"arp_filter", func(f *Facts) { first(f).Sysctls.ARPFilter = 1 },
			[]want{{"sysctls", Warning, "arp_filter is 1, want 0", "arp_filter=0"}}},
		{"promote_secondaries", func(f *Facts) { first(f).Sysctls.PromoteSecondaries = 0 },
			[]want{{"sysctls", Warning, "promote_secondaries is 0, want 1", "promote_secondaries=1"}}},
		{"rp_filter 1, way back here", func(f *Facts) { first(f).Sysctls.RPFilter = 1 }, nil},
		{"rp_filter 1, no default route", func(f *Facts) { first(f).Sysctls.RPFilter, first(f).Link.Default = 1, "" }, nil},
		{"rp_filter 1, way back elsewhere", func(f *Facts) { first(f).Sysctls.RPFilter, first(f).Link.Default = 1, "eth1" },
			[]want{{"sysctls", Warning, "rp_filter is 1 (strict), and the default route leaves by eth1", "rp_filter=2"}}},
		{"rp_filter 2, way back elsewhere", func(f *Facts) { first(f).Sysctls.RPFilter, first(f).Link.Default = 2, "eth1" }, nil},
		{"sysctls that cannot be read", func(f *Facts) { first(f).Sysctls = Sysctls{-1, -1, -1, -1, -1, -1} }, nil},

		{"no multicast flag", func(f *Facts) { first(f).Link.Multicast = false },
			[]want{{"multicast", Problem, "its MULTICAST flag is off", "ip link set eth0 multicast on"}}},
		{"cannot join", func(f *Facts) { first(f).Heard.JoinErr = "no buffer space available" },
			[]want{{"multicast", Problem, "a socket cannot join 224.0.0.18: no buffer space available", "igmp_max_memberships"}}},
		{"not listed", func(f *Facts) { first(f).Heard.Joined = false },
			[]want{{"multicast", Problem, "a socket joined 224.0.0.18, but the kernel does not list it (/proc/net/igmp)", "ip maddr"}}},
		{"not permitted to send", func(f *Facts) { first(f).Heard.Probe = Probe{Err: "operation not permitted"} },
			[]want{{"multicast", Problem, "a datagram to 224.0.0.18 cannot be sent: operation not permitted", "inet filter output"}}},
		{"sent and not left", func(f *Facts) { first(f).Heard.Probe.Left = false },
			[]want{{"multicast", Problem, "a datagram to 224.0.0.18 was sent and did not leave", "tc -s qdisc show dev eth0"}}},

		{"a bridge that snoops", func(f *Facts) { first(f).Bridge = &Bridge{Name: "eth0", Snooping: true} },
			[]want{{"snooping", Warning, "eth0 snoops IGMP and is no querier; no IGMP query was heard, which is usual in so short a time", "mcast_querier 1"}}},
		{"a bridge that snoops and queries", func(f *Facts) { first(f).Bridge = &Bridge{Name: "eth0", Snooping: true, Querier: true} }, nil},
		{"a bridge that does not snoop", func(f *Facts) { first(f).Bridge = &Bridge{Name: "eth0"} }, nil},
		{"a bridge that snoops, and a querier", func(f *Facts) {
			first(f).Bridge = &Bridge{Name: "eth0", Snooping: true}
			first(f).Heard.Querier = netip.MustParseAddr("10.77.0.254")
		}, nil},

		{"a firewall", func(f *Facts) { first(f).Heard.Speakers[0].Socket = 0 },
			[]want{{"firewall", Problem, "adverts of 10.77.0.2 are on the wire and no socket gets them: a firewall on this host drops protocol 112", "nft insert rule inet filter input ip protocol 112 accept"}}},
		{"a firewall for IPv6", func(f *Facts) {
			s := peerSpeaks()
			s.Source, s.Socket, s.VRID, s.Version, s.Addresses = netip.MustParseAddr("fe80::2"), 0, 52, 3, addrs("fe80::100")
			first(f).Heard.Speakers = append(first(f).Heard.Speakers, s)
		}, []want{{"firewall", Problem, "adverts of fe80::2 are on the wire and no socket gets them: a firewall on this host drops protocol 112", "nft insert rule inet filter input ip6 nexthdr 112 accept"}}},
		{"IPv6 adverts where IPv6 is off", func(f *Facts) {
			s := peerSpeaks()
			s.Source, s.Socket, s.VRID, s.Version, s.Addresses = netip.MustParseAddr("fe80::2"), 0, 52, 3, addrs("fe80::100")
			first(f).Heard.Speakers = append(first(f).Heard.Speakers, s)
			first(f).Heard.Sockets.IPv6 = false
		}, nil},
		{"filtered by source", func(f *Facts) {
			first(f).Sysctls.RPFilter = 2
			first(f).Heard.Speakers[0].Socket = 0
			first(f).Heard.Speakers[0].Source = netip.MustParseAddr("10.99.0.2")
			f.Plan.Peers = addrs("10.99.0.2")
		}, []want{{"firewall", Problem, "adverts of 10.99.0.2 are on the wire and no socket gets them; rp_filter is 2, and they come from no subnet of eth0", "rp_filter=0"}}},
		{"a firewall, and no filter by source", func(f *Facts) {
			first(f).Heard.Speakers[0].Socket = 0
			first(f).Heard.Speakers[0].Source = netip.MustParseAddr("10.99.0.2")
		}, []want{{"firewall", Problem, "adverts of 10.99.0.2 are on the wire and no socket gets them: a firewall on this host drops protocol 112", "nft list ruleset"}}},
		{"silence", func(f *Facts) { first(f).Heard.Speakers, first(f).Heard.Answers = nil, nil },
			[]want{{"firewall", Warning, "no advert arrived within 5s, so it was not tested whether the firewall lets them in", "start the other node"}}},
		{"silence, since this host is MASTER", func(f *Facts) {
			s := peerSpeaks()
			s.Local, s.Source, s.MAC, s.Priority = true, netip.MustParseAddr("10.77.0.1"), ownMAC, 100
			f.Rivals = []RawSocket{{42, "tandem"}}
			first(f).Heard.Speakers, first(f).Heard.Answers = []Speaker{s}, nil
			first(f).Link.Addresses = prefixes("10.77.0.1/24", "10.77.0.100/24")
		}, nil},

		{"a stranger with our VRID", func(f *Facts) { first(f).Heard.Speakers = append(first(f).Heard.Speakers, strangerSpeaks()) },
			[]want{{"vrid", Problem, "VRID 51 of VI_1 is spoken by a stranger: 10.77.0.9 (02:00:00:00:00:09, priority 200, for 10.77.0.200)", "VRID 61 is free"}}},
		{"a stranger with another VRID", func(f *Facts) {
			s := strangerSpeaks()
			s.VRID = 61
			first(f).Heard.Speakers = append(first(f).Heard.Speakers, s)
		}, nil},
		{"the same VRID over IPv6", func(f *Facts) {
			s := strangerSpeaks()
			s.Source, s.Addresses = netip.MustParseAddr("fe80::9"), addrs("fe80::200")
			first(f).Heard.Speakers = append(first(f).Heard.Speakers, s)
		}, nil},
		{"other version", func(f *Facts) { first(f).Heard.Speakers[0].Version = 3 },
			[]want{{"vrid", Problem, "VI_1: version is 2 here and 3 at 10.77.0.2", "alike on all nodes"}}},
		{"other interval", func(f *Facts) { first(f).Heard.Speakers[0].Interval = 2 * time.Second },
			[]want{{"vrid", Problem, "VI_1: advert_interval is 1s here and 2s at 10.77.0.2", "alike on all nodes"}}},
		{"other interval, version 3", func(f *Facts) {
			first(f).Heard.Speakers[0].Interval, first(f).Heard.Speakers[0].Version, f.Plan.Routers[0].Version = 2*time.Second, 3, 3
		}, []want{{"vrid", Warning, "VI_1: advert_interval is 1s here and 2s at 10.77.0.2", "alike on all nodes"}}},
		{"other authentication", func(f *Facts) { first(f).Heard.Speakers[0].AuthType = 1 },
			[]want{{"vrid", Problem, "VI_1: the authentication type is 0 here and 1 at 10.77.0.2", "alike on all nodes"}}},
		{"other addresses", func(f *Facts) { first(f).Heard.Speakers[0].Addresses = addrs("10.77.0.100", "10.77.0.101") },
			[]want{{"vrid", Warning, "VI_1: the list of addresses is 10.77.0.100 here and 10.77.0.100 and 10.77.0.101 at 10.77.0.2", "alike on all nodes"}}},
		{"equal priority", func(f *Facts) { first(f).Heard.Speakers[0].Priority = 100 },
			[]want{{"vrid", Warning, "VI_1: priority is 100 here and 100 at 10.77.0.2", "a higher one"}}},
		{"too many speakers", func(f *Facts) { first(f).Heard.Overflow = true },
			[]want{{"vrid", Warning, "more than 1024 senders of adverts; only so many were looked at", "tcpdump"}}},

		{"the virtual MAC of the master", func(f *Facts) { first(f).Heard.Answers[0].MAC = MAC{0, 0, 0x5e, 0, 1, 51} }, nil},
		{"another machine has the address", func(f *Facts) { first(f).Heard.Answers[0].MAC = farMAC },
			[]want{{"holders", Problem, "10.77.0.100 is answered for by 02:00:00:00:00:09, whose adverts are not heard", "choose another virtual address"}}},
		{"another interface of this host answers", func(f *Facts) {
			f.Ports = []Port{{"eth0", ownMAC}, {"eth1", farMAC}}
			first(f).Heard.Answers[0].MAC = farMAC
		}, []want{{"holders", Warning, "10.77.0.100 is answered for by eth1 of this host too", "sysctl -w net.ipv4.conf.eth1.arp_ignore=1"}}},
		{"its own answer comes back", func(f *Facts) {
			f.Ports = []Port{{"eth0", ownMAC}}
			first(f).Heard.Answers = append(first(f).Heard.Answers, Answer{netip.MustParseAddr("10.77.0.100"), ownMAC})
		}, nil},
		{"a second machine has the address", func(f *Facts) {
			first(f).Heard.Answers = append(first(f).Heard.Answers, Answer{netip.MustParseAddr("10.77.0.100"), farMAC})
		}, []want{{"holders", Problem, "10.77.0.100 is answered for by 02:00:00:00:00:09, whose adverts are not heard", "choose another virtual address"}}},
		{"left on the interface", func(f *Facts) { first(f).Link.Addresses = prefixes("10.77.0.1/24", "10.77.0.100/24") },
			[]want{{"holders", Problem, "10.77.0.100 is on eth0 already, and no Tandem runs here", "ip addr del 10.77.0.100/24 dev eth0"}}},
		{"ARP is not to be had", func(f *Facts) { first(f).Heard.ARPErr = "no buffer space available" },
			[]want{{"holders", Warning, "virtual addresses could not be asked for by ARP: no buffer space available", "again"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := healthy()
			tt.change(f)
			var found []Finding
			for _, one := range Judge(f) {
				if one.Level != OK {
					found = append(found, one)
				}
			}
			if len(found) != len(tt.want) {
				t.Fatalf("got %d findings, want %d: %+v", len(found), len(tt.want), found)
			}
			for i, w := range tt.want {
				got := found[i]
				if got.Check != w.check || got.Level != w.level || got.Saw != w.saw {
					t.Errorf("got %s %s: %s\nwant %s %s: %s", got.Check, got.Level, got.Saw, w.check, w.level, w.saw)
				}
				if got.Why == "" || !strings.Contains(strings.Join(got.Do, "\n"), w.do) {
					t.Errorf("why: %q, what to do: %q; want a reason, and %q", got.Why, got.Do, w.do)
				}
			}
		})
	}
}

// Where nothing is configured yet an interface is examined all the same.
func TestJudgeWithoutConfiguration(t *testing.T) {
	t.Parallel()
	f := healthy()
	f.Plan = PlanInterface("eth0")
	f.Interfaces[0].Heard.Speakers[0].Socket = 0
	var vrid, firewall Finding
	for _, found := range Judge(f) {
		switch found.Check {
		case "vrid":
			vrid = found
		case "firewall":
			firewall = found
		case "holders":
			t.Errorf("got %+v, want nothing of virtual addresses: there are none", found)
		}
	}
	if want := "VRID 51 is spoken by 10.77.0.2 (02:00:00:00:00:02, priority 90, for 10.77.0.100); VRID 61 is free"; vrid.Level != OK || vrid.Saw != want {
		t.Errorf("got %s: %s, want ok: %s", vrid.Level, vrid.Saw, want)
	}
	if firewall.Level != Problem {
		t.Errorf("got %+v, want a problem", firewall)
	}
}

func TestFreeVRID(t *testing.T) {
	t.Parallel()
	all := map[uint8]bool{}
	for v := 1; v <= 255; v++ {
		all[uint8(v)] = true
	}
	but := func(free ...uint8) map[uint8]bool {
		used := map[uint8]bool{}
		for v := range all {
			used[v] = !slices.Contains(free, v)
		}
		return used
	}
	tests := []struct {
		name string
		used map[uint8]bool
		want uint8
		ok   bool
	}{
		{"nothing used", nil, 61, true},
		{"the first is used", map[uint8]bool{61: true}, 62, true},
		{"the last one left", but(255), 255, true},
		{"after the last comes the first", but(1, 60), 1, true},
		{"the one before the first proposal", but(60), 60, true},
		{"all used", all, 0, false},
	}
	for _, tt := range tests {
		got, ok := FreeVRID(tt.used)
		if got != tt.want || ok != tt.ok {
			t.Errorf("%s: got %d %t, want %d %t", tt.name, got, ok, tt.want, tt.ok)
		}
	}
}

func TestSetSysctlOfAnInterfaceWithDots(t *testing.T) {
	t.Parallel()
	if got, want := setSysctl("eth0.10", "arp_ignore", 1), "sysctl -w net/ipv4/conf/eth0.10/arp_ignore=1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
