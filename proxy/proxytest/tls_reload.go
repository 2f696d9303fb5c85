package proxytest

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"testing"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/certs"
)

// tlsReload: a renewed certificate is for the clients that come; connections, and sessions of clients that come back, live on,
// over a reload too.
func tlsReload(t *testing.T, start Start) {
	file, trusted := Bundle(t, "www.example.com")
	renewed, trustedNext := Bundle(t, "www.example.com")
	app := serve(t, "app1", says("ok"))
	c := site(app)
	c.Frontends[0].Binds = []proxy.Bind{{Address: anyPort, TLS: &certs.Config{Certificates: certs.Bundles(file)}}}
	b := start(t, c)
	at := web(t, b)
	connect := func(roots *x509.CertPool, sessions tls.ClientSessionCache) (*client, bool) {
		t.Helper()
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp4", at, &tls.Config{RootCAs: roots, ServerName: "www.example.com", ClientSessionCache: sessions})
		if err != nil {
			return nil, false
		}
		c := clientOn(t, conn)
		c.send(getRequest)
		wantBody(t, c.receive("GET"), "ok")
		return c, conn.ConnectionState().DidResume
	}
	sessions := tls.NewLRUClientSessionCache(1)
	before, _ := connect(trusted, sessions)
	if before == nil {
		t.Fatal("no handshake with the first certificate")
	}
	b.Reload(t, c)
	if again, resumed := connect(trusted, sessions); again == nil || !resumed {
		t.Errorf("after a reload: got a connection %v, resumed %v; want the session to go on", again != nil, resumed)
	}
	must(t, os.Rename(renewed, file))
	eventually(t, "the renewed certificate is in use", func() bool {
		c, _ := connect(trustedNext, nil)
		return c != nil
	})
	before.send(getRequest)
	wantBody(t, before.receive("GET"), "ok")
	if again, resumed := connect(trusted, sessions); again == nil || !resumed {
		t.Errorf("after the renewal: got a connection %v, resumed %v; want the session to go on", again != nil, resumed)
	}
	must(t, os.WriteFile(file, []byte("half a file"), 0o600))
	eventually(t, "the alarm", func() bool { return len(b.Snapshot().TLS.Alarms) == 1 })
	if c, _ := connect(trustedNext, nil); c == nil {
		t.Error("the certificate of before is not in use any more")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
