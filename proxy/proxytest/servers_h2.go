package proxytest

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/certs"
)

// serversHTTP2 are the cases of HTTP/2 to servers, with TLS and by prior knowledge, each asked by clients of both protocols.
func serversHTTP2(t *testing.T, start Start) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, *upsite)
	}{
		{"fields_to_servers", up2Fields},
		{"client_certificates", up2ClientCertificates},
		{"fields_to_clients", up2ResponseFields},
		{"headers_both_ways", up2Edits},
		{"held_bodies", up2Holds},
		{"responses_are_read_ahead", up2ReadsAhead},
		{"held_bodies_keep_their_order", up2HoldsInOrder},
		{"compression", up2Compresses},
		{"cookie_inserted", up2Cookies},
		{"bodies_both_ways", up2Bodies},
		{"trailers_both_ways", up2Trailers},
		{"request_and_response_stream", up2Streams},
		{"response_arrives_in_pieces", up2Pieces},
		{"head_and_bodiless_statuses", up2Bodiless},
		{"interim_responses", up2Interim},
		{"expect_100_continue", up2ExpectContinue},
		{"early_response", up2Early},
		{"upgrade_is_not_offered", up2Upgrade},
		{"many_requests_on_one_connection", up2Many},
		{"health", up2Health},

		{"aborted_responses", up2Aborted},
		{"silent_stream_is_504_alone", up2Silent},
		{"client_that_leaves", up2ClientLeaves},
		{"clients_that_leave_take_no_room_along", up2Room},
		{"stalled_client_keeps_nobody_waiting", up2StalledClient},
		{"stalled_server_keeps_nobody_waiting", up2StalledServer},
		{"one_refusing_server_costs_no_request", up2OneRefuses},
		{"stale_connections_cost_no_request", up2Stale},
		{"lost_connection", up2Lost},
		{"clients_that_send_on_disturb_nobody", up2Apart},

		{"concurrent_streams_are_the_server's_to_bound", up2Bounded},
		{"concurrent_streams_before_the_server_has_said", up2BoundedLate},
		{"goaway", up2GoAway},
		{"refused_streams_are_sent_again", up2Refused},
		{"malformed_responses", up2Malformed},
		{"dead_connection_gets_no_more_requests", up2Dead},
		{"head_that_the_server_would_refuse", up2LargeHead},
		{"server_that_does_not_agree_on_it", up2Disagrees},
		{"reload_changes_the_protocol", up2Reload},
	} {
		plainAndTLS(t, c.name, func(t *testing.T, secure bool) {
			s := &upsite{start: start, secure: secure}
			if secure {
				s.ca = newAuthority(t)
			}
			c.run(t, s)
		})
	}
}

// upsite starts servers that speak HTTP/2, and balancers before them.
type upsite struct {
	start  Start
	secure bool
	ca     *authority // of the servers, with TLS
}

// listen returns a listener for a server.
func (s *upsite) listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// tls is that of servers.
func (s *upsite) tls() *tls.Config {
	config := shows(s.ca.named(appName))
	config.NextProtos = []string{"h2"}
	return config
}

// server2 is a server of HTTP/2.
type server2 struct {
	*server
	opened atomic.Int64 // connections
	mu     sync.Mutex
	conns  map[net.Conn]bool // guarded by mu: those that are open
}

// serve runs a server of the standard library until the test ends.
func (s *upsite) serve(t *testing.T, name string, handler http.HandlerFunc) *server2 {
	t.Helper()
	l := s.listen(t)
	v := &server2{server: &server{name: name, address: l.Addr().(*net.TCPAddr).AddrPort()}, conns: map[net.Conn]bool{}}
	h := &http.Server{Handler: handler, Protocols: new(http.Protocols), ErrorLog: quietLog(), ConnState: func(c net.Conn, state http.ConnState) {
		v.mu.Lock()
		defer v.mu.Unlock()
		switch state {
		case http.StateNew:
			v.opened.Add(1)
			v.conns[c] = true
		case http.StateClosed:
			delete(v.conns, c)
		}
	}}
	// A connection has room for what many requests may have waiting.
	h.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: 256 << 10, MaxReceiveBufferPerConnection: 16 << 20}
	h.Protocols.SetHTTP2(s.secure)
	h.Protocols.SetUnencryptedHTTP2(!s.secure)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if s.secure {
			h.TLSConfig = s.tls()
			_ = h.ServeTLS(l, "", "") // ends with Close
			return
		}
		_ = h.Serve(l)
	}()
	t.Cleanup(func() {
		_ = h.Close()
		<-ended
	})
	return v
}

// drop ends all connections at once.
func (v *server2) drop() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for c := range v.conns {
		if over, ok := c.(*tls.Conn); ok {
			c = over.NetConn()
		}
		_ = c.Close()
	}
}

// site is a configuration with these servers, which clients reach by both protocols.
func (s *upsite) site(servers ...*server2) proxy.Config {
	c := site()
	c.Frontends[0].Binds[0].H2C = true
	c.Backends[0].HTTP2 = true
	for _, v := range servers {
		c.Backends[0].Servers = append(c.Backends[0].Servers, proxy.Server{Name: v.name, Address: v.address, Weight: 1})
	}
	if s.secure {
		c.Backends[0].TLS = &certs.ServerConfig{CAs: []string{s.ca.file}}
		for i := range c.Backends[0].Servers {
			c.Backends[0].Servers[i].ServerName = appName
		}
	}
	return c
}

// askers returns a client of each protocol, by its name.
func (s *upsite) askers(t *testing.T, at string) map[string]*asker {
	all := map[string]*asker{}
	for _, name := range []string{"HTTP/1", "HTTP/2"} {
		transport := &http.Transport{
			Protocols: new(http.Protocols), DisableCompression: true, ExpectContinueTimeout: patience,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp4", at)
			},
			HTTP2: &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10, MaxReceiveBufferPerConnection: 1 << 20},
		}
		transport.Protocols.SetHTTP1(name == "HTTP/1")
		transport.Protocols.SetUnencryptedHTTP2(name == "HTTP/2")
		t.Cleanup(transport.CloseIdleConnections)
		client := &http.Client{Transport: transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		all[name] = &asker{t: t, Client: client}
	}
	return all
}

// calm is how long the silence of servers is borne where one shall be: more than a server takes that has much to do beside.
const calm = 10 * moment

// soon bounds what has to happen at once.
func soon(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience / 2):
		t.Fatalf("waited in vain until %s", what)
	}
}
