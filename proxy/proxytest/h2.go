package proxytest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/certs"
)

// http2Cases are run over TLS and, by prior knowledge, without.
func http2Cases(t *testing.T, start Start) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, *http2Site)
	}{
		{"routes", h2Routes},
		{"fields_to_servers", h2Forwarded},
		{"fields_to_clients", h2ResponseFields},
		{"bodies_both_ways", h2Bodies},
		{"trailers_both_ways", h2Trailers},
		{"request_and_response_stream", h2Streams},
		{"head_and_bodiless_statuses", h2Bodiless},
		{"interim_responses", h2Interim},
		{"expect_100_continue", h2ExpectContinue},
		{"early_response", h2Early},
		{"bodies_that_are_too_large_are_413", h2TooLarge},
		{"held_bodies", h2Holds},
		{"responses_are_read_ahead", h2ReadsAhead},
		{"compression", h2Compresses},
		{"many_streams_at_once", h2Many},

		{"no_server_is_503", h2NoServer},
		{"broken_servers_are_502", h2BrokenServers},
		{"broken_bodies_reset", h2BrokenBodies},
		{"one_refusing_server_costs_no_request", h2OneRefuses},
		{"client_that_leaves_ends_the_server's_work", h2ClientLeaves},
		{"silent_client_is_408", h2SilentClient},
		{"stalled_stream_keeps_nobody_waiting", h2Stalled},
		{"client_that_takes_nothing", h2TakesNothing},
		{"client_that_does_not_begin", h2Begins},
		{"half_a_head", h2HalfHead},
		{"idle_connection", h2Idle},
		{"malformed_requests", h2Malformed},

		{"gate_draining", h2Draining},
		{"connections_end_with_their_address", h2Ends},
		{"bind_that_is_removed", h2Removed},
	} {
		plainAndTLS(t, c.name, func(t *testing.T, secure bool) {
			c.run(t, &http2Site{start: start, secure: secure})
		})
	}
}

// plainAndTLS runs a case without TLS and with it.
func plainAndTLS(t *testing.T, name string, run func(t *testing.T, secure bool)) {
	for _, way := range []struct {
		name   string
		secure bool
	}{{"_plain", false}, {"_TLS", true}} {
		t.Run(name+way.name, func(t *testing.T) {
			t.Parallel()
			run(t, way.secure)
		})
	}
}

// http2Site starts balancers that HTTP/2 is spoken with.
type http2Site struct {
	start   Start
	secure  bool
	trusted *x509.CertPool
}

// serve starts a balancer of which all binds speak HTTP/2.
func (s *http2Site) serve(t *testing.T, c proxy.Config) Balancer {
	t.Helper()
	var file string
	if s.secure {
		file, s.trusted = Bundle(t, "www.example.com")
	}
	for i := range c.Frontends {
		for j := range c.Frontends[i].Binds {
			b := &c.Frontends[i].Binds[j]
			b.H2C = !s.secure
			if s.secure {
				b.TLS = &certs.Config{Certificates: certs.Bundles(file)}
			}
		}
	}
	return s.start(t, c)
}

// client returns a client that speaks HTTP/2 alone, with the balancer at an address, whatever host it asks for.
func (s *http2Site) client(t *testing.T, address string) *http.Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp4", address)
	}
	transport := &http.Transport{
		Protocols: new(http.Protocols), DialContext: dial, DisableCompression: true,
		TLSClientConfig:       &tls.Config{RootCAs: s.trusted, ServerName: "www.example.com"},
		ExpectContinueTimeout: patience,
		// Windows that are soon used up.
		HTTP2: &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10, MaxReceiveBufferPerConnection: 256 << 10},
	}
	transport.Protocols.SetHTTP2(s.secure)
	transport.Protocols.SetUnencryptedHTTP2(!s.secure)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// url is that of a path.
func (s *http2Site) url(path string) string {
	if s.secure {
		return "https://www.example.com" + path
	}
	return "http://www.example.com" + path
}

// do sends a request and reads all of its response.
func (s *http2Site) do(t *testing.T, c *http.Client, method, path string, body io.Reader, header http.Header) response {
	t.Helper()
	r, err := s.try(t, c, method, path, body, header)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

// try is do where no response may come. Of header Host goes to :authority.
func (s *http2Site) try(t *testing.T, c *http.Client, method, path string, body io.Reader, header http.Header) (response, error) {
	req, err := http.NewRequestWithContext(t.Context(), method, s.url(path), body)
	if err != nil {
		return response{}, err
	}
	if path == "*" {
		req.URL.Path, req.URL.Opaque, req.URL.Host = "", "*", "www.example.com"
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Host = req.Header.Get("Host")
	delete(req.Header, "Host")
	resp, err := c.Do(req)
	if err != nil {
		return response{}, err
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 2 {
		return response{}, fmt.Errorf("got %s", resp.Proto)
	}
	b, err := io.ReadAll(resp.Body)
	return response{status: resp.StatusCode, header: resp.Header, body: string(b), err: err, trailer: resp.Trailer}, nil
}
