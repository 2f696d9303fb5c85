package secure

import (
	"context"
	"crypto/tls"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
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
	s, stop := run(t, Limits{Workers: 4, Open: 5}) // fewer open than there are: sides wait for their turn
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

func TestStopEndsAllHandshakes(t *testing.T) {
	server, client := configs(t)
	sent := hello(t, client)
	synctest.Test(t, func(t *testing.T) {
		s, stop := run(t, Limits{Workers: 2, Open: 2})
		silent := own(Server(server, &FreeList{}), s)
		var all []*owner
		for range 4 {
			all = append(all, parked(t, s, server, sent))
		}
		synctest.Wait()
		if got, want := s.Counts(), (Counts{Open: 2, Waiting: 2}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		stop()
		late := own(Server(server, &FreeList{}), s)
		for i, o := range append(all, silent, late) {
			<-o.wake
			if done, err := o.conn.Poll(); !done || !errors.Is(err, Stopped) {
				t.Errorf("handshake %d: got %v, %v, want Stopped", i, done, err)
			}
		}
	})
}

func TestAbortLeavesNothingBehind(t *testing.T) {
	server, client := configs(t)
	sent := hello(t, client)
	synctest.Test(t, func(t *testing.T) {
		before := runtime.NumGoroutine()
		s, stop := run(t, Limits{Workers: 1, Open: 1})
		silent := own(Server(server, &FreeList{}), s)
		open, waiting := parked(t, s, server, sent), parked(t, s, server, sent)
		next := parked(t, s, server, sent)
		synctest.Wait()
		<-open.wake
		silent.conn.Close()
		waiting.conn.Close()
		synctest.Wait()
		if got, want := s.Counts(), (Counts{Open: 1, Waiting: 1}); got != want {
			t.Errorf("a waiting one aborted: got %+v, want %+v", got, want)
		}
		open.conn.Close()
		<-next.wake // has its turn now
		synctest.Wait()
		if got, want := s.Counts(), (Counts{Open: 1}); got != want {
			t.Errorf("the open one aborted: got %+v, want %+v", got, want)
		}
		next.conn.Close()
		synctest.Wait()
		if got := s.Counts(); got != (Counts{}) {
			t.Errorf("all aborted: got %+v, want none", got)
		}
		if len(open.wake)+len(waiting.wake)+len(silent.wake)+len(next.wake) > 0 {
			t.Error("an aborted handshake told its owner")
		}
		stop()
		if got := runtime.NumGoroutine(); got > before {
			t.Errorf("%d goroutines, %d before", got, before)
		}
	})
}

func TestAbortWhileItRuns(t *testing.T) {
	server, client := configs(t)
	sent := hello(t, client)
	synctest.Test(t, func(t *testing.T) {
		s, stop := run(t, Limits{Workers: 1, Open: 1})
		defer stop()
		blocked, free := make(chan struct{}), make(chan struct{})
		certificate := server.Certificates[0]
		slow := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			close(blocked)
			<-free
			return &certificate, nil
		}}
		o := parked(t, s, slow, sent)
		<-blocked
		o.conn.Close()
		close(free)
		synctest.Wait()
		if got := s.Counts(); got != (Counts{}) || len(o.wake) > 0 {
			t.Errorf("got %+v, told %d, want nothing left and nobody told", got, len(o.wake))
		}
	})
}

func TestHandshakesBeginInOrder(t *testing.T) {
	server, client := configs(t)
	sent := hello(t, client)
	s := NewHandshaker(Limits{Workers: 1, Open: 1})
	var all []*side
	for range 3 {
		o := &side{Conn: Server(server, &FreeList{}), shaker: s}
		o.Start(s, func() { o.told++ })
		o.Feed(sent)
		all = append(all, o)
	}
	for i, o := range all {
		work(s)
		for j, other := range all {
			if want := min(max(i-j+1, 0), 1); other.told != want {
				t.Errorf("after %d ended: handshake %d told %d times, want %d", i, j, other.told, want)
			}
		}
		o.Close()
	}
	work(s)
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
