package stdhttp

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"runtime/debug"
	"strings"
	"sync/atomic"
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
	upload   *upload
	sent     atomic.Int64  // bytes of a server's response body, or tunnel
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
	h.silence = time.AfterFunc(time.Hour, func() { cancel(errSilent) })
	h.silence.Stop()
	defer h.silence.Stop()
	h.upload = &upload{hop: h, body: r.Body}
	h.r.Body = h.upload
	_ = h.control.EnableFullDuplex() // HTTP/1 always can: a response may come before the request's end
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
	case v == nil && (kind == 0 || !h.tunnelled()):
		kind = exchange.Finished
	}
	if h.next.Record == nil { // not over yet
		h.tell(kind)
	}
	h.next.Record.BytesIn = h.upload.bytes.Load()
	h.next.Record.BytesOut += h.sent.Load()
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
	h.address(out, a)
	transport := h.engine.fresh
	if out.Body == nil && (out.Method == http.MethodGet || out.Method == http.MethodHead || out.Method == http.MethodOptions) {
		transport = h.engine.pooled
	}
	resp, err := transport.RoundTrip(out)
	h.silence.Stop()
	if dialing := (dialError{}); errors.As(err, &dialing) {
		again()
		kind := exchange.ConnectFailed
		if timeout, ok := dialing.error.(net.Error); ok && timeout.Timeout() {
			kind = exchange.ConnectTimedOut
		}
		h.tell(kind)
		return
	}
	if err != nil {
		h.tell(h.kindOf(err))
		return
	}
	h.step(exchange.Event{Kind: exchange.Head, Status: resp.StatusCode})
	h.resp = resp
	body := &download{hop: h, ReadCloser: resp.Body, limit: a.Backend.Server}
	if h.tunnelled() {
		body.limit = h.frontend.Tunnel
	}
	resp.Body = body
}
