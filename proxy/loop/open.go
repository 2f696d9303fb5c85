package loop

import (
	"net/netip"
	"time"
)

// How many clients a Loop takes from a listening socket before it looks at what else there is; fewer where others can take the rest.
const (
	acceptBudget = 16
	sharedBudget = 4
)

// Accept is told of a client, whose socket it has to give a Handler by Adopt, or to close by Refuse.
type Accept func(l *Loop, c Client)

// Client is a connection that was accepted and is nobody's yet.
type Client struct {
	From netip.AddrPort
	fd   int
}

// acceptPause is how long a Loop takes no clients when it could not take one: the kernel tells of those that wait again and again,
// and a lack of descriptors does not end by asking at once.
const acceptPause = 100 * time.Millisecond

// listener is a listening socket that a Loop takes clients from.
type listener struct {
	fd       int
	accept   Accept
	failed   func(error)
	resumeAt time.Duration // by the Loop's clock, when it pauses by itself; 0: it does not
	paused   bool          // by Pause
}

// Listen has accept called for each client that this Loop takes from a listening socket, until Unlisten. The descriptor
// stays the caller's, and several Loops may have it. failed is told why no client could be taken, a lack of descriptors
// above all; those that wait are not lost by that, and are taken a tenth of a second later.
func (l *Loop) Listen(fd int, accept Accept, failed func(error)) error {
	key := uint32(fd)
	if err := l.kernel.Listen(fd, uint64(key)); err != nil {
		return err
	}
	l.listen[key] = &listener{fd: fd, accept: accept, failed: failed}
	return nil
}

// Share tells a Loop that others take clients from the same listening sockets. The kernel tells of a client the first of those that wait, in
// the order in which they came to listen, so one Loop would get nearly all of those that come one by one, and keep them. A Loop that
// shares goes to the end of that queue after each few that it has taken: two system calls, which one alone need not make.
func (l *Loop) Share() { l.shares = true }

// Unlisten takes no more clients from a listening socket: those that come wait in its backlog. The Accept function may call it.
func (l *Loop) Unlisten(fd int) {
	if li := l.listen[uint32(fd)]; li != nil {
		li.stop(l)
	}
}

// Pause leaves the clients of a listening socket in its backlog until Resume. It costs a system call, and can be called by the Accept
// function, which is not called any more then. Several Loops with one limit keep it so, with one client too many for each Loop
// at most: whoever accepts the last that fits, or one more, pauses its own Loop; whoever gets below the limit has all of them
// resume, by Post.
func (l *Loop) Pause(fd int) {
	if li := l.listen[uint32(fd)]; li != nil && !li.paused {
		li.paused, li.resumeAt = true, 0
		_ = l.kernel.Forget(fd) // it can only be forgotten already
	}
}

// Resume takes clients again, those first that have waited. The kernel tells one Loop of a client, so if that is the one which
// pauses, those that do not sleep on: to call Resume on another one, though it has not paused, has it look.
func (l *Loop) Resume(fd int) {
	li := l.listen[uint32(fd)]
	if li == nil || li.resumeAt != 0 {
		return
	}
	if !li.paused {
		_ = l.kernel.Forget(fd)
	}
	li.paused = false
	li.watch(l)
}

// watch has the kernel tell of clients; if it can't, that is tried again soon.
func (li *listener) watch(l *Loop) {
	if err := l.kernel.Listen(li.fd, uint64(li.fd)); err != nil {
		li.failed(err)
		li.rest(l)
	}
}

// rest takes no clients for a while.
func (li *listener) rest(l *Loop) {
	_ = l.kernel.Forget(li.fd) // it can only be forgotten already
	li.resumeAt, l.pausing = l.now+acceptPause, true
}

// resume has those listeners go on whose pause is over, and says how long the first of the others still has; below 0: none pauses.
func (l *Loop) resume() (rest time.Duration) {
	rest = -1
	if !l.pausing { // as nearly always
		return rest
	}
	for _, li := range l.listen {
		if li.resumeAt != 0 && li.resumeAt <= l.now {
			li.resumeAt = 0
			li.watch(l)
		}
		if li.resumeAt != 0 && (rest < 0 || li.resumeAt-l.now < rest) {
			rest = li.resumeAt - l.now
		}
	}
	l.pausing = rest >= 0
	return rest
}

func (li *listener) stop(l *Loop) {
	delete(l.listen, uint32(li.fd))
	_ = l.kernel.Forget(li.fd) // one that is closed has been forgotten
}

// clients takes those that wait, up to the budget; the kernel says again that more do.
func (li *listener) clients(l *Loop) {
	if li.paused || li.resumeAt != 0 { // since the kernel said so
		return
	}
	budget, taken := acceptBudget, 0
	if l.shares {
		budget = sharedBudget
	}
	for range budget {
		fd, from, err := l.kernel.Accept(li.fd)
		switch err {
		case nil:
			taken++
			li.accept(l, Client{From: from, fd: fd})
			l.called()
		case again:
			li.requeue(l, taken)
			return
		case interrupt, connAborted:
		default:
			li.failed(err)
			if l.listen[uint32(li.fd)] == li && !li.paused {
				li.rest(l)
			}
			return
		}
		if l.listen[uint32(li.fd)] != li || li.paused { // stopped meanwhile
			return
		}
	}
	li.requeue(l, taken)
}

// requeue goes behind the other Loops in the kernel's queue, after having taken some clients.
func (li *listener) requeue(l *Loop, taken int) {
	if l.shares && taken > 0 {
		_ = l.kernel.Forget(li.fd) // it is listened on
		li.watch(l)
	}
}

// Adopt gives a client's socket to a Handler. What the client has sent already can be received at once: many have sent their
// request by then, and are answered before the kernel is asked to watch them. The Handler does that by its first Ready, which
// Adopt calls.
func (l *Loop) Adopt(c Client, h Handler) {
	r := l.sockets.add(c.fd, h)
	l.sockets.rows.at(r.index).ready = Readable | Writable
	h.Ready(l, r)
	if s := l.sockets.find(r); s != nil && !s.watched && !s.postponed {
		l.watch(s, r)
	}
}

// Refuse closes a client's connection with a reset.
func (l *Loop) Refuse(c Client) { _ = l.kernel.Close(c.fd, true) } // the descriptor is gone whatever it says

// Connect begins to connect. The Handler's Ready is called when that has come to an end; Connected says which. An error is a lack of
// descriptors or of a route.
func (l *Loop) Connect(to netip.AddrPort, h Handler) (Ref, error) {
	fd, err := l.kernel.Connect(to)
	if err != nil {
		return Ref{}, err
	}
	return l.connecting(fd, h)
}

// ConnectUnix is Connect to a Unix socket: a path, or @ and a name in the abstract name space. An error may also be that nobody listens there,
// or that too many others wait.
func (l *Loop) ConnectUnix(path string, h Handler) (Ref, error) {
	fd, err := l.kernel.ConnectUnix(path)
	if err != nil {
		return Ref{}, err
	}
	return l.connecting(fd, h)
}

// connecting takes in a socket that connects.
func (l *Loop) connecting(fd int, h Handler) (Ref, error) {
	r := l.sockets.add(fd, h)
	s := l.sockets.rows.at(r.index)
	s.connecting, s.watched = true, true
	if err := l.kernel.Watch(fd, r.key()); err != nil {
		l.Close(r, false)
		return Ref{}, err
	}
	return r, nil
}

// Connected reports whether a socket of Connect stands, or why it does not; pending: neither yet.
func (l *Loop) Connected(r Ref) (pending bool, err error) {
	s := l.sockets.socket(r)
	switch {
	case s == nil:
		return false, notConnected
	case !s.connecting:
		return false, nil
	case s.ready&(Writable|HungUp) == 0:
		return true, nil
	}
	if err := l.kernel.Error(int(s.fd)); err != nil {
		return false, err
	}
	s.connecting = false
	return false, nil
}
