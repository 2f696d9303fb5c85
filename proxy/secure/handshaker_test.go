package secure

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// owner is a goroutine's worth of a loop: one connection, whose bytes another one gets.
type owner struct {
	conn *Conn
	wake chan struct{}
	err  error
}

func own(c *Conn, s *Handshaker) *owner {
	o := &owner{conn: c, wake: make(chan struct{}, 1)}
	c.Start(s, func() {
		select {
		case o.wake <- struct{}{}:
		default:
		}
	})
	return o
}

// serve shakes hands over a pair of channels, and sends a word.
func (o *owner) serve(in <-chan []byte, out chan<- []byte) {
	for {
		select {
		case b := <-in:
			o.conn.Feed(b)
		case <-o.wake:
		}
		done, err := o.conn.Poll()
		if b := o.conn.Out(); len(b) > 0 {
			out <- append([]byte(nil), b...)
			o.conn.Sent(len(b))
		}
		if done {
			o.err = err
			return
		}
	}
}

func run(t testing.TB, l Limits) (s *Handshaker, stop func()) {
	s = NewHandshaker(l)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return s, func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

func TestManyHandshakesAtOnce(t *testing.T) {
	server, client := configs(t)
	s, stop := run(t, Limits{Workers: 4, Open: 40})
	defer stop()
	c, stopClients := run(t, Limits{Workers: 2, Open: 100})
	defer stopClients()
	var all sync.WaitGroup
	var owners []*owner
	for range 40 {
		up, down := make(chan []byte, 10), make(chan []byte, 10)
		a, b := own(Server(server, &FreeList{}), s), own(Client(client, &FreeList{}), c)
		all.Go(func() { a.serve(up, down) })
		all.Go(func() { b.serve(down, up) })
		owners = append(owners, a, b)
	}
	all.Wait()
	for i, o := range owners {
		if o.err != nil {
			t.Errorf("side %d: %v", i, o.err)
		}
	}
	if got := s.Counts(); got != (Counts{}) {
		t.Errorf("afterwards: got %+v, want none", got)
	}
}

// parked is a server's side that waits for its client in the middle of the handshake.
func parked(t testing.TB, s *Handshaker, server *tls.Config, hello []byte) *owner {
	t.Helper()
	o := own(Server(server, &FreeList{}), s)
	o.conn.Feed(hello)
	return o
}

func hello(t testing.TB, client *tls.Config) []byte {
	t.Helper()
	return start(t, Client(client, &FreeList{})).take()
}

// stuck is a config whose handshakes stay on their worker until free is closed.
func stuck(server *tls.Config, free <-chan struct{}) *tls.Config {
	c := server.Clone()
	certificate := server.Certificates[0]
	c.Certificates = nil
	c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		<-free
		return &certificate, nil
	}
	return c
}

func TestStopEndsAllHandshakes(t *testing.T) {
	server, client := configs(t)
	sent := hello(t, client)
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		slow := stuck(server, free)
		s, stop := run(t, Limits{Workers: 2, Open: 3})
		silent := own(Server(server, &FreeList{}), s)
		all := []*owner{silent, parked(t, s, server, sent)}
		synctest.Wait()
		<-all[1].wake
		all[1].conn.Poll()
		for range 4 {
			all = append(all, parked(t, s, slow, sent))
		}
		synctest.Wait()
		if got, want := s.Counts(), (Counts{Open: 3, Waiting: 2}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		go func() { // the workers come back after they were told to stop
			time.Sleep(time.Second)
			close(free)
		}()
		stop()
		all = append(all, own(Server(server, &FreeList{}), s))
		for i, o := range all {
			<-o.wake
			if done, err := o.conn.Poll(); !done || !errors.Is(err, Stopped) {
				t.Errorf("handshake %d: got %v, %v, want Stopped", i, done, err)
			}
		}
		if got := s.Counts(); got != (Counts{}) {
			t.Errorf("afterwards: got %+v, want none", got)
		}
	})
}

func TestAbortLeavesNothingBehind(t *testing.T) {
	server, client := configs(t)
	sent := hello(t, client)
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		before := runtime.NumGoroutine()
		s, stop := run(t, Limits{Workers: 1, Open: 2})
		silent, open := own(Server(server, &FreeList{}), s), parked(t, s, server, sent)
		synctest.Wait()
		<-open.wake
		running := parked(t, s, stuck(server, free), sent)
		synctest.Wait()
		waiting := parked(t, s, server, sent)
		synctest.Wait()
		if got, want := s.Counts(), (Counts{Open: 2, Waiting: 1}); got != want {
			t.Errorf("at first: got %+v, want %+v", got, want)
		}
		for _, o := range []*owner{silent, waiting, running, open} {
			o.conn.Close()
		}
		if got, want := s.Counts(), (Counts{Open: 2}); got != want {
			t.Errorf("what waits aborted: got %+v, want %+v", got, want)
		}
		close(free)
		synctest.Wait()
		if got := s.Counts(); got != (Counts{}) {
			t.Errorf("all aborted: got %+v, want none", got)
		}
		if len(open.wake)+len(waiting.wake)+len(silent.wake)+len(running.wake) > 0 {
			t.Error("an aborted handshake told its owner")
		}
		stop()
		if got := runtime.NumGoroutine(); got > before {
			t.Errorf("%d goroutines, %d before", got, before)
		}
	})
}

func TestHandshakesBeginInOrder(t *testing.T) {
	server, client := configs(t)
	sent := hello(t, client)
	s := NewHandshaker(Limits{Workers: 1, Open: 3})
	var told []int
	var all [3]*Conn
	for i := range all {
		all[i] = Server(server, &FreeList{})
		all[i].Start(s, func() { told = append(told, i) })
		all[i].Feed(sent[:100])
		t.Cleanup(func() {
			all[i].Close()
			work(s)
		})
	}
	if work(s); len(told) > 0 {
		t.Errorf("begun before the hello was there: %v", told)
	}
	for _, i := range []int{2, 0, 1} {
		all[i].Feed(sent[100:])
	}
	if work(s); !slices.Equal(told, []int{2, 0, 1}) {
		t.Errorf("got %v, want the order in which hellos were there", told)
	}
}

// Who sends a hello and no more keeps a place only as long as nobody else wants it.
func TestWhoWaitsLongestMakesRoom(t *testing.T) {
	server, client := configs(t)
	s := NewHandshaker(Limits{Workers: 1, Open: 3})
	sent := hello(t, client)
	var all []*side
	begin := func(b []byte) *side {
		o := &side{Conn: Server(server, &FreeList{}), shaker: s}
		o.Start(s, func() { o.told++ })
		o.Feed(b)
		work(s)
		t.Cleanup(func() { o.Close(); work(s) })
		all = append(all, o)
		return o
	}
	for range 4 {
		begin(sent)
	}
	c := start(t, Client(client, &FreeList{}))
	good := begin(c.take())
	begin(sent)
	c.Feed(good.take())
	good.Feed(c.take())
	good.take()
	begin(sent)
	if all[0].told != 1 {
		t.Errorf("told %d times without a look, want once", all[0].told)
	}
	for i, o := range all {
		o.take()
		want := Reason(0)
		if i < 3 { // room for the fourth, the good one and the sixth; that one left its own to the last
			want = Crowded
		}
		check(t, fmt.Sprintf("handshake %d", i), o, want)
		if done := want != 0 || o == good; o.done != done {
			t.Errorf("handshake %d: done %v, want %v", i, o.done, done)
		}
	}
	if got, want := s.Counts(), (Counts{Open: 3}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestClientThatSendsTooMuchIsHeldBack(t *testing.T) {
	server, client := configs(t)
	s, c := start(t, Server(server, &FreeList{})), start(t, Client(client, &FreeList{}))
	s.Feed(c.take())
	c.Feed(s.take())
	finished := c.take()
	if !s.Feed(finished) {
		t.Error("nothing is wanted after the client's Finished")
	}
	c.Write(make([]byte, maxAhead))
	want := c.take()
	if s.Feed(want) {
		t.Errorf("more is wanted after %d bytes", len(want))
	}
	s.take()
	if got, err := readAll(s, make([]byte, 16<<10)); len(got) != maxAhead || err != ErrAgain {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, maxAhead)
	}
}

func TestWhatFollowsTheHandshakeIsRead(t *testing.T) {
	server, client := configs(t)
	s, c := start(t, Server(server, &FreeList{})), start(t, Client(client, &FreeList{}))
	s.Feed(c.take())
	c.Feed(s.take())
	finished := c.take()
	c.Write([]byte("with it "))
	s.Feed(append(finished, c.take()...))
	work(s.shaker) // it is over, and the owner does not know yet
	c.Write([]byte("after it"))
	s.Feed(c.take())
	if n, err := s.Read(make([]byte, 1)); n != 0 || err != ErrAgain {
		t.Errorf("before Poll: got %d, %v", n, err)
	}
	if _, err := s.Write([]byte("x")); err != errEarly {
		t.Errorf("write before Poll: got %v", err)
	}
	if err := s.CloseNotify(); err != errEarly {
		t.Errorf("close_notify before Poll: got %v", err)
	}
	s.End()
	s.take()
	if got, err := readAll(s, make([]byte, 100)); string(got) != "with it after it" || err != ErrTruncated {
		t.Errorf("got %q, %v", got, err)
	}
}
