package loadtest

import (
	"cmp"
	"context"
	"crypto/tls"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Flood is a client that wants the balancer's memory or time and no answer. It is many connections, each of which opens
// with some octets, goes on with more, and is opened again when the balancer ends it.
type Flood struct {
	Name string
	// Costly says that each connection costs this side a handshake or many frames: as many as of the others would measure
	// the client.
	Costly bool

	secure bool // to the TLS port
	http2  bool // after a handshake that chose it; else what opens the connection is the handshake, or there is none
	open   func(a *attacker) []byte
	more   func(a *attacker) []byte // nil: nothing more comes
	every  time.Duration            // between two pieces of more
	stops  bool                     // no more comes when the flood is over; else until the connection ends
	life   time.Duration            // after which the client ends a connection itself; 0: it does not
	unread bool                     // what the balancer sends is left in the kernel until it has ended the connection
	ending func(net.Conn) string    // reads to the connection's end and says how it came
}

// Floods is the table of all. A further one is a line here, and what it sends in one of the flood_*.go.
func Floods() []Flood {
	hello := sync.OnceValue(clientHello) // the same for all: making one costs the client more than taking it costs the balancer
	all := []Flood{
		{Name: "silence", ending: endingHTTP1},
		{Name: "slow heads", open: slowHead, more: slowHeadLine, every: 100 * time.Millisecond, ending: endingHTTP1},
		{Name: "slow bodies", open: slowBody, more: nextOctet, every: 100 * time.Millisecond, stops: true, ending: endingHTTP1},
		{Name: "slow readers", open: hugeDownload, unread: true, ending: endingHTTP1},
		{Name: "half a ClientHello", secure: true, open: func(*attacker) []byte { return hello()[:len(hello())/2] }, ending: endingTLS},
		{Name: "half a TLS handshake", secure: true, open: func(*attacker) []byte { return hello() }, ending: endingTLS},
	}
	for _, f := range []Flood{
		{Name: "rapid reset", open: preface, more: rapidResets},
		{Name: "late reset", open: preface, more: lateResets},
		{Name: "CONTINUATION", open: endlessHead, more: continuations},
		{Name: "unfinished head", open: endlessHead},
		{Name: "PING", open: preface, more: pings},
		{Name: "SETTINGS", open: preface, more: settings},
		{Name: "empty DATA", open: openUpload, more: emptyData},
		{Name: "WINDOW_UPDATE", open: preface, more: windowUpdates},
		{Name: "HPACK", open: preface, more: fieldBombs},
	} {
		f.Name = "HTTP/2 " + f.Name
		f.Costly, f.secure, f.http2, f.every, f.ending = true, true, true, 20*time.Millisecond, endingHTTP2
		all = append(all, f)
	}
	return all
}

// StillOpen is the ending of a connection that the balancer has left open.
const StillOpen = "still open"

// FloodResult is what became of a flood's connections.
type FloodResult struct {
	Opened  int
	Failed  int            // attempts to connect, or to do the handshake of those that come with one
	Why     string         // the first of these failed; empty: none did
	Endings map[string]int // of the opened ones: a status, a GOAWAY's reason, "closed", StillOpen
	Longest time.Duration  // the life of the one that lived longest
}

func (r FloodResult) String() string {
	var parts []string
	for _, how := range slices.Sorted(maps.Keys(r.Endings)) {
		parts = append(parts, strconv.Itoa(r.Endings[how])+" "+how)
	}
	return strconv.Itoa(r.Opened) + " connections: " + strings.Join(parts, ", ") + "; the longest lived " + r.Longest.Round(time.Millisecond).String()
}

// reopenAfter is how long a connection that has ended stays away in the mean: what is asked is what the flood costs, not the
// connections. It is drawn, from nothing to twice that, so that connections which have ended together do not come together for ever.
const reopenAfter = 100 * time.Millisecond

// stagger is the distance between the first connections of a flood: what is asked is what they cost while they are there. And where
// each has a server send as much as it can, more of them at once are what the servers take the processors for.
const stagger = 2 * time.Millisecond

// Run floods over so many connections at a time until the context ends, opens no more then, and waits up to grace for the
// balancer to end those that are open. Requests have numbers from the seed, unlike those of other floods.
func (f Flood) Run(ctx context.Context, target Target, connections int, seed uint64, grace time.Duration) FloodResult {
	var (
		mu  sync.Mutex
		all = FloodResult{Endings: map[string]int{}} // guarded by mu
		wg  sync.WaitGroup
	)
	for i := range connections {
		wg.Go(func() {
			a := &attacker{flood: f, target: target, next: seed<<48 | uint64(i)<<32}
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			rest(ctx, time.Duration(i)*stagger)
			for ctx.Err() == nil {
				how, lived, err := a.attack(ctx, grace)
				mu.Lock()
				switch {
				case err == nil:
					all.Opened++
					all.Endings[how]++
					all.Longest = max(all.Longest, lived)
				case !over(ctx): // else it was that which ended the attempt
					all.Failed++
					all.Why = cmp.Or(all.Why, err.Error())
				}
				mu.Unlock()
				rest(ctx, time.Duration(random.Int64N(int64(2*reopenAfter))))
			}
		})
	}
	wg.Wait()
	return all
}

// over reports whether a context has ended. What has the context's deadline may have ended for it a moment before the context does.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

// rest lets time pass, or the context end.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// attacker is one of a flood's connections, and those that follow it.
type attacker struct {
	flood  Flood
	target Target
	next   uint64    // the ID of its next request
	stream uint32    // the next of HTTP/2
	begun  []uint32  // those that are to be reset
	rest   io.Reader // of the body on its way
}

// attack opens a connection and returns how it ended.
func (a *attacker) attack(ctx context.Context, grace time.Duration) (how string, lived time.Duration, err error) {
	c, err := a.dial(ctx)
	if err != nil {
		return "", 0, err
	}
	began := time.Now()
	defer c.Close()
	a.stream, a.begun = 1, nil
	ended := make(chan string, 1) // one value, sent by the reader
	go func() {
		if a.flood.unread {
			awaitEnd(c)
		}
		lived = time.Since(began)
		ended <- a.flood.ending(c)
	}()
	late := make(chan struct{}) // closed when grace is over
	giveUp := sync.OnceFunc(func() {
		close(late)
		_ = c.SetWriteDeadline(time.Now()) // a write may wait for room
	})
	if a.flood.life > 0 {
		defer time.AfterFunc(a.flood.life, giveUp).Stop()
	}
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, giveUp) })
	defer stop()
	if how = a.send(ctx, c, ended, late); how == "" {
		_ = c.Close()
		<-ended
		how = StillOpen
	}
	if !a.flood.unread || how == StillOpen {
		lived = time.Since(began)
	}
	return how, lived, nil
}

// send sends until the connection has ended, and returns how; "" when it does not before it is late.
func (a *attacker) send(ctx context.Context, c net.Conn, ended <-chan string, late <-chan struct{}) string {
	if tcp, ok := c.(*net.TCPConn); ok && a.flood.unread {
		_ = tcp.SetReadBuffer(4 << 10) // the window of such a client; else the kernel would take megabytes for it
	}
	if a.flood.open != nil {
		_, _ = c.Write(a.flood.open(a)) // an error shows as the ending
	}
	var tick <-chan time.Time
	if a.flood.more != nil {
		ticker := time.NewTicker(a.flood.every)
		defer ticker.Stop()
		tick = ticker.C
	}
	over := ctx.Done()
	for {
		select {
		case <-tick:
			_, _ = c.Write(a.flood.more(a)) // as above
		case how := <-ended:
			return how
		case <-over:
			over = nil
			if a.flood.stops {
				tick = nil
			}
		case <-late:
			return ""
		}
	}
}

// dial opens a connection, with a handshake where HTTP/2 needs one.
func (a *attacker) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	address := a.target.Plain
	if a.flood.secure {
		address = a.target.TLS
	}
	c, err := a.target.Dial(ctx, "tcp", address)
	if err != nil || !a.flood.http2 {
		return c, err
	}
	secured := tls.Client(c, &tls.Config{RootCAs: a.target.Roots, ServerName: host, NextProtos: []string{"h2"}})
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return secured, nil
}

// script returns a request that its server sees break off.
func (a *attacker) script(kind string) script {
	a.next++
	return script{Kind: kind, ID: a.next, Up: -1, Frame: byLength, Abort: true}
}
