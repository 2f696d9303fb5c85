package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/internal/notify"
	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/tracker"
	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vrrp"
)

// Config is a checked configuration file. It is immutable.
type Config struct {
	File  string
	Hash  string   // SHA-256 of the text, in hexadecimal: equal on nodes that have the same file
	Nodes []string // the names of the nodes, in the order of the file; empty: any one node

	views []Node // one for each of Nodes; without them a single one that has no name
	src   *source
	raw   *rawFile
}

// Node is the configuration as one node runs it.
type Node struct {
	Name      string
	Addresses []netip.Addr // its own, of each family at most one; none where the file has no nodes
	Instances []Instance
	RealTime  RealTime
	Scripts   []tracker.Script  // those that an instance tracks, by name
	Files     []tracker.File    // as well
	Gateways  []tracker.Gateway // as well, by address and interface
	Proxy     proxy.Config
	Limits    Limits
	Admin     Admin
	Log       Log
}

// Instance is one virtual router with all that hangs on it.
type Instance struct {
	VRRP      vrrp.Config
	SyncGroup string // the instances of one are MASTER together or not at all; empty: it is in none
	VIP       vip.Config
	Source    vip.Source        // where adverts leave from; that no virtual address does is left to whoever looks
	Track     []tracker.Binding // the instance's own interface with weight 0 first
	Notify    *notify.Config    // nil: none
}

// RealTime is what keeps adverts on time on a busy host.
type RealTime struct {
	Priority int  // of the keeper's process under SCHED_RR, 1 to 99; 0: none
	NoSwap   bool // its memory is never swapped out
}

// Limits bound what the balancer takes on at once.
type Limits struct {
	Threads    int // event loops; 0: one for each core
	Handshakes int // of TLS, under way; 1 or more
}

// Admin says where the runtime socket is.
type Admin struct {
	SocketPath string // empty: admin.sock in the runtime directory
	Mode       fs.FileMode
	Group      string // empty: the daemon's own
}

// Log says what the daemon's own log looks like.
type Log struct {
	Level hclog.Level
	JSON  bool
}

// Load reads and checks a file, and the key files that it names. The Config is nil where there are errors.
func Load(path string) (*Config, Problems) {
	text, err := read(path)
	if err != nil {
		return nil, Problems{{File: path, What: err.Error()}}
	}
	return checkText(path, text, readKeyFile)
}

// LoadAlone is Load without the files that the file names, for who looks at it elsewhere.
func LoadAlone(path string) (*Config, Problems) {
	text, err := read(path)
	if err != nil {
		return nil, Problems{{File: path, What: err.Error()}}
	}
	return Parse(path, text)
}

// read reads a file, at most one octet more than Parse takes.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		if cause := errors.Unwrap(err); cause != nil { // the path stands before the problem already
			err = cause
		}
		return nil, fmt.Errorf("open: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return text, nil
}

// Parse checks a text; name is what problems call it. The Config is nil where there are errors. It lacks the keys that are in
// files of their own.
func Parse(name string, text []byte) (*Config, Problems) { return checkText(name, text, nil) }

// checkText is Parse with a function that reads key files, or nil.
func checkText(name string, text []byte, readKey func(string) (string, error)) (*Config, Problems) {
	src, problem := parse(name, text)
	if problem != nil {
		return nil, Problems{*problem}
	}
	c := &checker{src: src, nodes: nodeNames(src.root)}
	var raw rawFile
	if c.value(src.root, schema(Keys()), "") {
		if err := src.root.Decode(&raw); err != nil { // the walk lets nothing through that does not decode
			c.report(src.root, "", err.Error(), "")
		}
	}
	b := builder{checker: c, raw: &raw, readKey: readKey}
	views := b.build()
	if c.errors > 0 {
		return nil, c.problems()
	}
	hash := sha256.Sum256(text)
	return &Config{File: name, Hash: hex.EncodeToString(hash[:]), Nodes: c.nodes, views: views, src: src, raw: &raw}, c.problems()
}

// Node returns the view of one node. A file without nodes is for any one node, whatever its name.
func (c *Config) Node(name string) (*Node, error) {
	if len(c.Nodes) == 0 {
		view := c.views[0]
		view.Name = name
		return &view, nil
	}
	for i, n := range c.Nodes {
		if n == name {
			view := c.views[i]
			return &view, nil
		}
	}
	return nil, fmt.Errorf("%s has no node %q, want one of %s: name it with --node or $TANDEM_NODE", c.File, name, strings.Join(c.Nodes, ", "))
}

// NodeAt is the name of the node with that address; empty where the file has none.
func (c *Config) NodeAt(a netip.Addr) string {
	for _, view := range c.views {
		if slices.Contains(view.Addresses, a) {
			return view.Name
		}
	}
	return ""
}

// NodeName says who this host is: the flag, else $TANDEM_NODE, else the host name. getenv and hostname are os.Getenv and
// os.Hostname.
func NodeName(flag string, getenv func(string) string, hostname func() (string, error)) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if name := getenv("TANDEM_NODE"); name != "" {
		return name, nil
	}
	name, err := hostname()
	if err != nil {
		return "", fmt.Errorf("ask for the host name: %w", err)
	}
	return name, nil
}
