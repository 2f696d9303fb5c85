package loop

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// relay moves what one client sends to the next one by a pipe, and ends with it.
type relay struct {
	from, to Ref
	pipe     *Pipe
	ended    bool
	last     State
}

// Accept takes the sender and then the receiver.
func (h *relay) accept(l *Loop, c Client) {
	l.Adopt(c, hear(func(l *Loop, s Ref) {
		switch {
		case h.from == Ref{}:
			h.from, h.pipe = s, l.Pipe()
		case h.to == Ref{} && s != h.from:
			h.to = s
		}
		if (h.to != Ref{}) {
			h.move(l)
		}
	}))
}

func (h *relay) move(l *Loop) {
	for {
		if _, h.last = l.SpliceOut(h.to, h.pipe); h.last == Blocked {
			return
		}
		if h.ended || h.last == Failed {
			l.ClosePipe(h.pipe)
			l.Close(h.from, h.last == Failed)
			l.Close(h.to, h.last == Failed)
			return
		}
		var st State
		for st == Done {
			_, st = l.SpliceIn(h.from, h.pipe, 1<<20)
		}
		h.ended = st == Ended
		if h.pipe.Held() == 0 && !h.ended {
			return
		}
	}
}

func TestSplice(t *testing.T) {
	t.Parallel()
	sent := strings.Repeat("0123456789abcdef", 4<<10)
	for _, tt := range []struct{ step, room, grant int }{
		{0, 1 << 20, 0},
		{1, 1 << 20, 0},   // as many octets as the pipe has places fill it
		{100, 1 << 20, 0}, // fills it too
		{0, 0, leastPipe},
		{999, 5, leastPipe},
	} {
		f := newFake(t)
		f.step, f.grant = tt.step, tt.grant
		h := &relay{}
		var from, to *conn
		l := run(t, f, func(l *Loop) { _ = l.Listen(3, h.accept, nil) }, func() {
			from = f.dial(sent[:10])
		}, func() {
			to = f.dial("")
			to.room = tt.room
		}, func() {
			f.send(from, sent[10:])
		}, func() {
			f.send(from, "")
		}, func() {
			f.makeRoom(to, 1<<20)
		})
		if string(to.out) != sent || !to.closed || to.byReset {
			t.Errorf("%+v: got %d octets, closed %v, by reset %v, want %d", tt, len(to.out), to.closed, to.byReset, len(sent))
		}
		if len(f.conns) != 0 || len(l.pipes.open) != 0 {
			t.Errorf("%+v: %d descriptors and %d pipes are open at the end", tt, len(f.conns), len(l.pipes.open))
		}
	}
}

// A pipe that is full does not make a socket that has more count as drained: nobody would tell of it again.
func TestSpliceIntoAFullPipe(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.step, f.grant = 1, leastPipe
	c := f.dial(strings.Repeat("x", 100))
	run(t, f, func(l *Loop) {
		_ = l.Listen(3, func(l *Loop, client Client) {
			l.Adopt(client, hear(func(l *Loop, s Ref) {
				p := l.Pipe()
				defer l.ClosePipe(p)
				var st State
				for st == Done {
					_, st = l.SpliceIn(s, p, 1<<20)
				}
				if p.Held() != 16 || st != Blocked || !l.CanRecv(s) {
					t.Errorf("holds %d, state %v, can receive %v, want 16, %v, true", p.Held(), st, l.CanRecv(s), Blocked)
				}
				if n, st := l.Recv(s, make([]byte, 200)); n != 1 || st != Done {
					t.Errorf("received %d, %v from a socket that has 84 octets", n, st)
				}
				c.room = 10
				for range 2 {
					_, st = l.SpliceOut(s, p)
				}
				if p.Held() != 6 || st != Blocked || f.sends != 11 {
					t.Errorf("holds %d, state %v after %d calls, want 6, %v after 11: one of them finds no room", p.Held(), st, f.sends, Blocked)
				}
				c.in = nil
				empty := l.Pipe()
				defer l.ClosePipe(empty)
				if _, st := l.SpliceIn(s, empty, 1<<20); st != Blocked || l.CanRecv(s) {
					t.Errorf("state %v, can receive %v of a socket that has nothing, want %v, false", st, l.CanRecv(s), Blocked)
				}
				l.Close(s, false)
			}))
		}, nil)
	})
}

func TestSpliceOnABrokenConnection(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	c := f.dial("xy")
	run(t, f, func(l *Loop) {
		_ = l.Listen(3, func(l *Loop, client Client) {
			l.Adopt(client, hear(func(l *Loop, s Ref) {
				p := l.Pipe()
				if n, st := l.SpliceIn(s, p, 1); n != 1 || st != Done {
					t.Errorf("got %d, %v", n, st)
				}
				c.reset = true
				if n, st := l.SpliceIn(s, p, 1); n != 0 || st != Failed {
					t.Errorf("in: got %d, %v, want 0, %v", n, st, Failed)
				}
				if n, st := l.SpliceOut(s, p); n != 0 || st != Failed || p.Held() != 1 {
					t.Errorf("out: got %d, %v, want 0, %v", n, st, Failed)
				}
				l.Close(s, true)
				if n, st := l.SpliceIn(s, p, 1); n != 0 || st != Failed {
					t.Errorf("in, closed: got %d, %v", n, st)
				}
				if n, st := l.SpliceOut(s, p); n != 0 || st != Failed {
					t.Errorf("out, closed: got %d, %v", n, st)
				}
				l.ClosePipe(p)
			}))
		}, nil)
	})
}

// Pipes are bounded in number, kept for the next who needs one when they are empty, and closed otherwise.
func TestPipes(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	l := New(f)
	all := make([]*Pipe, maxPipes)
	for i := range all {
		if all[i] = l.Pipe(); all[i] == nil {
			t.Fatalf("no pipe %d", i)
		}
	}
	if l.Pipe() != nil {
		t.Errorf("got pipe %d", maxPipes+1)
	}
	all[0].held = 1
	for _, p := range all {
		l.ClosePipe(p)
	}
	if len(f.conns) != 2*sparePipes || slices.Contains(l.pipes.spare, all[0]) {
		t.Errorf("%d descriptors are open, want %d, and none of the pipe with something in it", len(f.conns), 2*sparePipes)
	}
	l.End()
	if len(f.conns) != 0 {
		t.Errorf("%d descriptors are open at the end", len(f.conns))
	}
}

func TestNoPipe(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name           string
		lacking, grant int
	}{{"no descriptors", 1, 0}, {"too small to be of use", 0, leastPipe - 4096}} {
		f := newFake(t)
		f.lacking, f.grant = tt.lacking, tt.grant
		l := New(f)
		if l.Pipe() != nil || len(f.conns) != 0 || len(l.pipes.open) != 0 {
			t.Errorf("%s: a pipe, or %d descriptors left", tt.name, len(f.conns))
		}
		if f.grant = 0; l.Pipe() == nil {
			t.Errorf("%s: no pipe afterwards", tt.name)
		}
	}
}

// What goes through a pipe of the real kernel arrives whole at a client that reads slowly at first; one that leaves breaks nothing.
func TestSpliceOverSockets(t *testing.T) {
	t.Parallel()
	for _, leaves := range []bool{false, true} {
		fd, address := listen(t)
		k, err := OpenEpoll()
		if err != nil {
			t.Fatal(err)
		}
		l, h := New(k), &relay{}
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
		taken := make(chan struct{})
		for posted := false; !posted; <-taken {
			l.Post(func(*Loop) { posted = h.from != Ref{}; taken <- struct{}{} })
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
