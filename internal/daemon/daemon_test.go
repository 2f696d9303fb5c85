package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/internal/admin"
	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/internal/status"
)

// site is a directory with the configuration of a plain balancer, which needs no privileges.
type site struct {
	dir     string
	address string // of its frontend; free until the balancer listens there
}

func newSite(t *testing.T) site {
	t.Helper()
	l := listen(t, "127.0.0.1:0")
	_ = l.Close()
	s := site{dir: t.TempDir(), address: l.Addr().String()}
	s.write(t, "200")
	return s
}

func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// write makes the balancer answer with a status, or with nothing when text is no status.
func (s site) write(t *testing.T, text string) {
	t.Helper()
	file := fmt.Sprintf(`nodes: {lb1: {address: 127.0.0.1}}
proxy:
  frontends:
    - name: http
      bind: [{address: %q}]
      rules: [{respond: {status: %s}}]
`, s.address, text)
	if err := os.WriteFile(s.file(), []byte(file), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s site) file() string    { return filepath.Join(s.dir, "tandem.yaml") }
func (s site) runtime() string { return filepath.Join(s.dir, "run") }
func (s site) socket() string  { return filepath.Join(s.runtime(), SocketName) }

func (s site) open(t *testing.T) (*Daemon, error) {
	t.Helper()
	return New(t.Context(), Options{
		ConfigFile: s.file(), Node: "lb1", RuntimeDir: s.runtime(), Version: "1.2.3",
		Log: func(config.Log) hclog.Logger { return hclog.NewNullLogger() },
	})
}

// record is what the last run left.
func (s site) record(t *testing.T) (r runRecord) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.runtime(), "lb1.run"))
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// run runs the daemon; end ends it and returns its error.
func run(t *testing.T, d *Daemon) (end func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	<-d.begun
	return func() error {
		cancel()
		return <-ended
	}
}

func (s site) answer(t *testing.T) string {
	t.Helper()
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, len("HTTP/1.1 200"))
	if _, err := conn.Read(line); err != nil {
		t.Fatal(err)
	}
	return string(line[len("HTTP/1.1 "):])
}

func TestDaemonOfAPlainBalancer(t *testing.T) {
	s := newSite(t)
	hear := manager(t)
	d, err := s.open(t)
	if err != nil {
		t.Fatal(err)
	}
	end := run(t, d)
	if got := hear(); got != "READY=1" {
		t.Errorf("the service manager heard %q", got)
	}
	if got := s.answer(t); got != "200" {
		t.Errorf("answers %s", got)
	}
	if r := s.record(t); r.Clean {
		t.Errorf("while it runs the record says %+v", r)
	}

	s.write(t, "204")
	if _, err := admin.Call(t.Context(), s.socket(), "reload"); err != nil {
		t.Errorf("reload: %v", err)
	}
	if got := s.answer(t); got != "204" {
		t.Errorf("answers %s after a reload", got)
	}
	if got := hear() + hear(); !strings.HasPrefix(got, "RELOADING=1\n") || !strings.HasSuffix(got, "READY=1") {
		t.Errorf("the service manager heard %q", got)
	}

	if err := end(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if got := hear(); got != "STOPPING=1" {
		t.Errorf("the service manager heard %q", got)
	}
	if r := s.record(t); !r.Clean {
		t.Errorf("after a clean end the record says %+v", r)
	}
	if _, err := os.Stat(s.socket()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the runtime socket is left: %v", err)
	}
	again, err := s.open(t) // everything was given back
	if err != nil {
		t.Fatal(err)
	}
	if err := run(t, again)(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

// A configuration that cannot be applied changes nothing, and the status tells why.
func TestReloadThatIsRefusedChangesNothing(t *testing.T) {
	s := newSite(t)
	d, err := s.open(t)
	if err != nil {
		t.Fatal(err)
	}
	end := run(t, d)
	defer func() { _ = end() }()
	good, err := os.ReadFile(s.file())
	if err != nil {
		t.Fatal(err)
	}
	taken := listen(t, "127.0.0.1:0").Addr().String()
	for _, tt := range []struct {
		name, file, want string
	}{
		{"a broken file", "proxy: [", s.file() + ":1:1: no YAML: "},
		{"another node's file", strings.Replace(string(good), "lb1", "lb9", 1), "lb1"},
		{"a port that is taken", strings.Replace(string(good), s.address, taken, 1), "frontend http: bind " + taken + ": address already in use"},
		{"other limits", strings.Replace(string(good), "proxy:\n", "proxy:\n  limits: {handshakes: 7}\n", 1), "proxy.limits.handshakes cannot be changed by a reload: restart the daemon"},
		{"another log", string(good) + "log: {level: debug}\n", "log cannot be changed by a reload: restart the daemon"},
		{"real time", string(good) + "vrrp: {rt_priority: 10}\n", "vrrp.rt_priority and vrrp.no_swap cannot be changed by a reload: restart the daemon"},
		{"another socket", string(good) + "admin: {socket: {mode: \"0600\"}}\n", "admin.socket cannot be changed by a reload: restart the daemon"},
		{"first instances", string(good) + "vrrp: {instances: [{name: VI_1, interface: lo, virtual_router_id: 5, virtual_addresses: [10.0.0.100/24]}]}\n",
			"this daemon was started without vrrp.instances and lacks what they need: restart it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(s.file(), []byte(tt.file), 0o644); err != nil {
				t.Fatal(err)
			}
			before := d.Snapshot().Config
			err := d.Reload(t.Context(), false)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			after := d.Snapshot().Config
			if after.Hash != before.Hash || after.ReloadFailures != before.ReloadFailures+1 || after.LastReload.Error != err.Error() || after.LastReload.OK {
				t.Errorf("status says %+v", after)
			}
			if got := s.answer(t); got != "200" {
				t.Errorf("answers %s", got)
			}
		})
	}
}

func TestReloadWaitsForTheStartAndRefusesAfterTheEnd(t *testing.T) {
	s := newSite(t)
	d, err := s.open(t)
	if err != nil {
		t.Fatal(err)
	}
	soon, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := d.Reload(soon, false); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("before Run: %v, want %v", err, context.DeadlineExceeded)
	}
	if err := run(t, d)(); err != nil {
		t.Fatal(err)
	}
	if err := d.Reload(t.Context(), false); err == nil || err.Error() != "the daemon is stopping" {
		t.Errorf("after Run: %v", err)
	}
}

// A start that is refused gives back all it took, and the record of a former run that crashed stands.
func TestRefusedStartLeavesNoTrace(t *testing.T) {
	s := newSite(t)
	if err := os.Mkdir(s.runtime(), 0o755); err != nil {
		t.Fatal(err)
	}
	crashed, _, err := openRecovery(s.runtime(), "lb1", time.Now())
	if err == nil {
		err = crashed.begin()
	}
	if err != nil {
		t.Fatal(err)
	}
	before := s.record(t)

	t.Run("a port is taken", func(t *testing.T) {
		l := listen(t, s.address)
		_, err := s.open(t)
		if want := "frontend http: bind " + s.address + ": address already in use"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %q", err, want)
		}
		_ = l.Close()
	})
	t.Run("the runtime socket cannot be made", func(t *testing.T) {
		if err := os.Mkdir(s.socket(), 0o755); err != nil {
			t.Fatal(err)
		}
		_, err := s.open(t)
		if want := "listen on " + s.socket() + ": it exists and is no socket"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %q", err, want)
		}
		_ = listen(t, s.address).Close() // the balancer's socket is not left behind
		if err := os.Remove(s.socket()); err != nil {
			t.Fatal(err)
		}
	})
	if after := s.record(t); !after.Started.Equal(before.Started) || after.Clean {
		t.Errorf("the record says %+v, want %+v", after, before)
	}
	d, err := s.open(t)
	if err != nil {
		t.Fatal(err) // a socket or the lock was left
	}
	if r := s.record(t); r.Unclean != 1 {
		t.Errorf("the record says %+v, want one unclean end", r)
	}
	if err := run(t, d)(); err != nil {
		t.Error(err)
	}
}

// A node that goes on without one of its parts is worse than one that ends and is started anew; and one that ends so at
// each start must not preempt each time.
func TestPartThatFailsEndsTheNode(t *testing.T) {
	s := newSite(t)
	d, err := s.open(t)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- d.Run(context.Background()) }()
	d.fail("kernel events", errors.New("no buffer space"))
	d.fail("links", errors.New("a consequence"))
	if err := <-ended; err == nil || err.Error() != "kernel events: no buffer space" {
		t.Errorf("Run: %v", err)
	}
	if r := s.record(t); r.Clean {
		t.Errorf("the record says %+v", r)
	}
}

func TestStatusOverTheSocket(t *testing.T) {
	s := newSite(t)
	d, err := s.open(t)
	if err != nil {
		t.Fatal(err)
	}
	end := run(t, d)
	defer func() { _ = end() }()
	text, err := admin.Call(t.Context(), s.socket(), "status")
	if err != nil {
		t.Fatal(err)
	}
	var got status.Snapshot
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Node != "lb1" || got.Version != "1.2.3" || got.PID != os.Getpid() || got.Config.File != s.file() ||
		len(got.Frontends) != 1 || got.Frontends[0].Binds[0].Address.String() != s.address || got.Frontends[0].Binds[0].Gate != "open" {
		t.Errorf("got %+v", got)
	}
}

func TestNewRefusesBeforeItTakesAnything(t *testing.T) {
	s := newSite(t)
	none := filepath.Join(s.dir, "none.yaml")
	_, err := New(t.Context(), Options{ConfigFile: none, Node: "lb1", RuntimeDir: s.runtime()})
	if want := none + ": open: no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("without a file: %v, want %q", err, want)
	}
	_, err = New(t.Context(), Options{ConfigFile: s.file(), Node: "lb7", RuntimeDir: s.runtime()})
	if err == nil || !strings.Contains(err.Error(), "lb7") {
		t.Errorf("for a node that the file lacks: %v", err)
	}
	if _, err := os.Stat(s.runtime()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the runtime directory was made: %v", err)
	}
}
