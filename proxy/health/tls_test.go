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
	"testing"
	"time"
)

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
		{"request", Check{HTTP: &HTTP{}}, at, good, outcome{ok: true, text: "HTTP status 200", code: 200}},
		{"stranger", Check{}, at, &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "example.com"},
			outcome{text: "layer 6 tls: failed to verify certificate: x509: certificate signed by unknown authority"}},
		{"another name", Check{HTTP: &HTTP{}}, at, &tls.Config{RootCAs: trusted, ServerName: "app.internal"},
			outcome{text: "layer 6 tls: failed to verify certificate: x509: certificate is valid for example.com, *.example.com, not app.internal"}},
		{"no TLS", Check{}, plainAt, good, outcome{text: "layer 6 tls: first record does not look like a TLS handshake"}},
		{"silent", Check{}, silent, good, outcome{text: "layer 6 timeout"}},
		{"gone", Check{}, gone, good, outcome{text: "layer 6 connection closed in the handshake"}},
		{"refused", Check{}, refusing(t), good, outcome{text: "layer 4 connection refused"}},
		{"a port of its own", Check{HTTP: &HTTP{Port: plainAt.Port()}}, at, good, outcome{ok: true, text: "HTTP status 200", code: 200}},
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
			if got := newProbe(tt.check, target)(ctx); got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}
