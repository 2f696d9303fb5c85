package doctor

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/internal/netlab"
)

// packetRule is an nftables rule that drops IPv4 packets with these octets at an offset in the IP header.
type packetRule struct {
	hook   uint32 // unix.NF_INET_LOCAL_IN, ...
	offset uint32
	octets []byte
}

// dropOn gives a node a firewall of one rule. It speaks to the kernel itself, for lack of nft(8) on most machines.
func dropOn(t *testing.T, n *netlab.Node, r packetRule) {
	t.Helper()
	err := n.Do(func() error {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
		if err != nil {
			return fmt.Errorf("open nfnetlink socket: %w", err)
		}
		defer unix.Close(fd)
		if err := unix.Sendto(fd, r.batch(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			return fmt.Errorf("send rules: %w", err)
		}
		return acknowledged(fd, 3)
	})
	if err != nil {
		t.Fatalf("make a firewall: %v", err)
	}
}

// acknowledged reads so many acknowledgements.
func acknowledged(fd, want int) error {
	buf := make([]byte, 8<<10)
	for want > 0 {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err != nil {
			return fmt.Errorf("read acknowledgement: %w", err)
		}
		for b := buf[:n]; len(b) >= unix.SizeofNlMsghdr+4; want-- {
			if code := int32(nl.NativeEndian().Uint32(b[unix.SizeofNlMsghdr:])); code != 0 {
				return fmt.Errorf("the kernel refuses: %w", unix.Errno(-code))
			}
			b = b[(nl.NativeEndian().Uint32(b)+3)&^3:]
		}
	}
	return nil
}

func (r packetRule) batch() []byte {
	const table, chain = "doctor", "drop"
	text := func(kind int, s string) *nl.RtAttr { return nl.NewRtAttr(kind, nl.ZeroTerminated(s)) }
	number := func(kind int, v uint32) *nl.RtAttr {
		return nl.NewRtAttr(kind, binary.BigEndian.AppendUint32(nil, v))
	}
	nested := func(kind int, children ...*nl.RtAttr) *nl.RtAttr {
		a := nl.NewRtAttr(kind|unix.NLA_F_NESTED, nil)
		for _, c := range children {
			a.AddChild(c)
		}
		return a
	}
	expression := func(name string, data ...*nl.RtAttr) *nl.RtAttr {
		return nested(unix.NFTA_LIST_ELEM, text(unix.NFTA_EXPR_NAME, name), nested(unix.NFTA_EXPR_DATA, data...))
	}
	const create = unix.NLM_F_CREATE | unix.NLM_F_ACK
	b := nfMessage(unix.NFNL_MSG_BATCH_BEGIN, 0, unix.NFNL_SUBSYS_NFTABLES)
	b = append(b, nfMessage(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_NEWTABLE, create, 0, text(unix.NFTA_TABLE_NAME, table))...)
	b = append(b, nfMessage(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_NEWCHAIN, create, 0,
		text(unix.NFTA_CHAIN_TABLE, table), text(unix.NFTA_CHAIN_NAME, chain), text(unix.NFTA_CHAIN_TYPE, "filter"),
		nested(unix.NFTA_CHAIN_HOOK, number(unix.NFTA_HOOK_HOOKNUM, r.hook), number(unix.NFTA_HOOK_PRIORITY, 0)))...)
	b = append(b, nfMessage(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_NEWRULE, create|unix.NLM_F_APPEND, 0,
		text(unix.NFTA_RULE_TABLE, table), text(unix.NFTA_RULE_CHAIN, chain),
		nested(unix.NFTA_RULE_EXPRESSIONS,
			expression("payload", number(unix.NFTA_PAYLOAD_DREG, unix.NFT_REG_1), number(unix.NFTA_PAYLOAD_BASE, unix.NFT_PAYLOAD_NETWORK_HEADER),
				number(unix.NFTA_PAYLOAD_OFFSET, r.offset), number(unix.NFTA_PAYLOAD_LEN, uint32(len(r.octets)))),
			expression("cmp", number(unix.NFTA_CMP_SREG, unix.NFT_REG_1), number(unix.NFTA_CMP_OP, unix.NFT_CMP_EQ),
				nested(unix.NFTA_CMP_DATA, nl.NewRtAttr(unix.NFTA_DATA_VALUE, r.octets))),
			expression("immediate", number(unix.NFTA_IMMEDIATE_DREG, unix.NFT_REG_VERDICT),
				nested(unix.NFTA_IMMEDIATE_DATA, nested(unix.NFTA_DATA_VERDICT, number(unix.NFTA_VERDICT_CODE, 0)))), // NF_DROP
		))...)
	return append(b, nfMessage(unix.NFNL_MSG_BATCH_END, 0, unix.NFNL_SUBSYS_NFTABLES)...)
}

// nfMessage is a message of nfnetlink about IPv4.
func nfMessage(kind, flags int, resource uint16, attributes ...*nl.RtAttr) []byte {
	body := []byte{unix.NFPROTO_IPV4, unix.NFNETLINK_V0}
	body = binary.BigEndian.AppendUint16(body, resource)
	for _, a := range attributes {
		body = append(body, a.Serialize()...)
	}
	native := nl.NativeEndian()
	b := make([]byte, unix.SizeofNlMsghdr, unix.SizeofNlMsghdr+len(body))
	native.PutUint32(b, uint32(unix.SizeofNlMsghdr+len(body)))
	native.PutUint16(b[4:], uint16(kind))
	native.PutUint16(b[6:], uint16(unix.NLM_F_REQUEST|flags))
	return append(b, body...)
}
