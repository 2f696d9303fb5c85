package stdhttp

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
)

// errSilent is the cause of a context that the server timeout has ended.
var errSilent = errors.New("server timeout")

// hop is one request on its way to a server and back. It is the RoundTripper of its own reverse proxy.
type hop struct {
	*Server
	frontend *exchange.Frontend
	x        exchange.Exchange
	next     exchange.Action // what the last event led to
	w        http.ResponseWriter
	control  *http.ResponseController
	r        *http.Request
	resp     *http.Response // nil before the response head
	tunnel   bool           // the server has switched protocols
	upload   *upload
	sent     atomic.Int64  // bytes to the client, without heads
	fault    atomic.Uint32 // an exchange.Kind: the first thing that went wrong with a body; 0: nothing
	silence  *time.Timer   // ends the context of r with errSilent
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	defer s.requests.Done()
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	h := &hop{Server: s, frontend: s.bind.Frontend(), w: w, control: http.NewResponseController(w), r: r.WithContext(ctx)}
	h.silence = time.AfterFunc(time.Hour, func() { cancel(errSilent) }) // reset when it is the server's turn
	defer h.silence.Stop()
	h.upload = &upload{hop: h, body: r.Body}
	h.r.Body = h.upload
	defer h.end()
	h.x.Start(time.Now(), h.frontend)
	h.step(exchange.Event{Kind: exchange.Request, Target: exchange.Target{
		Method: r.Method, Host: r.Host, URI: r.RequestURI, TLS: r.TLS != nil, Upgrade: strings.Join(r.Header["Upgrade"], ","),
	}})
	if h.next.Do == exchange.Respond {
		h.respond(h.next.Reply)
		return
	}
	proxy := httputil.ReverseProxy{
		Rewrite: h.rewrite, Transport: h, ModifyResponse: h.modify, ErrorHandler: h.failed,
		FlushInterval: -1, ErrorLog: s.http.ErrorLog,
	}
	proxy.ServeHTTP(w, h.r)
}

// end tells the exchange how it went, and accounts for it. A panic, ours or that of an aborted response, makes net/http
// close the connection.
func (h *hop) end() {
	v, kind := recover(), exchange.Kind(h.fault.Load())
	h.upload.over.Store(true)
	switch {
	case v != nil && v != http.ErrAbortHandler:
		kind = exchange.Broken
		h.engine.log.Error("request ended in a panic", "frontend", h.frontend.Name, "err", v, "stack", string(debug.Stack()))
	case v != nil && kind == 0:
		kind = exchange.ClientGone
	case v == nil && (kind == 0 || !h.tunnel):
		kind = exchange.Finished
	}
	if h.next.Record == nil { // not over yet
		h.tell(kind)
	}
	h.x.Count(h.upload.bytes.Load(), h.sent.Load())
	h.bind.Account(h.next.Record)
	if h.next.Do == exchange.Abort {
		panic(http.ErrAbortHandler)
	}
}

func (h *hop) step(ev exchange.Event)  { h.next = h.x.Step(time.Now(), ev) }
func (h *hop) tell(kind exchange.Kind) { h.step(exchange.Event{Kind: kind}) }

// RoundTrip implements http.RoundTripper: it carries out actions until there is a response, of a server or our own.
func (h *hop) RoundTrip(out *http.Request) (*http.Response, error) {
	out.Trailer = h.r.Trailer // its values come with the end of the body
	for {
		switch h.next.Do {
		case exchange.Connect: // and Send: Transport sends as soon as it has a connection
			h.attempt(out, h.next)
		case exchange.Wait:
			select {
			case <-time.After(h.next.Timeout):
				h.tell(exchange.WaitOver)
			case <-h.r.Context().Done():
				h.tell(exchange.ClientGone)
			}
		case exchange.Forward, exchange.Tunnel:
			return h.resp, nil
		default:
			return nil, http.ErrAbortHandler
		}
	}
}

// attempt asks one server: it connects, sends, and waits for the response head.
func (h *hop) attempt(out *http.Request, a exchange.Action) {
	connected := false
	again := func() { // Transport sends a request again only where the server cannot have seen it
		if connected {
			h.tell(exchange.Stale)
		}
	}
	ctx := context.WithValue(out.Context(), connectTimeout{}, a.Timeout)
	out = out.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		again()
		connected = true
		h.tell(exchange.Connected)
		h.silence.Reset(a.Backend.Server)
	}}))
	h.upload.server = a.Backend.Server
	if out.Body != nil {
		out.Body = h.upload // afresh: an attempt that fails has closed what it was given
	}
	out.URL.Host = a.Server.Key().Address.String()
	client, _ := netip.ParseAddrPort(h.r.RemoteAddr) // that of a TCP connection always is one
	a.Backend.Forwarded.Fields(client.Addr(), h.r.TLS != nil, h.r.Header["X-Forwarded-For"], out.Header.Set)
	transport := h.engine.fresh
	if out.Body == nil && (out.Method == http.MethodGet || out.Method == http.MethodHead || out.Method == http.MethodOptions) {
		transport = h.engine.pooled
	}
	resp, err := transport.RoundTrip(out)
	h.silence.Stop()
	if err != nil {
		kind := h.kindOf(err)
		if kind == exchange.ConnectFailed || kind == exchange.ConnectTimedOut {
			again()
		}
		h.tell(kind)
		return
	}
	h.step(exchange.Event{Kind: exchange.Head, Status: resp.StatusCode})
	h.resp = resp
	body := &download{hop: h, ReadCloser: resp.Body, limit: a.Backend.Server}
	if h.tunnel = h.next.Do == exchange.Tunnel; h.tunnel {
		body.limit = h.frontend.Tunnel
	}
	resp.Body = body
}

// rewrite implements httputil.ReverseProxy.Rewrite.
func (h *hop) rewrite(p *httputil.ProxyRequest) {
	path, query := h.x.Path(), h.x.Query()
	decoded, _ := url.PathUnescape(path) // every escape of a canonical path is good; RawPath is what is sent
	p.Out.URL = &url.URL{Scheme: "http", Path: decoded, RawPath: path, RawQuery: strings.TrimPrefix(query, "?"), ForceQuery: query == "?"}
	for _, name := range [...]string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		p.Out.Header[name] = p.In.Header[name] // what becomes of them is not for the reverse proxy to say
	}
	p.Out.Header.Del("Http2-Settings")
	if h.x.Upgrade() == "" {
		p.Out.Header.Del("Upgrade")
		p.Out.Header.Del("Connection")
	}
}

// modify implements httputil.ReverseProxy.ModifyResponse.
func (h *hop) modify(resp *http.Response) error {
	h.w.Header()["Content-Type"] = nil // else net/http guesses; the server's own joins it
	h.complete(resp.Header)
	return nil
}

// complete adds what every response carries.
func (h *hop) complete(header http.Header) {
	h.frontend.ResponseHeaders(h.r.TLS != nil, header.Set)
	unread := h.r.ContentLength != 0 && !h.upload.ended.Load() // it could not be told from the next request
	if !h.tunnel && (unread || h.bind.Draining()) {
		header.Set("Connection", "close")
	}
	h.extend()
}

// failed implements httputil.ReverseProxy.ErrorHandler.
func (h *hop) failed(_ http.ResponseWriter, _ *http.Request, _ error) {
	if h.next.Do == exchange.Respond {
		h.respond(h.next.Reply)
		return
	}
	h.fault.CompareAndSwap(0, uint32(exchange.ServerGarbage)) // a 101 that is none, unless the exchange is over anyway
	panic(http.ErrAbortHandler)
}

// respond answers in the server's place.
func (h *hop) respond(reply *exchange.Reply) {
	header := h.w.Header()
	header["Content-Type"] = nil // else net/http guesses
	reply.Fields(header.Set)
	h.complete(header)
	h.w.WriteHeader(reply.Status)
	if h.r.Method == http.MethodHead {
		return
	}
	n, _ := io.WriteString(h.w, reply.Body) // a client that is gone does not change the record
	h.sent.Add(int64(n))
}

// kindOf says which event an error of a request or a response body stands for.
func (h *hop) kindOf(err error) exchange.Kind {
	var op *net.OpError
	switch {
	case h.fault.Load() != 0:
		return exchange.Kind(h.fault.Load())
	case context.Cause(h.r.Context()) == errSilent:
		return exchange.ServerSilent
	case h.r.Context().Err() != nil, errors.Is(err, net.ErrClosed):
		return exchange.ClientGone
	case errors.As(err, &op) && op.Op == "dial" && op.Timeout():
		return exchange.ConnectTimedOut
	case errors.As(err, &op) && op.Op == "dial":
		return exchange.ConnectFailed
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return exchange.ServerClosed
	}
	return exchange.ServerGarbage
}

// extend gives the client its time to take the next bytes.
func (h *hop) extend() { _ = h.control.SetWriteDeadline(time.Now().Add(h.frontend.Client)) } // an error shows in the write

// upload is the request body. Closing it does nothing: a further attempt may need it.
type upload struct {
	*hop
	body   io.Reader
	server time.Duration // for the server to take what it is sent
	bytes  atomic.Int64
	ended  atomic.Bool // read to its end
	over   atomic.Bool // the exchange is, and body is net/http's again
}

func (u *upload) Close() error { return nil }

func (u *upload) Read(p []byte) (int, error) {
	if u.over.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	u.silence.Stop() // it is the client's turn
	defer u.silence.Reset(u.server)
	_ = u.control.SetReadDeadline(time.Now().Add(u.frontend.Client)) // an error shows in the read
	u.extend()                                                       // a 100 may go out first
	n, err := u.body.Read(p)
	u.bytes.Add(int64(n))
	switch {
	case err == io.EOF:
		u.ended.Store(true)
		_ = u.control.SetReadDeadline(time.Time{}) // from here on net/http only watches whether the client goes away
	case errors.Is(err, os.ErrDeadlineExceeded):
		u.fault.CompareAndSwap(0, uint32(exchange.ClientSilent))
	case err != nil:
		u.fault.CompareAndSwap(0, uint32(exchange.ClientGone))
	}
	return n, err
}

// download is the response body, or the server's side of a tunnel, which silence in both directions ends.
type download struct {
	*hop
	io.ReadCloser
	limit time.Duration // of silence
}

func (d *download) Read(p []byte) (int, error) {
	d.silence.Reset(d.limit)
	n, err := d.ReadCloser.Read(p)
	if !d.tunnel {
		d.silence.Stop() // it is the client's turn
		d.extend()
	}
	d.sent.Add(int64(n))
	if err != nil && err != io.EOF {
		d.fault.CompareAndSwap(0, uint32(d.kindOf(err)))
	}
	return n, err
}

// Write and CloseWrite are for tunnels alone.
func (d *download) Write(p []byte) (int, error) {
	d.silence.Reset(d.limit)
	n, err := d.ReadCloser.(io.Writer).Write(p)
	d.upload.bytes.Add(int64(n))
	return n, err
}

func (d *download) CloseWrite() error {
	return d.ReadCloser.(interface{ CloseWrite() error }).CloseWrite()
}
