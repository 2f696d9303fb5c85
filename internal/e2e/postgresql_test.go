package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/peers"
)

// Where the example has Patroni's hosts, and where the test has what they agree in.
var patroniHosts = map[string]string{"pg1": "192.168.1.121", "pg2": "192.168.1.122", "pg3": "192.168.1.123"}

const etcdAddress = "192.168.1.110"

// What the balancer's two ports are for.
const (
	forWriting = balancerAddress + ":5432"
	forReading = balancerAddress + ":5433"
)

// patroni is a cluster of PostgreSQL that Patroni looks after.
type patroni struct {
	*databases
	bin   string // of PostgreSQL
	nodes map[string]*netlab.Node
	run   map[string]*netlab.Process // Patroni on each host
}

// newPatroni starts one, and waits until it has a primary and two standbys.
func newPatroni(t *testing.T) *patroni {
	t.Helper()
	program, etcd, bin := peers.Find(t, "patroni"), peers.Find(t, "etcd"), needPostgreSQL(t)
	owner := needUser(t, "postgres")
	c := &patroni{databases: newDatabases(t), bin: bin, nodes: map[string]*netlab.Node{}, run: map[string]*netlab.Process{}}
	url := "http://" + etcdAddress + ":2379"
	c.start(c.node("etcd", etcdAddress), exec.Command(etcd, "--name=e", "--data-dir="+filepath.Join(c.dir, "etcd"), "--unsafe-no-fsync",
		"--listen-client-urls="+url, "--advertise-client-urls="+url, "--listen-peer-urls=http://"+etcdAddress+":2380"))
	for _, name := range []string{"pg1", "pg2", "pg3"} {
		home := filepath.Join(c.dir, name)
		check(t, os.Mkdir(home, 0o700))
		file := filepath.Join(home, "patroni.yaml")
		check(t, os.WriteFile(file, []byte(patroniConfig(name, home, bin)), 0o600))
		for _, path := range []string{home, file} {
			check(t, os.Chown(path, int(owner.Uid), int(owner.Gid)))
		}
		cmd := exec.Command(program, file)
		cmd.Dir, cmd.Env = home, append(os.Environ(), "HOME="+home, "LC_ALL=C.UTF-8")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
		c.nodes[name] = c.node(name, patroniHosts[name])
		c.run[name] = c.start(c.nodes[name], cmd)
	}
	c.settled()
	return c
}

// patroniConfig is Patroni's own configuration of a host.
func patroniConfig(name, home, bin string) string {
	return strings.NewReplacer("NAME", name, "ADDRESS", patroniHosts[name], "HOME", home, "BIN", bin, "ETCD", etcdAddress).Replace(`
scope: db
name: NAME
etcd3: {host: "ETCD:2379"}
restapi: {listen: "ADDRESS:8008", connect_address: "ADDRESS:8008"}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 1
    retry_timeout: 3
    postgresql: {use_pg_rewind: true, parameters: {fsync: "off", max_connections: 50, shared_buffers: 16MB}}
  initdb: [{encoding: UTF8}, {locale: C}, no-sync, {auth: trust}]
  pg_hba: ["host all all all trust", "host replication all all trust"]
postgresql:
  listen: "ADDRESS:5432"
  connect_address: "ADDRESS:5432"
  data_dir: HOME/data
  bin_dir: BIN
  pgpass: HOME/pgpass
  authentication: {replication: {username: postgres}, superuser: {username: postgres}, rewind: {username: postgres}}
  parameters: {unix_socket_directories: HOME}
  basebackup: [{checkpoint: fast}, no-sync]
`)
}

// needPostgreSQL returns the folder of PostgreSQL's programs, of which Debian has one a version.
func needPostgreSQL(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	check(t, err)
	if len(found) == 0 {
		return filepath.Dir(peers.Find(t, "postgres"))
	}
	slices.Sort(found)
	return filepath.Dir(found[len(found)-1])
}

// needUser returns whom a program is to run as that refuses to run as root.
func needUser(t *testing.T, name string) *syscall.Credential {
	t.Helper()
	reason := ""
	u, err := user.Lookup(name)
	switch {
	case err != nil:
		reason = err.Error()
	case os.Getuid() != 0:
		reason = "needs root, to run as " + name
	default:
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		check(t, err)
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		check(t, err)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip(reason)
	return nil
}

// bootTime is how long a cluster may take to come up: databases are made, and copied.
const bootTime = time.Minute

// settled waits until there is a primary with two standbys, and returns its name.
func (c *patroni) settled() (leader string) {
	c.Helper()
	for end := time.Now().Add(bootTime); ; pause(c.T, 100*time.Millisecond) {
		roles := c.roles()
		count := map[string]int{}
		for name, role := range roles {
			if count[role]++; role == "primary" {
				leader = name
			}
		}
		if count["primary"] == 1 && count["replica"] == 2 {
			return leader
		}
		if time.Now().After(end) {
			c.Fatalf("waited %v for a primary and two standbys; now: %v", bootTime, roles)
		}
	}
}

// roles are what Patroni says of each host to balancers.
func (c *patroni) roles() map[string]string {
	roles := map[string]string{}
	for name := range patroniHosts {
		for _, role := range []string{"primary", "replica"} {
			if r, err := c.rest(name, http.MethodGet, "/"+role, ""); err == nil && r == "200 OK" {
				roles[name] = role
			}
		}
	}
	return roles
}

// rest asks Patroni on a host, and returns the status of its answer.
func (c *patroni) rest(name, method, path, body string) (string, error) {
	transport := &http.Transport{DialContext: c.client.Dial, DisableKeepAlives: true}
	client := http.Client{Transport: transport, Timeout: bootTime}
	req, err := http.NewRequestWithContext(c.Context(), method, "http://"+patroniHosts[name]+":8008"+path, bytes.NewReader([]byte(body)))
	check(c.T, err)
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.Status, err
}

// session begins a session through the balancer, or with a host itself.
func (c *patroni) session(address string) (*pgSession, error) {
	conn, err := c.dial(c.Context(), address)
	if err != nil {
		return nil, err
	}
	s, err := openPG(conn)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return s, nil
}

func (c *patroni) mustSession(address string) *pgSession {
	c.Helper()
	s, err := c.session(address)
	check(c.T, err)
	return s
}

func (c *patroni) mustAsk(s *pgSession, statement, want string) {
	c.Helper()
	if got, err := s.ask(statement); err != nil || strings.Join(got, " ") != want {
		c.Fatalf("%s: got %v, %v, want %s", statement, got, err, want)
	}
}

// worker is a client as applications are: it works on one session, and on another one when that has ended.
type worker struct {
	c       *patroni
	address string
	work    func(s *pgSession, n int) error // the nth piece

	mu   sync.Mutex
	done []int     // guarded by mu: the pieces that were
	last time.Time // guarded by mu: when the last one was
	gap  time.Duration
	errs []error // guarded by mu: why sessions ended
}

// run works until ctx ends.
func (w *worker) run(ctx context.Context) {
	var s *pgSession
	for n := 1; ctx.Err() == nil; n++ {
		var err error
		if s == nil {
			s, err = w.c.session(w.address)
		}
		if err == nil {
			err = w.work(s, n)
		}
		w.note(n, err)
		if err != nil && s != nil {
			_ = s.conn.Close() // it is of no use any more
			s = nil
		}
		select {
		case <-time.After(5 * time.Millisecond): // a client, no benchmark
		case <-ctx.Done():
		}
	}
}

func (w *worker) note(n int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.errs = append(w.errs, err)
		return
	}
	now := time.Now()
	if !w.last.IsZero() {
		w.gap = max(w.gap, now.Sub(w.last))
	}
	w.last, w.done = now, append(w.done, n)
}

// works waits until more is done, and returns the longest time without since the last call.
func (w *worker) works(what string) time.Duration {
	w.c.Helper()
	count := func() int { w.mu.Lock(); defer w.mu.Unlock(); return len(w.done) }
	before := count()
	eventually(w.c.T, what, func() (bool, any) { return count() > before+10, w.errs })
	w.mu.Lock()
	defer w.mu.Unlock()
	gap := w.gap
	w.gap = 0
	return gap
}

// Applications that know nothing of Patroni work on behind the example while the primary changes: the one port leads to the primary, the other
// to those that follow. What was said to be written is there afterwards. Of a primary that Patroni does not answer for any more the sessions
// are cut, though it lives: another one may be the primary soon.
func TestIntegrationR66_Patroni(t *testing.T) {
	c := newPatroni(t)
	c.balance("patroni.yaml")
	first := c.settled()
	c.up("pg_primary", first)
	c.up("pg_replicas", others(first)...)

	c.mustAsk(c.mustSession(forWriting), "CREATE TABLE work (n int, by text); SELECT pg_is_in_recovery()", "f")
	out, err := c.psql(forWriting, "SELECT inet_server_addr()")
	if want := patroniHosts[first] + "\n"; err != nil || out != want {
		t.Fatalf("psql: got %q, %v, want %q", out, err, want)
	}
	writer := &worker{c: c, address: forWriting, work: func(s *pgSession, n int) error {
		_, err := s.ask(fmt.Sprintf("INSERT INTO work VALUES (%d, 'writer')", n))
		return err
	}}
	reader := &worker{c: c, address: forReading, work: func(s *pgSession, _ int) error {
		rows, err := s.ask("SELECT pg_is_in_recovery()")
		if err == nil && !slices.Equal(rows, []string{"t"}) {
			err = errors.New("this is no standby")
		}
		return err
	}}
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	group.Go(func() { writer.run(ctx) })
	group.Go(func() { reader.run(ctx) })
	writer.works("rows are written")
	reader.works("rows are read")

	// Patroni of the primary hangs, and the database works on.
	idle := c.mustSession(forWriting)
	c.mustAsk(idle, "BEGIN; INSERT INTO work VALUES (0, 'nobody'); SELECT 1", "1")
	check(t, c.run[first].Signal(syscall.SIGSTOP))
	cutBy(t, "a session of a primary that is none any more is cut within", idle.conn, 5*time.Second)
	c.mustAsk(c.mustSession(patroniHosts[first]+":5432"), "SELECT pg_is_in_recovery()", "f")
	check(t, c.run[first].Signal(syscall.SIGCONT))
	t.Logf("nobody to write to for %v", writer.works("rows are written again"))

	// The primary is changed.
	status, err := c.rest(first, http.MethodPost, "/switchover", jsonOf(t, map[string]string{"leader": first, "candidate": others(first)[0]}))
	if err != nil || status != "200 OK" {
		t.Fatalf("switchover: %s, %v", status, err)
	}
	within(t, "without a row while the primary changes", writer.works("rows are written on the new primary"), 10*time.Second)
	reader.works("rows are read on")
	second := c.settled()
	if second == first {
		t.Fatalf("%s is still the primary", first)
	}
	c.up("pg_primary", second)
	c.up("pg_replicas", others(second)...)
	writer.works("rows are written")
	stop()
	group.Wait()

	rows, err := c.mustSession(forWriting).ask("SELECT n FROM work ORDER BY n")
	check(t, err)
	for _, n := range writer.done {
		if _, found := slices.BinarySearchFunc(rows, n, func(row string, n int) int { return number(row) - n }); !found {
			t.Errorf("row %d was written and is not there", n)
		}
	}
	if slices.Contains(rows, "0") {
		t.Error("what the cut session had not committed is there")
	}
	t.Logf("%d rows in %d sessions; %d reads in %d", len(writer.done), len(writer.errs)+1, len(reader.done), len(reader.errs)+1)
}

// others are the hosts beside one.
func others(name string) (all []string) {
	for _, n := range []string{"pg1", "pg2", "pg3"} {
		if n != name {
			all = append(all, n)
		}
	}
	return all
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	check(t, err)
	return string(text)
}

// number is that of a row; -1: none.
func number(row string) int {
	n, err := strconv.Atoi(row)
	if err != nil {
		return -1
	}
	return n
}

// psql has PostgreSQL's own client ask.
func (c *patroni) psql(address, statement string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	check(c.T, err)
	var out bytes.Buffer
	cmd := exec.Command(filepath.Join(c.bin, "psql"), "-X", "-At", "-h", host, "-p", port, "-U", "postgres", "-c", statement)
	cmd.Stdout = &out
	cmd.Env = append(os.Environ(), "PGCONNECT_TIMEOUT=5")
	p, err := c.client.Start(cmd)
	check(c.T, err)
	ctx, cancel := context.WithTimeout(c.Context(), patience)
	defer cancel()
	err = p.Wait(ctx)
	return out.String(), err
}
