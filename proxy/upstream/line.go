package upstream

// line is requests that wait for the same, the one that came first at its front. It is guarded by the mu of its Queue.
type line struct {
	server      *Server // that they wait for; nil: any
	first, last *Waiter
	length      int
	served      int // how many were given a server
}

// push puts a request at the end.
func (l *line) push(w *Waiter) {
	w.line, w.mark = l, l.served
	w.prev, w.next = l.last, nil
	if l.last == nil {
		l.first = w
	} else {
		l.last.next = w
	}
	l.last = w
	l.length++
}

// remove takes a request out, wherever it is.
func (l *line) remove(w *Waiter) {
	if w.prev == nil {
		l.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		l.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
	l.length--
}

// note adds to a request's place what came of it in this line, before it is counted as served.
func (l *line) note(w *Waiter) {
	n := l.served - w.mark + 1
	if l.server != nil {
		w.place.Server += n
	} else {
		w.place.Backend += n
	}
}

// merge takes in the requests of another line, each where its number belongs. They belong to no server any more.
func (l *line) merge(other *line) {
	a, b := l.first, other.first
	l.first, l.last, l.length = nil, nil, 0
	for a != nil || b != nil {
		if b == nil || a != nil && a.number < b.number {
			next := a.next
			mark := a.mark
			l.push(a)
			a.mark = mark
			a = next
			continue
		}
		next := b.next
		other.note(b)
		b.request.Stick = nil
		l.push(b)
		b = next
	}
	*other = line{server: other.server}
}
