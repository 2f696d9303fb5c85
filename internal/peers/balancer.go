package peers

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// Balancer is HAProxy or nginx. It takes over sockets that listen already: nobody else can have got their ports, and who connects while it
// starts waits for it.
type Balancer struct {
	name    string // haproxy or nginx
	program string
	sockets []*os.File
}

// NewBalancer finds one by its name, haproxy or nginx, as [Find] does.
func NewBalancer(t testing.TB, name string) *Balancer {
	t.Helper()
	return &Balancer{name: name, program: Find(t, name)}
}

// firstSocket is the descriptor that the first of exec.Cmd's ExtraFiles has.
const firstSocket = 3

// Listens opens a socket, and returns where it listens and what the peer calls it in its configuration.
func (b *Balancer) Listens(t testing.TB) (at, bind string) {
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
	b.sockets = append(b.sockets, socket)
	at = l.Addr().String()
	if b.name == "nginx" {
		return at, at
	}
	return at, fmt.Sprintf("fd@%d", firstSocket+len(b.sockets)-1)
}

// Run runs it with a configuration until the test ends. The channel gets one error, when it ends by itself before.
func (b *Balancer) Run(t testing.TB, text string) <-chan error {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, b.name+".conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(b.program, "-db", "-q", "-f", file)
	if b.name == "nginx" {
		cmd = exec.Command(b.program, "-q", "-p", dir, "-e", "stderr", "-c", file)
		cmd.Env = append(os.Environ(), "NGINX=")
		for i := range b.sockets {
			cmd.Env[len(cmd.Env)-1] += fmt.Sprintf("%d;", firstSocket+i)
		}
	}
	cmd.ExtraFiles = b.sockets
	early := Run(t, cmd)
	for _, s := range b.sockets {
		_ = syscall.SetNonblock(int(s.Fd()), true) // handing it on has made it wait; an error shows when nobody serves
		_ = s.Close()                              // the peer's from here on: where that ends, who connects is refused
	}
	return early
}
