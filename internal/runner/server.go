package runner

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// maxRuns bounds the runs at a time: one for each of 255 instances' notifications, and as many trackers.
const maxRuns = 512

// server is the runner's process: a table of commands, and calls that name them.
type server struct {
	sys   system
	spawn *spawner

	mu    sync.Mutex
	table map[string]*entry // guarded by mu: what may be run; nil: nobody has told yet

	slots chan struct{} // one token a run under way; capacity maxRuns; never closed
}

// entry is a command of the table.
type entry struct {
	Command
	who  identity
	turn chan struct{} // a token while a run of it, or what is left of one, is there; capacity 1; never closed
}

func newServer(sys system, spawn *spawner) *server {
	return &server{sys: sys, spawn: spawn, slots: make(chan struct{}, maxRuns)}
}

// handle answers one call.
func (s *server) handle(conn net.Conn) {
	defer func() { _ = conn.Close() }() // a caller that has gone needs no answer
	var r request
	if err := receive(conn, &r); err != nil {
		_ = send(conn, refusal(fmt.Errorf("request: %w", err)))
		return
	}
	if r.Table != nil {
		first, errs := s.configure(*r.Table)
		answer := refusal(errs...)
		answer.Empty = first
		_ = send(conn, answer)
		return
	}
	gone := make(chan struct{}) // closed when the caller gives up; nothing else comes after the request
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, conn)
	})
	s.exec(r, gone, func(answer reply) {
		_ = send(conn, answer)
		_ = conn.Close() // which ends the reader too
	})
	_ = conn.Close()
	reader.Wait()
}

func refusal(errs ...error) reply {
	var r reply
	for _, err := range errs {
		r.Problems = append(r.Problems, err.Error())
	}
	return r
}

// configure replaces the table, or says everything that is wrong with the new one and keeps the former; and whether there
// was none before.
func (s *server) configure(commands []Command) (first bool, errs []error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first = s.table == nil
	next := map[string]*entry{}
	for _, c := range commands {
		who, problems := judge(c, s.sys, true)
		errs = append(errs, problems...)
		if next[c.ID] != nil {
			errs = append(errs, fmt.Errorf("command %q is there twice", c.ID))
		}
		next[c.ID] = &entry{Command: c, who: who, turn: make(chan struct{}, 1)}
		if old := s.table[c.ID]; old != nil {
			next[c.ID].turn = old.turn // a run under way is waited for
		}
	}
	if len(errs) == 0 {
		s.table = next
	}
	return first, errs
}

// exec runs a command. It calls answer once, unless the caller has gone, and returns when nothing of the run is left.
func (s *server) exec(r request, gone <-chan struct{}, answer func(reply)) {
	s.mu.Lock()
	e, empty := s.table[r.ID], s.table == nil
	s.mu.Unlock()
	if empty {
		answer(reply{Empty: true})
		return
	}
	if e == nil {
		answer(refusal(fmt.Errorf("no command %q is configured", r.ID)))
		return
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		answer(refusal(fmt.Errorf("%d runs are under way, that is the most", maxRuns)))
		return
	}
	began := time.Now()
	deadline := time.NewTimer(e.Timeout)
	defer deadline.Stop()
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-gone:
		return
	case <-deadline.C:
		answer(refusal(fmt.Errorf("command %q: the run before is still not gone", r.ID)))
		return
	}
	if e.who.uid == 0 && s.sys.realRoot {
		if err := rootsAlone(e.Argv[0]); err != nil {
			answer(refusal(fmt.Errorf("command %q would run as root: %w", r.ID, err)))
			return
		}
	}
	s.run(e, r, began, deadline.C, gone, answer)
}

// errStopped says that the spawner has ended with the process.
var errStopped = errors.New("the runner is stopping")
