package load

import (
	"crypto/tls"
	"fmt"

	"github.com/tandem-lb/tandem/internal/bench/poll"
)

// suite is what every connection must use: with another one a proxy's bytes cost something else.
const suite = tls.TLS_AES_128_GCM_SHA256

// tickets is a client's memory of its last session.
type tickets struct{ last *tls.ClientSessionState }

var _ tls.ClientSessionCache = (*tickets)(nil)

// Get implements tls.ClientSessionCache.
func (t *tickets) Get(string) (*tls.ClientSessionState, bool) { return t.last, t.last != nil }

// Put implements tls.ClientSessionCache.
func (t *tickets) Put(_ string, s *tls.ClientSessionState) { t.last = s }

// handshake makes a connection one with TLS.
func (v *visitor) handshake(c *poll.Conn) (*tls.Conn, error) {
	protocol := "http/1.1"
	if v.Streams > 0 {
		protocol = "h2"
	}
	config := &tls.Config{
		ServerName:         host,
		InsecureSkipVerify: true, // the certificate was made for this measurement; its signature is checked
		MinVersion:         tls.VersionTLS13,
		CurvePreferences:   []tls.CurveID{tls.X25519}, // the one that all have
		NextProtos:         []string{protocol},
	}
	if v.Resume {
		config.ClientSessionCache = v.tickets
	}
	resume := v.Resume && v.tickets.last != nil
	secure := tls.Client(c, config)
	if err := secure.Handshake(); err != nil {
		return nil, err
	}
	got := secure.ConnectionState()
	switch {
	case got.CipherSuite != suite:
		return nil, fmt.Errorf("got %s, want %s", tls.CipherSuiteName(got.CipherSuite), tls.CipherSuiteName(suite))
	case got.NegotiatedProtocol != protocol && v.Streams > 0:
		return nil, fmt.Errorf("got protocol %q, want %q", got.NegotiatedProtocol, protocol)
	case got.DidResume != resume:
		return nil, fmt.Errorf("resumed: %v, want %v", got.DidResume, resume)
	case v.Resume && v.opened > 1 && !resume:
		return nil, fmt.Errorf("no session to resume: no ticket came with connection %d", v.opened-1)
	}
	return secure, nil
}
