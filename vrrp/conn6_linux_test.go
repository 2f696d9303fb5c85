package vrrp

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestIntegrationConn6(t *testing.T) {
	a, b := newCable(t)
	// A second link-local address and a global one: the source is the one that was asked for.
	a.plug(t, "v0", "2001:db8::1/64", "fe80::9/64", "fe80::1/64")
	b.plug(t, "v0", "fe80::2/64", "2001:db8::2/64")
	wired(t, a, b)
	ca, cb := a.open(t, Listen6), b.open(t, Listen6)

	packet := packetFrom6(t, "fe80::1", 150, nil)
	if err := ca.Write(packet, groupIPv6()); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, cb); !bytes.Equal(got, packet) {
		// The header is rebuilt of what the kernel tells: source, destination, hop limit.
		t.Errorf("rules 1, 3, 4, 7: got %x, want %x", got, packet)
	}
	t.Run("rule 3 the octets on the wire", func(t *testing.T) {
		frame := b.sniff(t, func() {
			if err := ca.Write(packet, groupIPv6()); err != nil {
				t.Fatal(err)
			}
		})
		if want := unhex(t, "333300000012"); !bytes.Equal(frame[:6], want) {
			t.Errorf("Ethernet destination: got %x, want %x", frame[:6], want)
		}
		if !bytes.Equal(frame[14:], packet) {
			t.Errorf("got %x, want %x", frame[14:], packet)
		}
		receive(t, cb)
	})
	t.Run("rule 8 nothing loops back", func(t *testing.T) {
		if err := cb.Write(packetFrom6(t, "fe80::2", 99, nil), groupIPv6()); err != nil {
			t.Fatal(err)
		}
		if d, _ := parsePacket(receive(t, ca)); d.src != netip.MustParseAddr("fe80::2") {
			t.Errorf("the sender heard %v", d.src)
		}
		if _, ok, _ := ca.Read(make([]byte, maxPacket)); ok {
			t.Error("the sender heard itself")
		}
	})
	t.Run("rule 5 the hop limit that it had", func(t *testing.T) {
		far := bytes.Clone(packet)
		far[7] = 254
		if err := ca.Write(far, groupIPv6()); err != nil {
			t.Fatal(err)
		}
		if d, ok := parsePacket(receive(t, cb)); !ok || d.ttl != 254 {
			t.Errorf("got %d, want 254", d.ttl)
		}
	})
	t.Run("rule 41 a wrong checksum arrives, and is ours to count", func(t *testing.T) {
		wrong := bytes.Clone(packet)
		wrong[ipv6Len+6]++
		if err := ca.Write(wrong, groupIPv6()); err != nil {
			t.Fatal(err)
		}
		d, _ := parsePacket(receive(t, cb))
		var ad Advert
		if got := parse(d.payload, d.src, d.dst, &ad); got != DropChecksum {
			t.Errorf("got %v, want %v", got, DropChecksum)
		}
	})
	t.Run("rule 30 unicast keeps its destination", func(t *testing.T) {
		dst := netip.MustParseAddr("2001:db8::2")
		direct := bytes.Clone(packet)
		sixteen := dst.As16()
		copy(direct[24:40], sixteen[:])
		if err := ca.Write(direct, dst); err != nil {
			t.Fatal(err)
		}
		if d, _ := parsePacket(receive(t, cb)); d.dst != dst {
			t.Errorf("got %v, want %v", d.dst, dst)
		}
	})
	t.Run("rule 20 the other family is not heard", func(t *testing.T) {
		a.plug(t, "v0", "10.77.0.1/24")
		b.plug(t, "v0", "10.77.0.2/24")
		four, heard := a.listen(t), b.listen(t)
		if err := four.Write(packetFrom(t, "10.77.0.1", 150, nil), groupIPv4()); err != nil {
			t.Fatal(err)
		}
		receive(t, heard)
		if err := ca.Write(packet, groupIPv6()); err != nil {
			t.Fatal(err)
		}
		receive(t, cb)
		for _, c := range []Conn{cb, heard} {
			if _, ok, _ := c.Read(make([]byte, maxPacket)); ok {
				t.Error("heard both families")
			}
		}
	})
	t.Run("rule 21 the longest advert goes in one packet", func(t *testing.T) {
		packet := packetFrom6(t, "fe80::1", 150, func(ad *Advert) {
			for len(ad.Addresses) < maxAddresses6 {
				ad.Addresses = append(ad.Addresses, netip.AddrFrom16([16]byte{0: 0xfd, 15: byte(len(ad.Addresses))}))
			}
		})
		if err := ca.Write(packet, groupIPv6()); err != nil {
			t.Fatal(err)
		}
		if got := receive(t, cb); !bytes.Equal(got, packet) {
			t.Errorf("got %d octets, want %d", len(got), len(packet))
		}
	})
}

// Somebody took every address away: the master's farewell still goes out.
func TestIntegrationConn6WithoutAnAddress(t *testing.T) {
	a, b := newCable(t)
	a.plug(t, "v0")
	b.plug(t, "v0", "fe80::2/64")
	wired(t, a, b)
	ca, cb := a.open(t, Listen6), b.open(t, Listen6)
	packet := packetFrom6(t, "fe80::1", 0, nil)
	if err := ca.Write(packet, groupIPv6()); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, cb); !bytes.Equal(got, packet) {
		t.Errorf("got %x, want %x", got, packet)
	}
}

// sniff is the next VRRP frame of IPv6 that comes in on v0 when send is called.
func (n *netns) sniff(t *testing.T, send func()) []byte {
	t.Helper()
	var fd int
	ip6 := binary.NativeEndian.Uint16([]byte{0x86, 0xdd}) // in network byte order
	n.run(t, func() error {
		ifi, err := net.InterfaceByName("v0")
		if err != nil {
			return err
		}
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(ip6)); err != nil {
			return os.NewSyscallError("socket", err)
		}
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}); err != nil {
			return os.NewSyscallError("set SO_RCVTIMEO", err)
		}
		return os.NewSyscallError("bind", unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: ip6, Ifindex: ifi.Index}))
	})
	defer unix.Close(fd)
	send()
	b := make([]byte, maxPacket)
	for {
		got, _, err := unix.Recvfrom(fd, b, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got > 14+ipv6Len && b[14+6] == protocol {
			return b[:got]
		}
	}
}

// A pair of IPv6 routers over real sockets: the better one is master, and its clean stop makes the other one follow.
func TestIntegrationPair6(t *testing.T) {
	a, b := newCable(t)
	a.plug(t, "v0", "fe80::1/64")
	b.plug(t, "v0", "fe80::2/64")
	wired(t, a, b)
	start := func(n *netns, addr string, priority uint8) *host {
		cfg := withPriority(priority)
		six(&cfg)
		cfg.AdvertInterval = 50 * time.Millisecond
		return newKernelHost(t, n, cfg, addr, Listen6).start()
	}
	first := start(a, "fe80::1", 200)
	second := start(b, "fe80::2", 100)
	until(t, "the better one is master", func() bool { return first.state(0) == Master && second.state(0) == Backup })
	until(t, "the other hears it", func() bool { return second.group.Status()[0].Master.Address == peer6 })
	first.stop()
	until(t, "the other follows", func() bool { return second.state(0) == Master })
	if got := second.group.Status()[0].Counters; got.ResignReceived != 1 || got.Dropped.Total() != 0 {
		t.Errorf("got %+v", got)
	}
}

// until waits for what happens on real sockets.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 5 s", what)
		}
	}
}
