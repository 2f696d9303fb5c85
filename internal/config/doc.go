// Package config turns the text of the one configuration file into the typed values that the other packages run on.
//
// text -> yaml.Node -> raw structs -> typed values, and every problem of the file at once:
//
//	tandem.yaml:12:17: vrrp.instances[0].priority: "high" is text, want a whole number from 1 to 255
//	   12 |       priority: high
//	      |                 ^
//
// One table, [Keys], says what the file may hold: path, type, unit, range, default, example, what a reload does with it,
// and whether this version builds it. The check of every value, the defaults, the suggestions for a misspelt key and the
// reference in docs/configuration.md come from it. A test holds the raw structs to the same list.
//
// Everything behind the walk speaks of a value by its path ("vrrp.instances[0].priority"). A path becomes line and column
// only when a problem is reported, so no type but [Problem] knows of positions. The walk drops what it has reported and
// fills in the defaults: what comes after finds nothing but sound values, and takes a zero value as reported already.
//
// The file is the same on all nodes. A key marked "per node" may hold a map under the nodes' names in place of its value;
// [Config.Node] is one node's view, with everything resolved.
//
// Files, in reading order:
//
//	config.go      Load, Parse, Config, Node: what comes out
//	problem.go     Problem, Problems and how they print
//	key.go         Key; the table itself is in keys_vrrp.go and keys_proxy.go (keys.go joins them)
//	types.go       Type: what a value may be; addresses.go has those of the network
//	schema.go      the table as a tree
//	source.go      text -> yaml.Node: limits, syntax errors; where a path stands in the text
//	alias.go       aliases and merge keys replaced by what they stand for
//	check.go       the walk: every node against the tree; suggest.go: did you mean
//	raw.go         the raw structs; raw_proxy.go those of the balancer
//	builder.go     raw structs -> Node; vrrp.go, lease.go, tracker.go, proxy.go, bind.go a part each
//	failover.go    warnings: priorities and weights that cannot do what they are for
//	host.go        what only the machine itself can answer
//	wire.go        what a reload would break between running nodes
//	reference.go   the table as docs/configuration.md
package config
