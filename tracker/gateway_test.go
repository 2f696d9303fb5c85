package tracker

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mdlayher/arp"

	"github.com/tandem-lb/tandem/internal/hysteresis"
)

var (
	ourMAC     = net.HardwareAddr{2, 0, 0, 0, 0, 1}
	gatewayMAC = net.HardwareAddr{2, 0, 0, 0, 0, 0xfe}
	otherMAC   = net.HardwareAddr{2, 0, 0, 0, 0, 9}
	allMACs    = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	ourIP      = netip.MustParseAddr("10.9.0.2")
	gatewayIP  = netip.MustParseAddr("10.9.0.1")
)

// lanGateway is the gateway of the tests: every second, 300 ms for an answer, rise 2, fall 3.
func lanGateway() Gateway {
	return Gateway{Address: gatewayIP, Interface: "eth0", Interval: time.Second, Timeout: 300 * time.Millisecond, Rise: 2, Fall: 3}
}

func bindGateway(g Gateway) Config {
	return Config{Gateways: []Gateway{g}, Bindings: []Binding{{ID: gatewayID(g), Weight: -40}}}
}

func gatewayID(g Gateway) ID {
	return ID{Kind: KindGateway, Name: g.Address.String(), Interface: g.Interface}
}

// fakeLAN answers requests in the order of its script, one letter each and the last one again and again: + with an
// answer after 1 ms, - not at all, ! with an error at once.
type fakeLAN struct {
	script string
	asked  []time.Duration // since epoch; owned by the watcher
	epoch  time.Time
}

func (l *fakeLAN) ask(ctx context.Context, g Gateway) (answer, error) {
	does := l.script[min(len(l.asked), len(l.script)-1)]
	l.asked = append(l.asked, time.Since(l.epoch))
	switch does {
	case '+':
		time.Sleep(time.Millisecond)
		return answer{mac: gatewayMAC, took: time.Millisecond}, nil
	case '!':
		return answer{}, errors.New("send ARP request on eth0: network is down")
	}
	<-ctx.Done()
	return answer{}, errNoAnswer
}

// runGateway runs a Set whose only tracker is a gateway on a fakeLAN.
func runGateway(t *testing.T, g Gateway, script string) (*Set, *fakeLAN, *journal) {
	t.Helper()
	changes, lan := newJournal(), &fakeLAN{script: script, epoch: time.Now()}
	s := NewSet(Sources{}, changes.note, nil)
	if err := s.Apply(bindGateway(g)); err != nil {
		t.Fatal(err)
	}
	s.entries[gatewayID(g)].watcher = gatewayWatcher{gateway: g, ask: lan.ask}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: got %v, want nil", err)
		}
	})
	return s, lan, changes
}

func TestGatewayLoop(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		script  string
		init    hysteresis.Status
		lasts   time.Duration
		changes string
		text    string
	}{
		{"answers", "+", unknown, 500 * time.Millisecond, "1ms up", "02:00:00:00:00:fe answered in 1ms"},
		{"never answers", "-", unknown, 500 * time.Millisecond, "300ms down", "no answer within 300ms"},
		{"a packet is lost", "+-+", unknown, 3 * time.Second, "1ms up", "02:00:00:00:00:fe answered in 1ms"},
		{"dies", "++---", unknown, 5 * time.Second, "1ms up, 4.3s down", "no answer within 300ms"},
		{"comes back", "-+++", unknown, 4 * time.Second, "300ms down, 2.001s up", "02:00:00:00:00:fe answered in 1ms"},
		{"the interface goes down", "+!!!", unknown, 4 * time.Second, "1ms up, 3s down", "cannot ask: send ARP request on eth0: network is down"},
		{"assumed down", "+", down, 2 * time.Second, "1.001s up", "02:00:00:00:00:fe answered in 1ms"},
		{"assumed up, and dead", "-", up, 3 * time.Second, "2.3s down", "no answer within 300ms"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := lanGateway()
				g.Init = tt.init
				set, _, changes := runGateway(t, g, tt.script)
				if got := set.Snapshot()[0].Status; got != tt.init {
					t.Errorf("before the first result: got %v, want %v", got, tt.init)
				}
				sleep(tt.lasts)
				if got := changes.String(); got != tt.changes {
					t.Errorf("changes: got %q, want %q", got, tt.changes)
				}
				if got := set.Snapshot()[0].Text; got != tt.text {
					t.Errorf("text: got %q, want %q", got, tt.text)
				}
			})
		})
	}
}

// A request that waits for its answer delays no other.
func TestGatewayKeepsItsInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, lan, _ := runGateway(t, lanGateway(), "+-!+")
		sleep(3500 * time.Millisecond)
		if want := []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second}; !slices.Equal(lan.asked, want) {
			t.Errorf("asked at %v, want %v", lan.asked, want)
		}
	})
}

func TestGatewayEndsWhileItWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := gatewayWatcher{gateway: lanGateway(), ask: (&fakeLAN{script: "-"}).ask}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := w.watch(ctx, w.newTrack(State{}, func(s State) {
			t.Errorf("got %v (%s), want no result of a request that was broken off", s.Status, s.Text)
		}))
		if err != nil {
			t.Errorf("got %v, want nil", err)
		}
	})
}

func TestGatewayWithoutAnAddressOfOurOwn(t *testing.T) {
	t.Parallel()
	w := gatewayWatcher{gateway: lanGateway()}
	got := w.verdict(answer{mac: gatewayMAC, took: 1234567 * time.Nanosecond, anonymous: true}, nil)
	want := observation{ok: true, took: 1234567 * time.Nanosecond, text: "02:00:00:00:00:fe answered in 1.235ms; eth0 has no address of its own"}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestGatewaysThatCannotBe(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		edit func(*Gateway, *ID)
		want string
	}{
		{"unknown", func(_ *Gateway, id *ID) { id.Name = "10.9.0.9" }, "no such gateway"},
		{"on another interface", func(_ *Gateway, id *ID) { id.Interface = "eth1" }, "no such gateway"},
		{"no interval", func(g *Gateway, _ *ID) { g.Interval = 0 }, "interval 0s and timeout 300ms must be positive, the timeout not above the interval"},
		{"an answer after the next request", func(g *Gateway, _ *ID) { g.Timeout = 2 * time.Second }, "interval 1s and timeout 2s must be positive, the timeout not above the interval"},
		{"IPv4 in IPv6", func(g *Gateway, id *ID) {
			g.Address = netip.MustParseAddr("::ffff:10.9.0.1")
			id.Name = g.Address.String()
		}, "::ffff:10.9.0.1 is no address of IPv4 or IPv6 without a zone"},
		{"with a zone", func(g *Gateway, id *ID) {
			g.Address = netip.MustParseAddr("fe80::1%eth0")
			id.Name = g.Address.String()
		}, "fe80::1%eth0 is no address of IPv4 or IPv6 without a zone"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := lanGateway()
			id := gatewayID(g)
			tt.edit(&g, &id)
			if _, err := newGatewayWatcher(id, bindGateway(g), Sources{}); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestApplyOfAChangedGateway(t *testing.T) {
	t.Parallel()
	edits := map[string]func(*Gateway){
		"interval": func(g *Gateway) { g.Interval = 2 * time.Second },
		"timeout":  func(g *Gateway) { g.Timeout = time.Second },
		"rise":     func(g *Gateway) { g.Rise = 9 },
		"fall":     func(g *Gateway) { g.Fall = 9 },
		"virtual":  func(g *Gateway) { g.Virtual = []netip.Addr{ourIP} },
	}
	for name, edit := range edits {
		g := lanGateway()
		edit(&g)
		if (gatewayWatcher{gateway: lanGateway()}).same(gatewayWatcher{gateway: g}) {
			t.Errorf("%s changed: want another watcher", name)
		}
	}
	if !(gatewayWatcher{gateway: lanGateway()}).same(gatewayWatcher{gateway: lanGateway()}) {
		t.Error("nothing changed: want the same watcher")
	}
}

// frame is an ARP packet on the wire.
func frame(t testing.TB, op arp.Operation, sender net.HardwareAddr, senderIP netip.Addr, target net.HardwareAddr, targetIP netip.Addr) []byte {
	t.Helper()
	p, err := arp.NewPacket(op, sender, senderIP, target, targetIP)
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhatIsAnAnswer(t *testing.T) {
	t.Parallel()
	none := netip.IPv4Unspecified()
	q := question{mac: ourMAC, source: ourIP, gateway: gatewayIP}
	reply := frame(t, arp.OperationReply, gatewayMAC, gatewayIP, ourMAC, ourIP)
	ofAnotherKind := slices.Clone(reply)
	ofAnotherKind[5] = 16 // length of protocol addresses
	tests := []struct {
		name string
		q    question
		b    []byte
		want net.HardwareAddr // nil: no answer
	}{
		{"the gateway's reply", q, reply, gatewayMAC},
		{"padded to an Ethernet frame", q, append(slices.Clone(reply), make([]byte, 18)...), gatewayMAC},
		{"a reply from another MAC", q, frame(t, arp.OperationReply, otherMAC, gatewayIP, ourMAC, ourIP), otherMAC},
		{"a reply to our probe", question{mac: ourMAC, source: none, gateway: gatewayIP}, frame(t, arp.OperationReply, gatewayMAC, gatewayIP, ourMAC, none), gatewayMAC},
		{"a reply to another's probe", q, frame(t, arp.OperationReply, gatewayMAC, gatewayIP, otherMAC, none), nil},
		{"a reply of somebody else", q, frame(t, arp.OperationReply, otherMAC, netip.MustParseAddr("10.9.0.9"), ourMAC, ourIP), nil},
		{"the gateway's reply to somebody else", q, frame(t, arp.OperationReply, gatewayMAC, gatewayIP, otherMAC, netip.MustParseAddr("10.9.0.9")), nil},
		{"a reply to our address at another MAC", q, frame(t, arp.OperationReply, gatewayMAC, gatewayIP, otherMAC, ourIP), nil},
		{"the gateway's request for us", q, frame(t, arp.OperationRequest, gatewayMAC, gatewayIP, ourMAC, ourIP), nil},
		{"the gateway's announcement as a request", q, frame(t, arp.OperationRequest, gatewayMAC, gatewayIP, allMACs, gatewayIP), nil},
		{"the gateway's announcement as a reply", q, frame(t, arp.OperationReply, gatewayMAC, gatewayIP, allMACs, gatewayIP), nil},
		{"an announcement as a reply, to us", q, frame(t, arp.OperationReply, gatewayMAC, gatewayIP, ourMAC, gatewayIP), nil},
		{"our own request", q, frame(t, arp.OperationRequest, ourMAC, ourIP, make(net.HardwareAddr, 6), gatewayIP), nil},
		{"cut short", q, reply[:27], nil},
		{"addresses of another length", q, ofAnotherKind, nil},
		{"nothing", q, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mac, ok := tt.q.answeredBy(tt.b)
			if ok != (tt.want != nil) || ok && !slices.Equal(mac, tt.want) {
				t.Errorf("got %v, %v; want %v", mac, ok, tt.want)
			}
		})
	}
}

// The bytes of a request and of a probe, by RFC 826 and RFC 5227 section 2.1.1.
func TestRequestOnTheWire(t *testing.T) {
	t.Parallel()
	head := []byte{0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1} // Ethernet, IPv4, their lengths, request; our MAC
	tail := []byte{0, 0, 0, 0, 0, 0, 10, 9, 0, 1}            // of whom we know only the address
	for name, source := range map[string]netip.Addr{"request": ourIP, "probe": netip.IPv4Unspecified()} {
		b := source.As4()
		want := slices.Concat(head, b[:], tail)
		got, err := question{mac: ourMAC, source: source, gateway: gatewayIP}.packet()
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: got % x, %v; want % x", name, got, err, want)
		}
	}
	if _, err := (question{source: ourIP, gateway: gatewayIP}).packet(); !errors.Is(err, errNoEthernet) {
		t.Errorf("without a MAC: got %v, want %v", err, errNoEthernet)
	}
}

func TestWhoAsks(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, addresses, virtual, want string }{
		{"the own address", "10.9.0.2/24", "", "10.9.0.2"},
		{"never a virtual one", "10.9.0.100/24 10.9.0.2/24", "10.9.0.100", "10.9.0.2"},
		{"none but virtual ones", "10.9.0.100/24 10.9.0.101/32", "10.9.0.100 10.9.0.101", "0.0.0.0"},
		{"none", "", "", "0.0.0.0"},
		{"in the gateway's network", "172.16.0.5/24 10.9.0.2/24 10.9.0.3/24", "", "10.9.0.2"},
		{"in another network", "172.16.0.5/24 172.17.0.5/24", "", "172.16.0.5"},
		{"IPv4 only", "fe80::1/64 10.9.0.2/24", "", "10.9.0.2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := lanGateway()
			for _, v := range strings.Fields(tt.virtual) {
				g.Virtual = append(g.Virtual, netip.MustParseAddr(v))
			}
			var addresses []netip.Prefix
			for _, a := range strings.Fields(tt.addresses) {
				addresses = append(addresses, netip.MustParsePrefix(a))
			}
			if got := sourceFor(g, addresses); got.String() != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// Whatever arrives: no panic, and nothing is an answer that does not name the gateway and us.
func FuzzGatewayAnswer(f *testing.F) {
	f.Add(frame(f, arp.OperationReply, gatewayMAC, gatewayIP, ourMAC, ourIP))
	f.Add(frame(f, arp.OperationReply, gatewayMAC, gatewayIP, allMACs, gatewayIP))
	f.Add([]byte{0, 1, 8, 0, 255, 255, 0, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		mac, ok := question{mac: ourMAC, source: ourIP, gateway: gatewayIP}.answeredBy(b)
		if !ok {
			return
		}
		if len(mac) != 6 || len(b) < 28 || b[7] != 2 || !bytes.Equal(b[14:18], gatewayIP.AsSlice()) ||
			!bytes.Equal(b[18:24], ourMAC) || !bytes.Equal(b[24:28], ourIP.AsSlice()) {
			t.Errorf("% x is no answer, but %v counted as its sender", b, mac)
		}
	})
}
