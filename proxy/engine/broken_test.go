package engine_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/loop/looptest"
)

// breaks is what one side may do in the midst of a talk.
var breaks = []struct {
	name string
	by   side
	do   func(party)
}{
	{"client resets", client, party.Reset},
	{"client closes", client, party.Close},
	{"client ends", client, party.CloseWrite},
	{"server resets", server, party.Reset},
	{"server closes", server, party.Close},
	{"server ends", server, party.CloseWrite},
}

// Whoever leaves at whatever byte, in whatever way: nobody takes a part for the whole, the server hears nothing but what was said,
// each request is accounted for once, and nothing is left.
func TestBreaksAnywhere(t *testing.T) {
	t.Parallel()
	for i := range talks {
		talk := &talks[i]
		t.Run(talk.name, func(t *testing.T) {
			t.Parallel()
			for i, s := range talk.steps {
				if s.does != says {
					continue
				}
				for at := 0; at <= len(s.text); at += stride(len(s.text)) {
					for n, b := range breaks {
						if (n+at)%2 == 0 && len(s.text) > 40 {
							continue // half of them will do
						}
						breakTalk(t, talk, i, at, b.by, b.do)
						if t.Failed() {
							t.Fatalf("%s: %s in step %d after %d octets: %s", talk.name, b.name, i, at, brief(s.text[:at]))
						}
					}
				}
			}
		})
	}
}

// breakTalk plays a talk up to a byte, where one side breaks it.
func breakTalk(t *testing.T, talk *talk, step, at int, by side, how func(party)) {
	w := newWorld(t, site{})
	st := &stage{world: w}
	if talk.warm {
		st.warm()
	}
	st.peers[client] = w.dial()
	for i := range step {
		st.play(i, &talk.steps[i])
	}
	if who := talk.steps[step].who; at > 0 {
		st.peers[who].Say(talk.steps[step].text[:at])
	}
	w.step()
	st.accept()
	if p := st.peers[by]; p != nil {
		how(p)
	}
	w.step()
	st.accept()
	st.judge(talk, by)
	w.ended()
	st.judge(talk, by)
	if most := len(requests(talk)); len(w.records) > most {
		t.Errorf("records %v of %d requests", w.accounts(), most)
	}
}

// The pages of the balancer.
var (
	badRequest  = page(400, "Bad Request", "The request is malformed or ambiguous.")
	tooSlow     = page(408, "Request Timeout", "The request did not arrive in time.")
	badGateway  = page(502, "Bad Gateway", "The server behind this site gave no valid response.")
	unavailable = page(503, "Service Unavailable", "No server can handle the request at the moment.")
	serverSlow  = page(504, "Gateway Timeout", "The server behind this site did not respond in time.")
)

// beforePage is what came before the first page of the balancer, if there is one.
func beforePage(b []byte) (before []byte, found bool) {
	for _, page := range []string{badRequest, tooSlow, badGateway, unavailable, serverSlow} {
		line, _, _ := strings.Cut(page, "\r\n")
		if i := bytes.Index(b, []byte(line)); i >= 0 {
			b, found = b[:i], true
		}
	}
	return b, found
}

// page is an error page of the balancer.
func page(status int, title, sentence string) string {
	body := "<html><body><h1>" + strconv.Itoa(status) + " " + title + "</h1>\n<p>" + sentence + "</p></body></html>\n"
	closing := ""
	if status < 500 || status == 501 || status == 505 {
		closing = "Connection: close\r\n"
	}
	return "HTTP/1.1 " + strconv.Itoa(status) + " " + title + "\r\nContent-Length: " + strconv.Itoa(len(body)) +
		"\r\nContent-Type: text/html\r\nCache-Control: no-cache\r\n" + closing + "\r\n" + body
}

// judge compares what came with a part of what a talk has.
func (st *stage) judge(talk *talk, broken side) {
	st.Helper()
	said := [2]string{}
	for _, s := range talk.steps {
		if s.does == hears {
			said[s.who] += s.text
		}
	}
	p := st.peers[client]
	got, own := beforePage(p.Received())
	heard, want := normal(got), normal([]byte(said[client]))
	if talk.until {
		heard = strings.TrimSuffix(heard, "<end>\r\n")
	}
	if !strings.HasPrefix(want, heard) {
		st.Errorf("the client has heard\n%s\nwhich is no part of\n%s", brief(heard), brief(want))
	}
	if p.Ended() && !p.WasReset() && broken == server && !own {
		if err := whole(talk, got); err != nil {
			st.Errorf("the client's connection ends as if all was well after %s: %v", brief(string(got)), err)
		}
	}
	if p := st.peers[server]; p != nil {
		if got, want := normal(p.Received()[st.from[server]:]), normal([]byte(said[server])); !strings.Contains(want, got) {
			st.Errorf("the server has heard\n%s\nwhich is no part of\n%s", brief(got), brief(want))
		}
	}
}

// requests are those that the client of a talk makes, as net/http reads them.
func requests(talk *talk) (all []*http.Request) {
	var said strings.Builder
	for _, s := range talk.steps {
		if s.who == client && s.does == says {
			said.WriteString(s.text)
		}
	}
	r := bufio.NewReader(strings.NewReader(said.String()))
	for {
		q, err := http.ReadRequest(r)
		if err != nil {
			return all
		}
		_, _ = io.Copy(io.Discard, q.Body) // it may not be there
		if all = append(all, q); q.Header.Get("Upgrade") != "" && strings.HasPrefix(talk.records[0], "101") {
			return all
		}
	}
}

// whole says what is missing of the responses that a client has got.
func whole(talk *talk, got []byte) error {
	asked := requests(talk)
	r := bufio.NewReader(bytes.NewReader(got))
	for n := 0; ; {
		if _, err := r.Peek(1); err != nil {
			return nil
		}
		if n == len(asked) {
			return fmt.Errorf("%d responses to %d requests", n+1, n)
		}
		resp, err := http.ReadResponse(r, asked[n])
		switch {
		case err != nil:
			return err
		case resp.StatusCode == 101:
			return nil
		case resp.StatusCode < 200:
			continue
		}
		n++
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return err
		}
	}
}

// A server that can't be reached is asked again in its time, and then costs a 503.
func TestConnect(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		set     func(w *world)
		after   time.Duration // it is known that there is no connection
		record  string
		retries int
	}{
		{"nobody there", func(w *world) { w.server.Err = syscall.ECONNREFUSED }, 3 * connectTime, "503 SC 0/114", 3},
		{"unreachable", func(w *world) { w.server.Err = syscall.EHOSTUNREACH }, 3 * connectTime, "503 SC 0/114", 3},
		{"silent", func(w *world) { w.server.Silent = true }, 4 * connectTime, "503 sC 0/114", 3},
		{"no descriptors", func(w *world) {
			w.net.Fail(looptest.OpConnect, slices.Repeat([]error{syscall.EMFILE}, 4)...)
		}, 3 * connectTime, "503 SC 0/114", 3},
		{"no descriptors for a while", func(w *world) {
			w.net.Fail(looptest.OpConnect, syscall.EMFILE, syscall.EMFILE)
		}, 2 * connectTime, "", 2},
		{"not watched", func(w *world) {
			w.net.Fail(looptest.OpWatch, nil, syscall.ENOMEM, syscall.ENOMEM, syscall.ENOMEM, syscall.ENOMEM)
		}, 3 * connectTime, "503 SC 0/114", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, site{})
			tt.set(w)
			c := w.net.Dial(here)
			w.step()
			c.Say(get)
			w.advance(tt.after - tick)
			if len(c.Received()) > 0 || w.app.Stats().InFlight > 1 {
				t.Errorf("%v too early: got %s, %d requests in flight", tick, brief(string(c.Received())), w.app.Stats().InFlight)
			}
			w.advance(5 * tick)
			if tt.record == "" {
				if s := w.server.Accept(); s == nil || string(s.Received()) != get {
					t.Error("the server was not asked")
				}
			} else if got := string(c.Received()); got != unavailable {
				t.Errorf("got %s", brief(got))
			}
			w.ended()
			if tt.record != "" {
				w.wantAccounts(tt.record)
			}
			if got := w.records[0].Retries; got != tt.retries {
				t.Errorf("%d retries, want %d", got, tt.retries)
			}
		})
	}
}

// A client that leaves while a server is asked again is not answered any more, and nothing goes on.
func TestClientLeavesWhileConnecting(t *testing.T) {
	t.Parallel()
	for _, silent := range []bool{false, true} {
		w := newWorld(t, site{})
		w.server.Err, w.server.Silent = syscall.ECONNREFUSED, silent
		c := w.net.Dial(here)
		c.Say(get)
		w.advance(connectTime / 2)
		if got := w.app.Stats().InFlight; got != 1 {
			t.Errorf("%d requests hold a slot, want 1", got)
		}
		c.Close()
		w.step()
		w.wantAccounts("0 CC 0/0")
		if open := w.net.Open(); open != 0 {
			t.Errorf("%d descriptors are open", open)
		}
		w.ended()
	}
}

// Where the kernel grants no pipes, or too small ones, large bodies are copied.
func TestNoPipes(t *testing.T) {
	t.Parallel()
	i := slices.IndexFunc(talks, func(t talk) bool { return t.name == "large response" })
	for _, set := range []func(*looptest.Net){
		func(*looptest.Net) {},
		func(n *looptest.Net) { n.Fail(looptest.OpPipe, syscall.EMFILE) },
		func(n *looptest.Net) { n.PipeSize = 4096 },
		func(n *looptest.Net) { n.PipeSize = 64 << 10 },
	} {
		w := newWorld(t, site{})
		set(w.net)
		w.give(&talks[i], nil)
		w.ended()
	}
}

// Clients that can't be accepted for a while wait, and are served then.
func TestAcceptFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, site{loops: 4})
	w.net.Fail(looptest.OpAccept, syscall.EMFILE, syscall.ECONNABORTED, syscall.EMFILE, syscall.ENFILE)
	var clients []*looptest.Peer
	for range 10 {
		c := w.net.Dial(here)
		c.Say("GET /own HTTP/1.1\r\nHost: a\r\n\r\n")
		clients = append(clients, c)
	}
	w.step()
	w.advance(time.Second)
	for i, c := range clients {
		if !strings.HasSuffix(string(c.Received()), "own") {
			t.Errorf("client %d: got %s", i, brief(string(c.Received())))
		}
		c.Close()
	}
	if len(w.accepting) != 3 {
		t.Errorf("told of %v, want 3 errors", w.accepting)
	}
	w.ended()
}
