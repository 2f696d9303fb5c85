package netlab

import (
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"
)

// transmit sends a frame as it is from a node's eth0.
func transmit(t *testing.T, n *Node, digits string) {
	t.Helper()
	frame := octets(t, digits)
	must(t, "transmit", n.Do(func() error {
		ifi, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		conn, err := packet.Listen(ifi, packet.Raw, unix.ETH_P_ALL, nil)
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = conn.WriteTo(frame, &packet.Addr{HardwareAddr: frame[:6]})
		return err
	}))
}

func TestIntegrationTapSeesAnnouncements(t *testing.T) {
	p := newPair(t, Config{})
	vip := netip.MustParseAddr("10.77.0.100")
	tests := []struct {
		name  string
		frame string
		match func(Event) bool
	}{
		{"gratuitous ARP", garpFrame, func(e Event) bool { return e.Gratuitous(vip) }},
		{"advert", advertFrame, func(e Event) bool {
			return e.Kind == AdvertSeen && slices.Equal(e.Advert.Payload, octets(t, advertPayload))
		}},
		{"IPv6 advert", advert6Frame, func(e Event) bool {
			return e.Kind == AdvertSeen && slices.Equal(e.Advert.Payload, octets(t, advert6Payload))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mark, before := p.Mark(), time.Now()
			transmit(t, p.one, tt.frame)
			e := await(t, p.Lab, mark, tt.match)
			if e.Node != "one" || e.Interface != "eth0" || e.LAN != "front" {
				t.Errorf("sender: got %s %s on %s, want one eth0 on front", e.Node, e.Interface, e.LAN)
			}
			if e.Time.Before(before) || e.Time.After(time.Now()) {
				t.Errorf("time: got %v, want between %v and now", e.Time, before)
			}
		})
	}
}

// Each packet is one event, though the switch sees it arrive, hands it to the bridge and sends it on.
func TestIntegrationTapSeesPacketsOnce(t *testing.T) {
	t.Parallel()
	p := newPair(t, Config{})
	mark := p.Mark()
	for range 3 {
		transmit(t, p.one, udpFrame)
		transmit(t, p.one, advertFrame)
	}
	transmit(t, p.two, garpFrame) // sent last, and seen last
	await(t, p.Lab, mark, is(ARPSeen, p.two))
	events, err := p.Since(mark)
	must(t, "events", err)
	adverts := 0
	for _, e := range events {
		if e.Kind == AdvertSeen {
			adverts++
		}
	}
	if adverts != 3 {
		t.Errorf("adverts: got %d, want 3", adverts)
	}
}

func TestIntegrationTapIsDeafToAMutedNode(t *testing.T) {
	p := newPair(t, Config{})
	must(t, "mute", p.cableOne.Mute())
	mark := p.Mark()
	transmit(t, p.one, advertFrame)
	must(t, "restore", p.cableOne.Restore(patient(t)))
	transmit(t, p.one, garpFrame)
	await(t, p.Lab, mark, is(ARPSeen, p.one))
	events, err := p.Since(mark)
	must(t, "events", err)
	for _, e := range events {
		if e.Kind == AdvertSeen {
			t.Errorf("a muted node's advert: got %v", e)
		}
	}
}

// The advert's IP header has no checksum: a bridge with a firewall would drop it.
func TestIntegrationSwitchPassesWhatItIsGiven(t *testing.T) {
	p := newPair(t, Config{})
	var conn *packet.Conn
	must(t, "open packet socket", p.two.Do(func() error {
		ifi, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		conn, err = packet.Listen(ifi, packet.Raw, unix.ETH_P_IP, nil)
		return err
	}))
	defer conn.Close()
	transmit(t, p.one, advertFrame)
	must(t, "set deadline", conn.SetReadDeadline(time.Now().Add(5*time.Second)))
	got := make([]byte, frameLen)
	n, _, err := conn.ReadFrom(got)
	must(t, "read", err)
	if want := octets(t, advertFrame); !slices.Equal(got[:n], want) {
		t.Errorf("got %x, want %x", got[:n], want)
	}
}

// Without a time stamp of the kernel a packet was received now.
func TestTimestamp(t *testing.T) {
	now := time.Unix(1, 2)
	for name, oob := range map[string][]byte{"none": nil, "cut short": {1, 2, 3}} {
		t.Run(name, func(t *testing.T) {
			if got := timestamp(oob, now); !got.Equal(now) {
				t.Errorf("got %v, want %v", got, now)
			}
		})
	}
}
