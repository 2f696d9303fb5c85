package stdhttp

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
)

// rewrite implements httputil.ReverseProxy.Rewrite.
func (h *hop) rewrite(p *httputil.ProxyRequest) {
	path, query := h.x.Path(), h.x.Query()
	decoded, _ := url.PathUnescape(path) // every escape of a canonical path is good; RawPath is what is sent
	p.Out.URL = &url.URL{Scheme: "http", Path: decoded, RawPath: path, RawQuery: strings.TrimPrefix(query, "?"), ForceQuery: query == "?"}
	for _, name := range [...]string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if values, ok := p.In.Header[name]; ok { // what becomes of them is not for the reverse proxy to say
			p.Out.Header[name] = values
		}
	}
	p.Out.Header.Del("Http2-Settings")
	if h.x.Upgrade() == "" {
		p.Out.Header.Del("Upgrade")
		p.Out.Header.Del("Connection")
	}
}

// address makes out the request for a's server.
func (h *hop) address(out *http.Request, a exchange.Action) {
	out.URL.Host = a.Server.Key().Address.String()
	client, _ := netip.ParseAddrPort(h.r.RemoteAddr) // that of a TCP connection always is one
	a.Backend.Forwarded.Fields(client.Addr(), h.r.TLS != nil, h.r.Header["X-Forwarded-For"], out.Header.Set)
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
	if !h.tunnelled() && (unread || h.bind.Draining()) {
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
	if reply.Status != http.StatusNoContent && reply.Status != http.StatusNotModified {
		header.Set("Content-Length", strconv.Itoa(len(reply.Body)))
	}
	h.complete(header)
	h.w.WriteHeader(reply.Status)
	if h.r.Method == http.MethodHead {
		return
	}
	n, err := io.WriteString(h.w, reply.Body)
	h.x.Count(0, int64(n))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

// kindOf says which event an error of a request or a response body stands for.
func (h *hop) kindOf(err error) exchange.Kind {
	switch {
	case h.fault.Load() != 0:
		return exchange.Kind(h.fault.Load())
	case context.Cause(h.r.Context()) == errSilent:
		return exchange.ServerSilent
	case h.r.Context().Err() != nil, errors.Is(err, net.ErrClosed):
		return exchange.ClientGone
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return exchange.ServerClosed
	}
	return exchange.ServerGarbage
}

// tunnelled reports whether the server has switched protocols.
func (h *hop) tunnelled() bool {
	return h.resp != nil && h.resp.StatusCode == http.StatusSwitchingProtocols
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
	if !d.tunnelled() {
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
