package tracker

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// errDumpInterrupted says that links changed while the kernel listed them, so that the list may lack some.
var errDumpInterrupted = errors.New("the list of network interfaces was interrupted by a change")

// netlinkSocket is the kernel's linkSocket: one route netlink socket that is a member of the link group and has asked
// for a dump. Dump and events come through the same queue, so nothing falls between them.
type netlinkSocket struct {
	conn *nl.NetlinkSocket
}

var _ linkSocket = netlinkSocket{}

// openLinkSocket subscribes in the network namespace of the calling thread and asks for all links.
func openLinkSocket() (linkSocket, error) {
	conn, err := nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_LINK)
	if err != nil {
		return nil, err
	}
	req := nl.NewNetlinkRequest(unix.RTM_GETLINK, unix.NLM_F_DUMP)
	req.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	if err := conn.Send(req); err != nil {
		conn.Close()
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	return netlinkSocket{conn: conn}, nil
}

func (s netlinkSocket) close() { s.conn.Close() }

// receive reads one datagram. ENOBUFS (events were lost) is an error like any other: the caller starts afresh.
func (s netlinkSocket) receive() ([]linkEvent, error) {
	messages, from, err := s.conn.Receive()
	if err != nil {
		return nil, fmt.Errorf("read network interface events: %w", err)
	}
	if from.Pid != nl.PidKernel { // any process may send to a netlink socket
		return nil, nil
	}
	events := make([]linkEvent, 0, len(messages))
	for _, m := range messages {
		e, ok, err := parseLinkMessage(m)
		if err != nil {
			return nil, err
		}
		if ok {
			events = append(events, e)
		}
	}
	return events, nil
}

// parseLinkMessage reads one message. ok is false for messages that say nothing about a link's existence or state.
func parseLinkMessage(m syscall.NetlinkMessage) (e linkEvent, ok bool, err error) {
	if m.Header.Flags&unix.NLM_F_DUMP_INTR != 0 {
		return linkEvent{}, false, errDumpInterrupted
	}
	switch m.Header.Type {
	case unix.NLMSG_DONE:
		return linkEvent{done: true}, true, nil
	case unix.NLMSG_ERROR:
		return linkEvent{}, false, dumpError(m.Data)
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
	default:
		return linkEvent{}, false, nil
	}
	if len(m.Data) < unix.SizeofIfInfomsg {
		return linkEvent{}, false, fmt.Errorf("link message of %d bytes, want at least %d", len(m.Data), unix.SizeofIfInfomsg)
	}
	// A bridge reports its ports with RTM_NEWLINK and RTM_DELLINK of its own family: a port that leaves a bridge is
	// "deleted" there, but still exists.
	if m.Data[0] != unix.AF_UNSPEC {
		return linkEvent{}, false, nil
	}
	header := unix.NlMsghdr(m.Header)
	link, err := netlink.LinkDeserialize(&header, m.Data)
	if err != nil {
		return linkEvent{}, false, fmt.Errorf("parse link message: %w", err)
	}
	attrs := link.Attrs()
	return linkEvent{index: attrs.Index, name: attrs.Name, link: Link{
		Exists:  m.Header.Type == unix.RTM_NEWLINK,
		Up:      attrs.RawFlags&unix.IFF_UP != 0,
		Carrier: attrs.RawFlags&unix.IFF_RUNNING != 0,
	}}, true, nil
}

// dumpError reads the errno of an NLMSG_ERROR, which answers the request for the dump.
func dumpError(data []byte) error {
	if len(data) < 4 {
		return errors.New("list network interfaces: short error message")
	}
	errno := syscall.Errno(-int32(nl.NativeEndian().Uint32(data)))
	if errno == 0 {
		return nil
	}
	return fmt.Errorf("list network interfaces: %w", errno)
}
