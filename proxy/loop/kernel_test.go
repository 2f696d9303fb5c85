package loop_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
)

// world is a kernel and the ends that it does not see.
type world interface {
	kernel() loop.Kernel
	listen(t *testing.T) (fd int, dial func() end)
	serve(t *testing.T) (address netip.AddrPort, accept func() end)
	nobody(t *testing.T) netip.AddrPort
}

// end is the other end of a connection.
type end interface {
	say(text string)
	hear(octets int) []byte // fewer where the end comes before
	ended() error           // io.EOF: orderly; syscall.ECONNRESET: not
	narrow()                // takes little more until widen
	widen()
	closeWrite()
	close()
	reset()
}

func TestKernel(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) world{"memory": openMemory, "epoll": openEpoll} {
		for _, tt := range kernelTests {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				tt.do(&user{T: t, w: open(t)})
			})
		}
	}
}

// user does what a Loop would.
type user struct {
	*testing.T
	w    world
	told map[uint64]loop.What // what Wait has said and expect has not asked for
}

const listening, watched = 7, 1<<32 | 9 // keys

var kernelTests = []struct {
	name string
	do   func(u *user)
}{
	{"accept", func(u *user) {
		k := u.w.kernel()
		fd, dial := u.w.listen(u.T)
		u.must(k.Listen(fd, listening))
		if _, _, err := k.Accept(fd); err != syscall.EAGAIN {
			u.Errorf("accept: got %v, want EAGAIN while nobody is there", err)
		}
		dial()
		u.expect(listening, loop.Readable)
		u.expect(listening, loop.Readable) // again, while one waits
		_, from, err := k.Accept(fd)
		if err != nil || !from.Addr().Is4() || from.Port() == 0 {
			u.Errorf("accept: got %v, %v", from, err)
		}
		u.must(k.Forget(fd))
		dial()
		u.silence()
		u.must(k.Listen(fd, listening))
		u.expect(listening, loop.Readable)
	}},
	{"receive", func(u *user) {
		k, fd, e := u.client()
		e.say("before")
		u.watch(fd)
		u.expect(watched, loop.Readable|loop.Writable)
		u.recv(fd, 100, "before", nil)
		u.recv(fd, 100, "", syscall.EAGAIN)
		u.silence()
		e.say("afterwards")
		u.expect(watched, loop.Readable)
		u.silence() // once, though it was not read
		u.recv(fd, 5, "after", nil)
		u.silence() // though there is more
		e.closeWrite()
		u.expect(watched, loop.Readable|loop.HungUp)
		u.recv(fd, 100, "wards", nil)
		u.recv(fd, 100, "", nil)
		u.recv(fd, 100, "", nil)
		if n, err := k.Send(fd, []byte("still"), false); n != 5 || err != nil || string(e.hear(5)) != "still" {
			u.Errorf("send to one that has ended: %d, %v", n, err)
		}
	}},
	{"reset with bytes before it", func(u *user) {
		k, fd, e := u.client()
		u.watch(fd)
		e.say("last words")
		u.expect(watched, loop.Readable)
		e.reset()
		u.expect(watched, loop.Readable|loop.Writable|loop.HungUp)
		u.recv(fd, 100, "last words", nil)
		u.recv(fd, 100, "", syscall.ECONNRESET)
		u.recv(fd, 100, "", nil) // it is told once
		if _, err := k.Send(fd, []byte("x"), false); err != syscall.EPIPE {
			u.Errorf("send: got %v, want EPIPE", err)
		}
	}},
	{"reset found by sending", func(u *user) {
		k, fd, e := u.client()
		u.watch(fd)
		e.reset()
		u.expect(watched, loop.HungUp)
		if _, err := k.Send(fd, []byte("x"), false); err != syscall.ECONNRESET {
			u.Errorf("send: got %v, want ECONNRESET", err)
		}
		u.recv(fd, 100, "", nil)
	}},
	{"end, and a reset after it", func(u *user) {
		k, fd, e := u.client()
		u.watch(fd)
		e.close()
		u.expect(watched, loop.HungUp)
		if n, err := k.Send(fd, []byte("too late"), false); n != 8 || err != nil {
			u.Errorf("send: got %d, %v, want all: the kernel does not know better", n, err)
		}
		u.expect(watched, loop.Readable|loop.Writable|loop.HungUp)
		if n, _, err := k.Unacked(fd); n != 8 || err != nil {
			u.Errorf("unacked: got %d, %v, want 8", n, err)
		}
		u.recv(fd, 100, "", nil)
		for range 2 {
			if _, err := k.Send(fd, []byte("x"), false); err != syscall.EPIPE {
				u.Errorf("send: got %v, want EPIPE", err)
			}
		}
	}},
	{"no room", func(u *user) {
		k, fd, e := u.client()
		u.watch(fd)
		u.expect(watched, loop.Writable)
		e.narrow()
		all := bytes.Repeat([]byte("0123456789"), 7000)
		sent := 0
		for {
			n, err := k.Send(fd, all, false)
			if sent += n; err == syscall.EAGAIN {
				break
			} else if err != nil {
				u.Fatal(err)
			}
			if n < len(all) { // epoll(7): a short write has used up the room
				if _, err := k.Send(fd, all, false); err != syscall.EAGAIN {
					u.Errorf("after a short send: %v, want EAGAIN", err)
				}
				break
			}
		}
		u.silence()
		e.widen()
		e.hear(sent)
		u.expect(watched, loop.Writable)
		if n, err := k.Send(fd, []byte("more"), false); n != 4 || err != nil {
			u.Errorf("send: got %d, %v", n, err)
		}
	}},
	{"two pieces", func(u *user) {
		k, fd, e := u.client()
		if n, err := k.Send2(fd, []byte("head"), []byte("body"), false); n != 8 || err != nil {
			u.Errorf("send: got %d, %v", n, err)
		}
		if got := e.hear(8); string(got) != "headbody" {
			u.Errorf("got %q", got)
		}
		if n, _, err := k.Unacked(fd); err != nil || n != 0 && n != 8 { // the acknowledgement may be on its way
			u.Errorf("unacked: got %d, %v", n, err)
		}
	}},
	{"more follows", func(u *user) {
		for _, end := range []func(k loop.Kernel, fd int) error{
			func(k loop.Kernel, fd int) error { return k.CloseWrite(fd) },
			func(k loop.Kernel, fd int) error { return k.Close(fd, false) },
		} {
			k, fd, e := u.client()
			for i, text := range []string{"he", "ad"} {
				if n, err := k.Send(fd, []byte(text), i == 0); n != 2 || err != nil {
					u.Errorf("send: got %d, %v", n, err)
				}
			}
			if got := e.hear(4); string(got) != "head" {
				u.Errorf("got %q", got)
			}
			if n, err := k.Send2(fd, []byte("bo"), []byte("dy"), true); n != 4 || err != nil {
				u.Errorf("send: got %d, %v", n, err)
			}
			u.must(end(k, fd))
			if got, err := e.hear(4), e.ended(); string(got) != "body" || err != io.EOF {
				u.Errorf("got %q, %v, want the end with it", got, err)
			}
		}
	}},
	{"close write", func(u *user) {
		k, fd, e := u.client()
		u.must(k.CloseWrite(fd))
		if err := e.ended(); err != io.EOF {
			u.Errorf("got %v, want the end", err)
		}
		if _, err := k.Send(fd, []byte("x"), false); err != syscall.EPIPE {
			u.Errorf("send: got %v, want EPIPE", err)
		}
		u.watch(fd)
		e.say("still")
		u.expect(watched, loop.Readable)
		u.recv(fd, 100, "still", nil)
		e.closeWrite()
		u.expect(watched, loop.Readable|loop.Writable|loop.HungUp)
		u.recv(fd, 100, "", nil)
	}},
	{"close", func(u *user) {
		for _, tt := range []struct {
			unread string
			reset  bool
			want   error
		}{{"", false, io.EOF}, {"", true, syscall.ECONNRESET}, {"unread", false, syscall.ECONNRESET}} {
			k, fd, e := u.client()
			e.say(tt.unread)
			if u.watch(fd); tt.unread != "" {
				u.expect(watched, loop.Readable)
			}
			u.must(k.Close(fd, tt.reset))
			if err := e.ended(); err != tt.want {
				u.Errorf("%+v: got %v", tt, err)
			}
			u.silence()
		}
	}},
	{"connect", func(u *user) {
		k := u.w.kernel()
		address, accept := u.w.serve(u.T)
		fd, err := k.Connect(address)
		u.must(err)
		u.watch(fd)
		u.expect(watched, loop.Writable)
		u.must(k.Error(fd))
		e := accept()
		e.say("hello")
		u.expect(watched, loop.Readable)
		u.recv(fd, 100, "hello", nil)
	}},
	{"connect to nobody", func(u *user) {
		k := u.w.kernel()
		fd, err := k.Connect(u.w.nobody(u.T))
		u.must(err)
		u.watch(fd)
		u.expect(watched, loop.Readable|loop.Writable|loop.HungUp)
		if err := k.Error(fd); err != syscall.ECONNREFUSED {
			u.Errorf("got %v, want ECONNREFUSED", err)
		}
		u.must(k.Close(fd, false))
	}},
	{"splice", func(u *user) {
		k, fd, e := u.client()
		read, write, size, err := k.Pipe(64 << 10)
		if err != nil || size != 64<<10 {
			u.Fatalf("pipe: got %d octets, %v", size, err)
		}
		u.splice(fd, write, 100, 0, syscall.EAGAIN)
		u.splice(read, fd, 100, 0, syscall.EAGAIN)
		u.watch(fd)
		e.say("through a pipe")
		u.expect(watched, loop.Readable)
		u.splice(fd, write, 7, 7, nil)
		u.splice(fd, write, 100, 7, nil)
		u.splice(read, fd, 10, 10, nil)
		u.splice(read, fd, 100, 4, nil)
		if got := e.hear(14); string(got) != "through a pipe" {
			u.Errorf("got %q", got)
		}
		e.closeWrite()
		u.expect(watched, loop.HungUp)
		u.splice(fd, write, 100, 0, nil)
		u.must(k.Close(read, false))
		u.must(k.Close(write, false))
	}},
	{"wake", func(u *user) {
		k := u.w.kernel()
		k.Wake()
		k.Wake()
		u.expect(loop.Woken, 0)
		u.silence()
		k.Wake()
		u.expect(loop.Woken, 0)
	}},
}

func (u *user) must(err error) {
	u.Helper()
	if err != nil {
		u.Fatal(err)
	}
}

// client is a connection that was accepted.
func (u *user) client() (k loop.Kernel, fd int, e end) {
	u.Helper()
	listener, dial := u.w.listen(u.T)
	e = dial()
	fd, _, err := u.w.kernel().Accept(listener)
	u.must(err)
	return u.w.kernel(), fd, e
}

func (u *user) watch(fd int) {
	u.Helper()
	u.must(u.w.kernel().Watch(fd, watched))
}

func (u *user) wait(timeout time.Duration) {
	var events [10]loop.Event
	n, err := u.w.kernel().Wait(events[:], timeout)
	if err != nil && err != syscall.EINTR {
		u.Fatal(err)
	}
	if u.told == nil {
		u.told = map[uint64]loop.What{}
	}
	for _, e := range events[:n] {
		u.told[e.Key] |= e.What
	}
}

// expect waits until all of what is expected has been told of.
func (u *user) expect(key uint64, want loop.What) {
	u.Helper()
	for end := time.Now().Add(10 * time.Second); ; {
		if u.wait(10 * time.Millisecond); u.told[key]&want == want {
			if _, told := u.told[key]; told {
				delete(u.told, key)
				return
			}
		}
		if time.Now().After(end) {
			u.Fatalf("told of %v, want %b of %x", u.told, want, key)
		}
	}
}

// silence sees to it that nothing is told of.
func (u *user) silence() {
	u.Helper()
	if u.wait(5 * time.Millisecond); len(u.told) > 0 {
		u.Errorf("told of %v, want nothing", u.told)
	}
}

func (u *user) recv(fd, most int, want string, wantErr error) {
	u.Helper()
	b := make([]byte, most)
	if n, err := u.w.kernel().Recv(fd, b); string(b[:n]) != want || err != wantErr {
		u.Errorf("received %q, %v, want %q, %v", b[:n], err, want, wantErr)
	}
}

func (u *user) splice(from, to, most, want int, wantErr error) {
	u.Helper()
	if n, err := u.w.kernel().Splice(from, to, most); n != want || err != wantErr {
		u.Errorf("spliced %d, %v, want %d, %v", n, err, want, wantErr)
	}
}

// memory is the world of looptest.
type memory struct {
	net *looptest.Net
	k   loop.Kernel
}

func openMemory(t *testing.T) world {
	n := looptest.New(0)
	return &memory{n, n.Kernel()}
}

func (m *memory) kernel() loop.Kernel { return m.k }

func (m *memory) listen(t *testing.T) (fd int, dial func() end) {
	address := netip.MustParseAddrPort("192.0.2.2:80")
	return m.net.Listen(address), func() end { return peer{m.net.Dial(address)} }
}

func (m *memory) serve(t *testing.T) (address netip.AddrPort, accept func() end) {
	address = netip.MustParseAddrPort("192.0.2.3:80")
	s := m.net.Serve(address)
	return address, func() end { return peer{s.Accept()} }
}

func (m *memory) nobody(t *testing.T) netip.AddrPort { return netip.MustParseAddrPort("192.0.2.4:80") }

type peer struct{ *looptest.Peer }

func (p peer) say(text string)   { p.Say(text) }
func (p peer) hear(n int) []byte { return p.Read() }
func (p peer) narrow()           { p.Window(100_000) }
func (p peer) widen()            { p.Window(-1) }
func (p peer) closeWrite()       { p.CloseWrite() }
func (p peer) close()            { p.Close() }
func (p peer) reset()            { p.Reset() }
func (p peer) ended() error {
	switch {
	case p.WasReset():
		return syscall.ECONNRESET
	case p.Ended():
		return io.EOF
	}
	return nil
}

// machine is the world of this machine.
type machine struct{ k *loop.Epoll }

func openEpoll(t *testing.T) world {
	k, err := loop.OpenEpoll()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.CloseAll() })
	return &machine{k}
}

func (m *machine) kernel() loop.Kernel { return m.k }

func (m *machine) listen(t *testing.T) (fd int, dial func() end) {
	l := listener(t)
	file, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	fd = int(file.Fd())
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	return fd, func() end {
		c, err := net.DialTCP("tcp", nil, l.Addr().(*net.TCPAddr))
		return theirs(t, c, err)
	}
}

func listener(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func (m *machine) serve(t *testing.T) (address netip.AddrPort, accept func() end) {
	l := listener(t)
	return l.Addr().(*net.TCPAddr).AddrPort(), func() end {
		c, err := l.AcceptTCP()
		return theirs(t, c, err)
	}
}

func (m *machine) nobody(t *testing.T) netip.AddrPort {
	l := listener(t)
	_ = l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

type socket struct {
	t *testing.T
	c *net.TCPConn
}

func theirs(t *testing.T, c *net.TCPConn, err error) end {
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return socket{t, c}
}

func (s socket) say(text string) {
	if _, err := io.WriteString(s.c, text); err != nil {
		s.t.Error(err)
	}
}

func (s socket) hear(octets int) []byte {
	b := make([]byte, octets)
	n, err := io.ReadFull(s.c, b)
	if err != nil {
		s.t.Error(err)
	}
	return b[:n]
}

func (s socket) ended() error {
	_, err := s.c.Read(make([]byte, 1))
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		return errno
	}
	return err
}

func (s socket) narrow()     {}
func (s socket) widen()      {}
func (s socket) closeWrite() { _ = s.c.CloseWrite() }
func (s socket) close()      { _ = s.c.Close() }
func (s socket) reset()      { _ = s.c.SetLinger(0); _ = s.c.Close() }
