package looptest_test

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
)

var address = netip.MustParseAddrPort("192.0.2.2:80")

// log notes what its socket's calls come to.
type log struct {
	states []loop.State
	pieces []int
	kept   []byte
}

func (h *log) Ready(l *loop.Loop, s loop.Ref) {
	for {
		n, st := l.Recv(s, l.Scratch()[:50])
		h.states, h.pieces = append(h.states, st), append(h.pieces, n)
		h.kept = append(h.kept, l.Scratch()[:n]...)
		if st == loop.Ended || st == loop.Failed {
			l.Close(s, false)
		}
		if st != loop.Done {
			return
		}
	}
}

func (h *log) Expired(*loop.Loop, loop.Ref) {}

// receive has a client of a Loop send a text.
func receive(t *testing.T, seed uint64, text string) (h *log, n *looptest.Net) {
	t.Helper()
	h, n = &log{}, looptest.New(seed)
	l := n.Loop()
	if err := l.Listen(n.Listen(address), func(l *loop.Loop, c loop.Client) { l.Adopt(c, h) }, func(err error) { t.Error(err) }); err != nil {
		t.Fatal(err)
	}
	c := n.Dial(address)
	c.Say(text)
	n.Step()
	c.CloseWrite()
	n.Step()
	if !c.Closed() || string(h.kept) != text {
		t.Errorf("closed %v, got %q", c.Closed(), h.kept)
	}
	return h, n
}

// A seed does the same each time, and different ones differ; a kind kernel does nothing of the kind.
func TestSeeds(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789", 10)
	kind, _ := receive(t, 0, text)
	if want := []int{50, 50, 0, 0, 0}; !slices.Equal(kind.pieces, want) {
		t.Errorf("a kind kernel gives %v, want %v", kind.pieces, want)
	}
	seen := map[string]bool{}
	for seed := uint64(1); seed <= 20; seed++ {
		a, n := receive(t, seed, text)
		b, _ := receive(t, seed, text)
		if !slices.Equal(a.pieces, b.pieces) || !slices.Equal(a.states, b.states) {
			t.Errorf("seed %d: %v and %v", seed, a.pieces, b.pieces)
		}
		if n.Calls[looptest.OpRecv] <= n.Calls[looptest.OpAccept] {
			t.Errorf("seed %d: calls %v", seed, n.Calls)
		}
		var key bytes.Buffer
		for _, p := range a.pieces {
			key.WriteByte(byte(p))
		}
		seen[key.String()] = true
	}
	if len(seen) < 15 {
		t.Errorf("20 seeds cut in %d ways", len(seen))
	}
}

// A descriptor that was closed is the next one that is given, whatever it is for.
func TestLowestDescriptor(t *testing.T) {
	t.Parallel()
	n := looptest.New(0)
	k := n.Kernel()
	listener := n.Listen(address)
	if listener != 3 {
		t.Fatalf("the first descriptor is %d, want 3", listener)
	}
	n.Dial(address)
	a, _, err := k.Accept(listener)
	if err != nil || a != 4 {
		t.Fatalf("accept: got %d, %v, want 4", a, err)
	}
	read, write, _, err := k.Pipe(4096)
	if err != nil || read != 5 || write != 6 {
		t.Fatalf("pipe: got %d, %d, %v, want 5 and 6", read, write, err)
	}
	for _, fd := range []int{a, read} {
		if err := k.Close(fd, false); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []int{4, 5, 7} {
		if fd, err := k.Connect(netip.AddrPort{}); err != nil || fd != want {
			t.Errorf("connect: got %d, %v, want %d", fd, err, want)
		}
	}
}

// What a Loop must never do ends the test, with what it did.
func TestMistakes(t *testing.T) {
	t.Parallel()
	n := looptest.New(0)
	k := n.Kernel()
	listener := n.Listen(address)
	for _, tt := range []struct {
		want string
		do   func()
	}{
		{"looptest: recv of descriptor 9, which is closed or of another kind", func() { _, _ = k.Recv(9, nil) }},
		{"looptest: send of descriptor 0, which is closed or of another kind", func() { _, _ = k.Send(0, nil, false) }},
		{"looptest: recv of descriptor 3, which is closed or of another kind", func() { _, _ = k.Recv(listener, nil) }},
		{"looptest: accept of descriptor -1, which is closed or of another kind", func() { _, _, _ = k.Accept(-1) }},
		{"looptest: close of descriptor 4, which is closed or of another kind", func() { _ = k.Close(4, false) }},
		{"looptest: splice of descriptor 4, which is closed or of another kind", func() { _, _ = k.Splice(4, 5, 1) }},
		{"looptest: nobody listens on 192.0.2.9:1", func() { n.Dial(netip.MustParseAddrPort("192.0.2.9:1")) }},
		{"looptest: the loops do not come to rest", func() {
			n.LimitPasses(1000)
			l := n.Loop()
			l.Again(l.Timer(&restless{}))
			n.Step()
		}},
	} {
		func() {
			defer func() {
				if got := recover(); got != tt.want {
					t.Errorf("got %v, want %v", got, tt.want)
				}
			}()
			tt.do()
		}()
	}
}

type restless struct{ log }

func (*restless) Ready(l *loop.Loop, s loop.Ref) { l.Again(s) }

// Errors that a test asks for come in their order, and then everything goes well again.
func TestFail(t *testing.T) {
	t.Parallel()
	n := looptest.New(0)
	k := n.Kernel()
	listener := n.Listen(address)
	n.Fail(looptest.OpAccept, syscall.EMFILE, nil, syscall.ECONNABORTED)
	n.Dial(address)
	n.Dial(address)
	for _, want := range []error{syscall.EMFILE, nil, syscall.ECONNABORTED, nil, syscall.EAGAIN} {
		if _, _, err := k.Accept(listener); err != want {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

// What is open at the end is counted.
func TestEnd(t *testing.T) {
	t.Parallel()
	n := looptest.New(0)
	k := n.Kernel()
	n.Serve(address)
	if _, err := k.Connect(address); err != nil {
		t.Fatal(err)
	}
	if got := n.End(); got != 1 {
		t.Errorf("got %d descriptors, want 1", got)
	}
}
