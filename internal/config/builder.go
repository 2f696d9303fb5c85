package config

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/go-hclog"
	"gopkg.in/yaml.v3"
)

// builder makes typed values of the raw ones, and reports what only shows when values are seen together.
type builder struct {
	*checker
	raw     *rawFile
	readKey func(file string) (text string, err error) // nil: key files are not read
}

// nodeNames returns the names under `nodes`, in the order of the text. The walk needs them before it gets there.
func nodeNames(root *yaml.Node) []string {
	var found []string
	for i := 0; i+1 < len(root.Content) && root.Kind == yaml.MappingNode; i += 2 {
		if nodes := root.Content[i+1]; root.Content[i].Value == "nodes" && nodes.Kind == yaml.MappingNode {
			for j := 0; j+1 < len(nodes.Content); j += 2 {
				found = append(found, nodes.Content[j].Value)
			}
			return found
		}
	}
	return nil
}

// build returns the view of each node, or of the one without a name.
func (b *builder) build() []Node {
	b.checkWhole()
	b.addGateways()
	b.settleVersions()
	b.checkInstances()
	b.readKeys()
	b.checkTrackers()
	b.checkProxy()
	var views []Node
	for _, name := range b.nodesOrOne() {
		views = append(views, b.node(name))
	}
	b.checkPriorities(views)
	b.checkLeases()
	b.checkSyncGroups(views)
	return views
}

// checkWhole reports what concerns the file as a whole.
func (b *builder) checkWhole() {
	instances, frontends := b.raw.VRRP.Instances, b.raw.Proxy.Frontends
	if len(instances) == 0 && len(frontends) == 0 && b.errors == 0 {
		b.errorAt("", "nothing to do", "vrrp.instances or proxy.frontends")
	}
	if len(instances) > 0 && len(b.nodes) == 0 && !b.reported("nodes") {
		b.errorAt("nodes", "names no node", "each node with its address, where there are instances")
	}
	addresses := unique{b: b}
	for _, name := range b.nodes {
		b.checkHostAddresses(name, &addresses)
	}
}

// unique reports what is there a second time.
type unique struct {
	b    *builder
	seen map[string]string // path by value
}

// add notes a value; empty ones have been reported as missing.
func (u *unique) add(value, what, path string) {
	if value == "" {
		return
	}
	if u.seen == nil {
		u.seen = map[string]string{}
	}
	if first, again := u.seen[value]; again {
		u.b.errorAt(path, fmt.Sprintf("%s %s is taken already, on line %d", what, value, u.b.src.at(first).Line), "another")
		return
	}
	u.seen[value] = path
}

// reported says whether an error at or below path has been reported: then what does not fit together there is no news.
func (b *builder) reported(path string) bool {
	return slices.ContainsFunc(b.found, func(p Problem) bool {
		below, ok := strings.CutPrefix(p.Path, path)
		return ok && !p.Warning && (below == "" || below[0] == '.' || below[0] == '[')
	})
}

// nodesOrOne returns the names of the nodes, or the empty one of the view that is for any node.
func (b *builder) nodesOrOne() []string {
	if len(b.nodes) == 0 {
		return []string{""}
	}
	return b.nodes
}

// oneThere is what to want where a name is not known.
func oneThere(names []string) string {
	const most = 8 // more are no help
	switch {
	case len(names) == 0:
		return "one that is there"
	case len(names) > most:
		return "one that is there, such as " + oxford(names[:most])
	}
	return oxford(names)
}

// node returns the view of one node.
func (b *builder) node(name string) Node {
	n := Node{Name: name, Addresses: b.raw.Nodes[name].Address}
	for i := range b.raw.VRRP.Instances {
		n.Instances = append(n.Instances, b.instance(i, name))
	}
	b.checkNode(n)
	n.RealTime = RealTime{Priority: b.raw.VRRP.RTPriority, NoSwap: b.raw.VRRP.NoSwap}
	n.Scripts = b.scripts()
	n.Files = b.files()
	n.Gateways = b.gateways(n)
	n.Proxy = b.proxy(n)
	n.Limits = Limits{Threads: b.raw.Proxy.Threads, Handshakes: b.raw.Proxy.Limits.Handshakes}
	socket := b.raw.Admin.Socket
	mode, _ := strconv.ParseUint(socket.Mode, 8, 9) // the walk has let only three octal digits through
	n.Admin = Admin{SocketPath: socket.Path.on(name), Mode: fs.FileMode(mode), Group: socket.Group}
	n.Log = Log{Level: hclog.LevelFromString(b.raw.Log.Level.on(name)), JSON: b.raw.Log.Format == "json"}
	return n
}
