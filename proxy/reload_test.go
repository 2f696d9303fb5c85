package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/accesslog"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// A reload that lets clients speak HTTP/2 without TLS, or not any more, holds for connections that come after it.
func TestReloadOfH2C(t *testing.T) {
	t.Parallel()
	c := valid()
	b := run(t, c, proxy.Options{Drain: 1})
	for _, h2c := range []bool{true, false, true} {
		c.Frontends[0].Binds = []proxy.Bind{{Address: anyPort, H2C: h2c}}
		b.Reload(t, c)
		transport := &http.Transport{Protocols: &http.Protocols{}}
		transport.Protocols.SetUnencryptedHTTP2(true)
		client := &http.Client{Transport: transport}
		status, body := get(t, b, client)
		transport.CloseIdleConnections()
		if (status == 200 && body == "ok") != h2c {
			t.Errorf("HTTP/2 allowed %t: got %d %q", h2c, status, body)
		}
	}
}

// A reload that believes who connects to a Unix socket, or not any more, holds for connections that come after it.
func TestReloadOfUnixProxies(t *testing.T) {
	path := filepath.Join(shortDir(t), "a.sock")
	c := unixSite(t, path)
	b := run(t, c, proxy.Options{Drain: 1})
	const header = "PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n"
	for _, proxied := range []bool{true, false, true} {
		binds := []proxy.Bind{c.Frontends[0].Binds[0]}
		binds[0].Unix.Proxied = proxied
		c.Frontends[0].Binds = binds
		b.Reload(t, c)
		says, want := request, `for=unknown;proto=http;host="a"`
		if proxied {
			says, want = header+request, `192.0.2.7|192.0.2.7|for=192.0.2.7;proto=http;host="a"`
		}
		if got := askUnix(t, path, says); got != want {
			t.Errorf("believed %t: got %q, want %q", proxied, got, want)
		}
	}
}

// Who may connect to a socket that is bound already is judged before anything changes.
func TestReloadRefusesAnOwnerThatIsNobody(t *testing.T) {
	path := filepath.Join(shortDir(t), "a.sock")
	c := unixSite(t, path)
	b := run(t, c, proxy.Options{Drain: 1})
	binds := []proxy.Bind{c.Frontends[0].Binds[0]}
	binds[0].Unix.User = "no such user"
	c.Frontends[0].Binds = binds
	if _, err := b.Plan(c); err == nil || !strings.HasSuffix(err.Error(), "bind "+path+": user: unknown user no such user") {
		t.Errorf("got %v, want an unknown user", err)
	}
}

// The files of maps are followed, from the first configuration that has them on and as long as there is one.
func TestReloadOfMaps(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "hosts.map")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# nobody\n")
	c := valid()
	b, book := logged(t, c)
	c.Frontends[0].Rules = []rule.Rule{{Map: &rule.Map{File: name, Key: "{path}"}}}
	b.Reload(t, c)
	write("/x app\n")
	book.await(t, "map read anew", name)
}

// A frontend that speaks something else after a reload is another one, though it listens where it did: it begins to count, and who waits for
// a request of what was spoken before is let go.
func TestReloadOfMode(t *testing.T) {
	t.Parallel()
	c := valid()
	c.Frontends[0].Timeouts.KeepAlive = time.Hour
	b := run(t, c, proxy.Options{Drain: 1})
	conn, err := net.Dial("tcp4", at(b).plain)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	listens := at(b).plain
	c.Frontends[0].TCP, c.Frontends[0].Rules, c.Frontends[0].DefaultBackend = true, nil, "app"
	c.Backends[0].TCP = true
	b.Reload(t, c)
	if _, err := in.ReadByte(); err != io.EOF {
		t.Errorf("got %v, want the end", err)
	}
	f := b.Snapshot().Frontends[0]
	if at(b).plain != listens || f.Accepted != 0 || f.Requests != 0 {
		t.Errorf("got %+v, at %s before", f, listens)
	}
}

// The file of an access log is closed with the last configuration that has it, once its lines are written.
func TestReloadClosesLogs(t *testing.T) {
	t.Parallel()
	log, path := fileLog(t, accesslog.Config{Format: "httplog"})
	c := valid()
	c.Frontends[0].AccessLog = &log
	b := run(t, c, proxy.Options{Drain: 1})
	open := func() bool {
		t.Helper()
		all, err := filepath.Glob("/proc/self/fd/*")
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(all, func(fd string) bool {
			to, err := os.Readlink(fd) // one that is gone meanwhile is another test's
			return err == nil && to == path
		})
	}
	if !open() {
		t.Fatal("it is not open")
	}
	c.Frontends[0].AccessLog = nil
	b.Reload(t, c)
	for end := time.Now().Add(patience); open(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it is still open")
		}
	}
}
