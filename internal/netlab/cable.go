package netlab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Cable joins one interface of a node to a LAN. It is a veth pair: one end is the node's interface, the other is a
// port of the switch, where all faults are made, so that the node's own end shows nothing but what a real one would.
type Cable struct {
	Interface string           // the node's interface
	MAC       net.HardwareAddr // its hardware address, the same in every run that builds the same lab
	node      *Node
	lan       *LAN
	port      netlink.Link // the switch's end

	// Guarded by Lab.mu.
	muteOut    bool      // nothing from the node arrives: the tap is to see nothing either,
	heardFrom  time.Time // nor what was sent before this time, when the latest mute ended
	forwarding bool      // what the latest event about the port said
}

// Connect plugs a new interface of the node into a LAN, gives it addresses, and returns when frames pass.
func (n *Node) Connect(ctx context.Context, lan *LAN, name string, addresses ...netip.Prefix) (*Cable, error) {
	c, err := n.plug(lan, name)
	if err == nil {
		if err = c.configure(ctx, addresses); err != nil {
			_ = n.lab.handle.LinkDel(c.port) // the first error is the one that matters
		}
	}
	if err != nil {
		return nil, fmt.Errorf("connect %s of %s to %s: %w", name, n.name, lan.Name, err)
	}
	return c, nil
}

// plug makes the veth pair, both ends down.
func (n *Node) plug(lan *LAN, name string) (*Cable, error) {
	l := n.lab
	if lan.lab != l {
		return nil, errors.New("the LAN is another lab's")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ErrClosed
	}
	number := len(l.cables) + 1
	attrs := netlink.NewLinkAttrs()
	attrs.Index = firstPort + number
	attrs.Name = fmt.Sprintf("port%d", number)
	attrs.HardwareAddr = hardwareAddr(1, number)
	attrs.MasterIndex = lan.bridge
	veth := netlink.NewVeth(attrs)
	veth.PeerName = name
	veth.PeerHardwareAddr = hardwareAddr(2, number)
	veth.PeerNamespace = netlink.NsFd(n.network.file.Fd())
	c := &Cable{Interface: name, MAC: veth.PeerHardwareAddr, node: n, lan: lan, port: veth}
	if err := l.handle.LinkAdd(veth); err != nil {
		return nil, fmt.Errorf("add veth pair: %w", err)
	}
	l.cables[attrs.Index] = c
	return c, nil
}

func (c *Cable) configure(ctx context.Context, addresses []netip.Prefix) error {
	h := c.node.handle
	link, err := h.LinkByName(c.Interface)
	if err != nil {
		return fmt.Errorf("find %s: %w", c.Interface, err)
	}
	for _, p := range addresses {
		addr := &netlink.Addr{IPNet: &net.IPNet{
			IP:   p.Addr().AsSlice(),
			Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
		}}
		if p.Addr().Is6() {
			addr.Flags = unix.IFA_F_NODAD // usable at once
		}
		if err := h.AddrAdd(link, addr); err != nil {
			return fmt.Errorf("add %v to %s: %w", p, c.Interface, err)
		}
	}
	if err := h.LinkSetUp(link); err != nil {
		return fmt.Errorf("set %s up: %w", c.Interface, err)
	}
	if err := c.node.lab.handle.LinkSetUp(c.port); err != nil {
		return fmt.Errorf("set port up: %w", err)
	}
	return c.settle(ctx, true)
}

// Pull takes the cable out: the node's interface loses its carrier. It returns when the kernel says so.
func (c *Cable) Pull(ctx context.Context) error {
	if err := c.node.lab.handle.LinkSetDown(c.port); err != nil {
		return c.fail("pull", err)
	}
	if err := c.settle(ctx, false); err != nil {
		return c.fail("pull", err)
	}
	return nil
}

// Mute loses every frame in both directions while the carrier stays up.
func (c *Cable) Mute() error {
	// Out of the bridge, rather than a disabled port of it, which the kernel would enable when the carrier returns.
	if err := c.node.lab.handle.LinkSetNoMaster(c.port); err != nil {
		return c.fail("mute", err)
	}
	c.mute()
	return nil
}

// MuteIn loses every frame to the node; what it sends arrives.
func (c *Cable) MuteIn() error {
	if err := c.onSwitch(setQueue); err != nil {
		return c.fail("mute", err)
	}
	return nil
}

// MuteOut loses every frame from the node; what others send arrives. It needs Linux 5.16.
func (c *Cable) MuteOut() error {
	if err := c.onSwitch(lockPort); err != nil {
		return c.fail("mute", err)
	}
	c.mute()
	return nil
}

// Restore undoes all of the above and returns when frames pass again. The node's interface must be up.
func (c *Cable) Restore(ctx context.Context) error {
	c.unmute() // first: an answer to the carrier may come within microseconds
	if err := c.restore(ctx); err != nil {
		return c.fail("restore", err)
	}
	return nil
}

func (c *Cable) restore(ctx context.Context) error {
	h := c.node.lab.handle
	if err := c.onSwitch(resetQueue); err != nil {
		return err
	}
	// A port that joins a bridge, or does so again, is unlocked and forwards.
	if err := h.LinkSetNoMaster(c.port); err != nil {
		return fmt.Errorf("take port out of its bridge: %w", err)
	}
	if err := h.LinkSetMasterByIndex(c.port, c.lan.bridge); err != nil {
		return fmt.Errorf("put port into its bridge: %w", err)
	}
	if err := h.LinkSetUp(c.port); err != nil {
		return fmt.Errorf("set port up: %w", err)
	}
	return c.settle(ctx, true)
}

func (c *Cable) mute() {
	c.node.lab.mu.Lock()
	defer c.node.lab.mu.Unlock()
	c.muteOut = true
}

func (c *Cable) unmute() {
	c.node.lab.mu.Lock()
	defer c.node.lab.mu.Unlock()
	if c.muteOut {
		c.muteOut, c.heardFrom = false, time.Now()
	}
}

// heard reports whether a packet that left the node at the given time reached the LAN. Called with Lab.mu held.
func (c *Cable) heard(at time.Time) bool {
	return !c.muteOut && !at.Before(c.heardFrom)
}

// settle waits until the node's carrier and the bridge's port agree that the cable is plugged in, or not.
func (c *Cable) settle(ctx context.Context, up bool) error {
	lab := c.node.lab
	for {
		mark := lab.Mark()
		carrier, forwarding, err := c.state()
		if err != nil {
			return err
		}
		if carrier == up && forwarding == up {
			return nil
		}
		if _, err := lab.Await(ctx, mark, c.changes); err != nil {
			return fmt.Errorf("carrier %t, forwarding %t, want %t: %w", carrier, forwarding, up, err)
		}
	}
}

// changes reports whether an event is news of the cable's state.
func (c *Cable) changes(e Event) bool {
	return e.Node == c.node.name && e.Interface == c.Interface &&
		(e.Kind == CarrierUp || e.Kind == CarrierDown || e.Kind == PortUp || e.Kind == PortDown)
}

func (c *Cable) state() (carrier, forwarding bool, err error) {
	link, err := c.node.handle.LinkByName(c.Interface)
	if err != nil {
		return false, false, fmt.Errorf("look at %s: %w", c.Interface, err)
	}
	var port portState
	err = c.onSwitch(func(index int) error {
		port, err = readPort(index)
		return err
	})
	return hasCarrier(link.Attrs().RawFlags), port.forwarding, err
}

// onSwitch calls f with the port's index inside the switch's namespace.
func (c *Cable) onSwitch(f func(port int) error) error {
	return inside(func() error { return f(c.port.Attrs().Index) }, c.node.lab.network)
}

func (c *Cable) fail(what string, err error) error {
	return fmt.Errorf("%s cable of %s %s: %w", what, c.node.name, c.Interface, err)
}
