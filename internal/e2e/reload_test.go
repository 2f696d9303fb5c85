package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/status"
)

// reloadConfig announces for the second time soon after the takeover, so that it is over when a test begins.
func reloadConfig() string {
	return strings.Replace(localConfig(), "      track:\n", "      garp: {delay: 100ms}\n      track:\n", 1)
}

// A reload changes what the file changed, and nothing else; or it changes nothing and says why. The subtests follow each
// other, and each leaves the pair as it was.
func TestIntegrationReload(t *testing.T) {
	config := reloadConfig()
	p := newPair(t, config)
	slow := make(chan struct{})
	startLocal(t, p, "lb1", slow)
	startLocal(t, p, "lb2", slow)
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ready(t, p, "lb1")
	change := func(old, new string) string {
		t.Helper()
		if !strings.Contains(config, old) {
			t.Fatalf("the configuration has no %q", old)
		}
		return strings.Replace(config, old, new, 1)
	}
	t.Run("of the same file", func(t *testing.T) { reloadSame(t, p, slow) })
	t.Run("of a bad file", func(t *testing.T) {
		refused(t, p, change("virtual_router_id: 51", "virtual_router_id: 351"),
			regexp.MustCompile(`tandem\.yaml:8:26: vrrp\.instances\[0\]\.virtual_router_id: `))
	})
	t.Run("that breaks the wire", func(t *testing.T) {
		refused(t, p, change("password: s3cret77", "password: another1"), regexp.MustCompile(`refused without --force: VI_1: authentication: `))
		refused(t, p, change("virtual_router_id: 51", "virtual_router_id: 52"),
			regexp.MustCompile(`refused without --force: VI_1: virtual_router_id 51 -> 52: `))
	})
	t.Run("of a frontend, a backend and a server", func(t *testing.T) {
		reloadBalancer(t, p, config+`        - {name: web1, address: "10.77.0.11:80"}
    - name: other
      servers: [{name: web2, address: "10.77.0.12:80"}]
`, config)
	})
	t.Run("of an address", func(t *testing.T) {
		reloadAddress(t, p, change("[10.77.0.100/24]", "[10.77.0.100/24, 10.77.0.200/24]"), config)
	})
	t.Run("of a priority", func(t *testing.T) {
		// lb2 ignores the lower adverts, and takes over when it has heard no other for its down interval.
		measure(t, p, figure{"reload: a lower priority", contestBound}, "lb2", func(context.Context) error {
			mustReload(t, p, "lb1", change("lb1: 101", "lb1: 90"))
			return nil
		})
		measure(t, p, figure{"reload: the priority back", contestBound}, "lb1", func(context.Context) error {
			mustReload(t, p, "lb1", config)
			return nil
		})
	})
}

// mustReload replaces the file and has a node reload it.
func mustReload(t *testing.T, p *drill.Pair, node, config string) {
	t.Helper()
	if err := p.WriteConfig(config); err != nil {
		t.Fatal(err)
	}
	if out := command(t, p, node, binary(t), "reload"); out != "reloaded\n" {
		t.Errorf("reload on %s says %q, want reloaded", node, out)
	}
}

// refused has lb1 reload a configuration that it must not take: by the command, which says why, and by HUP.
func refused(t *testing.T, p *drill.Pair, config string, want *regexp.Regexp) {
	t.Helper()
	before, mark, began := mustSnapshot(t, p, "lb1"), p.Lab.Mark(), time.Now()
	good := reloadConfig()
	defer func() {
		if err := p.WriteConfig(good); err != nil {
			t.Error(err)
		}
	}()
	if err := p.WriteConfig(config); err != nil {
		t.Fatal(err)
	}
	out, err := try(t, p, "lb1", binary(t), "reload")
	if err == nil || !want.MatchString(out) {
		t.Errorf("reload ended with %v and said:\n%s\nwant %s", err, out, want)
	}
	if err := p.Daemon("lb1").Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	after := awaitStatus(t, p, "lb1", "has refused twice", func(s status.Snapshot) bool {
		return s.Config.ReloadFailures == before.Config.ReloadFailures+2
	})
	if after.Config.LastReload.OK || !want.MatchString(after.Config.LastReload.Error) {
		t.Errorf("the status says of the reload: %+v, want %s", after.Config.LastReload, want)
	}
	if after.Config.Hash != before.Config.Hash || !after.Config.LoadedAt.Equal(before.Config.LoadedAt) {
		t.Errorf("the configuration is %+v, was %+v", after.Config, before.Config)
	}
	wantUndisturbed(t, p, mark, before, began)
}

// wantUndisturbed: since the mark lb1, the master, did what a master does all the time, and no more.
func wantUndisturbed(t *testing.T, p *drill.Pair, mark netlab.Mark, before status.Snapshot, began time.Time) {
	t.Helper()
	pause(t, time.Until(began.Add(interval*5/2)))
	events, err := p.Lab.Since(mark)
	if err != nil {
		t.Fatal(err)
	}
	adverts := filter(events, advertOf("lb1"))
	for i := 1; i < len(adverts); i++ {
		if gap := adverts[i].Time.Sub(adverts[i-1].Time); gap < interval-100*time.Millisecond || gap > interval+200*time.Millisecond {
			t.Errorf("adverts %v apart, want %v", gap, interval)
		}
	}
	if len(adverts) < 2 || len(filter(events, advertOf("lb2"))) > 0 {
		t.Errorf("%d adverts of the master and %v of the backup, want at least 2 and none", len(adverts), filter(events, advertOf("lb2")))
	}
	if odd := filter(events, func(e netlab.Event) bool {
		return e.ARP != nil && e.ARP.Gratuitous() || e.Kind == netlab.AddressAdded || e.Kind == netlab.AddressRemoved
	}); len(odd) > 0 {
		t.Errorf("a reload caused %v", odd)
	}
	after := mustSnapshot(t, p, "lb1")
	a, b := after.Instances[0], before.Instances[0]
	if a.State != b.State || a.Epoch != b.Epoch || a.Priority != b.Priority || after.PID != before.PID || after.Keeper.PID != before.Keeper.PID {
		t.Errorf("lb1 is %s, epoch %d, priority %v, processes %d and %d; was %s, %d, %v, %d and %d", a.State, a.Epoch, a.Priority,
			after.PID, after.Keeper.PID, b.State, b.Epoch, b.Priority, before.PID, before.Keeper.PID)
	}
	figure{"a reload that changes nothing, or is refused", 0}.judge(t, p.Record.Since(began))
}

// reloadSame: nothing is sent, nothing is closed.
func reloadSame(t *testing.T, p *drill.Pair, slow chan struct{}) {
	idle, busy := connect(t, p), connect(t, p)
	if code, err := idle.ask("/"); err != nil || code != http.StatusOK {
		t.Fatalf("status %d, %v", code, err)
	}
	answer := make(chan error, 1) // one answer, from the goroutine that waits for it
	go func() {
		code, err := busy.ask("/slow")
		if err == nil && code != http.StatusOK {
			err = fmt.Errorf("status %d", code)
		}
		answer <- err
	}()
	awaitStatus(t, p, "lb1", "has a request under way", func(s status.Snapshot) bool { return s.Backends[0].Servers[0].InFlight > 0 })

	before, mark, began := mustSnapshot(t, p, "lb1"), p.Lab.Mark(), time.Now()
	if out := command(t, p, "lb1", binary(t), "reload"); out != "reloaded\n" {
		t.Errorf("reload says %q, want reloaded", out)
	}
	for _, node := range []string{"lb1", "lb2"} {
		if err := p.Daemon(node).Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	awaitStatus(t, p, "lb1", "has reloaded twice", func(s status.Snapshot) bool {
		return s.Config.Reloads == before.Config.Reloads+2 && s.Config.LastReload.OK
	})
	wantUndisturbed(t, p, mark, before, began)
	figure{"reload of the same file", 0}.judge(t, p.Record.Since(began))

	close(slow)
	if err := <-answer; err != nil {
		t.Errorf("the request that was under way at the reload: %v", err)
	}
	if code, err := idle.ask("/"); err != nil || code != http.StatusOK {
		t.Errorf("the connection that was idle at the reload: status %d, %v", code, err)
	}
}

// reloadBalancer: what the balancer gets by a reload serves, and what it loses does not.
func reloadBalancer(t *testing.T, p *drill.Pair, with, without string) {
	with = strings.Replace(with, `[{name: local, address: "127.0.0.1:8080"}]`, "\n        - {name: local, address: \"127.0.0.1:8080\"}", 1)
	with = strings.Replace(with, "  backends:\n", "    - name: other_front\n      bind: [{address: \":81\"}]\n      default_backend: other\n  backends:\n", 1)
	before, began := mustSnapshot(t, p, "lb1"), time.Now()
	mustReload(t, p, "lb1", with)
	s := awaitStatus(t, p, "lb1", "has another backend and server", func(s status.Snapshot) bool {
		return len(s.Backends) == 2 && len(s.Backends[0].Servers) == 2 && s.Backends[0].Healthy == 2
	})
	if got := s.Backends[0].Servers[1].Name; got != "web1" {
		t.Errorf("the new server is %s, want web1", got)
	}
	if code, err := get(t, p, drill.VIP.String()+":81", "/"); err != nil || code != http.StatusOK {
		t.Errorf("the new frontend: status %d, %v", code, err)
	}
	eventually(t, "the new server answers", func() (bool, any) {
		o, _ := p.Record.Last()
		return o.Server == "web1", o
	})
	mustReload(t, p, "lb1", without)
	if _, err := get(t, p, drill.VIP.String()+":81", "/"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the frontend that went: %v, want connection refused", err)
	}
	pause(t, afterglow)
	figure{"reload: a frontend, a backend and a server come and go", 0}.judge(t, p.Record.Since(began))
	if after := mustSnapshot(t, p, "lb1"); after.Instances[0].Epoch != before.Instances[0].Epoch || len(after.Backends) != 1 {
		t.Errorf("epoch %d and %d backends, want %d and 1", after.Instances[0].Epoch, len(after.Backends), before.Instances[0].Epoch)
	}
}

// reloadAddress: an address comes and goes while the instance stays MASTER and its other address serves.
func reloadAddress(t *testing.T, p *drill.Pair, with, without string) {
	isOther := func(kind netlab.Kind) func(netlab.Event) bool {
		return func(e netlab.Event) bool {
			return e.Kind == kind && e.Node == "lb1" && e.Address.Addr().String() == otherVIP
		}
	}
	before, mark, began := mustSnapshot(t, p, "lb1"), p.Lab.Mark(), time.Now()
	mustReload(t, p, "lb1", with)
	if e := await(t, p, mark, "the new address", isOther(netlab.AddressAdded)); e.ValidLifetime == 0 {
		t.Error("the new address has no lease")
	}
	await(t, p, mark, "the new address is announced", func(e netlab.Event) bool {
		return e.Node == "lb1" && e.ARP != nil && e.ARP.Gratuitous() && e.ARP.SenderIP.String() == otherVIP
	})
	if code, err := get(t, p, otherVIP+":80", "/"); err != nil || code != http.StatusOK {
		t.Errorf("the new address: status %d, %v", code, err)
	}
	mustReload(t, p, "lb2", with)
	mark = p.Lab.Mark()
	mustReload(t, p, "lb1", without)
	await(t, p, mark, "the address goes", isOther(netlab.AddressRemoved))
	mustReload(t, p, "lb2", without)
	pause(t, afterglow)
	figure{"reload: an address comes and goes", 0}.judge(t, p.Record.Since(began))
	after := mustSnapshot(t, p, "lb1").Instances[0]
	if after.State != status.Master || after.Epoch != before.Instances[0].Epoch {
		t.Errorf("lb1 is %s in epoch %d, want MASTER in %d", after.State, after.Epoch, before.Instances[0].Epoch)
	}
	wantHolder(t, p, "lb1")
}

// keptOpen is one client connection to the virtual address.
type keptOpen struct {
	conn net.Conn
	in   *bufio.Reader
}

func connect(t *testing.T, p *drill.Pair) keptOpen {
	t.Helper()
	conn, err := p.Node("client").Dial(t.Context(), "tcp", drill.VIP.String()+":80")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(2 * patience)); err != nil {
		t.Fatal(err)
	}
	return keptOpen{conn, bufio.NewReader(conn)}
}

// ask asks for a page and leaves the connection open.
func (k keptOpen) ask(path string) (code int, err error) {
	if _, err := fmt.Fprintf(k.conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, drill.VIP); err != nil {
		return 0, err
	}
	resp, err := http.ReadResponse(k.in, nil)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, errors.Join(err, resp.Body.Close())
}
