package loadtest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// http2TLS has several streams at a time over one connection, chosen by ALPN.
func http2TLS(w *worker) { w.streams(true, (*session).ask) }

// http2Plain does the same by prior knowledge.
func http2Plain(w *worker) { w.streams(false, (*session).ask) }

// http2Resets has one of four streams leave before its end; the others must not notice.
func http2Resets(w *worker) {
	w.streams(w.chance(50), func(x *session, s script) {
		if s.ID%4 != 0 {
			x.ask(s)
			return
		}
		s.Up, s.Down, s.Abort = -1, 64<<10+s.Down, true
		x.leave(s)
	})
}

// http2ServerResets has the server break off one of four streams; the others must not notice.
func http2ServerResets(w *worker) {
	w.streams(w.chance(50), func(x *session, s script) {
		if s.ID%4 != 0 {
			x.ask(s)
			return
		}
		s.Cut, s.CutAt, s.Down = cutReset, s.Down/2, s.Down+1
		s.Frame = byLength
		began := time.Now()
		err := x.exchange(s)
		x.w.conclude(s, "", began, wantBroken(err, "the server resets its body"))
	})
}

// session is one connection of HTTP/2.
type session struct {
	w      *worker
	client *http.Transport
	base   string // scheme and authority of its URLs
}

// streams plays rounds of concurrent streams over one connection.
func (w *worker) streams(secure bool, play func(*session, script)) {
	var conns closers
	defer conns.closeAll() // a stream that has just been reset keeps a connection from being idle
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := w.Target.Dial(ctx, network, address)
		conns.add(c, err)
		return c, err
	}
	x := &session{w: w, base: "http://" + w.Target.Plain, client: &http.Transport{
		DialContext: dial, DisableCompression: true, Protocols: new(http.Protocols), ExpectContinueTimeout: patience,
		HTTP2: &http.HTTP2Config{StrictMaxConcurrentRequests: true}, // a further connection would not be this scenario
	}}
	if secure {
		x.base = "https://" + w.Target.TLS
		x.client.TLSClientConfig = &tls.Config{RootCAs: w.Target.Roots, ServerName: host}
		x.client.Protocols.SetHTTP2(true)
	} else {
		x.client.Protocols.SetUnencryptedHTTP2(true)
	}
	defer x.client.CloseIdleConnections()
	x.ask(w.script()) // opens the connection
	for range 3 {
		var wg sync.WaitGroup
		for range 2 + w.random.IntN(15) {
			s := w.exchange()
			s.Trailer = w.chance(10)
			wg.Go(func() { play(x, s) })
		}
		wg.Wait()
	}
}

// closers are connections that somebody else uses.
type closers struct {
	mu  sync.Mutex
	all []net.Conn // guarded by mu
}

func (s *closers) add(c net.Conn, err error) {
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, c)
}

func (s *closers) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.all {
		_ = c.Close() // it may be closed
	}
}

func (x *session) ask(s script) {
	began := time.Now()
	x.w.conclude(s, "", began, x.exchange(s))
}

// request makes one of a script. Its method and what it says of its body's length follow from the ID.
func (x *session) request(ctx context.Context, s script) (*http.Request, error) {
	method, content := http.MethodGet, io.Reader(nil)
	if s.Up >= 0 {
		method, content = http.MethodPost, s.up().reader()
	}
	req, err := http.NewRequestWithContext(ctx, method, x.base+s.target(), content)
	if err != nil {
		return nil, err
	}
	req.Host = host
	switch {
	case s.Trailer && s.Up >= 0:
		req.Trailer = http.Header{sumField: {s.sum()}}
	case s.Up > 0 && s.ID%2 == 0:
		req.ContentLength = s.Up
	case s.Up == 0 && s.ID%2 == 0:
		req.Body = http.NoBody
	}
	if s.Trailer {
		req.Header.Set("Te", "trailers")
	}
	return req, nil
}

func (x *session) exchange(s script) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	resp, err := x.roundTrip(ctx, s)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := s.down().verify(resp.Body); err != nil {
		return err
	}
	if got := resp.Trailer.Get(sumField); s.Trailer && s.Frame == byChunks && got != s.sum() {
		return fmt.Errorf("trailer of a response: %s is %q, want %q", sumField, got, s.sum())
	}
	return nil
}

// roundTrip returns a response whose head is right.
func (x *session) roundTrip(ctx context.Context, s script) (*http.Response, error) {
	req, err := x.request(ctx, s)
	if err != nil {
		return nil, err
	}
	resp, err := x.client.RoundTrip(req)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("no response for %v", patience)
	case err != nil:
		return nil, lost{fmt.Errorf("instead of a response: %w", err)}
	}
	if resp.ProtoMajor != 2 {
		err = fmt.Errorf("the response is %s, want HTTP/2", resp.Proto)
	} else {
		err = s.wantHead(resp.StatusCode, resp.Header)
	}
	if err != nil {
		_ = resp.Body.Close() // the error says more
		return nil, err
	}
	return resp, nil
}

// leave reads half of a response and resets the stream.
func (x *session) leave(s script) {
	began := time.Now()
	x.w.conclude(s, "", began, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		resp, err := x.roundTrip(ctx, s)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		half := s.Down / 2
		if _, err := (body{s.down().seed, half}).verify(io.LimitReader(resp.Body, half)); err != nil {
			return err
		}
		return expected("the client resets its stream")
	}())
}
