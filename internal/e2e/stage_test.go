package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/admin"
	"github.com/tandem-lb/tandem/internal/loadtest"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/status"
)

// Where things are on a stage. It is a node of its own, so the ports are free.
const (
	stagePlain = "127.0.0.1:8080"
	stageTLS   = "127.0.0.1:8443"
)

// stageServers are those of the balancer.
var stageServers = []string{"127.0.0.11:80", "127.0.0.12:80", "127.0.0.13:80"}

// stage is one node with a balancer, its servers, and room for clients, all on the node's loopback interface.
type stage struct {
	*testing.T
	lab     *netlab.Lab
	node    *netlab.Node
	daemon  *netlab.Process
	file    string // the configuration
	log     string // file: all that the daemon writes
	access  string // file: the access log, of a configuration that has one
	pem     string // the certificate
	target  loadtest.Target
	calm    func(ctx context.Context, network, address string) (net.Conn, error) // dials for usual requests, which must not wait for a flood's
	origins *loadtest.Origins
	began   time.Time // when the daemon was started
	serves  time.Time // when it was first seen to serve
}

// newStage starts servers and, with the configuration that config makes of the stage, a balancer.
func newStage(t *testing.T, program string, config func(*stage) string) *stage {
	t.Helper()
	needLab(t)
	dir := t.TempDir()
	s := &stage{T: t, file: filepath.Join(dir, "tandem.yaml"), log: filepath.Join(dir, "daemon.log"), access: filepath.Join(dir, "access.log")}
	lab, err := netlab.New(netlab.Config{Private: []string{"/run"}})
	check(t, err)
	s.lab = lab
	t.Cleanup(func() {
		if t.Failed() && s.daemon != nil {
			text, err := os.ReadFile(s.log)
			t.Logf("log of the daemon (%v):\n%s", err, text)
		}
		check(t, lab.Close())
	})
	s.node, err = lab.Node("lb1")
	check(t, err)
	s.pem = filepath.Join(dir, "www.example.com.pem")
	roots := writeCertificate(t, s.pem)
	s.target = loadtest.Target{Plain: stagePlain, TLS: stageTLS, Roots: roots, Dial: dialFrom(t, s.node, 4)}
	s.calm = dialFrom(t, s.node, 2)
	s.origins, err = loadtest.NewOrigins(t.Context(), stageServers, func(ctx context.Context, address string) (net.Listener, error) {
		return s.node.Listen(ctx, "tcp4", address)
	})
	check(t, err)
	t.Cleanup(s.origins.Close)
	s.write(config(s))
	s.began = time.Now()
	s.daemon = s.start(exec.Command(program, "run", "--config", s.file, "--node", "lb1"))
	s.await("it serves", func(now status.Snapshot) bool {
		return len(now.Backends) > 0 && now.Backends[0].Healthy == len(now.Backends[0].Servers)
	})
	s.serves = time.Now()
	return s
}

// start starts the daemon. Its log is a file: a long run writes more than a Process keeps.
func (s *stage) start(daemon *exec.Cmd) *netlab.Process {
	s.Helper()
	log, err := os.Create(s.log)
	check(s.T, err)
	defer log.Close() // the daemon has it
	daemon.Stdout, daemon.Stderr = log, log
	p, err := s.node.Start(daemon)
	check(s.T, err)
	return p
}

func (s *stage) write(config string) {
	s.Helper()
	check(s.T, os.WriteFile(s.file, []byte(config), 0o644))
}

func (s *stage) call(command string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	return admin.Call(ctx, s.node.Path("/run/tandem/admin.sock"), command)
}

func (s *stage) status() (now status.Snapshot, err error) {
	text, err := s.call("status")
	if err != nil {
		return now, err
	}
	return now, json.Unmarshal(text, &now)
}

// await waits until the daemon says so, as long as it lives.
func (s *stage) await(what string, ok func(status.Snapshot) bool) (now status.Snapshot) {
	s.Helper()
	eventually(s.T, what, func() (yes bool, _ any) {
		select {
		case <-s.daemon.Done():
			s.Fatal("the daemon has ended")
		default:
		}
		var err error
		if now, err = s.status(); err != nil {
			return false, err
		}
		return ok(now), fmt.Sprintf("%+v %+v", now.Frontends, now.Backends)
	})
	return now
}

// usual is traffic that goes on whatever happens beside it.
func (s *stage) usual(r *loadtest.Report) loadtest.Steady {
	target := s.target
	target.Dial = s.calm
	return loadtest.Steady{Target: target, Origins: s.origins, Report: r, Interval: steadyEach, Seed: 1}
}

// memory is the daemon's, which must live.
func (s *stage) memory() loadtest.Memory {
	s.Helper()
	m, err := loadtest.ReadMemory(s.daemon.Pid())
	check(s.T, err)
	return m
}

// dialing is a connection to be made.
type dialing struct {
	ctx              context.Context
	network, address string
	result           chan<- error // one value, sent by the thread; buffered so that it never waits
	conn             *net.Conn
}

// dialFrom returns a function that connects from a node, on threads that stay there until the test ends: entering a
// namespace takes longer than a connection.
func dialFrom(t *testing.T, node *netlab.Node, threads int) func(ctx context.Context, network, address string) (net.Conn, error) {
	todo := make(chan dialing) // sent by the function below, never closed
	for range threads {
		go func() {
			_ = node.Do(func() error {
				dialer := net.Dialer{FallbackDelay: -1}
				for {
					select {
					case d := <-todo:
						var err error
						*d.conn, err = dialer.DialContext(d.ctx, d.network, d.address)
						d.result <- err
					case <-t.Context().Done():
						return nil
					}
				}
			})
		}()
	}
	return func(ctx context.Context, network, address string) (c net.Conn, err error) {
		result := make(chan error, 1)
		select {
		case todo <- dialing{ctx, network, address, result, &c}:
			err = <-result
			return c, err
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-t.Context().Done():
			return nil, errors.New("the test has ended")
		}
	}
}

// writeCertificate makes a certificate for www.example.com that signs itself, and returns a pool that trusts it.
func writeCertificate(t *testing.T, file string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "www.example.com"}, DNSNames: []string{"www.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	check(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...)
	check(t, os.WriteFile(file, text, 0o600))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return roots
}

// accessLines returns what the access log, if there is one, says of requests, by their IDs.
func (s *stage) accessLines(of []loadtest.Failure) map[uint64]string {
	s.Helper()
	lines := map[uint64]string{}
	log, err := os.Open(s.access)
	if errors.Is(err, fs.ErrNotExist) || len(of) == 0 {
		return lines
	}
	check(s.T, err)
	defer log.Close()
	parameter := regexp.MustCompile(`[?&]id=(\d+)`)
	scan := bufio.NewScanner(log)
	for scan.Scan() {
		id := parameter.FindStringSubmatch(scan.Text())
		for _, f := range of {
			if len(id) > 0 && id[1] == strconv.FormatUint(f.ID, 10) {
				lines[f.ID] += scan.Text()
			}
		}
	}
	check(s.T, scan.Err())
	return lines
}

// judge fails the test for each error that nothing explains, and prints the counts.
func (s *stage) judge(r *loadtest.Report) {
	s.Helper()
	var text bytes.Buffer
	check(s.T, r.WriteText(&text))
	s.Logf("what came of the requests:\n%s", strings.TrimRight(text.String(), "\n"))
	first, all := r.Failures()
	lines := s.accessLines(first)
	for _, f := range first {
		s.Errorf("unexplained: %v\naccess log: %s", f, cmp.Or(lines[f.ID], "no line"))
	}
	if all > len(first) {
		s.Errorf("and %d more", all-len(first))
	}
	for _, err := range s.origins.Faults() {
		s.Errorf("seen by a server: %v", err)
	}
}
