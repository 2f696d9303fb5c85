package load

import (
	"bytes"
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/internal/bench/poll"
)

// newServer starts net/http's server with TLS: another implementation of everything that is asked here.
func newServer(t *testing.T, http2, tickets bool) netip.AddrPort {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(bytes.Repeat([]byte("x"), 1<<10))
	}))
	s.EnableHTTP2 = http2
	s.TLS = &tls.Config{SessionTicketsDisabled: !tickets}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that are stopped in the middle of a handshake
	s.StartTLS()
	t.Cleanup(s.Close)
	return netip.MustParseAddrPort(s.Listener.Addr().String())
}

func TestTLS(t *testing.T) {
	t.Parallel()
	l, err := poll.New()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, c := range []struct {
		name           string
		c              Config
		http2, tickets bool
		want           string // the first error; none: answers
	}{
		{name: "kept connections", tickets: true},
		{name: "full handshakes", c: Config{PerRequest: true}, tickets: true},
		{name: "resumed sessions", c: Config{PerRequest: true, Resume: true}, tickets: true},
		{name: "no tickets", c: Config{PerRequest: true, Resume: true}, want: "handshake: no session to resume: no ticket came with connection 1"},
		{name: "HTTP/2", c: Config{Streams: 8}, http2: true, tickets: true},
		{name: "no HTTP/2 there", c: Config{Streams: 8}, tickets: true, want: "handshake: remote error: tls: no application protocol"},
	} {
		c.c.To, c.c.Path, c.c.Length, c.c.Connections, c.c.TLS = newServer(t, c.http2, c.tickets), "/1k", 1<<10, 2, true
		timing := long()
		if c.want != "" {
			timing = untilErrors()
		}
		r, err := Run(t.Context(), l, c.c, timing)
		switch {
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want == "" && (r.Err != nil || r.Requests == 0):
			t.Errorf("%s: got %d answers, %d errors, %v, want answers", c.name, r.Requests, r.Errors, r.Err)
		case c.want != "" && (r.Err == nil || !strings.Contains(r.Err.Error(), c.want)):
			t.Errorf("%s: got %v, want %s", c.name, r.Err, c.want)
		}
	}
}
