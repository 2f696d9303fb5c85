package tracker

import (
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// namespace moves the test into a network namespace of its own: the test's thread is never given back, and the
// namespace ends with it.
func namespace(t *testing.T) *netlink.Handle {
	t.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		refuse := t.Skipf
		if os.Getenv("CI") == "true" {
			refuse = t.Fatalf
		}
		refuse("needs a network namespace (root, or unshare --user --map-root-user --net): %v", err)
	}
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	must(t, err)
	t.Cleanup(h.Close)
	return h
}

// must stops the test where the kernel refuses a step of it.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// addVeth makes the pair eth0 and peer0, eth0 up, and returns both.
func addVeth(t *testing.T, h *netlink.Handle) (eth0, peer0 netlink.Link) {
	t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "eth0"
	must(t, h.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "peer0"}))
	eth0, err := h.LinkByName("eth0")
	must(t, err)
	peer0, err = h.LinkByName("peer0")
	must(t, err)
	must(t, h.LinkSetUp(eth0))
	return eth0, peer0
}

// awaited is what a watcher is told, for the test to wait for.
type awaited chan Link

// watchEth0 runs Links until the test ends. Its socket is opened here, on the thread of the namespace.
func watchEth0(t *testing.T) awaited {
	t.Helper()
	socket, err := openLinkSocket()
	must(t, err)
	links := NewLinks(nil)
	links.open = func() (linkSocket, error) { return socket, nil }
	heard := make(awaited, 64)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := links.Run(t.Context()); err != nil {
			t.Errorf("Run: got %v, want nil", err)
		}
	})
	wg.Go(func() { _ = links.Watch(t.Context(), "eth0", func(l Link) { heard <- l }) }) // always nil
	t.Cleanup(wg.Wait)
	return heard
}

func (a awaited) expect(t *testing.T, step, want string) {
	t.Helper()
	timeout := time.After(5 * time.Second)
	for last := "nothing"; ; {
		select {
		case l := <-a:
			if last = l.String(); last == want {
				return
			}
		case <-timeout:
			t.Fatalf("%s: got %s, want %s", step, last, want)
		}
	}
}

func TestIntegrationLinksFollowTheKernel(t *testing.T) {
	h := namespace(t)
	heard := watchEth0(t)

	heard.expect(t, "at the start", "does not exist")
	eth0, peer0 := addVeth(t, h)
	heard.expect(t, "created, its peer down", "no carrier")
	must(t, h.LinkSetUp(peer0))
	heard.expect(t, "peer up", "up")
	must(t, h.LinkSetDown(peer0))
	heard.expect(t, "cable pulled", "no carrier")
	must(t, h.LinkSetUp(peer0))
	heard.expect(t, "cable back", "up")

	bridge := netlink.NewLinkAttrs()
	bridge.Name = "br0"
	must(t, h.LinkAdd(&netlink.Bridge{LinkAttrs: bridge}))
	must(t, h.LinkSetMasterByIndex(eth0, mustIndex(t, h, "br0")))
	must(t, h.LinkSetNoMaster(eth0)) // the bridge says RTM_DELLINK of its port
	must(t, h.LinkSetDown(eth0))
	if l := <-heard; l.String() != "down" {
		t.Errorf("out of a bridge and switched off: got %s first, want down: a port that leaves a bridge still exists", l)
	}
	must(t, h.LinkSetName(eth0, "lan0"))
	heard.expect(t, "renamed", "does not exist")
	must(t, h.LinkSetName(eth0, "eth0"))
	heard.expect(t, "renamed back", "down")
	must(t, h.LinkDel(eth0))
	heard.expect(t, "deleted", "does not exist")
	_, peer0 = addVeth(t, h)
	must(t, h.LinkSetUp(peer0))
	heard.expect(t, "created again", "up")
}

// Links that exist before the subscription are in its dump; nothing is told before that has ended.
func TestIntegrationLinksFromTheDump(t *testing.T) {
	h := namespace(t)
	addVeth(t, h)
	watchEth0(t).expect(t, "created before", "no carrier")
}

// A subscription that the kernel had to cut short says so, instead of going on with a hole in it.
func TestIntegrationLostEventsAreAnError(t *testing.T) {
	h := namespace(t)
	opened, err := openLinkSocket()
	must(t, err)
	defer opened.close()
	conn := opened.(netlinkSocket).conn
	must(t, conn.SetReceiveBufferSize(1, false)) // the kernel makes it its least
	must(t, conn.SetReceiveTimeout(&unix.Timeval{Sec: 5}))
	eth0, _ := addVeth(t, h)
	for range 50 {
		must(t, h.LinkSetDown(eth0))
		must(t, h.LinkSetUp(eth0))
	}
	for {
		if _, err := opened.receive(); err != nil {
			if want := "read network interface events: no buffer space available"; err.Error() != want {
				t.Errorf("got %q, want %q", err, want)
			}
			return
		}
	}
}

func mustIndex(t *testing.T, h *netlink.Handle, name string) int {
	t.Helper()
	l, err := h.LinkByName(name)
	must(t, err)
	return l.Attrs().Index
}
