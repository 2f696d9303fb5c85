package daemon

import (
	"context"
	"sync"
)

// executor carries out the jobs of one instance in the order in which they came. The state machine hands over and goes
// on: a slow netlink call delays no packet.
type executor struct {
	mu   sync.Mutex
	jobs []func(context.Context) // guarded by mu; as many as the machine has actions outstanding, which is a handful
	busy bool                    // guarded by mu: a job is under way

	wake chan struct{} // capacity 1: a token says that jobs came; sent by do, never closed
}

func newExecutor() *executor { return &executor{wake: make(chan struct{}, 1)} }

// do queues a job. It never waits.
func (e *executor) do(job func(context.Context)) {
	e.mu.Lock()
	e.jobs = append(e.jobs, job)
	e.mu.Unlock()
	select {
	case e.wake <- struct{}{}:
	default: // a token is there already
	}
}

// idle reports whether all jobs are done.
func (e *executor) idle() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.busy && len(e.jobs) == 0
}

// run carries out jobs until stop is closed and nothing is queued. Jobs get ctx.
func (e *executor) run(ctx context.Context, stop <-chan struct{}) {
	for {
		for {
			job := e.take()
			if job == nil {
				break
			}
			job(ctx)
		}
		select {
		case <-e.wake:
		case <-stop:
			if job := e.take(); job != nil {
				job(ctx)
				continue
			}
			return
		}
	}
}

func (e *executor) take() func(context.Context) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.busy = len(e.jobs) > 0; !e.busy {
		return nil
	}
	job := e.jobs[0]
	e.jobs[0] = nil // let go of what it holds
	e.jobs = e.jobs[1:]
	return job
}
