package netlab

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// The requests of this file are those that package netlink has no method for. They open a socket in the namespace
// of the calling thread, which is the switch's.

// stateForwarding is BR_STATE_FORWARDING of linux/if_bridge.h.
const stateForwarding = 3

// portState is what the bridge says of one of its ports.
type portState struct {
	forwarding bool // frames pass
	locked     bool // frames from unknown stations are dropped on arrival
}

// readPort asks for the state of a port; one that belongs to no bridge has the zero state.
func readPort(index int) (portState, error) {
	var replies [][]byte
	var err error = netlink.ErrDumpInterrupted
	for try := 0; try < dumpTries && errors.Is(err, netlink.ErrDumpInterrupted); try++ {
		req := nl.NewNetlinkRequest(unix.RTM_GETLINK, unix.NLM_F_DUMP)
		req.AddData(nl.NewIfInfomsg(unix.AF_BRIDGE))
		replies, err = req.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWLINK)
	}
	if err != nil {
		return portState{}, fmt.Errorf("list bridge ports: %w", err)
	}
	for _, reply := range replies {
		if i, state, ok := parsePort(reply); ok && i == index {
			return state, nil
		}
	}
	return portState{}, nil
}

// parsePort reads the body of a link message of the bridge family.
func parsePort(body []byte) (index int, state portState, ok bool) {
	if len(body) < unix.SizeofIfInfomsg {
		return 0, portState{}, false
	}
	header := nl.DeserializeIfInfomsg(body)
	if header.Family != unix.AF_BRIDGE {
		return 0, portState{}, false
	}
	attrs, err := nl.ParseRouteAttr(body[unix.SizeofIfInfomsg:])
	if err != nil {
		return 0, portState{}, false
	}
	for _, a := range attrs {
		if a.Attr.Type&^unix.NLA_F_NESTED != unix.IFLA_PROTINFO {
			continue
		}
		fields, err := nl.ParseRouteAttr(a.Value)
		if err != nil {
			return 0, portState{}, false
		}
		for _, f := range fields {
			switch {
			case len(f.Value) == 0:
			case f.Attr.Type == nl.IFLA_BRPORT_STATE:
				state.forwarding = f.Value[0] == stateForwarding
			case f.Attr.Type == nl.IFLA_BRPORT_LOCKED:
				state.locked = f.Value[0] == 1
			}
		}
	}
	return int(header.Index), state, true
}

// lockPort makes the bridge drop whatever arrives at the port: a locked port takes frames only from stations in the
// bridge's table, and we flush the port's. Frames to the port still leave.
func lockPort(index int) error {
	req := nl.NewNetlinkRequest(unix.RTM_SETLINK, unix.NLM_F_ACK)
	header := nl.NewIfInfomsg(unix.AF_BRIDGE)
	header.Index = int32(index)
	req.AddData(header)
	port := nl.NewRtAttr(unix.IFLA_PROTINFO|unix.NLA_F_NESTED, nil)
	port.AddRtAttr(nl.IFLA_BRPORT_LOCKED, []byte{1})
	port.AddRtAttr(nl.IFLA_BRPORT_FLUSH, nil)
	req.AddData(port)
	if _, err := req.Execute(unix.NETLINK_ROUTE, 0); err != nil {
		return fmt.Errorf("lock bridge port: %w", err)
	}
	state, err := readPort(index)
	if err != nil {
		return err
	}
	if !state.locked { // older kernels ignore what they do not know
		return errors.New("lock bridge port: the kernel cannot (Linux 5.16 can)")
	}
	return nil
}

// setQueue gives the port a queue without room, which drops every frame to the node.
func setQueue(index int) error {
	noRoom := binary.NativeEndian.AppendUint32(nil, 0) // struct tc_fifo_qopt: limit in packets
	return changeQueue(unix.RTM_NEWQDISC, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, index,
		nl.NewRtAttr(nl.TCA_KIND, nl.ZeroTerminated("pfifo")), nl.NewRtAttr(nl.TCA_OPTIONS, noRoom))
}

// resetQueue takes setQueue's queue away.
func resetQueue(index int) error {
	err := changeQueue(unix.RTM_DELQDISC, 0, index)
	if errors.Is(err, unix.ENOENT) {
		return nil // there was none
	}
	return err
}

func changeQueue(request, flags, index int, attrs ...nl.NetlinkRequestData) error {
	req := nl.NewNetlinkRequest(request, unix.NLM_F_ACK|flags)
	req.AddData(&nl.TcMsg{Family: nl.FAMILY_ALL, Ifindex: int32(index), Parent: netlink.HANDLE_ROOT})
	for _, a := range attrs {
		req.AddData(a)
	}
	if _, err := req.Execute(unix.NETLINK_ROUTE, 0); err != nil {
		return fmt.Errorf("change queue of port: %w", err)
	}
	return nil
}
