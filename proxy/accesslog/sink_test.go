package accesslog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
)

// store is a destination in memory.
type store struct {
	writes  [][]byte
	at      []time.Time
	slow    chan struct{} // nil: writes return at once; else when something comes
	failing error
	opened  int
	closed  bool
}

func (d *store) write(ctx context.Context, lines []byte) (lost int, err error) {
	if d.slow != nil {
		<-d.slow
	}
	if d.failing != nil {
		return count(lines), d.failing
	}
	d.writes, d.at = append(d.writes, bytes.Clone(lines)), append(d.at, time.Now())
	return 0, nil
}

func (d *store) reopen() error {
	d.opened++
	return d.failing
}
func (d *store) close()       { d.closed = true }
func (d *store) text() string { return string(bytes.Join(d.writes, nil)) }

// running is a sink that runs in the test's bubble until end.
type running struct {
	*Sink
	to  *store
	log *bytes.Buffer
	end func()
}

func run(t *testing.T) running {
	t.Helper()
	to, log := &store{}, &bytes.Buffer{}
	s := newSink(Output{}, to, hclog.New(&hclog.LoggerOptions{Output: log, DisableTime: true}))
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { s.run(ctx) })
	return running{s, to, log, func() { cancel(); wg.Wait() }}
}

func TestSinkGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := run(t)
		begin := time.Now()
		for i := range 3 {
			s.put(fmt.Appendf(nil, "line %d", i))
			time.Sleep(gather / 4)
		}
		time.Sleep(gather)
		synctest.Wait()
		if got, want := s.to.text(), "line 0\nline 1\nline 2\n"; got != want || len(s.to.writes) != 1 {
			t.Fatalf("got %q in %d writes, want %q in one", got, len(s.to.writes), want)
		}
		if got := s.to.at[0].Sub(begin); got != gather {
			t.Errorf("written after %v, want %v", got, gather)
		}
		s.put([]byte("last"))
		s.end()
		if got := string(s.to.writes[1]); got != "last\n" || !s.to.closed {
			t.Errorf("at the end got %q, closed %t; want the last line, true", got, s.to.closed)
		}
		if got := s.status(); got.Lines != 4 || got.Lost != 0 || s.log.Len() > 0 {
			t.Errorf("status %+v, log %q; want 4 lines, none lost, no word", got, s.log)
		}
	})
}

func TestSinkWritesABatchAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := run(t)
		begin := time.Now()
		line := bytes.Repeat([]byte{'x'}, 1023)
		for range batch / 1024 {
			s.put(line)
		}
		synctest.Wait()
		if len(s.to.writes) != 1 || len(s.to.writes[0]) != batch || time.Since(begin) != 0 {
			t.Errorf("%d writes after %v, want one of %d octets at once", len(s.to.writes), time.Since(begin), batch)
		}
		s.end()
	})
}

// A sink whose output takes nothing takes lines until they are too many, and no put waits: there would be a deadlock.
func TestSlowOutputLosesLinesAndStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := run(t)
		s.to.slow = make(chan struct{})
		s.put([]byte("first"))
		time.Sleep(gather)
		synctest.Wait() // it is being written
		line := bytes.Repeat([]byte{'x'}, 1023)
		const fit, more = maxWaiting / 1024, 7
		for range fit + more {
			s.put(line)
		}
		if got := s.status(); got.Lines != 1+fit || got.Lost != more {
			t.Errorf("took %d and lost %d lines, want %d and %d", got.Lines, got.Lost, 1+fit, more)
		}
		close(s.to.slow)
		synctest.Wait()
		time.Sleep(quiet)
		s.put([]byte("well"))
		time.Sleep(gather)
		synctest.Wait()
		want := "[WARN]  lines of the access log are lost: output=stdout lines=7 err=\"the output is too slow\"\n" +
			"[INFO]  the access log is whole again: output=stdout lost=7\n"
		if got := s.log.String(); got != want {
			t.Errorf("log:\n%swant:\n%s", got, want)
		}
		if !strings.HasSuffix(s.to.text(), "\nwell\n") || cap(s.spare) > maxSpare {
			t.Errorf("ends with %.10q and keeps %d octets, want well and at most %d", s.to.text()[len(s.to.text())-10:], cap(s.spare), maxSpare)
		}
		s.end()
	})
}

// One word for each time that lines are lost, however often a write fails in it.
func TestLossIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := run(t)
		lose := func(failing error, times int) {
			s.to.failing = failing
			for range times {
				s.put([]byte("line"))
				time.Sleep(time.Second)
				synctest.Wait()
			}
		}
		lose(errors.New("disk full"), 3)
		lose(nil, 2)
		lose(errors.New("disk full"), 2)
		lose(nil, 11)
		lose(errors.New("gone"), 1)
		s.end()
		want := "[WARN]  lines of the access log are lost: output=stdout lines=1 err=\"disk full\"\n" +
			"[INFO]  the access log is whole again: output=stdout lost=5\n" +
			"[WARN]  lines of the access log are lost: output=stdout lines=1 err=gone\n"
		if got := s.log.String(); got != want {
			t.Errorf("log:\n%swant:\n%s", got, want)
		}
		if got := s.status(); got.Lost != 6 || got.Err == nil || got.Err.Error() != "gone" {
			t.Errorf("status %+v, want 6 lost, by gone", got)
		}
	})
}

func TestSinkReopens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := run(t)
		s.put([]byte("before"))
		signal(s.renewal)
		time.Sleep(2 * gather)
		synctest.Wait()
		s.to.failing = errors.New("no such directory")
		signal(s.renewal)
		time.Sleep(2 * gather)
		synctest.Wait()
		s.end()
		if s.to.opened != 2 || len(s.to.writes) != 1 {
			t.Errorf("opened %d times after %d writes, want 2 and 1", s.to.opened, len(s.to.writes))
		}
		if got, want := s.log.String(), "[ERROR] reopen the access log: the old file is written on: output=stdout err=\"no such directory\"\n"; got != want {
			t.Errorf("log %q, want %q", got, want)
		}
	})
}

func TestSinkTakesNothingAfterItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := run(t)
		s.end()
		s.put([]byte("late"))
		if got := s.status(); got.Lines != 0 || got.Lost != 1 {
			t.Errorf("status %+v, want no line and one lost", got)
		}
	})
}

func TestPutAllocatesNothing(t *testing.T) {
	s := newSink(Output{}, &store{}, hclog.NewNullLogger())
	s.waiting, s.spare = make([]byte, 0, batch), make([]byte, 0, batch)
	line := bytes.Repeat([]byte{'x'}, 99)
	if n := testing.AllocsPerRun(100, func() {
		s.put(line)
		if len(s.waiting) > batch/2 {
			s.waiting = s.waiting[:0]
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkPut(b *testing.B) {
	s := newSink(Output{}, &store{}, hclog.NewNullLogger())
	line := bytes.Repeat([]byte{'x'}, 120)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			s.put(line)
			s.mu.Lock()
			if len(s.waiting) > batch {
				s.waiting = s.waiting[:0]
			}
			s.mu.Unlock()
		}
	})
}
