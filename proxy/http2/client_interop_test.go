package http2

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/http1"
)

// asker drives a ClientConn on a socket. Its owner's values are of type *asked.
type asker struct {
	t    *testing.T
	conn *ClientConn
	nc   net.Conn
	out  []byte
}

// asked is a request, and what came back.
type asked struct {
	method   http1.Method
	name     string
	path     string
	left     []byte // of the body
	trailers bool

	status   int
	interims []int
	got      []byte
	fields   string // trailers
	ended    bool
}

func (a *asker) ask(q *asked) {
	e := a.conn.Encoder()
	block := e.Request(e.Begin(nil), &Target{Method: []byte(q.name), Authority: []byte("a.example"), Path: []byte(q.path)})
	block = e.Field(block, []byte("TE"), []byte("trailers"), false)
	if q.trailers {
		block = e.Field(block, []byte("Trailer"), []byte("X-Sum"), false) // that server knows of no others
	} else if len(q.left) > 0 {
		block = e.Length(block, int64(len(q.left)))
	}
	whole := len(q.left) == 0 && !q.trailers
	id, out, err := a.conn.Open(a.out, block, q.method, whole)
	if err != nil {
		a.t.Fatal(err)
	}
	a.out = out
	a.conn.SetOwner(id, q)
	if !whole {
		a.feed(id, q)
	}
}

func (a *asker) feed(id uint32, q *asked) {
	n, out := a.conn.SendData(a.out, id, q.left, !q.trailers)
	if q.left = q.left[n:]; len(q.left) == 0 && q.trailers {
		e := a.conn.Encoder()
		out = a.conn.SendTrailers(out, id, e.Field(e.Begin(nil), []byte("X-Sum"), []byte("1"), false))
	}
	a.out = out
}

// until talks to the server until done says so.
func (a *asker) until(done func() bool) {
	buf, room := []byte(nil), make([]byte, 5000)
	for !done() {
		if _, err := a.nc.Write(a.out); err != nil {
			a.t.Fatal(err)
		}
		a.out = a.out[:0]
		n, err := a.nc.Read(room)
		if err != nil {
			a.t.Fatal(err)
		}
		buf = append(buf, room[:n]...)
		for {
			n, ev, out := a.conn.Receive(time.Now(), buf, a.out)
			a.out, buf = out, buf[n:]
			if n == 0 && ev.Kind == Nothing {
				break
			}
			a.on(&ev)
		}
	}
}

func (a *asker) on(ev *Event) {
	q, _ := ev.Owner.(*asked)
	switch ev.Kind {
	case Interim:
		q.interims = append(q.interims, ev.Response.Status)
	case ResponseHead:
		q.status = ev.Response.Status
	case Body:
		q.got = append(q.got, ev.Data...)
		a.out = a.conn.Consumed(a.out, ev.Stream, len(ev.Data))
	case Trailing:
		q.fields = string(http1.AppendFields(nil, ev.Head.Buf, ev.Head.Fields, nil))
	case Window:
		last := uint32(0)
		for id, owner := a.conn.Ready(last); id != 0; id, owner = a.conn.Ready(last) {
			last = id
			a.feed(id, owner.(*asked))
		}
	case Reset, Ended:
		a.t.Fatalf("stream %d: kind %d, code %d, %v", ev.Stream, ev.Kind, ev.Code, ev.Why)
	}
	if ev.End {
		q.ended = true
	}
}

// newAsker connects to a server of another implementation, with handler behind it.
func newAsker(t *testing.T, handler http.HandlerFunc) *asker {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	nc, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	cfg := DefaultConfig()
	cfg.ConnWindow = firstWindow // less than sockets hold, so that the two never wait for each other to read
	a := &asker{t: t, conn: NewClientConn(&cfg), nc: nc}
	a.out = a.conn.Start(nil)
	return a
}

// A ClientConn talks to another implementation's server: a hundred requests at once, bodies above every window, trailers in both
// directions, interim responses, responses without a body.
func TestClientInteroperation(t *testing.T) {
	a := newAsker(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/304":
			w.WriteHeader(304)
			return
		case r.URL.Path == "/hints":
			w.WriteHeader(103)
		case r.Method == "POST":
			w.Header().Set("Trailer", "X-Got")
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(body) // the client says what is missing
		w.Header().Set("X-Got", fmt.Sprint(len(r.Trailer)))
	})
	var all []*asked
	for i := range 100 {
		q := &asked{method: http1.GET, name: "GET", path: []string{"/", "/304", "/hints"}[i%3]}
		if i%2 == 0 {
			q = &asked{method: http1.POST, name: "POST", path: "/", left: bytes.Repeat([]byte{byte('a' + i%26)}, i*3000+1), trailers: i%4 == 0}
		} else if i%5 == 0 {
			q.method, q.name = http1.HEAD, "HEAD"
		}
		all = append(all, q)
	}
	want := make([]string, len(all))
	for i, q := range all {
		want[i] = string(q.left)
		a.ask(q)
	}
	a.until(func() bool { return a.conn.Streams() == 0 })
	for i, q := range all {
		status, fields := 200, ""
		if q.path == "/304" {
			status = 304
		}
		if q.method == http1.POST {
			fields = "x-got: 0\r\n"
			if q.trailers {
				fields = "x-got: 1\r\n"
			}
		}
		if !q.ended || q.status != status || string(q.got) != want[i] || q.fields != fields || (len(q.interims) > 0) != (q.path == "/hints") {
			t.Errorf("request %d, %s %s: status %d, %d octets, trailers %q, interim %v; want %d octets, trailers %q",
				i, q.name, q.path, q.status, len(q.got), q.fields, q.interims, len(want[i]), fields)
		}
	}
}

// A server that goes away by GOAWAY answers what it has taken up.
func TestClientSeesGoAway(t *testing.T) {
	a := newAsker(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close") // that is how a handler has the connection end
		_, _ = io.Copy(w, strings.NewReader("bye"))
	})
	q := &asked{method: http1.GET, name: "GET", path: "/"}
	a.ask(q)
	a.until(func() bool { return q.ended && a.conn.Closing() })
	if !q.ended || string(q.got) != "bye" || !a.conn.Drained() {
		t.Errorf("got %q, ended %v, drained %v", q.got, q.ended, a.conn.Drained())
	}
}
