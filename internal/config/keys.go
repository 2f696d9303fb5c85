package config

import "slices"

// Keys returns the table of keys, in the order of the reference.
func Keys() []Key {
	return slices.Concat(nodeKeys(), vrrpKeys(), trackerKeys(), proxyKeys(), laterKeys(), adminKeys())
}

func nodeKeys() []Key {
	return []Key{
		{Path: "nodes", Type: names(identifier()), Example: "{lb1: {address: 192.168.1.11}, lb2: {address: 192.168.1.12}}", Reload: ReloadParts,
			Absent: "one node of any name, for a plain load balancer without `vrrp`",
			Help:   "The hosts that this file is for, by name. Who a host is: `--node`, else `$TANDEM_NODE`, else its host name."},
		{Path: "nodes.*.address", Type: hostAddress(), Required: true, Example: "192.168.1.11", Reload: ReloadLive,
			Help: "The node's own address, which no instance moves. A node that speaks to `unicast_peers` in both families has a list with one of each."},
		{Path: "nodes.*.address[]", Type: hostAddress(), Example: "192.168.1.11", Reload: ReloadLive, Help: "One of each family at most."},
	}
}

func adminKeys() []Key {
	return []Key{
		{Path: "pair", Later: true, Help: "The link between the nodes."},

		{Path: "admin", Type: section(), Default: "{}", Example: `{socket: {group: tandem}}`, Reload: ReloadParts, Help: "How the running daemon is asked and told things."},
		{Path: "admin.socket", Type: section(), Default: "{}", Example: `{mode: "0660", group: tandem}`, Reload: ReloadParts, Help: "The runtime socket, which `tandem status` and HAProxy's tools talk to."},
		{Path: "admin.socket.path", Type: filePath(), PerNode: true, Absent: "`admin.sock` in the runtime directory", Example: "/run/tandem/admin.sock", Reload: ReloadRestart,
			Help: "Where it is."},
		{Path: "admin.socket.mode", Type: pattern("octal mode", "three octal digits, a 0 before them if you like", 4, `^0?[0-7]{3}$`), Default: `"0660"`, Example: `"0660"`, Reload: ReloadRestart,
			Help: "Who may connect to it."},
		{Path: "admin.socket.group", Type: identifier(), Absent: "the daemon's own", Example: "tandem", Reload: ReloadRestart, Help: "The group that owns it."},
		{Path: "admin.stats", Later: true, Help: "The web page, the metrics and the API."},

		{Path: "log", Type: section(), Default: "{}", Example: "{level: info, format: text}", Reload: ReloadParts, Help: "The daemon's own log, on standard error."},
		{Path: "log.level", Type: oneOf("trace", "debug", "info", "warn", "error"), PerNode: true, Default: "info", Example: "info", Reload: ReloadRestart,
			Help: "The least important lines that are written."},
		{Path: "log.format", Type: oneOf("text", "json"), Default: "text", Example: "json", Reload: ReloadRestart, Help: "`json` for machines."},
	}
}
