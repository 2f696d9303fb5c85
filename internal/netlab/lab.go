package netlab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"

	"github.com/hashicorp/go-hclog"
	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// ErrClosed is returned by everything that meets a closed lab.
var ErrClosed = errors.New("the lab is closed")

var errNoEnter = errors.New("the program must call netlab.Enter before it makes a lab")

const (
	loopbackIndex = 1 // the kernel's, in every network namespace

	// firstPort is the index of the switch's first port. Bridges stay below it; and no port has the index of its
	// node's end, for which the kernel would hold back news of the carrier for up to a second.
	firstPort = 1000

	defaultEvents = 16 << 10 // a minute and more of four nodes that advertise every 20 ms
)

// Config says what a lab's nodes are like. The zero value is a useful lab.
type Config struct {
	Log     hclog.Logger // nil: no log
	Private []string     // directories, e.g. /run, over which every node gets an empty tmpfs of its own
	Events  int          // how many events are kept; 0: 16384
}

// Lab is a set of LANs and nodes and the stream of their events.
type Lab struct {
	cfg    Config
	log    hclog.Logger
	stream *stream

	network space           // the switch: the namespace of all bridges
	handle  *netlink.Handle // its netlink sockets
	watcher *nl.NetlinkSocket
	tap     *packet.Conn

	wg sync.WaitGroup // watchers, tap and the waiters of processes

	mu     sync.Mutex // guards what follows
	closed bool
	nodes  []*Node
	lans   int
	cables map[int]*Cable // by the index of their port
}

// New makes a lab without LANs and nodes. It needs Enter to have been called. The caller must Close it.
func New(cfg Config) (*Lab, error) {
	if os.Getenv(marker) == roleInit {
		return nil, errNoEnter // a node's init that got this far would make nodes without end
	}
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	if cfg.Events == 0 {
		cfg.Events = defaultEvents
	}
	l := &Lab{cfg: cfg, log: cfg.Log.Named("netlab"), stream: newStream(cfg.Events), cables: make(map[int]*Cable)}
	if err := l.open(); err != nil {
		_ = l.Close() // the first error is the one that matters
		return nil, fmt.Errorf("make switch: %w", err)
	}
	l.wg.Go(func() { l.watch(l.watcher, l.portEvents) })
	l.wg.Go(l.listen)
	return l, nil
}

// open makes the switch's namespace and opens what we need inside it.
func (l *Lab) open() error {
	network, warnings, err := newNetwork()
	if err != nil {
		return err
	}
	l.network = network
	l.warn("switch", warnings)
	return inside(func() error {
		if l.handle, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
			return fmt.Errorf("open netlink socket: %w", err)
		}
		if l.watcher, err = subscribe(unix.RTNLGRP_LINK); err != nil {
			return err
		}
		l.tap, err = openTap()
		return err
	}, network)
}

func (l *Lab) warn(where string, warnings []string) {
	for _, w := range warnings {
		l.log.Warn("a setting of the lab is refused", "node", where, "err", w)
	}
}

// Close kills every process of the nodes, removes nodes and LANs and waits until all of the lab's goroutines have
// ended. Calls that wait for events return ErrClosed. Closing again does nothing.
func (l *Lab) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	nodes := l.nodes
	l.mu.Unlock()

	l.stream.close()
	var kills sync.WaitGroup // the kernel takes some milliseconds for each node: side by side
	for _, n := range nodes {
		kills.Go(n.close)
	}
	kills.Wait()
	if l.watcher != nil {
		l.watcher.Close()
	}
	var err error
	if l.tap != nil {
		err = l.tap.Close()
	}
	l.wg.Wait()
	if l.handle != nil {
		l.handle.Close()
	}
	l.network.close() // the last reference: bridges, ports and with them the cables go
	if err != nil {
		return fmt.Errorf("close packet socket: %w", err)
	}
	return nil
}

// LAN is one Ethernet segment: a bridge without spanning tree or multicast snooping, so that it floods at once.
type LAN struct {
	Name   string
	bridge int // index in the switch's namespace
	lab    *Lab
}

// LAN makes a LAN. The name is for events and errors.
func (l *Lab) LAN(name string) (*LAN, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, fmt.Errorf("make LAN %s: %w", name, ErrClosed)
	}
	l.lans++
	attrs := netlink.NewLinkAttrs()
	attrs.Name = fmt.Sprintf("lan%d", l.lans)
	snooping := false
	bridge := &netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &snooping}
	if err := l.handle.LinkAdd(bridge); err != nil {
		return nil, fmt.Errorf("make LAN %s: add bridge: %w", name, err)
	}
	if err := l.handle.LinkSetUp(bridge); err != nil {
		return nil, fmt.Errorf("make LAN %s: set bridge up: %w", name, err)
	}
	return &LAN{Name: name, bridge: bridge.Index, lab: l}, nil
}

// hardwareAddr is a locally administered address, the same in every run: group tells what it belongs to and number
// which one it is, at most 65535.
func hardwareAddr(group byte, number int) net.HardwareAddr {
	return net.HardwareAddr{0x02, 0x74, 0x6c, group, byte(number >> 8), byte(number)}
}

// Holders returns the nodes that have the address on any of their interfaces now, as the kernel says, in the order
// in which the nodes were made.
func (l *Lab) Holders(addr netip.Addr) ([]*Node, error) {
	l.mu.Lock()
	nodes := l.nodes
	l.mu.Unlock()
	var holders []*Node
	for _, n := range nodes {
		has, err := n.has(addr)
		if err != nil {
			return nil, err
		}
		if has {
			holders = append(holders, n)
		}
	}
	return holders, nil
}
