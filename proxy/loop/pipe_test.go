package loop_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
)

// relay moves what one client sends to the next one by a pipe, and ends with it.
type relay struct {
	from, to loop.Ref
	pipe     *loop.Pipe
	ended    bool
	last     loop.State
}

// accept takes the sender and then the receiver.
func (h *relay) accept(l *loop.Loop, c loop.Client) {
	l.Adopt(c, hear(func(l *loop.Loop, s loop.Ref) {
		switch {
		case h.from == (loop.Ref{}):
			h.from, h.pipe = s, l.Pipe()
		case h.to == (loop.Ref{}) && s != h.from:
			h.to = s
		}
		if (h.to != loop.Ref{}) {
			h.move(l)
		}
	}))
}

func (h *relay) move(l *loop.Loop) {
	for {
		if _, h.last = l.SpliceOut(h.to, h.pipe); h.last == loop.Blocked {
			return
		}
		if h.ended || h.last == loop.Failed {
			l.ClosePipe(h.pipe)
			l.Close(h.from, h.last == loop.Failed)
			l.Close(h.to, h.last == loop.Failed)
			return
		}
		var st loop.State
		for st == loop.Done {
			_, st = l.SpliceIn(h.from, h.pipe, 1<<20)
		}
		h.ended = st == loop.Ended
		if h.pipe.Held() == 0 && !h.ended {
			return
		}
	}
}

func TestSplice(t *testing.T) {
	t.Parallel()
	sent := strings.Repeat("0123456789abcdef", 1<<10)
	type setting struct {
		seed        uint64
		split, room int
		pipe        int // octets that it holds; 0: all that are asked for
	}
	settings := []setting{
		{0, 0, -1, 0},
		{0, 1, -1, 0},   // as many octets as the pipe has places fill it
		{0, 100, -1, 0}, // fills it too
		{0, 0, 0, loop.LeastPipe},
		{0, 999, 5, loop.LeastPipe},
	}
	for seed := range uint64(20) {
		settings = append(settings, setting{seed, 999, 10, loop.LeastPipe})
	}
	for _, tt := range settings {
		h := &relay{}
		n, l := one(t, tt.seed, h.accept)
		n.Split, n.PipeSize = tt.split, tt.pipe
		from := n.Dial(here)
		from.Say(sent[:10])
		n.Step()
		to := n.Dial(here)
		to.Window(tt.room)
		n.Step()
		from.Say(sent[10:])
		n.Step()
		from.CloseWrite()
		n.Step()
		to.Window(-1)
		n.Step()
		if got := to.Received(); string(got) != sent || !to.Closed() || to.WasReset() {
			t.Errorf("%+v: got %d octets, closed %v, by reset %v, want %d", tt, len(got), to.Closed(), to.WasReset(), len(sent))
		}
		if open, spare := l.Pipes(); open != 1 || spare != 1 {
			t.Errorf("%+v: %d pipes are open, %d spare, want one that is kept", tt, open, spare)
		}
	}
}

// client is a Loop with one client, which has a pipe.
func client(t *testing.T, n *looptest.Net, l *loop.Loop) (c *looptest.Peer, s loop.Ref, p *loop.Pipe) {
	t.Helper()
	c = n.Dial(here)
	n.Step()
	l.Each(func(r loop.Ref, _ loop.Handler) { s = r })
	if p = l.Pipe(); p == nil {
		t.Fatal("no pipe")
	}
	return c, s, p
}

func nothing(l *loop.Loop, c loop.Client) { l.Adopt(c, hear(func(*loop.Loop, loop.Ref) {})) }

// A pipe that is full does not make a socket that has more count as drained: nobody would tell of it again.
func TestSpliceIntoAFullPipe(t *testing.T) {
	t.Parallel()
	n, l := one(t, 0, nothing)
	n.PipeSize = loop.LeastPipe
	c, s, p := client(t, n, l)
	const places = loop.LeastPipe >> 12
	c.Say(strings.Repeat("x", places+4))
	n.Step()
	var st loop.State
	for st == loop.Done {
		_, st = l.SpliceIn(s, p, 1)
	}
	if p.Held() != places || st != loop.Blocked || !l.CanRecv(s) {
		t.Errorf("holds %d, state %v, can receive %v, want %d, %v, true", p.Held(), st, l.CanRecv(s), places, loop.Blocked)
	}
	if n, st := l.Recv(s, make([]byte, 4)); n != 4 || st != loop.Done {
		t.Errorf("received %d, %v from a socket that has 4 octets", n, st)
	}
	empty := l.Pipe()
	if _, st := l.SpliceIn(s, empty, 1<<20); st != loop.Blocked || l.CanRecv(s) {
		t.Errorf("state %v, can receive %v of a socket that has nothing, want %v, false", st, l.CanRecv(s), loop.Blocked)
	}
	c.Window(10)
	calls := n.Calls[looptest.OpSplice]
	for range 3 {
		_, st = l.SpliceOut(s, p)
	}
	if calls = n.Calls[looptest.OpSplice] - calls; p.Held() != places-10 || st != loop.Blocked || calls != 2 {
		t.Errorf("holds %d, state %v after %d calls, want %d, %v after 2: one of them finds no room", p.Held(), st, calls, places-10, loop.Blocked)
	}
}

func TestSpliceOnABrokenConnection(t *testing.T) {
	t.Parallel()
	n, l := one(t, 0, nothing)
	c, s, p := client(t, n, l)
	c.Say("x")
	n.Step()
	n.Fail(looptest.OpSplice, syscall.EINTR)
	if n, st := l.SpliceIn(s, p, 1); n != 1 || st != loop.Done {
		t.Errorf("got %d, %v", n, st)
	}
	c.Reset()
	n.Step()
	if n, st := l.SpliceIn(s, p, 1); n != 0 || st != loop.Failed {
		t.Errorf("in: got %d, %v, want 0, %v", n, st, loop.Failed)
	}
	if n, st := l.SpliceOut(s, p); n != 0 || st != loop.Failed || p.Held() != 1 {
		t.Errorf("out: got %d, %v, want 0, %v", n, st, loop.Failed)
	}
	l.Close(s, true)
	if n, st := l.SpliceIn(s, p, 1); n != 0 || st != loop.Failed {
		t.Errorf("in, closed: got %d, %v", n, st)
	}
	if n, st := l.SpliceOut(s, p); n != 0 || st != loop.Failed {
		t.Errorf("out, closed: got %d, %v", n, st)
	}
	l.ClosePipe(p)
	if open, _ := l.Pipes(); open != 0 || n.Open() != 0 {
		t.Errorf("%d pipes and %d descriptors are open: what was not empty is closed", open, n.Open())
	}
}

// Pipes are bounded in number, and those that are given back are kept for the next who needs one, some of them.
func TestPipes(t *testing.T) {
	t.Parallel()
	n, l := one(t, 0, nothing)
	all := make([]*loop.Pipe, loop.MaxPipes)
	for i := range all {
		if all[i] = l.Pipe(); all[i] == nil {
			t.Fatalf("no pipe %d", i)
		}
	}
	if l.Pipe() != nil {
		t.Errorf("got pipe %d", loop.MaxPipes+1)
	}
	for _, p := range all {
		l.ClosePipe(p)
	}
	if open, spare := l.Pipes(); open != loop.SparePipes || spare != open || n.Open() != 2*open {
		t.Errorf("%d pipes and %d descriptors are open, %d spare, want %d and two for each", open, n.Open(), spare, loop.SparePipes)
	}
	calls := n.Calls[looptest.OpPipe]
	if l.Pipe() == nil || n.Calls[looptest.OpPipe] != calls {
		t.Error("a spare pipe was not used")
	}
}

func TestNoPipe(t *testing.T) {
	t.Parallel()
	n, l := one(t, 0, nothing)
	for _, tt := range []struct {
		name   string
		errs   []error
		grants int
	}{{"no descriptors", []error{syscall.EMFILE}, 0}, {"too small to be of use", nil, loop.LeastPipe - 4096}} {
		n.Fail(looptest.OpPipe, tt.errs...)
		n.PipeSize = tt.grants
		if l.Pipe() != nil || n.Open() != 0 {
			t.Errorf("%s: a pipe, or %d descriptors left", tt.name, n.Open())
		}
	}
	if n.PipeSize = 0; l.Pipe() == nil {
		t.Error("no pipe afterwards")
	}
}

// What goes through a pipe of the real kernel arrives whole at a client that reads slowly at first; one that leaves breaks nothing.
func TestSpliceOverSockets(t *testing.T) {
	t.Parallel()
	for _, leaves := range []bool{false, true} {
		fd, address := listen(t)
		k, err := loop.OpenEpoll()
		if err != nil {
			t.Fatal(err)
		}
		l, h := loop.New(k), &relay{}
		if err := l.Listen(fd, h.accept, func(err error) { t.Error(err) }); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := l.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		from, to := dial(t, address), net.Conn(nil)
		sent := make([]byte, 8<<20)
		_, _ = rand.NewChaCha8([32]byte{}).Read(sent)
		if _, err := from.Write(sent[:1]); err != nil { // so that it is accepted first
			t.Fatal(err)
		}
		taken := make(chan bool)
		for is := false; !is; is = <-taken {
			l.Post(func(*loop.Loop) { taken <- h.from != (loop.Ref{}) })
		}
		to = dial(t, address)
		wg.Go(func() {
			_, err := from.Write(sent[1:])
			if err != nil && !leaves {
				t.Error(err)
			}
			_ = from.(*net.TCPConn).CloseWrite()
		})
		if leaves {
			if _, err := io.ReadFull(to, make([]byte, 1000)); err != nil {
				t.Error(err)
			}
			_ = to.(*net.TCPConn).SetLinger(0)
			_ = to.Close()
			if _, err := io.Copy(io.Discard, from); err != nil && !isReset(err) {
				t.Error(err)
			}
		} else if got, err := io.ReadAll(to); err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%d octets came of %d, %v", len(got), len(sent), err)
		}
		cancel()
		wg.Wait()
	}
}

func isReset(err error) bool { return errors.Is(err, syscall.ECONNRESET) }

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}
