package upstream

import (
	"cmp"
	"sync"
	"sync/atomic"
)

// Queue is where the requests of a backend wait that its servers have no room for: in one line for whichever server, or in that of the
// server that they belong to. A slot that is free goes to who has waited longest of those that it is for, whichever loop it waits on, and
// nobody who comes later gets it. A Queue outlives the Pool that it was made with. It is safe for concurrent use.
//
// Nobody is forgotten: who enters has been counted before it is looked whether there is a slot for it, and who frees a slot has done so
// before it looks whether somebody is counted. One of the two sees the other.
type Queue struct {
	waiting atomic.Int64 // how many wait; changed with mu held

	mu    sync.Mutex // guards what follows; it is taken before that of a Pool
	pool  *Pool      // that chooses
	any   line       // who takes whichever server
	lines map[*Server]*line
	count uint64 // requests that have waited
}

// Waker is told, by whichever goroutine has freed a slot, that a server was given to its request. It must not block, and not use the
// Waiter.
type Waker interface{ Wake() }

// Waiter is the place of a request in a Queue. It belongs to who waits, in whose goroutine Enter, Given and Leave are called, and can be
// used again after Leave.
type Waiter struct {
	Waker Waker

	queue *Queue // nil: in none

	// Guarded by the Queue's mu, as long as there is one.
	request    Request
	number     uint64
	line       *line
	prev, next *Waiter // in line
	mark       int     // what line had served when it came
	place      Place
	server     *Server // that it was given; nil: it still waits
}

// Place is how many requests were served before one in the lines that it waited in, itself included, as HAProxy counts; 0: it did not
// wait in that.
type Place struct {
	Server  int // in the line of its server
	Backend int // in that of its backend
}

func newQueue(p *Pool) *Queue { return &Queue{pool: p, lines: map[*Server]*line{}} }

// Waiting is how many requests wait.
func (q *Queue) Waiting() int64 { return q.waiting.Load() }

// enter has a request wait, if there is no server for it now, and room. Full: there is neither, and the server
// is the one that it belongs to, without a slot; nil: none.
func (q *Queue) enter(r Request, w *Waiter) (*Server, Outcome) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting.Add(1)
	s, outcome := q.join(&r, w)
	if outcome != Waiting {
		q.waiting.Add(-1)
	}
	return s, outcome
}

// join puts a request at the end of its line, unless nobody is there and a server is. mu is held.
func (q *Queue) join(r *Request, w *Waiter) (*Server, Outcome) {
	of := q.lineOf(r)
	switch {
	case of.first == nil:
		if q.waiting.Load() > 1 { // whoever frees a slot at this very moment has not looked yet who waits for it
			q.serveAll()
		}
		if s, outcome := q.pool.take(r); outcome != Full {
			return s, outcome
		}
	case of.server == nil && q.pool.deserted():
		return nil, None
	}
	if q.full(of) {
		return of.server, Full
	}
	if of.server != nil {
		q.lines[of.server] = of
	}
	q.count++
	*w = Waiter{Waker: w.Waker, queue: q, request: *r, number: q.count}
	of.push(w)
	return nil, Waiting
}

// lineOf returns where a request is to wait. It belongs to no server any more where its own cannot be used, or too many wait for that.
func (q *Queue) lineOf(r *Request) *line {
	if own := q.pool.own(r); own != nil {
		of := q.lines[own]
		if of == nil {
			of = &line{server: own}
		}
		if r.Firm || !q.full(of) {
			return of
		}
	}
	r.Stick = nil
	return &q.any
}

// full reports whether nobody more may wait in a line.
func (q *Queue) full(of *line) bool {
	most := q.pool.options.MaxQueue
	if of.server != nil {
		most = cmp.Or(q.pool.members[q.pool.index[of.server]].MaxQueue, most)
	}
	return most > 0 && of.length >= most
}

// freed takes in that a server may have room.
func (q *Queue) freed(s *Server) {
	if q.waiting.Load() == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch own := q.lines[s]; {
	case q.pool.options.MaxConnections > 0: // then it is the backend that has
		q.serveAll()
	default:
		q.serve(&q.any, own)
	}
}

// changed takes in that servers may be used for something else.
func (q *Queue) changed() {
	if q.waiting.Load() == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.settle()
}

// follow has p choose from here on.
func (q *Queue) follow(p *Pool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pool = p
	q.settle()
}

// settle has those wait for any server whose own cannot be used, and serves whom it can. mu is held.
func (q *Queue) settle() {
	for s, of := range q.lines {
		if q.pool.own(&Request{Stick: []*Server{s}}) == nil {
			delete(q.lines, s)
			q.any.merge(of)
		}
	}
	q.serveAll()
}

// serveAll gives servers to whoever waits, as far as there are any. mu is held.
func (q *Queue) serveAll() {
	if len(q.lines) == 0 {
		q.serve(&q.any, nil)
		return
	}
	all := []*line{&q.any}
	for _, of := range q.lines {
		all = append(all, of)
	}
	q.serve(all...)
}

// serve gives servers to those at the front of some lines, who has waited longest first. mu is held.
func (q *Queue) serve(open ...*line) {
	for {
		first := -1
		for i, of := range open {
			if of != nil && of.first != nil && (first < 0 || of.first.number < open[first].first.number) {
				first = i
			}
		}
		if first < 0 {
			return
		}
		w := open[first].first
		s, _ := q.pool.take(&w.request)
		if s == nil {
			open[first] = nil // nor is there one for those behind it
			continue
		}
		q.remove(w)
		w.line.served++
		w.server = s
		w.Waker.Wake()
	}
}

// remove takes a request out of its line. mu is held.
func (q *Queue) remove(w *Waiter) {
	q.waiting.Add(-1)
	of := w.line
	of.remove(w)
	of.note(w)
	if of.first == nil && of.server != nil {
		delete(q.lines, of.server)
	}
}

// Given reports whether a server was given to the request, which Leave returns.
func (w *Waiter) Given() bool {
	if w.queue == nil {
		return false
	}
	w.queue.mu.Lock()
	defer w.queue.mu.Unlock()
	return w.server != nil
}

// For returns the server in whose line the request waits because it belongs to that; nil: none.
func (w *Waiter) For() *Server {
	if w.queue == nil {
		return nil
	}
	w.queue.mu.Lock()
	defer w.queue.mu.Unlock()
	return w.line.server
}

// Leave ends the wait. The server is one that was given to the request, with a slot, nil where none was.
func (w *Waiter) Leave() (*Server, Place) {
	q := w.queue
	if q == nil {
		return nil, Place{}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.server == nil {
		q.remove(w)
	}
	s, place := w.server, w.place
	w.reset()
	return s, place
}

func (w *Waiter) reset() { *w = Waiter{Waker: w.Waker} }
