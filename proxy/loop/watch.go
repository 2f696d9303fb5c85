package loop

import "time"

// watchDelay is how long a client's socket may go unwatched: shorter than anybody notices, longer than most responses take.
const watchDelay = 10 * time.Millisecond

// unwatched is a client whose Handler expects to be done with it soon.
type unwatched struct {
	ref   Ref
	until time.Duration // by the Loop's clock
}

// Postpone says, in the Ready that Adopt calls, that this client will probably need nothing but what it has sent and one answer: the
// kernel is asked to watch the socket only when something would block, or a moment later. It saves connections of one request the
// price of that.
func (l *Loop) Postpone(r Ref) {
	if s := l.sockets.socket(r); s != nil && !s.watched {
		l.unwatched = append(l.unwatched, unwatched{r, l.now + watchDelay})
		s.postponed = true
	}
}

// watch asks the kernel to watch a client's socket, which tells what it is ready for at once.
func (l *Loop) watch(s *socket, r Ref) {
	s.watched = true
	if err := l.kernel.Watch(int(s.fd), r.key()); err != nil {
		s.ready |= HungUp // the Handler finds out that it is of no use
		l.Again(r)
	}
}

// block returns Blocked, and sees to it that Ready will be called.
func (l *Loop) block(s *socket, r Ref) State {
	if !s.watched {
		l.watch(s, r)
	}
	return Blocked
}

// watchLate watches those whose moment has passed, and returns how long the first of the others has; below 0: there is none.
func (l *Loop) watchLate() (rest time.Duration) {
	n := 0
	for ; n < len(l.unwatched) && l.unwatched[n].until <= l.now; n++ {
		r := l.unwatched[n].ref
		if s := l.sockets.socket(r); s != nil && !s.watched {
			l.watch(s, r)
		}
	}
	if n > 0 {
		l.unwatched = l.unwatched[:copy(l.unwatched, l.unwatched[n:])]
	}
	if len(l.unwatched) == 0 {
		return -1
	}
	return l.unwatched[0].until - l.now
}
