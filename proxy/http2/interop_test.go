package http2

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// echo serves a Conn on a socket: it sends a greeting, each request's body, and its number of trailers.
type echo struct {
	conn     *Conn
	nc       net.Conn
	out      []byte
	waiting  map[uint32]*answer
	greeting string
}

// answer is what waits for room in the windows.
type answer struct {
	data []byte
	own  int // of them, that the peer has not sent
	end  bool
}

// run ends with the connection, for the reason it returns.
func (e *echo) run() Reason {
	defer e.nc.Close()
	buf, room := []byte(nil), make([]byte, 5000)
	prefaced := false
	e.out = e.conn.Start(nil)
	for {
		if _, err := e.nc.Write(e.out); err != nil {
			return 0
		}
		e.out = e.out[:0]
		n, err := e.nc.Read(room)
		if err != nil {
			return 0
		}
		buf = append(buf, room[:n]...)
		if !prefaced {
			n, err := ParsePreface(buf)
			if err != nil {
				return BadPreface
			}
			buf, prefaced = buf[n:], n > 0
		}
		for prefaced {
			n, ev, out := e.conn.Receive(time.Now(), buf, e.out)
			e.out, buf = out, buf[n:]
			if ev.Kind == Ended {
				_, _ = e.nc.Write(e.out) // the peer may have gone before
				return ev.Why
			}
			e.on(&ev)
			if n == 0 {
				break
			}
		}
	}
}

func (e *echo) on(ev *Event) {
	switch ev.Kind {
	case RequestHead:
		enc := e.conn.Encoder()
		block := enc.Status(enc.Begin(nil), 200)
		block = enc.Field(block, []byte("X-Path"), ev.Request.Path.In(ev.Head.Buf), false)
		e.out = e.conn.SendHead(e.out, ev.Stream, block, false)
		e.waiting[ev.Stream] = &answer{data: []byte(e.greeting), own: len(e.greeting), end: ev.End}
	case RequestFault:
		e.out = e.conn.Reset(e.out, ev.Stream, ev.Why.Code())
	case Body:
		a := e.waiting[ev.Stream]
		a.data, a.end = append(a.data, ev.Data...), ev.End
	case Trailing:
		a := e.waiting[ev.Stream]
		a.data, a.end = fmt.Appendf(a.data, "+%d", len(ev.Head.Fields)), true
	case Reset:
		delete(e.waiting, ev.Stream)
	}
	for id, a := range e.waiting {
		n, out := e.conn.SendData(e.out, id, a.data, a.end)
		own := min(n, a.own)
		a.own -= own
		e.out = e.conn.Consumed(out, id, n-own)
		if a.data = a.data[n:]; a.end && len(a.data) == 0 {
			delete(e.waiting, id)
		}
	}
}

// Another implementation's client talks to a Conn over a socket: small and large bodies, many at once, trailers.
func TestInteroperation(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var served sync.WaitGroup
	served.Go(func() {
		nc, err := l.Accept()
		if err != nil {
			return // the client's side says why
		}
		cfg := DefaultConfig()
		cfg.ConnWindow = firstWindow // less than sockets hold, so that the two never wait for each other to read
		e := &echo{conn: NewConn(&cfg), nc: nc, waiting: map[uint32]*answer{}}
		if why := e.run(); why != 0 {
			t.Errorf("the connection ended: %v", why)
		}
	})
	client := &http.Transport{
		Protocols: new(http.Protocols),
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, l.Addr().String())
		},
	}
	client.Protocols.SetUnencryptedHTTP2(true)
	var asked sync.WaitGroup
	for i := range 40 {
		asked.Go(func() { exchange(t, client, i) })
		if i == 0 {
			asked.Wait() // the rest share its connection
		}
	}
	asked.Wait()
	client.CloseIdleConnections()
	served.Wait()
}

// exchange sends a request with a body of i times 10 KB and reads it back.
func exchange(t *testing.T, client *http.Transport, i int) {
	body := bytes.Repeat([]byte{byte('a' + i%26)}, i*10000)
	want := string(body)
	var from io.Reader = bytes.NewReader(body)
	if i%3 == 0 {
		from = io.MultiReader(from) // of unknown length
	}
	req, err := http.NewRequestWithContext(t.Context(), "POST", fmt.Sprintf("http://a.example/%d", i), from)
	if err != nil {
		t.Error(err)
		return
	}
	if i%4 == 0 {
		req.Trailer = http.Header{"X-One": {"1"}, "X-Two": {"2"}}
		want += "+2"
	}
	resp, err := client.RoundTrip(req)
	if err != nil {
		t.Errorf("request %d: %v", i, err)
		return
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || string(got) != want || resp.Header.Get("X-Path") != fmt.Sprintf("/%d", i) {
		t.Errorf("request %d: %d octets, %v, path %q, want %d", i, len(got), err, resp.Header.Get("X-Path"), len(want))
	}
}
