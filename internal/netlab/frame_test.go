package netlab

import (
	"encoding/hex"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// Frames as they are on the wire. The advert is Keepalived 2.2.7's: version 2, VRID 51, priority 101, PASS.
const (
	garpFrame = "ffffffffffff 02746c020001 0806 0001 0800 06 04 0001" +
		"02746c020001 0a4d0064 ffffffffffff 0a4d0064"
	requestFrame = "ffffffffffff 02746c020001 0806 0001 0800 06 04 0001" +
		"02746c020001 0a4d0001 000000000000 0a4d0002"
	replyFrame = "02746c020001 02746c020002 0806 0001 0800 06 04 0002" +
		"02746c020002 0a4d0002 02746c020001 0a4d0001"
	advertPayload = "21336501 0101fac7 0a4d0064 7333637265743737"
	advertFrame   = "01005e000012 02746c020001 0800" +
		"45c0 0028 0000 0000 ff 70 0000 0a4d0001 e0000012" + advertPayload
	advert6Payload = "31336501 0064ed65 fd000077000000000000000000000100"
	advert6Frame   = "333300000012 02746c020001 86dd" +
		"60000000 0018 70 ff fe800000000000000000000000000001 ff020000000000000000000000000012" + advert6Payload
	udpFrame = "ffffffffffff 02746c020001 0800" +
		"4500 001c 0000 0000 40 11 0000 0a4d0001 0a4d00ff 1000 1000 0008 0000"
)

// octets reads hexadecimal digits, with spaces between them for the eye.
func octets(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var (
	oneMAC    = net.HardwareAddr{2, 0x74, 0x6c, 2, 0, 1}
	twoMAC    = net.HardwareAddr{2, 0x74, 0x6c, 2, 0, 2}
	broadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
)

func TestParseFrame(t *testing.T) {
	addr := netip.MustParseAddr
	tests := []struct {
		name   string
		frame  string
		arp    *ARP
		advert *Advert
		text   string
	}{
		{
			name:  "gratuitous ARP",
			frame: garpFrame,
			arp: &ARP{Source: oneMAC, Destination: broadcast, Operation: 1, SenderMAC: oneMAC,
				SenderIP: addr("10.77.0.100"), TargetMAC: broadcast, TargetIP: addr("10.77.0.100")},
			text: "gratuitous, 10.77.0.100 is at 02:74:6c:02:00:01",
		},
		{
			name:  "ARP request",
			frame: requestFrame,
			arp: &ARP{Source: oneMAC, Destination: broadcast, Operation: 1, SenderMAC: oneMAC,
				SenderIP: addr("10.77.0.1"), TargetMAC: make(net.HardwareAddr, 6), TargetIP: addr("10.77.0.2")},
			text: "who has 10.77.0.2, tell 10.77.0.1 at 02:74:6c:02:00:01",
		},
		{
			name:  "ARP reply",
			frame: replyFrame,
			arp: &ARP{Source: twoMAC, Destination: oneMAC, Operation: 2, SenderMAC: twoMAC,
				SenderIP: addr("10.77.0.2"), TargetMAC: oneMAC, TargetIP: addr("10.77.0.1")},
			text: "10.77.0.2 is at 02:74:6c:02:00:02, told to 10.77.0.1",
		},
		{
			name:  "advert with padding behind it",
			frame: advertFrame + "00000000",
			advert: &Advert{SourceMAC: oneMAC, DestinationMAC: net.HardwareAddr{1, 0, 0x5e, 0, 0, 0x12},
				Source: addr("10.77.0.1"), Destination: addr("224.0.0.18"), TTL: 255, Payload: octets(t, advertPayload)},
			text: "10.77.0.1 > 224.0.0.18, TTL 255: 213365010101fac70a4d00647333637265743737",
		},
		{
			name:  "IPv6 advert",
			frame: advert6Frame,
			advert: &Advert{SourceMAC: oneMAC, DestinationMAC: net.HardwareAddr{0x33, 0x33, 0, 0, 0, 0x12},
				Source: addr("fe80::1"), Destination: addr("ff02::12"), TTL: 255, Payload: octets(t, advert6Payload)},
			text: "fe80::1 > ff02::12, TTL 255: 313365010064ed65fd000077000000000000000000000100",
		},
		{name: "neither", frame: udpFrame},
		{name: "empty"},
		{name: "advert cut short", frame: advertFrame[:len(advertFrame)-2]},
		{name: "IPv6 advert cut short", frame: advert6Frame[:len(advert6Frame)-2]},
		{name: "ARP cut short", frame: garpFrame[:len(garpFrame)-2]},
		{name: "ARP of other hardware", frame: strings.Replace(garpFrame, "0001 0800 06", "0006 0800 06", 1)},
		{name: "IPv4 header longer than the packet", frame: strings.Replace(advertFrame, "45c0 0028", "4fc0 0028", 1)},
		{name: "IPv4 header too short", frame: strings.Replace(advertFrame, "45c0", "44c0", 1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			arp, advert := parseFrame(octets(t, tt.frame))
			if !reflect.DeepEqual(arp, tt.arp) || !reflect.DeepEqual(advert, tt.advert) {
				t.Errorf("got %v, %v, want %v, %v", arp, advert, tt.arp, tt.advert)
			}
			var text string
			switch {
			case arp != nil:
				text = arp.String()
			case advert != nil:
				text = advert.String()
			}
			if text != tt.text {
				t.Errorf("text: got %q, want %q", text, tt.text)
			}
		})
	}
}

func TestParseFrameKeepsNothingOfTheBuffer(t *testing.T) {
	frame := octets(t, advertFrame)
	_, advert := parseFrame(frame)
	clear(frame)
	if want := octets(t, advertPayload); !slices.Equal(advert.Payload, want) {
		t.Errorf("payload: got %x, want %x", advert.Payload, want)
	}
}

func FuzzParseFrame(f *testing.F) {
	for _, seed := range []string{garpFrame, replyFrame, advertFrame, advert6Frame, udpFrame} {
		f.Add(octets(f, seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		arp, advert := parseFrame(frame)
		if arp != nil && advert != nil {
			t.Error("got an ARP packet and an advert, want one of them")
		}
		if advert != nil && len(advert.Payload) > len(frame)-ethernetLen-ipv4Len {
			t.Errorf("payload: got %d octets of a frame of %d", len(advert.Payload), len(frame))
		}
	})
}

func TestEventString(t *testing.T) {
	at := time.Date(2026, 11, 1, 12, 0, 1, 25e4, time.UTC)
	vip := netip.MustParsePrefix("10.77.0.100/24")
	arp, _ := parseFrame(octets(t, garpFrame))
	tests := []struct {
		event Event
		want  string
	}{
		{Event{Kind: CarrierDown, Node: "lb1", Interface: "eth0"}, "12:00:01.000250 lb1 eth0 carrier down"},
		{Event{Kind: AddressAdded, Node: "lb1", Interface: "eth0", Address: vip, ValidLifetime: 3 * time.Second},
			"12:00:01.000250 lb1 eth0 address added 10.77.0.100/24 for 3s"},
		{Event{Kind: AddressRemoved, Node: "lb1", Interface: "eth0", Address: vip},
			"12:00:01.000250 lb1 eth0 address removed 10.77.0.100/24"},
		{Event{Kind: ARPSeen, Node: "lb1", Interface: "eth0", LAN: "front", ARP: arp},
			"12:00:01.000250 lb1 eth0 ARP on front: gratuitous, 10.77.0.100 is at 02:74:6c:02:00:01"},
		{Event{Kind: 99, Node: "lb1", Interface: "eth0"}, "12:00:01.000250 lb1 eth0 kind 99"},
	}
	for _, tt := range tests {
		t.Run(tt.event.Kind.String(), func(t *testing.T) {
			tt.event.Time = at
			if got := tt.event.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
