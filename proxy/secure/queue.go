package secure

// queue is a line of handshakes. A handshake leaves it from any place in it.
type queue struct {
	first, last *handshake
	n           int
}

// push puts a handshake at the end.
func (q *queue) push(h *handshake) {
	h.queue, h.before, h.after = q, q.last, nil
	if q.last != nil {
		q.last.after = h
	} else {
		q.first = h
	}
	q.last = h
	q.n++
}

// pop takes the first handshake, nil if there is none.
func (q *queue) pop() *handshake {
	h := q.first
	if h != nil {
		h.leave()
	}
	return h
}

// leave takes a handshake out of the queue that it may be in.
func (h *handshake) leave() {
	q := h.queue
	if q == nil {
		return
	}
	if h.before != nil {
		h.before.after = h.after
	} else {
		q.first = h.after
	}
	if h.after != nil {
		h.after.before = h.before
	} else {
		q.last = h.before
	}
	h.queue, h.before, h.after = nil, nil, nil
	q.n--
}
