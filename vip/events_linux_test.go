package vip

import (
	"net/netip"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Messages as Linux 6.18 sends them on amd64, cut to the attributes that matter.
const (
	addrMsg = "02 18 00 00 07000000" + // AF_INET, /24, no flags, universe, interface 7
		" 0800 0100 0a4d0001" + " 0800 0200 0a4d0064" // IFA_ADDRESS, IFA_LOCAL
	addr6Msg = "0a 40 80 00 07000000" + // AF_INET6, /64, permanent, universe, interface 7
		" 1400 0100 fd000077000000000000000000000100" + // IFA_ADDRESS
		" 0800 0800 c8000000" // IFA_FLAGS permanent, tentative, DAD failed
	linkMsg = "00 00 0100 07000000 43100100 00000000" + // Ethernet, interface 7
		" 0700 0300 763000 00" // IFLA_IFNAME v0
)

func TestParseEvent(t *testing.T) {
	for _, tt := range []struct {
		name string
		typ  uint16
		data string
		want Event
		ok   bool
	}{
		{"address added", unix.RTM_NEWADDR, addrMsg, Event{Kind: AddressAdded, Index: 7, Addr: netip.MustParseAddr("10.77.0.100")}, true},
		{"address removed", unix.RTM_DELADDR, addrMsg, Event{Kind: AddressRemoved, Index: 7, Addr: netip.MustParseAddr("10.77.0.100")}, true},
		{"IPv6 duplicate", unix.RTM_NEWADDR, addr6Msg, Event{Kind: AddressAdded, Index: 7, Addr: netip.MustParseAddr("fd00:77::100"), Tentative: true}, true},
		{"IPv6 duplicate removed", unix.RTM_DELADDR, addr6Msg, Event{Kind: AddressRemoved, Index: 7, Addr: netip.MustParseAddr("fd00:77::100")}, true},
		{"IPv6 without detection", unix.RTM_NEWADDR, addr6Msg[:len(addr6Msg)-8] + "22020000",
			Event{Kind: AddressAdded, Index: 7, Addr: netip.MustParseAddr("fd00:77::100")}, true},
		{"IPv6 with a peer", unix.RTM_NEWADDR, addr6Msg + " 1400 0200 fd000077000000000000000000000064",
			Event{Kind: AddressAdded, Index: 7, Addr: netip.MustParseAddr("fd00:77::64"), Tentative: true}, true},
		{"link changed", unix.RTM_NEWLINK, linkMsg, Event{Kind: LinkChanged, Index: 7, Interface: "v0"}, true},
		{"link removed", unix.RTM_DELLINK, linkMsg, Event{Kind: LinkRemoved, Index: 7, Interface: "v0"}, true},
		{"another message", unix.RTM_NEWROUTE, addrMsg, Event{}, false},
		{"address without attributes", unix.RTM_NEWADDR, addrMsg[:20], Event{}, false},
		{"address cut short", unix.RTM_NEWADDR, addrMsg[:11], Event{}, false},
		{"address of an odd length", unix.RTM_NEWADDR, "02 18 00 00 07000000 0700 0200 0a4d00 00", Event{}, false},
		{"link cut short", unix.RTM_NEWLINK, linkMsg[:20], Event{}, false},
		{"link with an empty name", unix.RTM_NEWLINK, "00 00 0100 07000000 43100100 00000000 0500 0300 00000000", Event{}, false},
		{"last attribute without its padding", unix.RTM_NEWADDR, "02 18 00 00 07000000 0700 0100 0a4d00", Event{}, false},
		{"attribute shorter than its header", unix.RTM_NEWADDR, "02 18 00 00 07000000 0300 0200 0a4d0064", Event{}, false},
		{"attribute longer than the message", unix.RTM_NEWADDR, "02 18 00 00 07000000 0900 0200 0a4d0064", Event{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parseEvent(syscall.NetlinkMessage{Header: syscall.NlMsghdr{Type: tt.typ}, Data: unhex(t, tt.data)})
			if ok != tt.ok || ok && got != tt.want {
				t.Errorf("got %+v, %v, want %+v, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func FuzzParseEvent(f *testing.F) {
	types := []uint16{unix.RTM_NEWADDR, unix.RTM_DELADDR, unix.RTM_NEWLINK, unix.RTM_DELLINK}
	f.Add([]byte("\x02\x18\x00\x00\x07\x00\x00\x00\x08\x00\x02\x00\x0a\x4d\x00\x64"))
	f.Add([]byte("\x00\x00\x01\x00\x07\x00\x00\x00\x43\x10\x01\x00\x00\x00\x00\x00\x07\x00\x03\x00v0\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, typ := range types {
			e, ok := parseEvent(syscall.NetlinkMessage{Header: syscall.NlMsghdr{Type: typ}, Data: data})
			if ok && e.Addr.IsValid() == (e.Interface != "") {
				t.Errorf("type %d: got %+v, want an address or an interface", typ, e)
			}
		}
	})
}
