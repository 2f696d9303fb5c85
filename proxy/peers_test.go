package proxy_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tandem-lb/tandem/internal/peers"
)

// peer is another balancer that Tandem is compared with. It takes over sockets that listen already: nobody else can have got their ports, and who
// connects while it starts waits for it.
type peer struct {
	name    string
	program string
	sockets []*os.File
	at      []string // where they listen
}

func newPeer(t *testing.T, name string) *peer {
	t.Helper()
	return &peer{name: name, program: peers.Find(t, name)}
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
	cmd := exec.Command(p.program, "-db", "-q", "-f", file)
	if p.name == "nginx" {
		cmd = exec.Command(p.program, "-q", "-p", dir, "-e", "stderr", "-c", file)
		cmd.Env = append(os.Environ(), "NGINX=")
		for i := range p.sockets {
			cmd.Env[len(cmd.Env)-1] += fmt.Sprintf("%d;", firstSocket+i)
		}
	}
	cmd.ExtraFiles = p.sockets
	peers.Run(t, cmd)
	for _, s := range p.sockets {
		_ = s.Close() // the peer's from here on: where that ends, who connects is refused
	}
}
