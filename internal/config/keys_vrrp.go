package config

func vrrpKeys() []Key {
	const in = "vrrp.instances[]"
	keys := []Key{
		{Path: "vrrp", Type: section(), Example: "{instances: []}", Absent: "no virtual addresses: a plain load balancer", Reload: ReloadParts, Help: "The virtual routers. A daemon that was started without any takes the first ones after a restart only."},
		{Path: "vrrp.instances", Type: list(0, 255), Others: "vrrp_instance", Example: "[]", Absent: "none", Reload: ReloadParts, Help: "One item for each virtual router. With two of them each node can hold one."},
		{Path: "vrrp.rt_priority", Type: integer(0, 99), Default: "0", Others: "vrrp_rt_priority", Example: "10", Reload: ReloadRestart,
			Help: "Runs the keeper, which sends the adverts, in real time (SCHED_RR) at this priority: adverts are on time on a host whose processors other processes want too. 0: it is scheduled as they are. " +
				"A start that does not get it is refused; the unit allows up to 50. Wanted where `advert_interval` is below 100ms."},
		{Path: "vrrp.no_swap", Type: boolean(), Default: "false", Others: "vrrp_no_swap", Example: "true", Reload: ReloadRestart,
			Help: "Keeps the keeper's memory, some 15 MiB, from being swapped out. A start that does not get it is refused."},
		{Path: in + ".name", Type: identifier(), Required: true, Example: "VI_1", Reload: ReloadAnew, Help: "Its name in logs and status, unique."},
		{Path: in + ".interface", Type: interfaceName(), Required: true, PerNode: true, Example: "{lb1: eth0, lb2: ens3}", Reload: ReloadAnew,
			Help: "Where adverts are sent and received. It is always tracked: without carrier the instance is in FAULT."},
		{Path: in + ".virtual_router_id", Type: integer(1, 255), Required: true, Others: "vrid", Example: "51", Reload: ReloadWire,
			Help: "The VRID: the same on all nodes, unlike any other on that network."},
		{Path: in + ".version", Type: oneOf("2", "3"), Absent: "2; 3 where the virtual addresses are IPv6", Others: "vrrp_version", Example: "3", Reload: ReloadWire,
			Help: "The protocol version: 2 is RFC 3768. 3 is RFC 9568, which has IPv6, intervals below a second and no passwords."},
		{Path: in + ".priority", Type: integer(1, 255), PerNode: true, Default: "100", Example: "{lb1: 101, lb2: 100}", Reload: ReloadLive,
			Help: "Who holds the addresses: the highest. 255 is the owner's, which no tracker changes."},
		{Path: in + ".advert_interval", Type: advertInterval(), Default: "1s", Others: "advert_int", Example: "1s", Reload: ReloadWire,
			Help: "The time between two adverts. A silent master is replaced after three of them and a fraction: of a second in version 2, of the interval in version 3. " +
				"Below 100ms a host that is merely busy may be taken for a dead one. Version 3 learns the master's: a reload may change it within `max_learned_interval`."},
		{Path: in + ".max_learned_interval", Type: steps("10ms", "40.95s"), Absent: "ten times `advert_interval`", Example: "1s", Reload: ReloadLive,
			Help: "For version 3: the longest interval that is learned of a master. Adverts with a longer one are dropped."},
		{Path: in + ".v3_checksum_as_v2", Type: boolean(), Default: "false", Example: "true", Reload: ReloadLive,
			Help: "For version 3: adverts are sent with the checksum of RFC 9568, which has no pseudo header, as Cisco and Juniper have it. Keepalived and FRRouting send it with one. Both are accepted."},
		{Path: in + ".authentication", Type: section(), Absent: "none", Others: "auth_type auth_pass", Example: "{type: PASS, password: supersec}", Reload: ReloadWire,
			Help: "How adverts are told from others'. Anyone on the network can read them."},
		{Path: in + ".authentication.type", Type: oneOf("PASS", "HMAC"), Required: true, Others: "auth_type", Example: "PASS", Reload: ReloadWire,
			Help: "`PASS` is RFC 2338's simple text, of version 2, which everyone on the network reads. `HMAC` is Keepalived's `auth_hmac` of 2.4, for both versions: nobody without a key can make an advert, and no copy of one counts."},
		{Path: in + ".authentication.password", Type: password(), Secret: true, Others: "auth_pass", Absent: "an error with `PASS`", Example: "supersec", Reload: ReloadWire,
			Help: "For `PASS`: the same on all nodes."},
		{Path: in + ".authentication.mode", Type: oneOf("enforce", "permissive", "receive-only"), Absent: "enforce", Example: "enforce", Reload: ReloadLive,
			Help: "For `HMAC`: `enforce` signs and drops what is not signed; `permissive` signs and takes both; `receive-only` does not sign and takes both. What is signed wrongly is dropped in each. " +
				"A reload goes from nothing to `enforce`, or back, by way of all three, on all nodes at each step; others are refused without `--force`."},
		{Path: in + ".authentication.keys", Type: list(1, 16), Others: "auth_hmac", Absent: "an error with `HMAC`", Example: "[{id: 1, key_file: /etc/tandem/vrrp.key}]", Reload: ReloadLive,
			Help: "For `HMAC`: the keys that count, the same on all nodes. A reload may bring another one, or take one away that no node signs with; others are refused without `--force`."},
		{Path: in + ".authentication.keys[].id", Type: integer(1, 255), Required: true, Example: "1", Reload: ReloadLive, Help: "What adverts call it."},
		{Path: in + ".authentication.keys[].key", Type: hmacSecret(), Secret: true, Absent: "that of `key_file`", Example: "\"hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"", Reload: ReloadLive,
			Help: "The key itself, as Keepalived writes it: `openssl rand -hex 32` makes the digits. Exactly one of `key` and `key_file`."},
		{Path: in + ".authentication.keys[].key_file", Type: filePath(), Absent: "`key` says it", Example: "/etc/tandem/vrrp.key", Reload: ReloadLive,
			Help: "A file that holds the key, in one line like `key`. It is read at the start and at each reload. One that every user can read is warned of."},
		{Path: in + ".authentication.active_key", Type: integer(1, 255), Absent: "the only one of `keys`", Example: "1", Reload: ReloadLive,
			Help: "For `HMAC`: the id of the key that signs. A reload may change it to one that the other nodes have."},
		{Path: in + ".authentication.anti_replay", Type: oneOf("time", "monotonic"), Absent: "time", Example: "time", Reload: ReloadLive,
			Help: "For `HMAC`: how copies are told. Both want each advert of a sender to be later than the one before; `time` also wants the clocks of the nodes to agree within `time_window`, and so keeps out what was recorded before this node was started."},
		{Path: in + ".authentication.time_window", Type: duration("1s", "300s"), Absent: "5s, or three advert intervals where that is longer", Example: "5s", Reload: ReloadLive,
			Help: "For `anti_replay: time`: by how much the clock of a sender may differ, in whole seconds."},
		{Path: in + ".virtual_addresses", Type: list(1, 255), Required: true, Others: "virtual_ipaddress", Example: "[192.168.1.100/24]", Reload: ReloadLive,
			Help: "The addresses that move, advertised in this order: all IPv4, or all IPv6, of which there may be 90 (with HMAC 89) and the first should be a link-local one. Those of the other family take an instance of their own, which may have the same VRID. " +
				"An IPv6 address answers at once, without duplicate address detection, and no connection of the node leaves from it."},
	}
	keys = append(keys, addressKeys(in+".virtual_addresses[]")...)
	keys = append(keys, Key{Path: in + ".excluded_addresses", Type: list(0, 1000), Others: "virtual_ipaddress_excluded", Absent: "none", Example: "[10.20.0.1/24]", Reload: ReloadLive,
		Help: "More addresses that move with the others and are in no advert: more than fit one, or of the other family. A node that compares lists, as older ones of Keepalived do, need not know them."})
	keys = append(keys, addressKeys(in+".excluded_addresses[]")...)
	return append(keys, []Key{
		{Path: in + ".preempt", Type: boolean(), Default: "true", Others: "nopreempt", Example: "false", Reload: ReloadLive,
			Help: "Whether a node that comes back takes the addresses from a master of lower priority. With `false` it still does when that master's priority fell."},
		{Path: in + ".preempt_delay", Type: duration("0s", "1000s"), Default: "0s", Example: "30s", Reload: ReloadLive,
			Help: "How long a node that comes back leaves a master of lower priority alone, from its first advert on; the down interval follows. A master that is silent, resigns, or whose priority fell during its term, is replaced without it."},
		{Path: in + ".flap_damping", Type: section(), Absent: "none", Example: "{transitions: 5, window: 60s, hold: 60s}", Reload: ReloadLive,
			Help: "Leaves a live master alone after this node ceased to be MASTER too often, for whatever reason. A master that is silent or resigns is replaced all the same."},
		{Path: in + ".flap_damping.transitions", Type: integer(2, 100), Default: "5", Example: "3", Reload: ReloadLive, Help: "How many times within `window` are too often."},
		{Path: in + ".flap_damping.window", Type: duration("1s", "24h"), Default: "60s", Example: "5m", Reload: ReloadLive, Help: "The time in which they count."},
		{Path: in + ".flap_damping.hold", Type: duration("1s", "24h"), Default: "60s", Example: "10m", Reload: ReloadLive, Help: "For how long a live master is left alone, from the last of them on."},
		{Path: in + ".startup_delay", Type: duration("0s", "1000s"), Default: "0s", Others: "vrrp_startup_delay", Example: "5s", Reload: ReloadLive,
			Help: "How long the instance only listens after the start, whatever it hears."},
		{Path: in + ".warm_up", Type: duration("0s", "1000s"), Default: "0s", Example: "30s", Reload: ReloadLive,
			Help: "How long it only listens after the start or a fault while it has heard no other node: a switch port that is up may not pass traffic yet. One advert ends it. Nodes that start at once, all with it, wait for its end."},
		{Path: in + ".sync_group", Type: identifier(), Absent: "none", Others: "vrrp_sync_group", Example: "site", Reload: ReloadAnew,
			Help: "A name. The instances that have the same one are MASTER together or not at all: each has to win, and what is FAULT for one is for all. " +
				"Each has its own `priority` and `track`: what shall move them belongs into every one. Where another instance joins or leaves, all of them start anew."},
		{Path: in + ".unicast_peers", Type: boolean(), Default: "false", Others: "unicast_peer", Example: "[192.168.1.11, 192.168.1.12]", Reload: ReloadWire,
			Help: "Where adverts go in place of the multicast group, and whose count. `true`: the other nodes, by the addresses of `nodes`. " +
				"A list: these, without the node's own. Adverts leave from the node's own address where the interface has it, else from the interface's first one, or with IPv6 from its first global one."},
		{Path: in + ".unicast_peers[]", Type: peerAddress(), Example: "{address: 192.168.1.12, min_ttl: 254}", Reload: ReloadWire,
			Help: "An address, or a section that says more about it."},
		{Path: in + ".unicast_peers[].address", Type: peerAddress(), Required: true, Example: "192.168.1.12", Reload: ReloadWire, Help: "The address."},
		{Path: in + ".unicast_peers[].min_ttl", Type: integer(0, 255), Absent: "0", Example: "254", Reload: ReloadWire,
			Help: "The smallest TTL that its adverts may arrive with: 255 less the routers between, where it sends with 255."},
		{Path: in + ".unicast_peers[].max_ttl", Type: integer(1, 255), Absent: "255", Example: "255", Reload: ReloadWire, Help: "The largest one."},
		{Path: in + ".unicast_ttl", Type: integer(1, 255), Absent: "255", Example: "64", Reload: ReloadWire, Help: "The TTL of adverts to peers."},
		{Path: in + ".unicast_any_source", Type: boolean(), Default: "false", Example: "true", Reload: ReloadLive,
			Help: "Accepts unicast adverts from anybody, as Keepalived does without `check_unicast_src`. Whoever can reach the node may then take the addresses away."},
		{Path: in + ".garp", Type: section(), Default: "{}", Example: "{repeat: 5, delay: 5s, refresh: 30s}", Reload: ReloadLive, Help: "Gratuitous ARP: how the network is told where the addresses are."},
		{Path: in + ".garp.repeat", Type: integer(1, 100), Default: "5", Others: "garp_master_repeat", Example: "5", Reload: ReloadLive, Help: "Announcements of each address at takeover, and again after `delay`."},
		{Path: in + ".garp.delay", Type: duration("100ms", "1000s"), Default: "5s", Others: "garp_master_delay", Example: "5s", Reload: ReloadLive, Help: "From takeover to the second burst."},
		{Path: in + ".garp.refresh", Type: duration("0s", "24h"), Default: "30s", Others: "garp_master_refresh", Example: "30s", Reload: ReloadLive, Help: "How often a held address is announced again; `0s`: never."},
		{Path: in + ".garp.interval", Type: duration("0s", "10s"), Default: "0s", Others: "garp_interval", Example: "1ms", Reload: ReloadLive, Help: "The least time between two announcements on an interface. Without it the first ones of a takeover follow each other at once, and repeats are sent at 5000 a second when there are more than 500."},
		{Path: in + ".lease", Type: boolean(), Default: "true", Example: "false", Reload: ReloadLive,
			Help: "Whether the kernel itself drops the addresses when the daemon stops renewing them. The time is as long as the peer's patience allows, and at least 2s. With more than 500 addresses on a node it is at least 3s for each 500 of them, and `tandem check`, the log and the status say so."},
		{Path: in + ".track", Type: list(0, 64), Others: "track_script track_interface track_file", Absent: "the instance's interface alone", Example: "[{script: check_app, weight: -20}]", Reload: ReloadLive, Help: "What moves the priority. Exactly one of `script`, `interface`, `backend`, `gateway` and `file` in each item."},
		{Path: in + ".track[].script", Type: identifier(), Example: "check_app", Reload: ReloadAnew, Help: "A script of `tracker.scripts`: down when it fails."},
		{Path: in + ".track[].interface", Type: interfaceName(), PerNode: true, Example: "eth1", Reload: ReloadAnew, Help: "An interface: down without carrier."},
		{Path: in + ".track[].backend", Type: identifier(), Example: "web", Reload: ReloadAnew, Help: "A backend of `proxy.backends`: down with less than `min_up` healthy servers."},
		{Path: in + ".track[].min_up", Type: integer(1, 65535), Absent: "1", Example: "1", Reload: ReloadAnew, Help: "For `backend`: how many healthy servers make it up."},
		{Path: in + ".track[].gateway", Type: gatewayAddress(), Example: "192.168.1.1", Reload: ReloadAnew, Help: "A neighbour, which this node asks by ARP, or with IPv6 by neighbour discovery, from its own address: down when it does not answer. How often: `tracker.gateways`."},
		{Path: in + ".track[].file", Type: identifier(), Example: "drain", Reload: ReloadAnew, Help: "A file of `tracker.files`: the number in it, times `weight`, is added to the priority."},
		{Path: in + ".track[].weight", Type: integer(-253, 253), Absent: "0; 1 for a file", Example: "-20", Reload: ReloadLive,
			Help: "Negative: subtracted from the priority while down. Positive: added while up. 0: FAULT while down, so never for what both nodes share. " +
				"For a file a factor: at -254 and below the product is FAULT, and with 0 any number but 0 is."},
		{Path: in + ".notify", Type: section(), Absent: "none", Example: "{script: [/etc/tandem/notify.sh], timeout: 10s}", Reload: ReloadLive, Help: "What runs when the instance changes its state."},
		{Path: in + ".notify.script", Type: filePath(), Required: true, Example: "[/etc/tandem/notify.sh, --verbose]", Reload: ReloadLive,
			Help: "The program, or a list of the program and its first arguments; no shell. INSTANCE, its name, the state and the priority follow, as Keepalived's scripts know them."},
		{Path: in + ".notify.script[]", Type: line(4096), Example: "/etc/tandem/notify.sh", Reload: ReloadLive, Help: "The program by its absolute path, then its arguments."},
		{Path: in + ".notify.timeout", Type: duration("100ms", "1h"), Default: "10s", Example: "10s", Reload: ReloadLive, Help: "When it is killed."},
		{Path: in + ".notify.user", Type: identifier(), Absent: "tandem_script", Example: "tandem_script", Reload: ReloadLive, Help: "Whom it runs as."},
		{Path: in + ".use_vmac", Later: true, Help: "A virtual MAC address."},
		{Path: in + ".virtual_routes", Later: true, Help: "Routes that move with the addresses."},
		{Path: in + ".virtual_rules", Later: true, Help: "Routing rules that move with the addresses."},
		{Path: in + ".track[].process", Later: true, Others: "track_process", Help: "Whether a process runs."},
		{Path: in + ".track[].route", Later: true, Help: "Whether a route is there."},
	}...)
}

// addressKeys are those of one address in a list.
func addressKeys(path string) []Key {
	return []Key{
		{Path: path, Type: virtualAddress(), Example: "{address: 192.168.1.100/24, label: \"eth0:vip\"}", Reload: ReloadLive,
			Help: "An address, or a section that says more about it."},
		{Path: path + ".address", Type: virtualAddress(), Required: true, Example: "192.168.1.100/24", Reload: ReloadLive, Help: "The address."},
		{Path: path + ".interface", Type: interfaceName(), PerNode: true, Others: "dev", Absent: "the instance's", Example: "eth1", Reload: ReloadLive, Help: "The interface that gets it."},
		{Path: path + ".label", Type: line(15), Absent: "none", Example: `"eth0:vip"`, Reload: ReloadLive, Help: "The address label, which older tools show as an interface. IPv4 only."},
		{Path: path + ".scope", Type: oneOf("global", "site", "link", "host"), Default: "global", Example: "link", Reload: ReloadLive, Help: "The kernel's address scope. IPv4 only."},
		{Path: path + ".broadcast", Type: hostAddress(), Others: "brd", Absent: "none", Example: "192.168.1.255", Reload: ReloadLive,
			Help: "The broadcast address that comes with it. IPv4 only; the kernel needs none."},
		{Path: path + ".peer", Type: hostAddress(), Absent: "none", Example: "192.168.1.2", Reload: ReloadLive,
			Help: "The other end of a point-to-point link, of the same family; the prefix length is its."},
	}
}

// password is what fits the eight octets of RFC 2338 section 5.3.10.
func password() Type {
	t := line(8)
	fits := t.fault
	t.fault = func(text string) string {
		switch {
		case len(text) > 8:
			return "longer than 8 octets (Keepalived truncates it to the first 8: give those on both sides)"
		case fits(text) != "":
			return "empty, or a control character in it" // never the password itself
		}
		return ""
	}
	return t
}

func trackerKeys() []Key {
	const in, file, gateway = "tracker.scripts.*", "tracker.files.*", "tracker.gateways.*"
	initState := oneOf("unknown", "up", "down")
	return []Key{
		{Path: "tracker", Type: section(), Absent: "none", Example: "{scripts: {}}", Reload: ReloadParts, Help: "What instances can track, beside interfaces and backends."},
		{Path: "tracker.scripts", Type: names(identifier()), Others: "vrrp_script", Absent: "none", Example: "{check_app: {command: [/usr/local/bin/check_app]}}", Reload: ReloadParts,
			Help: "Commands by name: exit status 0 is success. Only those that an instance tracks are run."},
		{Path: in + ".command", Type: list(1, 256), Required: true, Others: "script", Example: "[/usr/local/bin/check_app, --quick]", Reload: ReloadAnew, Help: "The program by its absolute path, then its arguments; no shell."},
		{Path: in + ".command[]", Type: line(4096), Example: "/usr/local/bin/check_app", Reload: ReloadAnew, Help: "A word of it."},
		{Path: in + ".interval", Type: duration("10ms", "24h"), Default: "1s", Example: "2s", Reload: ReloadAnew, Help: "Between the starts of two runs."},
		{Path: in + ".timeout", Type: duration("10ms", "24h"), Absent: "the interval", Example: "1s", Reload: ReloadAnew, Help: "When a run is killed, with all that it started, and counts as failed."},
		{Path: in + ".rise", Type: integer(1, 1000), Default: "1", Example: "2", Reload: ReloadAnew, Help: "Successes in a row that make it up; the first one is enough at start."},
		{Path: in + ".fall", Type: integer(1, 1000), Default: "1", Example: "3", Reload: ReloadAnew, Help: "Failures in a row that make it down."},
		{Path: in + ".init_state", Type: initState, Default: "unknown", Others: "init_fail", Example: "down", Reload: ReloadAnew,
			Help: "What holds before the first result. `unknown`: that one decides, and with weight 0 the instance waits for it. `down`: it takes `rise` successes. `up`: it takes `fall` failures."},
		{Path: in + ".user", Type: identifier(), Absent: "tandem_script", Example: "tandem_script", Reload: ReloadAnew, Help: "Whom it runs as."},

		{Path: "tracker.files", Type: names(identifier()), Others: "track_file vrrp_track_file", Absent: "none", Example: "{drain: {path: /run/tandem/drain}}", Reload: ReloadParts,
			Help: "Files by name, each with one whole number. Only those that an instance tracks are read: at once when they are closed after writing, replaced, moved or deleted, and every second besides."},
		{Path: file + ".path", Type: filePath(), Required: true, Others: "file", Example: "/run/tandem/drain", Reload: ReloadAnew,
			Help: "Where it is; symbolic links are followed. What holds no whole number leaves the last one in force, and the tracker is down; an empty file leaves it in force too."},
		{Path: file + ".missing", Type: integer(-254, 254), Default: "0", Others: "init_file", Example: "0", Reload: ReloadAnew, Help: "The number that counts while there is no file."},

		{Path: "tracker.gateways", Type: names(gatewayAddress()), Absent: "the defaults below for every gateway", Example: "{192.168.1.1: {interval: 500ms, timeout: 200ms}}", Reload: ReloadParts,
			Help: "How gateways are asked, by their addresses. Only those that an instance tracks are asked: by an ARP request from the node's own address, or as RFC 5227 probes where the interface has none; with IPv6 by a neighbour solicitation, which takes an address of its own. " +
				"Any MAC may answer; announcements are no answers."},
		{Path: gateway + ".interface", Type: interfaceName(), PerNode: true, Absent: "that of the instance that tracks it", Example: "{lb1: eth1, lb2: ens4}", Reload: ReloadAnew, Help: "Where it is asked."},
		{Path: gateway + ".interval", Type: duration("100ms", "1h"), Default: "1s", Example: "1s", Reload: ReloadAnew, Help: "Between two requests."},
		{Path: gateway + ".timeout", Type: duration("10ms", "1h"), Absent: "the interval", Example: "500ms", Reload: ReloadAnew, Help: "How long an answer may take; at most the interval."},
		{Path: gateway + ".rise", Type: integer(1, 1000), Default: "2", Example: "2", Reload: ReloadAnew, Help: "Answers in a row that make it up; the first one is enough at start."},
		{Path: gateway + ".fall", Type: integer(1, 1000), Default: "3", Example: "3", Reload: ReloadAnew, Help: "Requests in a row without an answer that make it down."},
		{Path: gateway + ".init_state", Type: initState, Default: "unknown", Example: "up", Reload: ReloadAnew,
			Help: "What holds before the first result, as for scripts."},
	}
}
