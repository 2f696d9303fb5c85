package vrrp

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// keepalived is Debian's Keepalived in a namespace of its own.
type keepalived struct {
	cmd *exec.Cmd
	mu  sync.Mutex
	out bytes.Buffer // guarded by mu
}

func (k *keepalived) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.out.Write(p)
}

// entered is how often it has entered a state.
func (k *keepalived) entered(state string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Count(k.out.String(), "Entering "+state+" STATE")
}

func (k *keepalived) stop() {
	_ = k.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	_ = k.cmd.Wait()
}

// keepalived starts one with an instance, which is what stands between the braces.
func (n *netns) keepalived(t *testing.T, instance string) *keepalived {
	t.Helper()
	path, err := exec.LookPath("keepalived")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir := t.TempDir()
	conf := fmt.Sprintf("global_defs {\n vrrp_version 3\n}\nvrrp_instance VI_1 {\n state BACKUP\n interface v0\n virtual_router_id 51\n"+
		" priority 150\n advert_int 0.1\n%s\n}\n", instance)
	file := filepath.Join(dir, "keepalived.conf")
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	k := new(keepalived)
	k.cmd = exec.Command(path, "--dont-fork", "--log-console", "--log-detail", "--vrrp", "--use-file", file,
		"--pid", filepath.Join(dir, "pid"), "--vrrp_pid", filepath.Join(dir, "vrrp.pid"))
	k.cmd.Stdout, k.cmd.Stderr = k, k
	n.run(t, k.cmd.Start)
	t.Cleanup(k.stop)
	t.Cleanup(func() {
		if t.Failed() {
			k.mu.Lock()
			defer k.mu.Unlock()
			t.Logf("Keepalived:\n%s", k.out.String())
		}
	})
	return k
}

// Keepalived is the other router of the LAN, in every form of version 3: rules 15, 26, 27 and 30 on its wire, and its
// judgement of ours. Each side takes over from the other by priority and by resignation.
func TestIntegrationRule15_26_27_30_Keepalived(t *testing.T) {
	t.Parallel()
	peers := func(list ...string) func(*Config) {
		return func(c *Config) {
			for _, a := range addrs(list...) {
				c.UnicastPeers = append(c.UnicastPeers, Peer{Addr: a})
			}
		}
	}
	tests := []struct {
		name, source, instance string
		listen                 func(string) (Conn, error)
		set                    func(*Config)
	}{
		{"IPv4", "10.77.0.1", "virtual_ipaddress {\n 10.77.0.100\n}", Listen, func(*Config) {}},
		{"IPv4, two addresses", "10.77.0.1", "virtual_ipaddress {\n 10.77.0.100\n 10.77.0.101\n}", Listen,
			func(c *Config) { c.Addresses = addrs("10.77.0.100", "10.77.0.101") }},
		{"IPv4, unicast", "10.77.0.1", "unicast_src_ip 10.77.0.2\n unicast_peer {\n 10.77.0.1\n}\n virtual_ipaddress {\n 10.77.0.100\n}",
			Listen, peers("10.77.0.2")},
		{"IPv6", "fe80::1", "virtual_ipaddress {\n fe80::100\n 2001:db8::100\n}", Listen6, six},
		{"IPv6, unicast", "2001:db8::1",
			"unicast_src_ip 2001:db8::2\n unicast_peer {\n 2001:db8::1\n}\n virtual_ipaddress {\n fe80::100\n 2001:db8::100\n}",
			Listen6, func(c *Config) { six(c); peers("2001:db8::2")(c) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, b := newCable(t)
			a.plug(t, "v0", "10.77.0.1/24", "2001:db8::1/64", "fe80::1/64")
			b.plug(t, "v0", "10.77.0.2/24", "2001:db8::2/64", "fe80::2/64")
			wired(t, a, b)
			cfg := testConfig()
			cfg.Version, cfg.AdvertInterval, cfg.Addresses = V3, 100*time.Millisecond, addrs("10.77.0.100")
			tt.set(&cfg)
			h := newKernelHost(t, a, cfg, tt.source, tt.listen)
			status := func() Status { return h.group.Status()[0] }

			k := b.keepalived(t, tt.instance)
			h.start()
			until(t, "its priority is heeded", func() bool {
				return k.entered("MASTER") == 1 && status().State == Backup && status().Master.Priority == 150
			})
			k.stop()
			until(t, "its resignation is heard", func() bool { return status().State == Master })
			if got := status().Counters.ResignReceived; got != 1 {
				t.Errorf("heard %d resignations, want 1", got)
			}
			k = b.keepalived(t, tt.instance)
			until(t, "it preempts", func() bool { return k.entered("MASTER") == 1 && status().State == Backup })
			h.group.Post(cfg.Name, PriorityChanged{200})
			until(t, "it is preempted, and yields", func() bool { return status().State == Master && k.entered("BACKUP") == 2 })
			h.stop()
			until(t, "it hears the resignation", func() bool { return k.entered("MASTER") == 2 })
			c := status().Counters
			if c.Dropped.Total() != 0 || c.IntervalDiffers != 0 || c.AddressesDiffer != 0 || c.BareChecksum != 0 || c.FirstNotLinkLocal != 0 {
				t.Errorf("got %+v", c)
			}
		})
	}
}

// newKernelHost is newHost on a real socket in a namespace.
func newKernelHost(t *testing.T, n *netns, cfg Config, source string, listen func(string) (Conn, error)) *host {
	t.Helper()
	log := hclog.NewNullLogger()
	var h *host
	if cfg.Family() == IPv6 {
		h = newHost6(t, new(lan), source, log, cfg)
	} else {
		h = newHost(t, new(lan), source, nil, log, cfg)
	}
	var conn Conn = pinned{n.open(t, listen)}
	h.link.conn.Store(&conn)
	return h
}

// pinned is a Conn of another namespace than the goroutine's, which would not find its interface.
type pinned struct{ Conn }

func (pinned) Check() error { return nil }
