package proxy_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/tandem-lb/tandem/internal/h2spectest"
	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/proxytest"
)

// Every case of h2spec passes, by prior knowledge and over TLS.
func TestIntegrationH2spec(t *testing.T) {
	pair, _ := proxytest.Bundle(t, "localhost")
	for _, tt := range []struct {
		name string
		bind proxy.Bind
		tls  bool
	}{
		{"plain", proxy.Bind{H2C: true}, false},
		{"TLS", proxy.Bind{TLS: &certs.Config{Certificates: certs.Bundles(pair)}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := backendOf(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // as it comes
				_, _ = io.WriteString(w, "hello")
			})
			tt.bind.Address = c.Frontends[0].Binds[0].Address
			c.Frontends[0].Binds = []proxy.Bind{tt.bind}
			b := run(t, c, proxy.Options{Drain: 1})
			h2spectest.Run(t, b.Snapshot().Frontends[0].Binds[0].Address, tt.tls)
		})
	}
}
