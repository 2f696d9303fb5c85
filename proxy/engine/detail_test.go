package engine

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
)

// told is what a Log was told of a request, in one line.
func told(r *exchange.Record) string {
	d := r.Details
	return fmt.Sprintf("%s %s %s %s [%s|%s|%s] [%s] in %d+%d out %d+%d status %d unheard %t server %v others %d %d",
		d.Method, d.Target, d.Protocol, d.Authority, d.Request.At(0), d.Request.At(1), d.Request.At(2), d.Response.At(0),
		d.RequestHead, r.BytesIn, d.ResponseHead, r.BytesOut, r.Status, d.Unheard, d.Server, d.BackendRequests, d.ServerRequests)
}

// logged is a memory whose frontend has a Log, and the lines of what it is told.
func logged(t testing.TB) (*memory, *[]string) {
	m, lines := newMemory(t, 0), &[]string{}
	m.frontend.Log = &exchange.Log{
		Request:  []exchange.Capture{{Name: "x-one", Length: 4}, {Name: "Absent", Length: 4}, {Name: "host", Length: 100}},
		Response: []exchange.Capture{{Name: "server", Length: 100}}, Unheard: true,
	}
	m.bind.Account = func(r *exchange.Record) { *lines = append(*lines, told(r)) }
	return m, lines
}

func TestDetails(t *testing.T) {
	t.Parallel()
	const get, post, own = "GET /a?b HTTP/1.1\r\nHost: h\r\nX-One: first\r\nx-ONE: second\r\n\r\n", "POST /p HTTP/1.0\r\nHost: h\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n", "GET /own HTTP/1.1\r\nHost: h\r\n\r\n"
	for _, c := range []struct {
		name, send string
		end        bool // the client ends the connection
		want       []string
	}{
		{"captures are the last, cut", get, false, []string{"GET /a?b HTTP/1.1 h [seco||h] [app1] in 59+0 out 62+0 status 200 unheard false server 192.0.2.80:80 others 0 0"}},
		{"a body", post + "abc", false, []string{"POST /p HTTP/1.0 h [||h] [app1] in 72+3 out 89+3 status 200 unheard false server 192.0.2.80:80 others 0 0"}},
		{"one after the other", get + own + get, false, []string{
			"GET /a?b HTTP/1.1 h [seco||h] [app1] in 59+0 out 62+0 status 200 unheard false server 192.0.2.80:80 others 0 0",
			"GET /own HTTP/1.1 h [||h] [] in 30+0 out 38+3 status 200 unheard false server invalid AddrPort others 0 0",
			"GET /a?b HTTP/1.1 h [seco||h] [app1] in 59+0 out 62+0 status 200 unheard false server 192.0.2.80:80 others 0 0",
		}},
		{"no request", "GET / HTTP/1.9\r\n\r\n", false, []string{"    [||] [] in 0+0 out 133+117 status 505 unheard false server invalid AddrPort others 0 0"}},
		{"a part of one", "GET", true, []string{"    [||] [] in 0+0 out 0+0 status 0 unheard false server invalid AddrPort others 0 0"}},
		{"nothing", "", true, []string{"    [||] [] in 0+0 out 0+0 status 0 unheard true server invalid AddrPort others 0 0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, lines := logged(t)
			sent, note := int64(0), m.bind.Account
			m.bind.Account = func(r *exchange.Record) {
				sent += r.Details.ResponseHead + r.BytesOut
				note(r)
			}
			client := m.net.Dial(bindAddress)
			m.step()
			if c.send != "" {
				client.Say(c.send)
			}
			for range 4 { // a server's answer, and the request behind it
				m.step()
			}
			if c.end {
				client.Close()
			}
			m.step()
			if fmt.Sprintf("%q", *lines) != fmt.Sprintf("%q", c.want) {
				t.Errorf("\n got %q\nwant %q", *lines, c.want)
			}
			if got := int64(len(client.Received())); got != sent {
				t.Errorf("the client got %d octets, the log was told of %d", got, sent)
			}
			m.end()
		})
	}
}

// A client that says nothing until its time is over is told so, and the log that it has said nothing.
func TestDetailsOfSilence(t *testing.T) {
	t.Parallel()
	m, lines := logged(t)
	m.net.Dial(bindAddress)
	m.step()
	m.net.Advance(m.frontend.HTTPRequest * 2)
	m.step()
	if want := "    [||] [] in 0+0 out 121+98 status 408 unheard true server invalid AddrPort others 0 0"; len(*lines) != 1 || (*lines)[0] != want {
		t.Errorf("got %q, want %q", *lines, want)
	}
	m.end()
}

// Where nothing that concerns silent clients is logged, they leave no account when they go.
func TestSilentClientsLeaveNoAccount(t *testing.T) {
	t.Parallel()
	for _, log := range []*exchange.Log{nil, {}} {
		m, lines := logged(t)
		m.frontend.Log = log
		client := m.net.Dial(bindAddress)
		m.step()
		client.Close()
		m.step()
		if len(*lines) != 0 {
			t.Errorf("got %q, want nothing", *lines)
		}
		m.end()
	}
}

// Others' requests are counted when one ends, its own not.
func TestDetailsCountOthers(t *testing.T) {
	t.Parallel()
	m, lines := logged(t)
	m.frontend.Default.Active = &atomic.Int64{}
	var held []*origin
	m.answer = func(o *origin, r *http1.Request, head, body []byte) {
		if bytes.HasPrefix(head, []byte("GET /wait ")) {
			held = append(held, o)
			return
		}
		echo(o, r, head, body)
	}
	for _, path := range []string{"/wait", "/wait", "/go"} {
		m.net.Dial(bindAddress).Say("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n")
		m.step()
		m.step()
	}
	for _, o := range held {
		echo(o, &o.request, nil, nil)
		m.step()
	}
	if len(*lines) != 3 {
		t.Fatalf("got %q, want three", *lines)
	}
	for i, want := range []string{"GET /go others 2 2", "GET /wait others 1 1", "GET /wait others 0 0"} {
		first, rest, _ := strings.Cut(want, " others")
		if got := (*lines)[i]; !strings.HasPrefix(got, first+" ") || !strings.HasSuffix(got, "others"+rest) {
			t.Errorf("line %d: got %q, want %q", i, got, want)
		}
	}
	if n := m.frontend.Default.Active.Load(); n != 0 {
		t.Errorf("%d requests are left in the count", n)
	}
	m.end()
}
