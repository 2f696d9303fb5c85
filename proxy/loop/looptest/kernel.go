package looptest

import (
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tandem-lb/tandem/proxy/loop"
)

var _ loop.Kernel = (*kernel)(nil)

// kernel is what one Loop asks for everything. It works like epoll(7).
type kernel struct {
	net     *Net
	list    []*watch // with news
	awake   atomic.Bool
	resting bool // the last Wait would have blocked
	timed   bool // and not for ever
	wakeAt  time.Duration
}

// watch is a socket that a kernel tells of.
type watch struct {
	kernel   *kernel
	key      uint64
	conn     *conn     // nil: a listening socket
	listener *listener // nil: a connection
	listed   bool
}

// list has the kernel look at a socket in its next Wait.
func (w *watch) list() {
	if !w.listed {
		w.listed = true
		w.kernel.list = append(w.kernel.list, w)
	}
}

// ready is what the socket is ready for, nothing if nobody watches it any more.
func (w *watch) ready() loop.What {
	switch {
	case w.listener != nil && slices.Contains(w.listener.watches, w) && len(w.listener.backlog) > 0:
		return loop.Readable
	case w.conn != nil && w.conn.watch == w:
		w.conn.arrive()
		return w.conn.ready()
	}
	return 0
}

func (k *kernel) Wait(events []loop.Event, timeout time.Duration) (n int, err error) {
	if err := k.net.begins(OpWait); err != nil {
		k.resting = false
		return 0, err
	}
	if k.awake.Swap(false) {
		events[0] = loop.Event{Key: loop.Woken}
		n++
	}
	all := k.list
	k.list = nil
	if k.net.random != nil {
		k.net.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
	for i, w := range all {
		if n == len(events) {
			k.list = append(k.list, all[i:]...)
			break
		}
		w.listed = false
		what := w.ready()
		if what == 0 {
			continue
		}
		events[n] = loop.Event{Key: w.key, What: what}
		n++
		if w.listener != nil || k.net.chance(8) { // a listening socket is told of while clients wait
			w.list()
		}
	}
	k.resting, k.timed, k.wakeAt = n == 0 && timeout != 0, timeout > 0, k.net.now+timeout
	return n, nil
}

func (k *kernel) Wake() {
	k.awake.Store(true)
	select {
	case k.net.woken <- struct{}{}:
	default:
	}
}

func (k *kernel) Watch(fd int, key uint64) error {
	if err := k.net.begins(OpWatch); err != nil {
		return err
	}
	c := at[*conn](k.net, OpWatch, fd)
	if c.watch != nil {
		return syscall.EEXIST
	}
	c.watch = &watch{kernel: k, key: key, conn: c}
	c.changed()
	return nil
}

func (k *kernel) Listen(fd int, key uint64) error {
	if err := k.net.begins(OpListen); err != nil {
		return err
	}
	li := at[*listener](k.net, OpListen, fd)
	if k.watches(li) >= 0 {
		return syscall.EEXIST
	}
	w := &watch{kernel: k, key: key, listener: li}
	li.watches = append(li.watches, w)
	w.list()
	return nil
}

func (k *kernel) Forget(fd int) error {
	li := at[*listener](k.net, OpListen, fd)
	i := k.watches(li)
	if i < 0 {
		return syscall.ENOENT
	}
	li.watches = slices.Delete(li.watches, i, i+1)
	return nil
}

// watches returns the place of the kernel among those that watch a listening socket; below 0: it does not.
func (k *kernel) watches(li *listener) int {
	return slices.IndexFunc(li.watches, func(w *watch) bool { return w.kernel == k })
}

func (k *kernel) Accept(fd int) (int, netip.AddrPort, error) {
	li := at[*listener](k.net, OpAccept, fd)
	if len(li.backlog) == 0 {
		k.net.Calls[OpAccept]++
		return 0, netip.AddrPort{}, syscall.EAGAIN
	}
	if err := k.net.begins(OpAccept); err != nil {
		return 0, netip.AddrPort{}, err
	}
	c := li.backlog[0]
	li.backlog = li.backlog[1:]
	c.fd = k.net.open(c)
	return c.fd, c.peer.addr, nil
}

func (k *kernel) Connect(to netip.AddrPort) (int, error) {
	if err := k.net.begins(OpConnect); err != nil {
		return 0, err
	}
	c := k.net.connect(to)
	c.fd = k.net.open(c)
	return c.fd, nil
}

// ConnectUnix finds nobody: the network of the tests has no Unix sockets.
func (k *kernel) ConnectUnix(string) (int, error) {
	if err := k.net.begins(OpConnect); err != nil {
		return 0, err
	}
	return 0, syscall.ENOENT
}

func (k *kernel) Error(fd int) error { return at[*conn](k.net, OpConnect, fd).takeErr() }

func (k *kernel) Local(fd int) netip.AddrPort { return at[*conn](k.net, OpConnect, fd).local }

func (k *kernel) Recv(fd int, b []byte) (int, error) {
	c := at[*conn](k.net, OpRecv, fd)
	spoil(b) // whoever keeps an earlier piece sees it spoilt
	if err := k.net.begins(OpRecv); err != nil {
		c.fails(err, c.hide)
		return 0, err
	}
	return c.recv(b)
}

func (k *kernel) Send(fd int, b []byte, more bool) (int, error) {
	c := at[*conn](k.net, OpSend, fd)
	if err := k.net.begins(OpSend); err != nil {
		c.fails(err, c.stall)
		return 0, err
	}
	return c.send(b, more)
}

func (k *kernel) Send2(fd int, a, b []byte, more bool) (int, error) {
	return k.Send(fd, slices.Concat(a, b), more)
}

func (k *kernel) CloseWrite(fd int) error {
	c := at[*conn](k.net, OpClose, fd)
	if c.dead {
		return syscall.ENOTCONN
	}
	c.uncork()
	c.shut, c.peer.ended = true, true
	c.changed()
	return nil
}

func (k *kernel) Unacked(fd int) (octets, unsent int, err error) {
	return at[*conn](k.net, OpSend, fd).unacked, 0, nil
}

func (k *kernel) Close(fd int, reset bool) error {
	if err := k.net.begins(OpClose); err != nil {
		return err
	}
	if _, end := k.net.file(fd).(*pipe); !end {
		at[*conn](k.net, OpClose, fd).close(reset)
	}
	k.net.files[fd] = nil
	return nil
}

func (k *kernel) Now() time.Duration { return k.net.now }

func (k *kernel) CloseAll() error { return nil }
