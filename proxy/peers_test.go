package proxy_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// peer is another balancer that Tandem is compared with. It takes over sockets that listen already: nobody else can have got their ports, and who
// connects while it starts waits for it.
type peer struct {
	name    string
	program string
	sockets []*os.File
	at      []string // where they listen
}

// newPeer finds a program of Debian's.
func newPeer(t *testing.T, name string) *peer {
	t.Helper()
	for _, path := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(path); err == nil {
			return &peer{name: name, program: path}
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed: make test-deps", name)
	}
	t.Skipf("%s is not installed: make test-deps", name)
	return nil
}

// listens opens a socket, and returns where it listens and what the peer calls it in its configuration.
func (p *peer) listens(t *testing.T) (at, bind string) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	socket, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() }) // it is closed already where the peer has been run
	at = l.Addr().String()
	p.sockets, p.at = append(p.sockets, socket), append(p.at, at)
	if p.name == "nginx" {
		return at, at
	}
	return at, fmt.Sprintf("fd@%d", firstSocket+len(p.sockets)-1)
}

// firstSocket is the descriptor that the first of exec.Cmd's ExtraFiles has.
const firstSocket = 3

// run runs it with a configuration until the test ends.
func (p *peer) run(t *testing.T, text string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, p.name+".conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command(p.program, "-db", "-q", "-f", file)
	if p.name == "nginx" {
		cmd = exec.Command(p.program, "-q", "-p", dir, "-e", "stderr", "-c", file)
		cmd.Env = append(os.Environ(), "NGINX=")
		for i := range p.sockets {
			cmd.Env[len(cmd.Env)-1] += fmt.Sprintf("%d;", firstSocket+i)
		}
	}
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.ExtraFiles = p.sockets
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} // it does not outlive a test that was killed
	started, ended := make(chan error), make(chan error, 1)            // one each, from the goroutine
	go func() {
		runtime.LockOSThread() // prctl(2): it is the end of the thread that started it which kills
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			ended <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	for _, s := range p.sockets {
		_ = s.Close() // the peer's from here on: where that ends, who connects is refused
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // nginx's tells its worker; where there is none it has ended by itself
		var err error
		select {
		case err = <-ended:
		case <-time.After(patience):
			_ = cmd.Process.Kill() // as above
			err = <-ended
		}
		if t.Failed() {
			t.Logf("%s: %v\n%s", p.name, err, &out)
		}
	})
}
