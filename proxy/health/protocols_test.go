package health

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// A server that is spoken HTTP/2 to is probed by it.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/sick":
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "database is away")
		case "/cut":
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case "/endless":
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		case "/hints":
			w.WriteHeader(http.StatusEarlyHints)
		case "/fields":
			w.WriteHeader(len(r.Header["X-Check"]) + len(r.Header["User-Agent"]) + 200)
			_, _ = io.WriteString(w, r.UserAgent())
		default:
			w.Header().Set("X-Asked", r.Method+" "+r.RequestURI+" "+r.Host+" "+r.UserAgent())
			if got := w.Header().Get("X-Asked"); r.Method == "OPTIONS" && got != "OPTIONS /Health%2fx?full=1;y localhost tandem-check" {
				http.Error(w, got, http.StatusBadRequest)
			}
		}
	})
	both := func(p *http.Protocols) { p.SetHTTP2(true); p.SetUnencryptedHTTP2(true) }
	secure, plain := httptest.NewUnstartedServer(handler), httptest.NewUnstartedServer(handler)
	for _, s := range []*httptest.Server{secure, plain} {
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.Config.Protocols = new(http.Protocols)
		both(s.Config.Protocols)
		t.Cleanup(s.Close)
	}
	secure.EnableHTTP2 = true
	secure.StartTLS()
	plain.Start()
	config := &tls.Config{RootCAs: secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com", NextProtos: []string{"h2"}}
	silent := listen(t, func(c net.Conn) { // of protocols
		_ = tls.Server(c, &tls.Config{Certificates: secure.TLS.Certificates}).Handshake() // the client tells
	})
	ssh := listen(t, func(c net.Conn) { _, _ = c.Write([]byte("SSH-2.0-x\r\n")) })
	for _, tt := range []struct {
		name  string
		check Check
		plain bool
		want  outcome
	}{
		{"good", Check{Kind: &HTTP{}}, false, outcome{ok: true, text: "HTTP status 200", code: 200}},
		{"as it is asked for", Check{Kind: &HTTP{Method: "OPTIONS", Path: "/Health%2fx?full=1;y", Host: "localhost"}}, false, outcome{ok: true, text: "HTTP status 200", code: 200}},
		{"sick", Check{Kind: &HTTP{Path: "/sick"}}, false, outcome{text: `HTTP status 503, want 200 to 399: "database is away"`, code: 503}},
		{"fields", Check{Kind: &HTTP{Path: "/fields", Fields: []Field{{"X-Check", "1"}, {"User-Agent", "mine"}}, Status: []Status{{202, 202}}, Body: "mine"}}, false,
			outcome{ok: true, text: "HTTP status 202", code: 202}},
		{"after hints", Check{Kind: &HTTP{Path: "/hints"}}, false, outcome{ok: true, text: "HTTP status 200", code: 200}},
		{"cut", Check{Kind: &HTTP{Path: "/cut"}}, false, outcome{text: "HTTP status 200, body: layer 7 request reset with code 2", code: 200}},
		{"a long body is not read to its end", Check{Kind: &HTTP{Path: "/endless"}}, false, outcome{ok: true, text: "HTTP status 200", code: 200}},
		{"handshake", Check{}, false, outcome{ok: true, text: "layer 6 TLS handshake complete"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for s, config := range map[*httptest.Server]*tls.Config{secure: config, plain: nil} {
				want := tt.want
				if config == nil && tt.check.Kind == nil {
					want.text = "layer 4 connection established"
				}
				target := Target{Backend: "web", Server: "web1", Address: netip.MustParseAddrPort(s.Listener.Addr().String()), TLS: config, HTTP2: true}
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				if got := look(ctx, tt.check, target); got != want {
					t.Errorf("TLS %t: got  %+v\nwant %+v", config != nil, got, want)
				}
			}
		})
	}
	for _, tt := range []struct {
		name   string
		check  Check
		target Target
		want   string
	}{
		{"no HTTP/2", Check{}, Target{Address: silent, TLS: config}, "layer 6 server does not say that it speaks h2"},
		{"no HTTP at all", Check{Kind: &HTTP{}}, Target{Address: ssh}, "layer 7 malformed HTTP/2: "},
	} {
		tt.target.HTTP2 = true
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if got := look(ctx, tt.check, tt.target); got.ok || !strings.HasPrefix(got.text, tt.want) {
			t.Errorf("%s: got %+v, want %s", tt.name, got, tt.want)
		}
	}
}

// A server of a backend with TLS is probed over it, but for a probe with a port of its own.
func TestTLS(t *testing.T) {
	t.Parallel()
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	secure, plain := httptest.NewUnstartedServer(ok), httptest.NewServer(ok)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	t.Cleanup(plain.Close)
	at, plainAt := netip.MustParseAddrPort(secure.Listener.Addr().String()), netip.MustParseAddrPort(plain.Listener.Addr().String())
	silent := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	gone := listen(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1<<16)) })
	trusted := secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	good := &tls.Config{RootCAs: trusted, ServerName: "example.com"}
	for _, tt := range []struct {
		name    string
		check   Check
		address netip.AddrPort
		config  *tls.Config
		want    outcome
	}{
		{"handshake", Check{}, at, good, outcome{ok: true, text: "layer 6 TLS handshake complete"}},
		{"request", Check{Kind: &HTTP{}}, at, good, outcome{ok: true, text: "HTTP status 200", code: 200}},
		{"stranger", Check{}, at, &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "example.com"},
			outcome{text: "layer 6 tls: failed to verify certificate: x509: certificate signed by unknown authority"}},
		{"another name", Check{Kind: &HTTP{}}, at, &tls.Config{RootCAs: trusted, ServerName: "app.internal"},
			outcome{text: "layer 6 tls: failed to verify certificate: x509: certificate is valid for example.com, *.example.com, not app.internal"}},
		{"no TLS", Check{}, plainAt, good, outcome{text: "layer 6 tls: first record does not look like a TLS handshake"}},
		{"silent", Check{}, silent, good, outcome{text: "layer 6 timeout"}},
		{"gone", Check{}, gone, good, outcome{text: "layer 6 connection closed in the handshake"}},
		{"refused", Check{}, refusing(t), good, outcome{text: "layer 4 connection refused"}},
		{"a port of its own", Check{Kind: &HTTP{Port: plainAt.Port()}}, at, good, outcome{ok: true, text: "HTTP status 200", code: 200}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			timeout := 10 * time.Second
			if tt.name == "silent" {
				timeout = 100 * time.Millisecond
			}
			target := Target{Backend: "web", Server: "web1", Address: tt.address, TLS: tt.config}
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			if got := look(ctx, tt.check, target); got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}
