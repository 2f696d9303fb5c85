package looptest_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
)

// relay asks a server for what its client says, and hangs up when that takes too long. It is both ends' Handler.
type relay struct {
	client, server loop.Ref
	unsent         []byte // to the server, until it can be sent
}

func (h *relay) Ready(l *loop.Loop, s loop.Ref) {
	if h.client == (loop.Ref{}) {
		h.client = s
		h.server, _ = l.Connect(netip.MustParseAddrPort("192.0.2.80:80"), h) // a test would look at the error
		l.SetDeadline(h.server, time.Second)
	}
	if n, st := l.Recv(h.client, l.Scratch()); st == loop.Done {
		h.unsent = append(h.unsent, l.Scratch()[:n]...)
	}
	if pending, err := l.Connected(h.server); pending || err != nil {
		return
	}
	n, _ := l.Send(h.server, h.unsent)
	h.unsent = h.unsent[n:]
	if n, st := l.Recv(h.server, l.Scratch()); st == loop.Done {
		l.Send(h.client, l.Scratch()[:n])
		l.SetDeadline(h.server, -1)
	}
}

func (h *relay) Expired(l *loop.Loop, s loop.Ref) {
	l.Close(h.server, false)
	l.Close(h.client, false)
}

func Example() {
	n := looptest.New(0)
	l := n.Loop()
	address := netip.MustParseAddrPort("192.0.2.2:80")
	_ = l.Listen(n.Listen(address), func(l *loop.Loop, c loop.Client) { l.Adopt(c, &relay{}) }, func(err error) { fmt.Println(err) })
	server := n.Serve(netip.MustParseAddrPort("192.0.2.80:80"))

	client := n.Dial(address)
	client.Say("ques")
	n.Step()
	asked := server.Accept()
	client.Say("tion")
	n.Step()
	fmt.Printf("the server reads %q\n", asked.Read())
	asked.Say("answer")
	n.Step()
	fmt.Printf("the client reads %q\n", client.Read())

	late := n.Dial(address)
	n.Advance(1100 * time.Millisecond)
	fmt.Println("who gets no answer is closed:", late.Closed(), "the other one:", client.Closed())
	fmt.Println("descriptors left:", n.End())
	// Output:
	// the server reads "question"
	// the client reads "answer"
	// who gets no answer is closed: true the other one: false
	// descriptors left: 0
}
