package http2

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/tandem-lb/tandem/proxy/http1"
)

// joined is a client's side and a server's with the octets between them, and an owner for each: requests whose bodies come back.
type joined struct {
	t        rapid.TB
	c        *ClientConn
	s        *Conn
	toServer []byte // on their way
	toClient []byte
	atServer []byte // arrived, and not taken yet
	atClient []byte
	calls    []*call
	slow     bool              // nobody reads bodies: nothing is consumed
	unread   [2]map[uint32]int // the octets of bodies that were not consumed, of the client's side and of the server's
	sLast    uint32
	cLast    uint32
}

// call is a request, the client's owner of a stream.
type call struct {
	method   http1.Method
	left     []byte // of the body to send
	trailers bool
	want     string

	got  []byte
	ends string // how it ended; empty: it has not
}

// reply is what the server's owner hangs on a stream.
type reply struct {
	left     []byte
	end      bool // left is all there will be
	trailers bool
}

func join(t rapid.TB, change func(client, server *Config)) *joined {
	client, server := DefaultConfig(), DefaultConfig()
	if change != nil {
		change(&client, &server)
	}
	j := &joined{t: t, c: NewClientConn(&client), s: NewConn(&server)}
	j.unread = [2]map[uint32]int{{}, {}}
	start := j.c.Start(nil)
	n, err := ParsePreface(start)
	if n == 0 || err != nil {
		t.Fatal(n, err)
	}
	j.toServer, j.toClient = start[n:], j.s.Start(nil)
	return j
}

// open makes a request; nil where none may be made now.
func (j *joined) open(m http1.Method, body []byte, trailers bool) *call {
	e := j.c.Encoder()
	name := map[http1.Method]string{http1.GET: "GET", http1.HEAD: "HEAD", http1.POST: "POST"}[m]
	block := e.Request(e.Begin(nil), &Target{Method: []byte(name), Authority: []byte("a.example"), Path: []byte("/")})
	if j.c.Openable() == 0 {
		return nil
	}
	whole := len(body) == 0 && !trailers
	id, out, err := j.c.Open(j.toServer, block, m, whole)
	if err != nil {
		j.t.Fatal(err)
	}
	j.toServer = out
	a := &call{method: m, left: body, trailers: trailers, want: string(body)}
	if m == http1.HEAD {
		a.want = ""
	}
	j.c.SetOwner(id, a)
	j.calls = append(j.calls, a)
	if !whole {
		j.feed(id, a)
	}
	return a
}

// feed sends what there is room for of a request.
func (j *joined) feed(id uint32, a *call) {
	n, out := j.c.SendData(j.toServer, id, a.left, !a.trailers)
	if a.left = a.left[n:]; len(a.left) == 0 && a.trailers {
		e := j.c.Encoder()
		out = j.c.SendTrailers(out, id, e.Field(e.Begin(nil), []byte("X-Sum"), []byte("1"), false))
	}
	j.toServer = out
}

// answer sends what there is room for of a response, one frame, without copying it together first.
func (j *joined) answer(id uint32, r *reply) {
	for {
		end := r.end && !r.trailers
		n, out := j.s.BeginData(j.toClient, id, len(r.left), end)
		j.toClient = append(out, r.left[:n]...)
		r.left = r.left[n:]
		j.unread[1][id] += n
		j.read()
		if n == 0 || len(r.left) == 0 {
			break
		}
	}
	if r.end && r.trailers && len(r.left) == 0 {
		e := j.s.Encoder()
		j.toClient = j.s.SendTrailers(j.toClient, id, e.Field(e.Begin(nil), []byte("X-Sum"), []byte("1"), false))
	}
}

// move lets up to n octets arrive on each side, and reports whether there were any.
func (j *joined) move(n int) bool {
	atServer, atClient := min(n, len(j.toServer)), min(n, len(j.toClient))
	j.atServer, j.toServer = append(j.atServer, j.toServer[:atServer]...), j.toServer[atServer:]
	j.atClient, j.toClient = append(j.atClient, j.toClient[:atClient]...), j.toClient[atClient:]
	for {
		n, ev, out := j.s.Receive(start, j.atServer, j.toClient)
		j.atServer, j.toClient = j.atServer[n:], out
		if n == 0 && ev.Kind == Nothing {
			break
		}
		j.serve(&ev)
	}
	for {
		n, ev, out := j.c.Receive(start, j.atClient, j.toServer)
		j.atClient, j.toServer = j.atClient[n:], out
		if n == 0 && ev.Kind == Nothing {
			break
		}
		j.take(&ev)
	}
	return atServer+atClient > 0
}

// serve is the server's owner.
func (j *joined) serve(ev *Event) {
	r, _ := ev.Owner.(*reply)
	switch ev.Kind {
	case RequestHead:
		e := j.s.Encoder()
		j.toClient = j.s.SendInterim(j.toClient, ev.Stream, e.Status(e.Begin(nil), 103))
		j.toClient = j.s.SendHead(j.toClient, ev.Stream, e.Status(e.Begin(nil), 200), ev.End)
		j.s.SetOwner(ev.Stream, &reply{end: ev.End})
	case Body:
		r.left, r.end = append(r.left, ev.Data...), ev.End
		j.answer(ev.Stream, r)
	case Trailing:
		r.end, r.trailers = true, true
		j.answer(ev.Stream, r)
	case Window:
		for id, owner := j.s.Ready(j.sLast); id != 0; id, owner = j.s.Ready(j.sLast) {
			j.sLast = id
			j.answer(id, owner.(*reply))
		}
	case Reset:
		j.toClient = j.s.Consumed(j.toClient, ev.Stream, len(r.left))
	case Ended, RequestFault:
		j.t.Fatalf("the server's side: %d, %v", ev.Kind, ev.Why)
	}
}

// take is the client's owner.
func (j *joined) take(ev *Event) {
	a, _ := ev.Owner.(*call)
	switch ev.Kind {
	case ResponseHead:
		a.ends = ""
	case Body:
		a.got = append(a.got, ev.Data...)
		j.unread[0][ev.Stream] += len(ev.Data)
		j.read()
	case Trailing:
		a.got = fmt.Appendf(a.got, "+%d", len(ev.Head.Fields))
	case Reset:
		a.ends = "reset"
		if ev.Unprocessed {
			a.ends = "unprocessed"
		}
		return
	case Window:
		for id, owner := j.c.Ready(j.cLast); id != 0; id, owner = j.c.Ready(j.cLast) {
			j.cLast = id
			j.feed(id, owner.(*call))
		}
	case Ended:
		j.t.Fatalf("the client's side ended: %v", ev.Why)
	}
	if ev.End {
		a.ends = "whole"
	}
}

// read gives back what has come, unless nobody reads.
func (j *joined) read() {
	if j.slow {
		return
	}
	for id, n := range j.unread[0] {
		j.toServer = j.c.Consumed(j.toServer, id, n)
	}
	for id, n := range j.unread[1] {
		j.toClient = j.s.Consumed(j.toClient, id, n)
	}
	clear(j.unread[0])
	clear(j.unread[1])
}

// hurry has both owners read again.
func (j *joined) hurry() {
	j.slow = false
	j.read()
	for id, r := range j.s.All() {
		j.answer(id, r.(*reply))
	}
}

// settle moves all there is, n octets at a time, and checks that the sides agree on what is left.
func (j *joined) settle(n int) {
	j.t.Helper()
	for j.move(n) {
	}
	for _, a := range j.calls {
		want := a.want
		if a.trailers && a.ends == "whole" {
			want += "+1"
		}
		if a.ends == "" || a.ends == "whole" && string(a.got) != want {
			j.t.Fatalf("ended %q with %d octets, want %d", a.ends, len(a.got), len(want))
		}
	}
	if j.c.Streams() != 0 || j.s.Streams() != 0 || j.c.streams.waiting != 0 || j.s.streams.waiting != 0 {
		j.t.Fatalf("%d and %d streams are open", j.c.Streams(), j.s.Streams())
	}
	j.agree(&j.c.endpoint, &j.s.endpoint)
	j.agree(&j.s.endpoint, &j.c.endpoint)
}

// agree checks the window for data from one side to the other, with nothing on its way.
func (j *joined) agree(from, to *endpoint) {
	j.t.Helper()
	if in := to.inbound; from.room != in.window || in.window+in.owed != in.size {
		j.t.Fatalf("one side may send %d, the other allows %d, owes %d, of %d", from.room, in.window, in.owed, in.size)
	}
}

// A client's side and a server's talk to each other whatever the pieces in which their octets arrive.
func TestJoinedAtEverySplit(t *testing.T) {
	for n := 1; n < 500; n++ {
		j := join(t, nil)
		j.open(http1.GET, nil, false)
		j.open(http1.POST, []byte("abc"), false)
		j.open(http1.POST, []byte("defghi"), true)
		j.open(http1.HEAD, nil, false)
		j.open(http1.POST, nil, true)
		j.settle(n)
	}
}

// A hundred bodies at once, of which each is larger than its window and all of them are than the connection's.
func TestJoinedHundredStreams(t *testing.T) {
	for _, n := range []int{1000, 16384, 1 << 20} {
		j := join(t, func(c, s *Config) { c.ConnWindow, s.ConnWindow = firstWindow, firstWindow })
		for j.move(n) { // until the server's SETTINGS are known
		}
		for i := range 100 {
			if j.open(http1.POST, bytes.Repeat([]byte{byte(i)}, 70000+i), i%3 == 0) == nil {
				t.Fatalf("no stream for request %d", i)
			}
		}
		if j.open(http1.GET, nil, false) != nil {
			t.Fatal("more streams than the server takes")
		}
		j.settle(n)
	}
}

// Where nobody reads nothing moves, and nothing is lost once somebody does.
func TestJoinedStalls(t *testing.T) {
	j := join(t, nil)
	j.slow = true
	a := j.open(http1.POST, make([]byte, 1<<20), false)
	for j.move(4096) {
	}
	if sent := 1<<20 - len(a.left); sent != firstWindow || len(a.got) != firstWindow {
		t.Errorf("%d octets were sent, %d have come back, want those of a window", sent, len(a.got))
	}
	j.hurry()
	j.settle(4096)
}

// Requests that a server leaves out may be made again; those that it has taken up are answered.
func TestJoinedDrain(t *testing.T) {
	j := join(t, nil)
	for j.move(100) {
	}
	first := j.open(http1.POST, []byte("abc"), true)
	for j.move(100) {
	}
	j.toClient = j.s.Leave(j.toClient)
	second := j.open(http1.POST, []byte("def"), true) // crosses the GOAWAY
	j.settle(7)
	if first.ends != "whole" || second.ends != "unprocessed" {
		t.Errorf("got %q and %q", first.ends, second.ends)
	}
	if !j.s.Drained() || !j.c.Drained() {
		t.Error("not drained")
	}
}

// Whatever is asked, in whatever pieces it goes over the wire, whoever resets: both sides stay in step.
func TestJoinedAtRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := join(t, func(c, s *Config) {
			c.ConnWindow = rapid.IntRange(firstWindow, 1<<18).Draw(t, "client's window")
			s.ConnWindow = rapid.IntRange(firstWindow, 1<<18).Draw(t, "server's window")
			s.Streams = rapid.IntRange(1, 20).Draw(t, "streams")
			s.Floods.Resets = 1 << 20
		})
		moves := []string{"ask", "move", "slow", "hurry", "client resets", "server resets", "drain", "probe"}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.SampledFrom(moves).Draw(t, "step") {
			case "ask":
				body := bytes.Repeat([]byte("x"), rapid.IntRange(0, 100000).Draw(t, "body"))
				method := http1.POST
				if len(body)%5 == 0 {
					method, body = rapid.SampledFrom([]http1.Method{http1.GET, http1.HEAD}).Draw(t, "method"), nil
				}
				j.open(method, body, method == http1.POST && rapid.Bool().Draw(t, "trailers"))
			case "move":
				j.move(rapid.IntRange(1, 70000).Draw(t, "octets"))
			case "slow":
				j.slow = true
			case "hurry":
				j.hurry()
			case "client resets":
				j.abort()
			case "server resets":
				for id, r := range j.s.All() {
					j.toClient = j.s.Reset(j.s.Consumed(j.toClient, id, len(r.(*reply).left)), id, InternalError)
					break
				}
			case "drain":
				if rapid.IntRange(0, 9).Draw(t, "really") == 0 {
					j.toClient = j.s.Drain(j.toClient)
				}
			case "probe":
				j.toServer = j.c.Probe(j.toServer)
			}
		}
		for j.slow || j.move(1<<20) {
			j.hurry()
		}
		j.settle(1 << 20)
	})
}

// abort resets the client's lowest stream.
func (j *joined) abort() {
	for id, owner := range j.c.All() {
		a := owner.(*call)
		a.ends = "aborted"
		j.toServer = j.c.Reset(j.toServer, id, Cancel)
		return
	}
}
