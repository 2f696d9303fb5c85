package engine_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/engine"
	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
	"github.com/tandem-lb/tandem/proxy/secure"
)

// serverTLS returns the TLS configuration of a bind.
func serverTLS(t testing.TB, version uint16) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a.test"}, DNSNames: []string{"a.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"http/1.1"},
		MinVersion: version, MaxVersion: version,
	}
}

// shaking is what a world needs for TLS: the goroutines that do handshakes, on both sides.
type shaking struct {
	clients *secure.Handshaker
	memory  secure.FreeList
	all     []*tlsClient
	end     func()
	cut     int                  // the octet of ciphertext before which clients pause; 0: none
	breaks  func(*looptest.Peer) // what they do then, in place of going on; nil: they go on
}

func (w *world) shake() {
	ctx, cancel := context.WithCancel(context.Background())
	s := &shaking{clients: secure.NewHandshaker(secure.Limits{Workers: 1, Open: 1000})}
	var group sync.WaitGroup
	group.Go(func() { w.engine.RunHandshakes(ctx) })
	group.Go(func() { _ = s.clients.Run(ctx) }) // nil, as for every Run whose context ends
	s.end = func() {
		for _, c := range s.all {
			c.conn.Abort()
			c.conn.Close()
		}
		cancel()
		group.Wait()
	}
	w.shaking = s
	w.Cleanup(cancel)
}

// tlsClient is a client with TLS.
type tlsClient struct {
	w        *world
	peer     *looptest.Peer
	conn     *secure.Conn
	unfed    []byte
	sent     int
	received []byte
	moved    bool // the handshake has something to say
	full     bool // and wants no more before that is heard
	shaken   bool
	broken   bool // by shaking.breaks
	err      error
}

var _ party = (*tlsClient)(nil)

// dialTLS has a client shake hands, and returns when both sides have.
func (w *world) dialTLS(p *looptest.Peer) *tlsClient {
	w.Helper()
	c := &tlsClient{w: w, peer: p}
	c.conn = secure.Client(&tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}, &w.shaking.memory)
	w.shaking.all = append(w.shaking.all, c)
	c.conn.Start(w.shaking.clients, func() { w.loops[0].Post(func(*loop.Loop) { c.moved = true }) })
	if !w.net.Await(func() bool {
		for sent := -1; sent != c.sent; {
			sent = c.sent
			c.turn()
			w.net.Step()
		}
		return (c.shaken || c.err != nil || c.broken) && w.engine.Greetings() == 0
	}) {
		w.Fatal("the handshake does not come to an end")
	}
	if !c.broken && !c.shaken {
		w.Fatalf("handshake: %v", c.err)
	}
	return c
}

// turn receives and sends what it can.
func (c *tlsClient) turn() {
	c.unfed = append(c.unfed, c.peer.Read()...)
	if !c.shaken {
		c.shake()
	}
	if c.shaken {
		c.read()
	}
	c.flush()
}

func (c *tlsClient) shake() {
	if c.moved {
		c.moved, c.full = false, false
		c.shaken, c.err = c.conn.Poll()
		c.shaken = c.shaken && c.err == nil
	}
	if !c.shaken && !c.full && len(c.unfed) > 0 {
		c.full = !c.conn.Feed(c.unfed)
		c.unfed = nil
	}
}

func (c *tlsClient) read() {
	c.conn.Feed(slices.Clone(c.unfed))
	c.unfed = nil
	if c.peer.Ended() {
		c.conn.End()
	}
	b := make([]byte, 32<<10)
	for c.err == nil || c.err == secure.ErrAgain {
		var n int
		n, c.err = c.conn.Read(b)
		c.received = append(c.received, b[:n]...)
		if c.err == secure.ErrAgain {
			break
		}
	}
}

// flush sends ciphertext, with a pause where it is to be cut.
func (c *tlsClient) flush() {
	out := c.conn.Out()
	if len(out) == 0 || c.broken {
		return
	}
	if first := c.w.shaking.cut - c.sent; first > 0 && first < len(out) {
		_, _ = c.peer.Write(out[:first]) // what becomes of it shows
		c.w.step()
		if how := c.w.shaking.breaks; how != nil {
			how(c.peer)
			c.broken = true
			return
		}
		_, _ = c.peer.Write(out[first:])
	} else {
		_, _ = c.peer.Write(out)
	}
	c.sent += len(out)
	c.conn.Sent(len(out))
}

func (c *tlsClient) Say(text string) {
	_, _ = c.conn.Write([]byte(text)) // what becomes of it shows
	c.flush()
}

func (c *tlsClient) Received() []byte {
	c.turn()
	return c.received
}

// Ended reports whether the end has come, in whichever way.
func (c *tlsClient) Ended() bool {
	c.turn()
	return c.err != nil && c.err != secure.ErrAgain || c.peer.Ended()
}

// WasReset reports whether the connection has ended without a word: nobody may take what came for whole.
func (c *tlsClient) WasReset() bool {
	return c.Ended() && c.err != io.EOF
}

func (c *tlsClient) Closed() bool      { return c.peer.Closed() }
func (c *tlsClient) Window(octets int) { c.peer.Window(octets) }
func (c *tlsClient) Reset()            { c.peer.Reset() }

func (c *tlsClient) CloseWrite() {
	_ = c.conn.CloseNotify() // of a handshake that has failed there is none
	c.flush()
	c.peer.CloseWrite()
}

func (c *tlsClient) Close() {
	c.CloseWrite()
	c.peer.Close()
}

var versions = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// overTLS gives all talks over both versions.
func overTLS(t *testing.T, give func(t *testing.T, talk *talk, config *tls.Config)) {
	for name, version := range versions {
		config := serverTLS(t, version)
		for _, list := range [][]talk{talks, faults, sessions} {
			for i := range list {
				t.Run(name+"/"+list[i].name, func(t *testing.T) {
					t.Parallel()
					give(t, &list[i], config)
				})
			}
		}
	}
}

// Over TLS all talks go as they do without.
func TestTalksOverTLS(t *testing.T) {
	t.Parallel()
	overTLS(t, func(t *testing.T, talk *talk, config *tls.Config) {
		w := newWorld(t, site{tls: config})
		w.give(talk, nil)
		w.ended()
	})
}

// Over TLS too the other side hears the same wherever what is said is cut, and whatever the kernel does.
func TestEverySplitOverTLS(t *testing.T) {
	t.Parallel()
	overTLS(t, func(t *testing.T, talk *talk, config *tls.Config) {
		for i, s := range talk.steps {
			if s.does != says {
				continue
			}
			for at := 1; at < len(s.text); at += every + len(s.text)/4 {
				w := newWorld(t, site{tls: config})
				w.give(talk, cutAt(i, at))
				w.end()
				if t.Failed() {
					t.Fatalf("%s: step %d is cut at %d", talk.name, i, at)
				}
			}
		}
		for seed := uint64(1); seed <= 4; seed++ {
			w := newWorld(t, site{tls: config, seed: seed})
			w.net.Split = []int{0, 10, 100, 5000}[seed%4]
			if talk.large && w.net.Split > 0 {
				w.net.Split += 3000
			}
			w.give(talk, nil)
			w.end()
			if t.Failed() {
				t.Fatalf("%s: seed %d", talk.name, seed)
			}
		}
	})
}

// secureTalk is a talk whose ciphertext is cut and broken off at every octet.
var secureTalk = talk{name: "GET and POST", idle: 1, records: []string{"200 -- 0/2", "200 -- 5/2"}, steps: []step{
	client.says(get), server.hears(get), server.says(ok), client.hears(ok),
	client.says(postFive + "hello"), server.hears(postFive + "hello"), server.says(ok), client.hears(ok),
}}

// ciphertext is how much a client sends in secureTalk.
func ciphertext(t *testing.T, config *tls.Config) int {
	t.Helper()
	w := newWorld(t, site{tls: config})
	w.give(&secureTalk, nil)
	n := w.shaking.all[0].sent
	w.end()
	return n
}

// Wherever a record is cut, of the handshake and after it, nothing else comes of that.
func TestCiphertextIsCutAnywhere(t *testing.T) {
	t.Parallel()
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := serverTLS(t, version)
			for at := 1; at < ciphertext(t, config); at += 3 * every {
				w := newWorld(t, site{tls: config})
				w.shaking.cut = at
				w.give(&secureTalk, nil)
				w.ended()
				if t.Failed() {
					t.Fatalf("cut at %d", at)
				}
			}
		})
	}
}

// Whenever a client breaks off, in the handshake and after it, nothing is left of it. What it breaks off within is counted once.
func TestCiphertextBreaksOffAnywhere(t *testing.T) {
	t.Parallel()
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := serverTLS(t, version)
			ways := []func(*looptest.Peer){(*looptest.Peer).Close, (*looptest.Peer).Reset, (*looptest.Peer).CloseWrite}
			for at := 1; at < ciphertext(t, config); at += 7 * every {
				w := newWorld(t, site{tls: config})
				w.shaking.cut, w.shaking.breaks = at, ways[at%len(ways)]
				st := &stage{world: w}
				st.peers[client] = w.dial()
				shaken := !st.peers[client].(*tlsClient).broken
				for i := range secureTalk.steps {
					s := &secureTalk.steps[i]
					if s.does != says {
						continue
					}
					if w.step(); s.who == server {
						st.accept()
					}
					if p := st.peers[s.who]; p != nil {
						p.Say(s.text)
					}
				}
				w.ended()
				if !shaken && (len(w.unshaken) != 1 || len(w.records) != 0) {
					t.Errorf("handshakes that have failed %v, records %v", w.unshaken, w.accounts())
				}
				if shaken && len(w.unshaken) != 0 {
					t.Errorf("handshakes that have failed %v", w.unshaken)
				}
				if t.Failed() {
					t.Fatalf("after %d octets", at)
				}
			}
		})
	}
}

// A client has five seconds for its handshake, however it goes about it, and hears nothing of HTTP before.
func TestHandshakeDeadline(t *testing.T) {
	t.Parallel()
	const handshakeTime = 5 * time.Second
	config := serverTLS(t, tls.VersionTLS13)
	for _, said := range []string{"", "\x16", "\x16\x03\x01\x00\x80\x01\x00\x00\x7c\x03\x03"} {
		w := newWorld(t, site{tls: config})
		c := w.net.Dial(here)
		w.advance(handshakeTime / 2)
		c.Say(said)
		w.advance(handshakeTime/2 - tick)
		if c.Closed() || len(c.Received()) > 0 {
			t.Errorf("after %q: closed %v, heard %q", said, c.Closed(), c.Received())
		}
		w.advance(2 * tick)
		if !c.Closed() || len(c.Received()) > 0 || w.opened != w.closed {
			t.Errorf("after %q: closed %v, heard %q", said, c.Closed(), c.Received())
		}
		if !slices.Equal(w.unshaken, []string{"timeout"}) || len(w.records) != 0 {
			t.Errorf("after %q: handshakes that have failed %v, records %v", said, w.unshaken, w.accounts())
		}
		w.ended()
	}
}

// End and Retire find clients in the midst of their handshake.
func TestEndInHandshake(t *testing.T) {
	t.Parallel()
	config := serverTLS(t, tls.VersionTLS13)
	for _, retire := range []bool{false, true} {
		w := newWorld(t, site{tls: config})
		c := w.net.Dial(here)
		c.Say("\x16\x03\x01")
		w.step()
		all := func(*engine.Bind) bool { return true }
		w.do(func() {
			if retire {
				w.engine.Retire(all)
			} else {
				w.engine.End(all)
			}
		})
		if !c.Closed() || w.engine.Open() != 0 {
			t.Error("it is still there")
		}
		w.ended()
	}
}

// TestLastWordOfTLSIsNotLost: where the socket took the response and had no room for close_notify behind it, the client saw a connection
// that had been cut off.
func TestLastWordOfTLSIsNotLost(t *testing.T) {
	t.Parallel()
	config := serverTLS(t, tls.VersionTLS13)
	for _, say := range []string{getLast, wsQuestion} {
		for room := 0; room < 200; room += every {
			w := newWorld(t, site{tls: config})
			c := w.dial().(*tlsClient)
			c.Say(say)
			w.step()
			s := w.server.Accept()
			c.Window(room)
			if say == wsQuestion {
				s.Say(wsAnswer)
				w.step()
				c.CloseWrite()
				w.step()
				s.CloseWrite()
			} else {
				s.Say(ok)
			}
			w.step()
			c.Window(-1)
			w.step()
			if !c.Ended() || c.WasReset() {
				t.Fatalf("room for %d octets: the connection has ended %v, without a word %v", room, c.Ended(), c.WasReset())
			}
			w.ended()
		}
	}
}

// However many requests a client sends while a server works on its first, no more than one read of them is held: the world looks at that
// after each step. They are answered in their turn.
func TestPipelinedRequestsAreNotHeld(t *testing.T) {
	t.Parallel()
	const requests = 12_000
	for _, config := range []*tls.Config{nil, serverTLS(t, tls.VersionTLS13)} {
		w := newWorld(t, site{tls: config})
		c := w.dial()
		c.Say(get)
		w.step()
		for range 10 {
			c.Say(strings.Repeat(own, requests/10))
			w.step()
		}
		w.server.Accept().Say(ok)
		w.step()
		if got, want := len(c.Received()), len(ok)+requests*len(ownAnswer); got != want {
			t.Errorf("the client has heard %d octets, want %d", got, want)
		}
		c.Close()
		w.ended()
	}
}
