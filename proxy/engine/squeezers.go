package engine

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/tandem-lb/tandem/proxy/compress"
	"github.com/tandem-lb/tandem/proxy/loop"
)

// squeezers are the workers that compress for all loops. The loops never wait for them.
type squeezers struct {
	atOnce int
	open   atomic.Int64 // responses that are being compressed
	pool   compress.Pool

	mu      sync.Mutex
	work    sync.Cond // of mu: there may be something to do
	waiting []errand  // guarded by mu; at most one for each response
	stopped bool      // guarded by mu
}

// errand is a piece on its way to a worker and back to its loop.
type errand struct {
	k    *compressor
	post func(func(*loop.Loop)) bool
}

func newSqueezers(atOnce int) *squeezers {
	q := &squeezers{atOnce: atOnce}
	q.work.L = &q.mu
	return q
}

// Run compresses until ctx ends. What is not done by then is not done.
func (q *squeezers) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, q.stop)
	defer stop()
	var workers sync.WaitGroup
	for range q.atOnce {
		workers.Go(q.worker)
	}
	workers.Wait()
	return nil
}

func (q *squeezers) stop() {
	q.mu.Lock()
	q.stopped = true
	q.mu.Unlock()
	q.work.Broadcast()
}

func (q *squeezers) worker() {
	for {
		e, ok := q.take()
		if !ok {
			return
		}
		e.k.piece.work(&q.pool)
		e.post(e.k.done) // a loop that has ended has ended its streams
	}
}

// take waits for an errand; ok is false when there will be none.
func (q *squeezers) take() (e errand, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 && !q.stopped {
		q.work.Wait()
	}
	if q.stopped {
		return e, false
	}
	e = q.waiting[0]
	q.waiting[0] = errand{}
	q.waiting = q.waiting[1:]
	return e, true
}

// do has a worker deal with a compressor's piece, which is the worker's until done is called.
func (q *squeezers) do(k *compressor, post func(func(*loop.Loop)) bool) {
	q.mu.Lock()
	q.waiting = append(q.waiting, errand{k, post})
	q.mu.Unlock()
	q.work.Signal()
}

// enter reports whether one more response may be compressed, which leave takes back.
func (q *squeezers) enter() bool {
	if q.open.Add(1) > maxCompressing {
		q.open.Add(-1)
		return false
	}
	return true
}

// leave notes that a response is not compressed any more. Its encoder may be nil.
func (q *squeezers) leave(e *compress.Encoder) {
	if e != nil {
		q.pool.Put(e)
	}
	q.open.Add(-1)
}
