package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/tandem-lb/tandem/internal/netlab"
)

// Files that are a node's own, below its private /run.
const (
	haproxySocket = "/run/haproxy.sock"
	drainFile     = "/run/drain"
)

// What the drain file adds to the priority: enough to be below the other node, or nothing.
const (
	drained   = "-20"
	undrained = "0"
)

// keepalived is a pair with Keepalived and HAProxy on each node.
type keepalived struct {
	*stage
	local   bool
	vrrp    map[string]*netlab.Process
	haproxy map[string]*netlab.Process
}

func newKeepalived(s *stage, local bool) keepalived {
	return keepalived{s, local, map[string]*netlab.Process{}, map[string]*netlab.Process{}}
}

func (k keepalived) start(_ context.Context, node string) error {
	err := k.Node(node).Do(func() error { // of the network namespace
		return os.WriteFile("/proc/sys/net/ipv4/ip_nonlocal_bind", []byte("1"), 0)
	})
	if err != nil {
		return err
	}
	if k.haproxy[node], err = k.run(node, "haproxy.cfg", haproxyConfig(k.local), "haproxy", "-W", "-db", "-f"); err != nil {
		return err
	}
	k.vrrp[node], err = k.run(node, "keepalived.conf", k.setting.keepalivedConfig(node),
		"keepalived", "--dont-fork", "--log-console", "--vrrp", "--use-file")
	return err
}

// run starts a program with a configuration file of the node's own.
func (k keepalived) run(node, name, text string, args ...string) (*netlab.Process, error) {
	file := filepath.Join(k.dir, node+"-"+name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return nil, err
	}
	return k.Node(node).Start(exec.Command(args[0], append(args[1:], file)...))
}

// do signals whole process groups: both programs are a parent and a child that works.
func (k keepalived) do(ctx context.Context, d deed, node string) error {
	switch d {
	case killVRRP:
		return k.vrrp[node].SignalGroup(syscall.SIGKILL)
	case killProxy:
		return k.haproxy[node].SignalGroup(syscall.SIGKILL)
	case freezeVRRP:
		return k.vrrp[node].SignalGroup(syscall.SIGSTOP)
	case freezeProxy:
		return k.haproxy[node].SignalGroup(syscall.SIGSTOP)
	case stopAll: // the address first, so that nobody is refused
		if err := k.vrrp[node].Signal(syscall.SIGTERM); err != nil {
			return err
		}
		if err := k.vrrp[node].Wait(ctx); err != nil {
			return err
		}
		return k.haproxy[node].Signal(syscall.SIGTERM)
	case startAll:
		select {
		case <-k.haproxy[node].Done():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		return k.start(ctx, node)
	case drain, handover:
		return os.WriteFile(k.Node(node).Path(drainFile), []byte(drained), 0o644)
	case undrain, release:
		return os.WriteFile(k.Node(node).Path(drainFile), []byte(undrained), 0o644)
	case reload:
		return errors.Join(k.vrrp[node].Signal(syscall.SIGHUP), k.haproxy[node].Signal(syscall.SIGUSR2))
	}
	return fmt.Errorf("no deed %d of Keepalived's", d)
}

func (k keepalived) ready(ctx context.Context) error {
	if err := k.AwaitSole(ctx, master); err != nil {
		return fmt.Errorf("%w\n%s\n%s", err, k.vrrp[master].Output(), k.haproxy[master].Output())
	}
	if _, err := k.await(ctx, advertOf(master)); err != nil {
		return err
	}
	err := eventually(ctx, "Keepalived is BACKUP", func() error {
		if log := k.vrrp[backup].Output(); !strings.Contains(log, "Entering BACKUP STATE") {
			return errors.New(log)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, node := range []string{master, backup} {
		if err := eventually(ctx, "the servers are up on "+node, func() error { return k.serversUp(ctx, node) }); err != nil {
			return err
		}
	}
	return nil
}

// serversUp returns nil when HAProxy on a node says that every server is up and was checked.
func (k keepalived) serversUp(ctx context.Context, node string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", k.Node(node).Path(haproxySocket))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // read to its end
	if _, err := io.WriteString(conn, "show stat -1 4 -1\n"); err != nil {
		return err
	}
	text, err := io.ReadAll(conn)
	if err != nil {
		return err
	}
	return allUp(string(text))
}

// allUp reads HAProxy's statistics of servers: comma-separated, a header first. A server that was not checked yet counts
// as up there, and has no result of a check.
func allUp(text string) error {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	column := map[string]int{}
	for i, name := range strings.Split(strings.TrimPrefix(lines[0], "# "), ",") {
		column[name] = i
	}
	if len(lines) < 2 {
		return errors.New("no servers")
	}
	for _, line := range lines[1:] {
		f := strings.Split(line, ",")
		if len(f) <= max(column["status"], column["check_status"]) || column["status"] == 0 {
			return fmt.Errorf("statistics that cannot be read: %q", line)
		}
		if up, check := f[column["status"]], f[column["check_status"]]; up != "UP" || !strings.HasPrefix(check, "L7OK") {
			return fmt.Errorf("server %s is %s after the check %q", f[column["svname"]], up, check)
		}
	}
	return nil
}
