package vrrp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// netns is a network namespace of its own, on a thread of its own that dies with it.
type netns struct {
	do chan func() // the test sends and closes
	fd int         // of the namespace
}

// newNetns makes a namespace, or skips the test; where CI promises the privilege it fails.
func newNetns(t *testing.T) *netns {
	t.Helper()
	n := &netns{do: make(chan func())}
	made := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			n.fd, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		}
		made <- err
		for f := range n.do {
			f()
		}
	}()
	t.Cleanup(func() { close(n.do) })
	if err := <-made; err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("make a network namespace: %v", err)
		}
		t.Skipf("needs root, or go test -exec 'unshare --user --map-root-user --net': %v", err)
	}
	t.Cleanup(func() { _ = unix.Close(n.fd) })
	return n
}

// run calls f in the namespace.
func (n *netns) run(t *testing.T, f func() error) {
	t.Helper()
	done := make(chan error)
	n.do <- func() { done <- f() }
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// plug makes a link's end usable: addresses, then up.
func (n *netns) plug(t *testing.T, name string, cidrs ...string) {
	t.Helper()
	n.run(t, func() error {
		h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		defer h.Close()
		link, err := h.LinkByName(name)
		if err != nil {
			return err
		}
		for _, cidr := range cidrs {
			addr, err := netlink.ParseAddr(cidr)
			if err == nil {
				addr.Flags = unix.IFA_F_NODAD // IPv6: usable at once
				err = h.AddrAdd(link, addr)
			}
			if err != nil {
				return err
			}
		}
		return h.LinkSetUp(link)
	})
}

// newCable makes two namespaces with a veth pair between them, called v0 in both.
func newCable(t *testing.T) (a, b *netns) {
	t.Helper()
	a, b = newNetns(t), newNetns(t)
	a.run(t, func() error {
		h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		defer h.Close()
		veth := newVeth("v0", "v0")
		veth.PeerNamespace = netlink.NsFd(b.fd)
		return h.LinkAdd(veth)
	})
	return a, b
}

// wired waits until both ends of a cable carry: the kernel finds out a moment after the second one is up, and drops what is
// sent before.
func wired(t *testing.T, ends ...*netns) {
	t.Helper()
	for _, n := range ends {
		n.run(t, func() error {
			h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
			if err != nil {
				return err
			}
			defer h.Close()
			for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
				link, err := h.LinkByName("v0")
				if err != nil {
					return err
				}
				if link.Attrs().OperState == netlink.OperUp {
					return nil
				}
			}
			return errors.New("v0 has no carrier after 5 s")
		})
	}
}

func newVeth(name, peer string) *netlink.Veth {
	veth := netlink.NewVeth(netlink.NewLinkAttrs())
	veth.Name, veth.PeerName = name, peer
	return veth
}

func (n *netns) listen(t *testing.T) Conn { return n.open(t, Listen) }

func (n *netns) open(t *testing.T, listen func(string) (Conn, error)) Conn {
	t.Helper()
	var c Conn
	n.run(t, func() (err error) { c, err = listen("v0"); return err })
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// receive waits for the next packet.
func receive(t *testing.T, c Conn) []byte {
	t.Helper()
	b := make([]byte, maxPacket)
	for {
		n, ok, err := c.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			return b[:n]
		}
		if err := c.Await(t.Context(), 5*time.Second); err != nil {
			t.Fatal(err)
		}
	}
}

func TestIntegrationConn(t *testing.T) {
	a, b := newCable(t)
	// A second address: the source is the one that was asked for, whatever the kernel would choose.
	a.plug(t, "v0", "10.77.0.9/24", "10.77.0.1/24")
	b.plug(t, "v0", "10.77.0.2/24")
	wired(t, a, b)
	ca, cb := a.listen(t), b.listen(t)

	packet := packetFrom(t, "10.77.0.1", 150, nil)
	if err := ca.Write(packet, groupIPv4()); err != nil {
		t.Fatal(err)
	}
	got := receive(t, cb)
	t.Run("as sent", func(t *testing.T) {
		check := func(name string, got, want any) {
			t.Helper()
			if got != want {
				t.Errorf("%s: got %v, want %v", name, got, want)
			}
		}
		check("rule 1, protocol", got[9], byte(112))
		check("rule 2, destination", netip.AddrFrom4([4]byte(got[16:20])), groupIPv4())
		check("rule 4, TTL", got[8], byte(255))
		check("rule 6, source", netip.AddrFrom4([4]byte(got[12:16])), netip.MustParseAddr("10.77.0.1"))
		check("rule 9, TOS", got[1], byte(0xc0))
		check("rule 9, no DF", binary.BigEndian.Uint16(got[6:])&0x4000, uint16(0))
		if !bytes.Equal(got[20:], packet[20:]) {
			t.Errorf("message: got %x, want %x", got[20:], packet[20:])
		}
	})
	t.Run("rule 8 nothing loops back", func(t *testing.T) {
		// The answer of the other side has come through the same queue, so what looped back would be there.
		if err := cb.Write(packetFrom(t, "10.77.0.2", 99, nil), groupIPv4()); err != nil {
			t.Fatal(err)
		}
		if d, _ := parseIPv4(receive(t, ca)); d.src != netip.MustParseAddr("10.77.0.2") {
			t.Errorf("the sender heard %v", d.src)
		}
		if _, ok, _ := ca.Read(make([]byte, 2048)); ok {
			t.Error("the sender heard itself")
		}
	})
	t.Run("nothing waits: a deadline", func(t *testing.T) {
		if err := cb.Await(t.Context(), time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v, want a deadline", err)
		}
	})
	t.Run("rule 8 another group is not heard", func(t *testing.T) {
		// Linux gives a raw socket the packets of every group that anybody on the host has joined, unless told not to.
		var udp net.PacketConn
		b.run(t, func() error {
			ifi, err := net.InterfaceByName("v0")
			if err != nil {
				return err
			}
			udp, err = net.ListenMulticastUDP("udp4", ifi, &net.UDPAddr{IP: net.IPv4(224, 0, 0, 99), Port: 0})
			return err
		})
		defer udp.Close()
		foreign := bytes.Clone(packet)
		foreign[19] = 99
		for _, p := range [][]byte{foreign, packet} {
			if err := ca.Write(p, netip.AddrFrom4([4]byte(p[16:20]))); err != nil {
				t.Fatal(err)
			}
		}
		if got := receive(t, cb); got[19] != 18 {
			t.Errorf("heard what was sent to 224.0.0.%d", got[19])
		}
	})
	t.Run("rule 8 another interface is not heard", func(t *testing.T) {
		b.run(t, func() error {
			h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
			if err != nil {
				return err
			}
			defer h.Close()
			return h.LinkAdd(newVeth("d0", "d1"))
		})
		b.plug(t, "d0", "10.78.0.2/24")
		var other Conn
		b.run(t, func() (err error) { other, err = Listen("d0"); return err })
		defer other.Close()
		direct := bytes.Clone(packet)
		copy(direct[16:20], []byte{10, 77, 0, 2}) // to the host itself
		for _, p := range [][]byte{direct, packet} {
			if err := ca.Write(p, netip.AddrFrom4([4]byte(p[16:20]))); err != nil {
				t.Fatal(err)
			}
			receive(t, cb)
		}
		if _, ok, _ := other.Read(make([]byte, 2048)); ok {
			t.Error("heard on d0 what came in on v0")
		}
	})
	t.Run("closed while waiting", func(t *testing.T) {
		c := b.listen(t)
		closed := make(chan error)
		go func() { closed <- c.Await(t.Context(), time.Minute) }()
		_ = c.Close()
		if err := <-closed; !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v, want closed", err)
		}
	})
}

// Rule 5 on a real socket: TTL 254 is dropped with its reason, 255 is delivered.
func TestIntegrationTTL(t *testing.T) {
	a, b := newCable(t)
	a.plug(t, "v0", "10.77.0.1/24")
	b.plug(t, "v0", "10.77.0.5/24")
	wired(t, a, b)
	ca, cb := a.listen(t), b.listen(t)
	l := newListener(t, nil)
	l.link.conn.Store(&cb)

	packet := packetFrom(t, "10.77.0.1", 150, nil)
	packet[8] = 254
	for _, p := range [][]byte{packet, packetFrom(t, "10.77.0.1", 151, nil)} {
		if err := ca.Write(p, groupIPv4()); err != nil {
			t.Fatal(err)
		}
		if err := cb.Await(t.Context(), 5*time.Second); err != nil {
			t.Fatal(err)
		}
		l.link.Drain()
	}
	events := l.group.take()
	if len(events) != 1 || events[0].ev.(AdvertReceived).Advert.Priority != 151 {
		t.Errorf("got %+v, want the one with TTL 255", events)
	}
	if c := l.counters(); c.Dropped.Of(DropTTL) != 1 || c.Received != 1 {
		t.Errorf("got %+v", c)
	}
}

func TestIntegrationListen(t *testing.T) {
	a, _ := newCable(t)
	t.Run("no such interface", func(t *testing.T) {
		a.run(t, func() error {
			if _, err := Listen("v9"); !errors.Is(err, ErrNoInterface) {
				t.Errorf("got %v, want %v", err, ErrNoInterface)
			}
			return nil
		})
	})
	t.Run("without an address, and down", func(t *testing.T) { a.listen(t) })
	t.Run("an interface made anew is seen", func(t *testing.T) {
		c := a.listen(t)
		a.run(t, func() error {
			if err := c.Check(); err != nil {
				return err
			}
			h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
			if err != nil {
				return err
			}
			defer h.Close()
			link, err := h.LinkByName("v0")
			if err == nil {
				err = h.LinkDel(link)
			}
			if err != nil {
				return err
			}
			if err := c.Check(); !errors.Is(err, ErrNoInterface) {
				t.Errorf("deleted: got %v, want %v", err, ErrNoInterface)
			}
			if err := h.LinkAdd(newVeth("v0", "v1")); err != nil {
				return err
			}
			if err := c.Check(); err == nil || err.Error() != "v0: interface was made anew" {
				t.Errorf("made anew: got %v", err)
			}
			return nil
		})
	})
}

func TestBootTime(t *testing.T) {
	first := bootTime()
	if second := bootTime(); first <= 0 || second < first {
		t.Errorf("got %v, then %v", first, second)
	}
}
