package loadtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"

	"golang.org/x/sys/unix"
)

// HoldConfig says which connections to hold.
type HoldConfig struct {
	Address     netip.AddrPort // of the balancer, IPv4
	Sources     []netip.Addr   // the client's addresses, in turn; each has some 28,000 ports
	Connections int
	Seed        uint64 // makes the numbers of the requests
}

// Held is what a holder says of its connections.
type Held struct {
	Open     int // with no request under way
	Answered int // requests, since the last time
	Ended    int // connections that the balancer has ended
}

// Ask is what a holder is told to do: so many requests, each over another connection.
type Ask struct{ Requests int }

// Hold opens connections, makes one request over each, and keeps them. It writes a [Held] when all are open, and another
// one after each [Ask] that it reads; the end of what it reads is the end of the connections. It is for a process of its
// own, since the number of descriptors bounds a process: nothing but a few octets here stands for a connection, and no
// goroutine.
func Hold(cfg HoldConfig, asks io.Reader, answers io.Writer) error {
	h, err := newHolder(cfg)
	if err != nil {
		return err
	}
	defer h.close()
	if err := h.open(); err != nil {
		return err
	}
	in, out := json.NewDecoder(asks), json.NewEncoder(answers)
	for {
		if err := out.Encode(Held{Open: h.idle, Answered: h.answered, Ended: h.ended}); err != nil {
			return fmt.Errorf("say what is held: %w", err)
		}
		var ask Ask
		err := in.Decode(&ask)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read what to ask: %w", err)
		}
		h.answered = 0
		if err := h.ask(ask.Requests); err != nil {
			return err
		}
	}
}

// phase is what a held connection does.
type phase uint8

const (
	phaseConnecting phase = iota
	phaseAsking
	phaseIdle
	phaseEnded
)

// opening is how many connections may be on their way at once: fewer than a backlog holds.
const opening = 64

// holdPatience is how long nothing may happen, in milliseconds.
const holdPatience = 30_000

// holder holds connections by one epoll instance.
type holder struct {
	cfg      HoldConfig
	epoll    int
	phases   []phase        // by descriptor
	fds      []int          // of all connections, in the order of their opening
	partial  map[int][]byte // what has come of responses, by descriptor
	made     uint64         // requests
	idle     int
	answered int
	ended    int
}

func newHolder(cfg HoldConfig) (*holder, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make an epoll instance: %w", err)
	}
	return &holder{cfg: cfg, epoll: epoll, partial: map[int][]byte{}}, nil
}

func (h *holder) close() {
	for _, fd := range h.fds {
		_ = unix.Close(fd) // nothing is to be lost
	}
	_ = unix.Close(h.epoll) // as above
}

// open opens all connections and waits for the answers to their first requests.
func (h *holder) open() error {
	for h.idle < h.cfg.Connections {
		for len(h.fds) < h.cfg.Connections && len(h.fds)-h.idle < opening {
			if err := h.connect(); err != nil {
				return fmt.Errorf("connection %d: %w", len(h.fds)+1, err)
			}
		}
		if err := h.turn(); err != nil {
			return err
		}
		if h.ended > 0 {
			return fmt.Errorf("the balancer ended a connection; %d are open", h.idle)
		}
	}
	return nil
}

// connect begins one connection.
func (h *holder) connect() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("make a socket: %w", err)
	}
	source := h.cfg.Sources[len(h.fds)%len(h.cfg.Sources)]
	h.fds = append(h.fds, fd)
	for len(h.phases) <= fd {
		h.phases = append(h.phases, phaseEnded)
	}
	h.phases[fd] = phaseConnecting
	// The port is chosen with the destination known, so that two may have the same one.
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
		return fmt.Errorf("bind late: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: source.As4()}); err != nil {
		return fmt.Errorf("bind to %v: %w", source, err)
	}
	to := &unix.SockaddrInet4{Addr: h.cfg.Address.Addr().As4(), Port: int(h.cfg.Address.Port())}
	if err := unix.Connect(fd, to); err != nil && !errors.Is(err, unix.EINPROGRESS) {
		return fmt.Errorf("connect from %v to %v: %w", source, h.cfg.Address, err)
	}
	event := &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(fd)}
	if err := unix.EpollCtl(h.epoll, unix.EPOLL_CTL_ADD, fd, event); err != nil {
		return fmt.Errorf("watch a socket: %w", err)
	}
	return nil
}

// ask makes so many requests, over connections that lie apart.
func (h *holder) ask(n int) error {
	var open []int
	for _, fd := range h.fds {
		if h.phases[fd] == phaseIdle {
			open = append(open, fd)
		}
	}
	if n > len(open) {
		return fmt.Errorf("%d requests over %d connections", n, len(open))
	}
	lost := h.ended
	for i := range n {
		if err := h.send(open[i*len(open)/n]); err != nil {
			return err
		}
		if i%opening == opening-1 || i == n-1 {
			for h.answered+h.ended-lost <= i {
				if err := h.turn(); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// send makes the next request over a connection.
func (h *holder) send(fd int) error {
	if h.phases[fd] == phaseIdle {
		h.idle--
	}
	h.phases[fd] = phaseAsking
	h.made++
	s := script{Kind: "idle", ID: h.cfg.Seed<<48 | h.made, Up: -1, Frame: byLength}
	request := "GET " + s.target() + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n"
	if n, err := unix.Write(fd, []byte(request)); n != len(request) {
		return fmt.Errorf("send a request over an idle connection: %w", err)
	}
	return nil
}

// turn takes what has happened.
func (h *holder) turn() error {
	var events [opening]unix.EpollEvent
	n, err := unix.EpollWait(h.epoll, events[:], holdPatience)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("wait for events: %w", err)
	}
	if err == nil && n == 0 {
		return fmt.Errorf("nothing has happened for %d s: %d connections of %d are idle", holdPatience/1000, h.idle, h.cfg.Connections)
	}
	for _, e := range events[:max(n, 0)] {
		if err := h.on(int(e.Fd), e.Events); err != nil {
			return err
		}
	}
	return nil
}

func (h *holder) on(fd int, events uint32) error {
	if h.phases[fd] == phaseConnecting && events&(unix.EPOLLERR|unix.EPOLLHUP) == 0 {
		return h.send(fd)
	}
	if events&(unix.EPOLLIN|unix.EPOLLERR|unix.EPOLLHUP|unix.EPOLLRDHUP) != 0 {
		return h.receive(fd)
	}
	return nil
}

// receive takes what has come, to the last octet.
func (h *holder) receive(fd int) error {
	var buf [4096]byte
	for {
		n, err := unix.Read(fd, buf[:])
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case err != nil || n == 0:
			h.end(fd)
			return nil
		}
		if err := h.take(fd, buf[:n]); err != nil {
			return err
		}
	}
}

// take judges what has come. Responses have no bodies, so each is whole when its head is.
func (h *holder) take(fd int, b []byte) error {
	if h.phases[fd] != phaseAsking {
		return fmt.Errorf("a response without a request: %q", b)
	}
	whole := append(h.partial[fd], b...)
	head, rest, ok := bytes.Cut(whole, []byte("\r\n\r\n"))
	if !ok {
		h.partial[fd] = whole
		return nil
	}
	delete(h.partial, fd)
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) || len(rest) > 0 {
		return fmt.Errorf("a response of %q, and %d octets behind it", head, len(rest))
	}
	h.phases[fd] = phaseIdle
	h.idle++
	h.answered++
	return nil
}

func (h *holder) end(fd int) {
	switch h.phases[fd] {
	case phaseEnded:
		return
	case phaseIdle:
		h.idle--
	}
	h.phases[fd] = phaseEnded
	h.ended++
}
