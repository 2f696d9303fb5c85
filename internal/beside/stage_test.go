package beside

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"

	"golang.org/x/sys/unix"
)

// stage is an exam with one product: its servers, and where the product listens.
type stage struct {
	*exam
	product string
	name    string // of sections of the configuration
	address string // of the listener
	scenery
}

// scenery is what all stages share.
type scenery struct {
	dir, pem string // of files; a certificate with its key
	dead     netip.AddrPort
	full     string
}

// players are a stage's servers, by their names.
type players map[string]*server

var token = regexp.MustCompile(`@([a-z]+[0-9]*)@`)

// expand puts in what stands for tokens. Servers are started as they are named.
func (s *stage) expand(text string, p players) (string, error) {
	var fault error
	text = token.ReplaceAllStringFunc(text, func(t string) string {
		switch name := t[1 : len(t)-1]; name {
		case "b":
			return s.name
		case "dir":
			return s.dir
		case "pem":
			return s.pem
		case "dead":
			return s.dead.String()
		case "here":
			return s.address
		case "full":
			return s.full
		default:
			if p[name] == nil {
				one, err := s.open(name)
				if err != nil {
					fault = errors.Join(fault, err)
					return t
				}
				p[name] = one
			}
			return p[name].listener.Addr().String()
		}
	})
	return text, fault
}

// open starts a server: those whose name begins with u on a Unix socket.
func (s *stage) open(name string) (*server, error) {
	if name[0] != 'u' {
		return newServer(name, s.answers(name))
	}
	l, err := net.Listen("unix", filepath.Join(s.dir, s.product+s.name+name))
	if err != nil {
		return nil, err
	}
	return serveOn(name, l, s.answers(name)), os.Chmod(l.Addr().String(), 0o777) // the peers give root up
}

// answers is how a server answers.
func (s *stage) answers(name string) func(*visit) {
	switch {
	case s.raw != nil:
		return s.raw
	case s.own[name] != nil:
		return serving(s.own[name])
	case s.answer != nil:
		return serving(s.answer)
	}
	return serving(ok)
}

// listenShort listens with the shortest queue that there is.
func listenShort() (l net.Listener, err error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "a short queue")
	defer f.Close()
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(fd, 0)); err != nil {
		return nil, err
	}
	return net.FileListener(f)
}

// write makes a file in the directory of the stages, and returns its path.
func (s *scenery) write(name, text string) (string, error) {
	path := filepath.Join(s.dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}
