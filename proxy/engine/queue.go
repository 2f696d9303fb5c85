package engine

// queue holds bytes that have come and cannot be dealt with yet, or that a socket did not take. A nil queue is empty.
// It exists only while there is something in it, so that an idle connection holds no buffer.
type queue struct {
	b  []byte
	at int // what is before it has been dealt with
}

// bytes are what the queue holds, until the next call that changes it.
func (q *queue) bytes() []byte {
	if q == nil {
		return nil
	}
	return q.b[q.at:]
}

// The sizes of buffers that are kept for the next queue. What is larger is left to the garbage collector.
const (
	smallBuffer = 4 << 10
	largeBuffer = 64 << 10
)

// spare is the memory of queues that are gone. It belongs to one loop.
type spare struct {
	queues       []*queue
	small, large [][]byte
}

// maxSpare bounds each list: what a burst has left behind is given back.
const maxSpare = 64

// put appends p to q, which may be nil, and returns the queue.
func (s *spare) put(q *queue, p []byte) *queue {
	if len(p) == 0 {
		return q
	}
	q = s.room(q, len(p))
	q.b = append(q.b, p...)
	return q
}

// room makes room for n octets at the end of q, which may be nil, and returns the queue. It may be empty: who fills it is to free it
// otherwise.
func (s *spare) room(q *queue, n int) *queue {
	if q == nil {
		q = s.take()
	}
	if q.at > 0 && len(q.b)+n > cap(q.b) {
		q.b = q.b[:copy(q.b, q.b[q.at:])]
		q.at = 0
	}
	if need := len(q.b) + n; need > cap(q.b) {
		old := q.b
		q.b = append(s.buffer(need), old...)
		s.give(old)
	}
	return q
}

// drop takes n octets off the front of q and returns the queue, nil when nothing is left.
func (s *spare) drop(q *queue, n int) *queue {
	if q == nil {
		return nil
	}
	q.at += n
	if q.at < len(q.b) {
		return q
	}
	s.give(q.b)
	q.b, q.at = nil, 0
	if len(s.queues) < maxSpare {
		s.queues = append(s.queues, q)
	}
	return nil
}

// free drops all of q.
func (s *spare) free(q *queue) *queue { return s.drop(q, len(q.bytes())) }

func (s *spare) take() *queue {
	if n := len(s.queues); n > 0 {
		q := s.queues[n-1]
		s.queues = s.queues[:n-1]
		return q
	}
	return &queue{}
}

// buffer returns an empty one with room for n octets.
func (s *spare) buffer(n int) []byte {
	switch {
	case n <= smallBuffer:
		return pop(&s.small, smallBuffer)
	case n <= largeBuffer:
		return pop(&s.large, largeBuffer)
	}
	return make([]byte, 0, 2*n) // heads that are larger than most: it grows once more at most
}

func pop(list *[][]byte, size int) []byte {
	if n := len(*list); n > 0 {
		b := (*list)[n-1]
		*list = (*list)[:n-1]
		return b
	}
	return make([]byte, 0, size)
}

// give keeps a buffer for the next queue.
func (s *spare) give(b []byte) {
	switch {
	case cap(b) == smallBuffer && len(s.small) < maxSpare:
		s.small = append(s.small, b[:0])
	case cap(b) == largeBuffer && len(s.large) < maxSpare:
		s.large = append(s.large, b[:0])
	}
}
