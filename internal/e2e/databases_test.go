package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/admin"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/status"
)

// balancerAddress is that of the balancer before databases; the examples name those of the databases.
const balancerAddress = "192.168.1.11"

// databases is a LAN with one balancer, whose configuration is an example, and a client.
type databases struct {
	*testing.T
	lab    *netlab.Lab
	lan    *netlab.LAN
	client *netlab.Node
	lb     *netlab.Node
	dir    string // for the databases, whoever they run as
	log    string // file: all that the daemon writes
}

// newDatabases makes the LAN. Nothing runs on it yet.
func newDatabases(t *testing.T) *databases {
	t.Helper()
	needLab(t)
	dir, err := os.MkdirTemp("", "tandem-databases-") // t.TempDir is closed to other users
	check(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	check(t, os.Chmod(dir, 0o755))
	d := &databases{T: t, dir: dir, log: filepath.Join(dir, "tandem.log")}
	d.lab, err = netlab.New(netlab.Config{Private: []string{"/run"}})
	check(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			text, _ := os.ReadFile(d.log) // there may be none yet
			t.Logf("log of the balancer:\n%s", text)
		}
		check(t, d.lab.Close())
	})
	d.lan, err = d.lab.LAN("front")
	check(t, err)
	d.client, d.lb = d.node("client", "192.168.1.50"), d.node("lb1", balancerAddress)
	return d
}

// node adds a host.
func (d *databases) node(name, address string) *netlab.Node {
	d.Helper()
	n, err := d.lab.Node(name)
	check(d.T, err)
	_, err = n.Connect(d.Context(), d.lan, "eth0", netip.PrefixFrom(netip.MustParseAddr(address), 24))
	check(d.T, err)
	return n
}

// balance starts the balancer by an example. Each edit is what the example says and what the test needs in its place.
func (d *databases) balance(example string, edits ...[2]string) {
	d.Helper()
	text, err := os.ReadFile(filepath.Join("../../deploy/examples", example))
	check(d.T, err)
	for _, e := range edits {
		if !strings.Contains(string(text), e[0]) {
			d.Fatalf("%s has no %q", example, e[0])
		}
		text = []byte(strings.Replace(string(text), e[0], e[1], 1))
	}
	file := filepath.Join(d.dir, example)
	check(d.T, os.WriteFile(file, text, 0o644))
	log, err := os.Create(d.log)
	check(d.T, err)
	defer log.Close() // the daemon has it
	cmd := exec.Command(binary(d.T), "run", "--config", file)
	cmd.Stdout, cmd.Stderr = log, log
	_, err = d.lb.Start(cmd)
	check(d.T, err)
}

// start runs a program on a host until the test ends, and shows what it wrote where that has failed.
func (d *databases) start(n *netlab.Node, cmd *exec.Cmd) *netlab.Process {
	d.Helper()
	p, err := n.Start(cmd)
	check(d.T, err)
	d.Cleanup(func() {
		if d.Failed() {
			d.Logf("%s on %s:\n%s", filepath.Base(cmd.Path), n.Name(), p.Output())
		}
	})
	return p
}

// dial connects from the client.
func (d *databases) dial(ctx context.Context, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := d.client.Dial(ctx, "tcp4", address)
	if err != nil {
		return nil, err
	}
	d.Cleanup(func() { _ = conn.Close() })
	return conn, nil
}

// up waits until just these servers of a backend are found up.
func (d *databases) up(backend string, names ...string) {
	d.Helper()
	want := strings.Join(names, " ")
	eventually(d.T, backend+" has up "+want, func() (bool, any) {
		ctx, cancel := context.WithTimeout(d.Context(), patience)
		defer cancel()
		text, err := admin.Call(ctx, d.lb.Path("/run/tandem/admin.sock"), "status")
		if err != nil {
			return false, err
		}
		up, all, err := upOf(text, backend)
		return err == nil && up == want, fmt.Sprint(all, err)
	})
}

// upOf reads a snapshot: which servers of a backend are up, and all that is known of them.
func upOf(text []byte, backend string) (up string, all []status.Server, err error) {
	var now status.Snapshot
	if err := json.Unmarshal(text, &now); err != nil {
		return "", nil, err
	}
	var names []string
	for _, b := range now.Backends {
		if b.Name != backend {
			continue
		}
		for _, s := range b.Servers {
			if s.Status == "up" {
				names = append(names, s.Name)
			}
		}
		all = b.Servers
	}
	return strings.Join(names, " "), all, nil
}

// cutBy waits until a connection on which nothing is said is reset.
func cutBy(t *testing.T, what string, conn net.Conn, bound time.Duration) {
	t.Helper()
	began := time.Now()
	check(t, conn.SetReadDeadline(began.Add(2*bound)))
	if _, err := io.Copy(io.Discard, conn); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("%s: got %v after %v, want a reset", what, err, time.Since(began))
	}
	within(t, what, time.Since(began), bound)
}
