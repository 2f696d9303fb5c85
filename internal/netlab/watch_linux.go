package netlab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// watchBuffer is how many octets of notifications the kernel may hold for us: some thousand changes of addresses.
const watchBuffer = 4 << 20

// subscribe opens a socket for notifications in the namespace of the calling thread. One socket for all groups
// keeps links and addresses in the kernel's order.
func subscribe(groups ...uint) (*nl.NetlinkSocket, error) {
	s, err := nl.Subscribe(unix.NETLINK_ROUTE, groups...)
	if err != nil {
		return nil, fmt.Errorf("subscribe to link notifications: %w", err)
	}
	if err := s.SetReceiveBufferSize(watchBuffer, true); err != nil {
		// Beyond the system's limit only root of the host may go; then the limit, and ErrLost tells if it is passed.
		if err := s.SetReceiveBufferSize(watchBuffer, false); err != nil {
			s.Close()
			return nil, fmt.Errorf("set buffer of netlink socket: %w", err)
		}
	}
	return s, nil
}

// watch records what events makes of each notification until the socket is closed.
func (l *Lab) watch(s *nl.NetlinkSocket, events func(now time.Time, m syscall.NetlinkMessage) []Event) {
	for {
		messages, from, err := s.Receive()
		now := time.Now()
		switch {
		case err == nil && from.Pid == nl.PidKernel:
			for _, m := range messages {
				l.stream.add(events(now, m)...)
			}
		case err == nil || errors.Is(err, unix.EINTR): // a stranger's message
		case errors.Is(err, unix.ENOBUFS):
			l.stream.lose()
		case errors.Is(err, os.ErrClosed):
			return
		default:
			l.log.Error("receive link notifications", "err", err)
			l.stream.lose()
			return
		}
	}
}

// linkWatch turns a node's notifications into events. Owned by the node's watching goroutine.
type linkWatch struct {
	node      string
	links     map[int32]linkState
	addresses map[addressKey]bool
}

type linkState struct {
	name    string
	carrier bool
}

type addressKey struct {
	link    int32
	address netip.Prefix
}

func newLinkWatch(node string) *linkWatch {
	return &linkWatch{
		node:      node,
		links:     map[int32]linkState{loopbackIndex: {name: "lo"}}, // there from the first, before any notification
		addresses: make(map[addressKey]bool),
	}
}

func (w *linkWatch) events(now time.Time, m syscall.NetlinkMessage) []Event {
	switch m.Header.Type {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		return w.link(now, m.Header.Type == unix.RTM_NEWLINK, m.Data)
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		return w.address(now, m.Header.Type == unix.RTM_NEWADDR, m.Data)
	}
	return nil
}

func (w *linkWatch) link(now time.Time, present bool, body []byte) (events []Event) {
	if len(body) < unix.SizeofIfInfomsg {
		return nil
	}
	header := nl.DeserializeIfInfomsg(body)
	if header.Family != unix.AF_UNSPEC { // news of a bridge's port, not of the link
		return nil
	}
	was, known := w.links[header.Index]
	is := linkState{name: linkName(body[unix.SizeofIfInfomsg:]), carrier: hasCarrier(header.Flags)}
	event := func(kind Kind) {
		events = append(events, Event{Time: now, Kind: kind, Node: w.node, Interface: is.name})
	}
	if !present {
		delete(w.links, header.Index)
		event(LinkRemoved)
		return events
	}
	w.links[header.Index] = is
	if !known {
		event(LinkAdded)
	}
	switch {
	case is.carrier && !was.carrier:
		event(CarrierUp)
	case !is.carrier && was.carrier:
		event(CarrierDown)
	}
	return events
}

// hasCarrier reads a link's flags. IFF_LOWER_UP would be some microseconds earlier, but then the kernel has not yet
// given the interface back its queue, and drops what is sent.
func hasCarrier(flags uint32) bool { return flags&unix.IFF_RUNNING != 0 }

func linkName(attributes []byte) string {
	attrs, err := nl.ParseRouteAttr(attributes)
	if err != nil {
		return "" // not what a kernel sends
	}
	for _, a := range attrs {
		if a.Attr.Type == unix.IFLA_IFNAME {
			return unix.ByteSliceToString(a.Value)
		}
	}
	return ""
}

func (w *linkWatch) address(now time.Time, present bool, body []byte) []Event {
	if len(body) < unix.SizeofIfAddrmsg {
		return nil
	}
	header := nl.DeserializeIfAddrmsg(body)
	address, valid, ok := parseAddress(int(header.Prefixlen), body[unix.SizeofIfAddrmsg:])
	if !ok {
		return nil
	}
	key := addressKey{link: int32(header.Index), address: address}
	event := Event{
		Time: now, Kind: AddressRemoved, Node: w.node, Interface: w.links[key.link].name,
		Address: address, ValidLifetime: valid,
	}
	switch {
	case !present:
		delete(w.addresses, key)
	case w.addresses[key]:
		event.Kind = AddressChanged
	default:
		event.Kind = AddressAdded
		w.addresses[key] = true
	}
	return []Event{event}
}

// parseAddress reads the attributes of an address message. IPv4 says the address in IFA_LOCAL, IPv6 in IFA_ADDRESS.
func parseAddress(bits int, attributes []byte) (address netip.Prefix, valid time.Duration, ok bool) {
	attrs, err := nl.ParseRouteAttr(attributes)
	if err != nil {
		return netip.Prefix{}, 0, false
	}
	var addr netip.Addr
	var local bool
	for _, a := range attrs {
		switch {
		case a.Attr.Type == unix.IFA_LOCAL:
			addr, local = netip.AddrFromSlice(a.Value)
		case a.Attr.Type == unix.IFA_ADDRESS && !local:
			addr, _ = netip.AddrFromSlice(a.Value)
		case a.Attr.Type == unix.IFA_CACHEINFO && len(a.Value) >= unix.SizeofIfaCacheinfo:
			valid = lifetime(binary.NativeEndian.Uint32(a.Value[4:]))
		}
	}
	address = netip.PrefixFrom(addr, bits)
	return address, valid, address.IsValid()
}

// lifetime converts the kernel's seconds; the highest value means for ever.
func lifetime(seconds uint32) time.Duration {
	if seconds == math.MaxUint32 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// portEvents turns the switch's notifications into events.
func (l *Lab) portEvents(now time.Time, m syscall.NetlinkMessage) []Event {
	if m.Header.Type != unix.RTM_NEWLINK && m.Header.Type != unix.RTM_DELLINK {
		return nil
	}
	index, port, ok := parsePort(m.Data)
	if !ok {
		return nil
	}
	forwarding := port.forwarding && m.Header.Type == unix.RTM_NEWLINK
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.cables[index]
	if !ok || c.forwarding == forwarding {
		return nil
	}
	c.forwarding = forwarding
	kind := PortDown
	if forwarding {
		kind = PortUp
	}
	return []Event{{Time: now, Kind: kind, Node: c.node.name, Interface: c.Interface, LAN: c.lan.Name}}
}
