package doctor

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// dumpTries bounds the repetitions of a dump that changes interrupted; each takes well under a millisecond.
const dumpTries = 100

// readLink asks the kernel for an interface and the bridge that it is, or is a port of. An interface that is not there is
// no error: Link.Err says so.
func readLink(h *netlink.Handle, name string) (Link, *Bridge, error) {
	link, err := h.LinkByName(name)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return Link{Err: "there is no interface " + name}, nil, nil
	}
	if err != nil {
		return Link{}, nil, fmt.Errorf("look up %s: %w", name, err)
	}
	attrs := link.Attrs()
	l := Link{
		Ethernet:  len(attrs.HardwareAddr) == 6 && attrs.Flags&net.FlagLoopback == 0,
		Up:        attrs.RawFlags&unix.IFF_UP != 0,
		Carrier:   attrs.RawFlags&unix.IFF_LOWER_UP != 0,
		Multicast: attrs.RawFlags&unix.IFF_MULTICAST != 0,
		NoARP:     attrs.RawFlags&unix.IFF_NOARP != 0,
		MTU:       attrs.MTU,
	}
	copy(l.MAC[:], attrs.HardwareAddr)
	bridge := link
	if attrs.MasterIndex != 0 {
		master, err := h.LinkByIndex(attrs.MasterIndex)
		if err != nil {
			return l, nil, fmt.Errorf("look up the interface that %s is a port of: %w", name, err)
		}
		l.Master, l.MasterIs, bridge = master.Attrs().Name, master.Type(), master
	}
	if l.Addresses, err = addressesOf(h, link); err != nil {
		return l, nil, fmt.Errorf("list addresses of %s: %w", name, err)
	}
	l.Default = defaultRoute(h)
	b, err := readBridge(bridge)
	return l, b, err
}

func addressesOf(h *netlink.Handle, link netlink.Link) ([]netip.Prefix, error) {
	var list []netlink.Addr
	var err error = netlink.ErrDumpInterrupted
	for try := 0; try < dumpTries && errors.Is(err, netlink.ErrDumpInterrupted); try++ {
		list, err = h.AddrList(link, netlink.FAMILY_ALL)
	}
	if err != nil {
		return nil, err
	}
	var all []netip.Prefix
	for _, a := range list {
		if addr, ok := netip.AddrFromSlice(a.IP); ok {
			ones, _ := a.Mask.Size()
			all = append(all, netip.PrefixFrom(addr.Unmap(), ones))
		}
	}
	return all, nil
}

// ports lists the interfaces of this host that have a MAC.
func ports(h *netlink.Handle) ([]Port, error) {
	var list []netlink.Link
	var err error = netlink.ErrDumpInterrupted
	for try := 0; try < dumpTries && errors.Is(err, netlink.ErrDumpInterrupted); try++ {
		list, err = h.LinkList()
	}
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	var all []Port
	for _, link := range list {
		if mac := link.Attrs().HardwareAddr; len(mac) == len(MAC{}) && link.Attrs().Flags&net.FlagLoopback == 0 {
			all = append(all, Port{Name: link.Attrs().Name, MAC: MAC(mac)})
		}
	}
	return all, nil
}

// defaultRoute returns the interface of the way to 192.0.2.1, where nobody lives (RFC 5737), so it is the way to everybody.
// Empty: there is none.
func defaultRoute(h *netlink.Handle) string {
	routes, err := h.RouteGet(net.IPv4(192, 0, 2, 1))
	if err != nil || len(routes) == 0 { // no route to it is an error
		return ""
	}
	link, err := h.LinkByIndex(routes[0].LinkIndex)
	if err != nil {
		return ""
	}
	return link.Attrs().Name
}

// readBridge asks about IGMP on a bridge; nil for any other kind of interface. It asks by netlink, since /sys shows the
// interfaces of the namespace that it was mounted in, which need not be this one.
func readBridge(link netlink.Link) (*Bridge, error) {
	if link.Type() != "bridge" {
		return nil, nil
	}
	name := link.Attrs().Name
	req := nl.NewNetlinkRequest(unix.RTM_GETLINK, 0)
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index = int32(link.Attrs().Index)
	req.AddData(msg)
	answers, err := req.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWLINK)
	if err != nil || len(answers) == 0 {
		return nil, fmt.Errorf("look up bridge %s: %w", name, err)
	}
	b := &Bridge{Name: name}
	err = attributes(answers[0][unix.SizeofIfInfomsg:], func(kind uint16, value []byte) error {
		if kind != unix.IFLA_LINKINFO {
			return nil
		}
		return attributes(value, func(kind uint16, value []byte) error {
			if kind != nl.IFLA_INFO_DATA {
				return nil
			}
			return attributes(value, func(kind uint16, value []byte) error {
				switch set := len(value) > 0 && value[0] != 0; kind {
				case nl.IFLA_BR_MCAST_SNOOPING:
					b.Snooping = set
				case nl.IFLA_BR_MCAST_QUERIER:
					b.Querier = set
				}
				return nil
			})
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read what the kernel says of bridge %s: %w", name, err)
	}
	return b, nil
}

// attributes calls f with each attribute of a netlink message.
func attributes(b []byte, f func(kind uint16, value []byte) error) error {
	list, err := nl.ParseRouteAttr(b)
	if err != nil {
		return err
	}
	for _, a := range list {
		if err := f(a.Attr.Type&nl.NLA_TYPE_MASK, a.Value); err != nil {
			return err
		}
	}
	return nil
}
