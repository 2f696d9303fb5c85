package loadtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// What a death explains, and what it does not.
func TestDeathsExplainLostConnectionsAlone(t *testing.T) {
	start := time.Now()
	o := &Origins{cut: map[uint64]bool{1: true}, deaths: []death{{over: true, ended: start}}}
	broken := lost{io.ErrUnexpectedEOF}
	for _, c := range []struct {
		name  string
		s     script
		began time.Time
		err   error
		want  string
	}{
		{"cut by the death", script{ID: 1}, start.Add(time.Second), broken, "its server died"},
		{"answered for a server that died", script{ID: 2}, start.Add(-time.Second), statusError(502), "a server died meanwhile"},
		{"refused though others live", script{ID: 1}, start.Add(-time.Second), statusError(503), ""},
		{"begun after it", script{ID: 2}, start.Add(time.Millisecond), broken, ""},
		{"another status", script{ID: 1}, start, statusError(500), ""},
		{"a body that differs", script{ID: 1}, start, errors.New("octet 1 differs"), ""},
		{"a body that looks whole", script{ID: 1, Frame: byChunks}, start, errCleanEnd, ""},
		{"a body whose length only the server knew", script{ID: 1, Frame: byClose}, start, errCleanEnd, "its server died"},
		{"a tunnel, of which nobody knows how much is to come", script{ID: 1, Tunnel: true}, start, errCleanEnd, "its server died"},
		{"a tunnel of which no server has died", script{ID: 2, Tunnel: true}, start, errCleanEnd, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := o.explain(c.s, c.began, c.err); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	o.deaths = append(o.deaths, death{})
	if got := o.explain(script{ID: 2}, time.Now(), broken); got != "a server died meanwhile" {
		t.Errorf("while a server dies: %q", got)
	}
}

// A client that sees its tunnel end asks at once why, when the server's other connections have not ended yet.
func TestWhatADeathCutsIsKnownBeforeItsEnd(t *testing.T) {
	l, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o, err := NewOrigins(t.Context(), []string{l.Addr().String()}, func(context.Context, string) (net.Listener, error) { return l, nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	ask := func(s script) net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", s.target(), host)
		return c
	}
	slow := script{ID: 2, Up: -1, Wait: 300 * time.Millisecond} // holds up the death
	tunnel := script{ID: 1, Up: -1, Tunnel: true}
	ask(slow)
	c := bufio.NewReader(ask(tunnel))
	if _, err := http.ReadResponse(c, nil); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for o.all[0].underWay() < 2 {
		time.Sleep(time.Millisecond) // a server has no events
	}
	died := make(chan struct{})
	go func() {
		o.Kill(0)
		close(died)
	}()
	if _, err := c.ReadByte(); err != io.EOF {
		t.Fatalf("read from the tunnel: got %v, want %v", err, io.EOF)
	}
	if got, want := o.explain(tunnel, began, errCleanEnd), "its server died"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	<-died
}

// underWay is how many requests a server has begun.
func (o *origin) underWay() (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range o.conns {
		if id != nil {
			n++
		}
	}
	return n
}

// A server that sees a connection end is no witness against the balancer where the client had left.
func TestFaultsOfRequestsThatTheClientLeft(t *testing.T) {
	o := &Origins{left: map[uint64]bool{}}
	broken, wrong := lost{io.ErrUnexpectedEOF}, errors.New("octet 1 differs")
	o.fault(1, broken)
	o.fault(2, broken)
	o.fault(2, wrong)
	o.leave(2)
	if got := o.Faults(); len(got) != 2 || got[0] != error(broken) || got[1] != wrong {
		t.Errorf("got %v, want %v and %v", got, broken, wrong)
	}
}
