package proxy_test

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
)

// shortDir is a folder whose files' paths fit the address of a Unix socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "unix")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// unixSite listens on a path alone, and forwards to a server that says what it was told of the client.
func unixSite(t *testing.T, path string) proxy.Config {
	t.Helper()
	c := backendOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		_, _ = io.WriteString(w, strings.Join(append(append(r.Header["X-Forwarded-For"], r.Header["X-Real-Ip"]...), r.Header["Forwarded"]...), "|")) // an error shows at the client
	})
	c.Backends[0].Forwarded = proxy.Forwarded{For: proxy.ForwardedForAppend, RealIP: true, Standard: true}
	c.Frontends[0].Binds = []proxy.Bind{{Unix: proxy.Unix{Path: path, Mode: 0o600}}}
	return c
}

// askUnix sends a text to a Unix socket and returns the body that comes back.
func askUnix(t *testing.T, path, text string) string {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// Clients of a Unix socket are served; they have no address that a server could be told of, unless a PROXY header has one.
func TestUnixBind(t *testing.T) {
	dir := shortDir(t)
	for _, tt := range []struct {
		name, path, says, want string
		proxied                bool
	}{
		{"a file", filepath.Join(dir, "a.sock"), request, "for=unknown;proto=http;host=\"a\"", false},
		{"an abstract name", "@tandem-test-" + strconv.Itoa(os.Getpid()), request, "for=unknown;proto=http;host=\"a\"", false},
		{"behind a proxy", filepath.Join(dir, "b.sock"), "PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n" + request, "192.0.2.7|192.0.2.7|for=192.0.2.7;proto=http;host=\"a\"", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := unixSite(t, tt.path)
			c.Frontends[0].Binds[0].Unix.Proxied = tt.proxied
			b := run(t, c, proxy.Options{})
			if got := askUnix(t, tt.path, tt.says); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if bind := b.Snapshot().Frontends[0].Binds[0]; bind.Path != tt.path || bind.Gate != proxy.Open {
				t.Errorf("got %+v", bind)
			}
		})
	}
}

// A reload keeps the socket, says anew who may connect, and removes the file with the bind.
func TestUnixBindFollowsReloads(t *testing.T) {
	path := filepath.Join(shortDir(t), "a.sock")
	c := unixSite(t, path)
	b := run(t, c, proxy.Options{})
	before := modeOf(t, path, 0o600)
	c.Frontends[0].Binds[0].Unix.Mode = 0o666
	b.Reload(t, c)
	if after := modeOf(t, path, 0o666); !os.SameFile(before, after) {
		t.Error("the file is another one after a reload")
	}
	askUnix(t, path, request)
	c.Frontends[0].Binds = c.Frontends[0].Binds[:0]
	b.Reload(t, c)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without the bind: got %v, want no file", err)
	}
}

func modeOf(t *testing.T, path string, want fs.FileMode) os.FileInfo {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode(); got.Perm() != want || got.Type() != fs.ModeSocket {
		t.Errorf("got mode %v, want a socket of %v", got, want)
	}
	return info
}

// What a former process has left is replaced; what another one listens on, and what is no socket, is not.
func TestUnixBindTakesPlaces(t *testing.T) {
	dir := shortDir(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	listen := func(path string) *net.UnixListener {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		return l
	}
	t.Run("stale", func(t *testing.T) {
		_ = listen(at("stale")).Close()
		run(t, unixSite(t, at("stale")), proxy.Options{})
		askUnix(t, at("stale"), request)
	})
	for _, tt := range []struct {
		name, path string
		there      func(path string)
		want       string
	}{
		{"another process", at("live"), func(path string) { l := listen(path); t.Cleanup(func() { _ = l.Close() }) }, "address already in use"},
		{"a file", at("file"), func(path string) { _ = os.WriteFile(path, []byte("mine"), 0o600) }, "it is there, and no socket"},
		{"a link", at("link"), func(path string) { _ = os.Symlink(at("file"), path) }, "it is there, and no socket"},
		{"no folder", at("none/a"), func(string) {}, "no such file or directory"},
		{"a relative path", "a.sock", func(string) {}, "want an absolute path, or @ and a name"},
		{"a long path", at(strings.Repeat("a", 108)), func(string) {}, "octets, at most 107 fit a Unix socket's address"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.there(tt.path)
			before, _ := os.Lstat(tt.path)
			_, err := proxy.New(proxy.Options{}).Plan(unixSite(t, tt.path))
			if err == nil || !strings.Contains(err.Error(), "frontend web: bind "+tt.path+": ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if after, _ := os.Lstat(tt.path); before != nil && !os.SameFile(before, after) {
				t.Error("what was there is gone")
			}
		})
	}
	t.Run("nobody's", func(t *testing.T) {
		c := unixSite(t, at("nobody"))
		c.Frontends[0].Binds[0].Unix.Group = "no-such-group"
		if _, err := proxy.New(proxy.Options{}).Plan(c); err == nil || !strings.Contains(err.Error(), "no-such-group") {
			t.Errorf("got %v, want the name of the group", err)
		}
		if _, err := os.Lstat(at("nobody")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a plan that failed has left %v", err)
		}
	})
}

// The file of one process outlives the end of another that had its place before; a plan that is discarded leaves nothing.
func TestUnixBindLeavesTheNextOnesFile(t *testing.T) {
	path := filepath.Join(shortDir(t), "a.sock")
	plan, err := proxy.New(proxy.Options{}).Plan(unixSite(t, path))
	if err != nil {
		t.Fatal(err)
	}
	plan.Discard()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a discarded plan has left %v", err)
	}
	_, stop, ended := runUntil(t, unixSite(t, path), time.Second)
	modeOf(t, path, 0o600)
	if err := os.Remove(path); err != nil { // by the next process, which finds nobody there
		t.Fatal(err)
	}
	next, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("the next one's socket is gone: %v", err)
	}
	_ = conn.Close()
}

// In TCP mode sessions come by a Unix socket as well.
func TestUnixBindOfSessions(t *testing.T) {
	path := filepath.Join(shortDir(t), "a.sock")
	c := unixSite(t, path)
	c.Frontends[0].TCP, c.Backends[0].TCP = true, true
	c.Backends[0].Forwarded = proxy.Forwarded{}
	run(t, c, proxy.Options{})
	if got := askUnix(t, path, "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: mine\r\n\r\n"); got != "mine" {
		t.Errorf("got %q, want what was sent", got)
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadAll(conn); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the end of a session: got %v", err)
	}
}
