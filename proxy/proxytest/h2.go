package proxytest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
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
		{"routes_and_fields", h2Fields},
		{"bodies_both_ways", h2Bodies},
	} {
		for _, secure := range []bool{false, true} {
			name := c.name + "_plain"
			if secure {
				name = c.name + "_TLS"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c.run(t, &http2Site{start: start, secure: secure})
			})
		}
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
		TLSClientConfig: &tls.Config{RootCAs: s.trusted, ServerName: "www.example.com"},
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
	req, err := http.NewRequestWithContext(t.Context(), method, s.url(path), body)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 2 {
		t.Fatalf("%s %s: got %s", method, path, resp.Proto)
	}
	b, err := io.ReadAll(resp.Body)
	return response{status: resp.StatusCode, header: resp.Header, body: string(b), err: err, trailer: resp.Trailer}
}

func h2Fields(t *testing.T, s *http2Site) {
	app := serve(t, "app1", says("ok"))
	b := s.serve(t, site(app))
	c := s.client(t, web(t, b))
	wantBody(t, s.do(t, c, "GET", "/", nil, nil), "ok")
}

func h2Bodies(t *testing.T, s *http2Site) {
	app := serve(t, "app1", func(c *call) {
		b := c.body()
		c.write("HTTP/1.1 200 OK\r\nContent-Length: " + itoa(len(b)) + "\r\nX-Digest: " + digest(b) + "\r\n\r\n" + b)
	})
	c := s.client(t, web(t, s.serve(t, site(app))))
	for _, size := range []int{0, 1, 16 << 10, 16<<10 + 1, 1 << 20, 8<<20 + 7} {
		sent := noise(size)
		for _, known := range []bool{true, false} {
			var body io.Reader = bytes.NewReader([]byte(sent))
			if !known {
				body = io.MultiReader(body)
			}
			r := s.do(t, c, "POST", "/", body, nil)
			if r.status != 200 || r.err != nil || r.header.Get("X-Digest") != digest(sent) || digest(r.body) != digest(sent) {
				t.Errorf("%d bytes: got %d, %v, %d bytes back", size, r.status, r.err, len(r.body))
			}
		}
	}
}
