package vip

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Attributes of RTM_NEWNETCONF, from linux/netconf.h.
const (
	netconfIfindex    = 1
	netconfForwarding = 2
	netconfHeaderLen  = 4 // the family, padded
)

// netconf asks for the sysctls of an interface over rtnetlink: what /proc/sys shows depends on the thread that reads.
type netconf struct{ socket *nl.SocketHandle }

func openNetconf() (*netconf, error) {
	s, err := nl.Subscribe(unix.NETLINK_ROUTE) // to no group
	if err != nil {
		return nil, fmt.Errorf("open netlink socket: %w", err)
	}
	timeout := unix.NsecToTimeval(rtnlTimeout.Nanoseconds())
	if err := errors.Join(s.SetSendTimeout(&timeout), s.SetReceiveTimeout(&timeout)); err != nil {
		s.Close()
		return nil, fmt.Errorf("set timeout of netlink socket: %w", err)
	}
	return &netconf{&nl.SocketHandle{Socket: s}}, nil
}

func (c *netconf) close() { c.socket.Close() }

// payload is a request's body.
type payload []byte

func (p payload) Len() int          { return len(p) }
func (p payload) Serialize() []byte { return p }

// forwarding says whether the node is an IPv6 router on the interface: net.ipv6.conf.<interface>.forwarding.
func (c *netconf) forwarding(ifindex int) (bool, error) {
	req := nl.NewNetlinkRequest(unix.RTM_GETNETCONF, 0)
	req.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: c.socket}
	req.AddData(payload{unix.AF_INET6, 0, 0, 0})
	req.AddData(nl.NewRtAttr(netconfIfindex, binary.NativeEndian.AppendUint32(nil, uint32(ifindex))))
	replies, err := req.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWNETCONF)
	if err != nil {
		return false, fmt.Errorf("ask whether it forwards: %w", err)
	}
	for _, b := range replies {
		if forwards, ok := parseForwarding(b); ok {
			return forwards, nil
		}
	}
	return false, errors.New("ask whether it forwards: the kernel's answer does not say")
}

func parseForwarding(b []byte) (forwards, ok bool) {
	if len(b) < netconfHeaderLen {
		return false, false
	}
	value, ok := attribute(b[netconfHeaderLen:], netconfForwarding)
	if !ok || len(value) != 4 {
		return false, false
	}
	return binary.NativeEndian.Uint32(value) != 0, true
}
