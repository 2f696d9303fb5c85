package stdhttp

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/proxy/exchange"
)

// Engine connects to servers on behalf of all frontends.
type Engine struct {
	log    hclog.Logger
	pooled *http.Transport // for requests that net/http may send again when an idle connection turns out closed
	fresh  *http.Transport // for all others: a connection each, so that staleness costs no client an error
}

// connectTimeout is the key under which that of a request travels in its context.
type connectTimeout struct{}

// New returns an engine.
func New(log hclog.Logger) *Engine {
	pooled := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			d := net.Dialer{Timeout: ctx.Value(connectTimeout{}).(time.Duration)}
			return d.DialContext(ctx, network, address)
		},
		DisableCompression:     true, // the client negotiates with the server
		MaxIdleConnsPerHost:    256,
		IdleConnTimeout:        30 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 256 << 10, // some servers send large policies and cookies
	}
	fresh := pooled.Clone()
	fresh.DisableKeepAlives = true
	return &Engine{log: log, pooled: pooled, fresh: fresh}
}

// CloseIdle closes the idle connections to servers.
func (e *Engine) CloseIdle() { e.pooled.CloseIdleConnections() }

// Bind is what the connections of one bind have in common.
type Bind struct {
	Frontend    func() *exchange.Frontend // asked for each request
	Draining    func() bool               // whether responses say Connection: close
	Account     func(*exchange.Record)    // called once for each request
	HTTPRequest time.Duration             // for a request head, and for a TLS handshake
	KeepAlive   time.Duration             // between requests
}

// Server serves the connections of one bind, plain or *tls.Conn.
type Server struct {
	engine   *Engine
	bind     Bind
	http     *http.Server
	requests sync.WaitGroup
}

// NewServer returns a server; Serve runs it.
func (e *Engine) NewServer(b Bind) *Server {
	s := &Server{engine: e, bind: b}
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: b.HTTPRequest,
		IdleTimeout:       b.KeepAlive,
		MaxHeaderBytes:    64 << 10, // 431 above
		Protocols:         new(http.Protocols),
		ErrorLog:          e.log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),

		DisableGeneralOptionsHandler: true, // servers answer OPTIONS * too
	}
	s.http.Protocols.SetHTTP1(true)
	return s
}

// Serve serves what l accepts until its Accept fails; connections that it has accepted live on.
func (s *Server) Serve(l net.Listener) { _ = s.http.Serve(l) }

// Drain ends the connections that wait for a further request, and the others after their response.
func (s *Server) Drain() { s.http.SetKeepAlivesEnabled(false) }

// Wait returns when no request is being served.
func (s *Server) Wait() { s.requests.Wait() }
