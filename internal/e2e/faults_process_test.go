package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/status"
)

// What ends a daemon, or stops it: the address goes to the other node, and never stays on a node that is dead. The
// subtests follow each other, and the address goes to and fro.
func TestIntegrationFaultProcess(t *testing.T) {
	p := newPair(t, "")
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Run("clean stop", func(t *testing.T) {
		ready(t, p, "lb1")
		measure(t, p, figure{"clean stop (SIGTERM)", stopBound}, "lb2", signal(p, "lb1", syscall.SIGTERM))
		if err := p.Daemon("lb1").Wait(t.Context()); err != nil {
			t.Errorf("the daemon ended with %v, want exit status 0", err)
		}
		measure(t, p, figure{"start again: failback", contestBound}, "lb1", func(context.Context) error { return p.StartDaemon("lb1") })
	})
	t.Run("keeper killed", func(t *testing.T) { keeperKilled(t, p) })
	t.Run("kill -9", func(t *testing.T) {
		ready(t, p, "lb1")
		measure(t, p, figure{"daemon killed (kill -9)", killBound}, "lb2", signal(p, "lb1", syscall.SIGKILL))
		noPreemption(t, p)
	})
	// SIGABRT and SIGSEGV end a Go program as a panic does: with the stacks of all goroutines, at once, with
	// nothing deferred being run.
	t.Run("panic", func(t *testing.T) {
		ready(t, p, "lb2")
		measure(t, p, figure{"daemon crashed (SIGABRT)", killBound}, "lb1", signal(p, "lb2", syscall.SIGABRT))
		restartForgetting(t, p, "lb2")
		ready(t, p, "lb1")
		measure(t, p, figure{"daemon crashed (SIGSEGV)", killBound}, "lb2", signal(p, "lb1", syscall.SIGSEGV))
		restartForgetting(t, p, "lb1")
		awaitFailback(t, p)
	})
	t.Run("frozen", func(t *testing.T) {
		ready(t, p, "lb1")
		mark, began := p.Lab.Mark(), time.Now()
		measure(t, p, figure{"daemon frozen (SIGSTOP)", frozenBound}, "lb2", signal(p, "lb1", syscall.SIGSTOP))
		gone := await(t, p, mark, "the frozen node releases", removed("lb1"))
		within(t, "frozen daemon: address released after", gone.Time.Sub(began), 2*time.Second)
		restartForgetting(t, p, "lb1")
		awaitFailback(t, p)
	})
	t.Run("out of memory", func(t *testing.T) { outOfMemory(t, p) })
	t.Run("both killed at once", func(t *testing.T) { bothKilled(t, p) })
	t.Run("both killed and started again", func(t *testing.T) { bothKilledAndStarted(t, p) })
}

// keeperKilled: a daemon whose keeper dies goes on, notices within a second and starts another.
func keeperKilled(t *testing.T, p *drill.Pair) {
	ready(t, p, "lb1")
	before := mustSnapshot(t, p, "lb1").Keeper
	began := time.Now()
	measure(t, p, figure{"keeper killed (kill -9)", 0}, "lb1", func(context.Context) error {
		command(t, p, "lb1", "kill", "-9", strconv.Itoa(before.PID))
		return nil
	})
	after := awaitStatus(t, p, "lb1", "has another keeper", func(s status.Snapshot) bool {
		return s.Keeper.Alive && s.Keeper.PID != before.PID
	}).Keeper
	within(t, "keeper killed: another is there after", time.Since(began)-afterglow, time.Second)
	if after.Restarts != before.Restarts+1 || !after.WillSet {
		t.Errorf("the keeper is %+v, was %+v; want one restart more, and a will", after, before)
	}
	if s := mustSnapshot(t, p, "lb1").Instances[0]; s.State != status.Master || s.Counters.Transitions != 2 {
		t.Errorf("lb1 is %s after %d transitions, want MASTER since its start", s.State, s.Counters.Transitions)
	}
	// The new one knows what to do.
	measure(t, p, figure{"then the daemon killed (kill -9)", killBound}, "lb2", signal(p, "lb1", syscall.SIGKILL))
	restartForgetting(t, p, "lb1")
	awaitFailback(t, p)
}

// noPreemption: after an unclean end a node leaves the address where it is for half a minute, and says why.
func noPreemption(t *testing.T, p *drill.Pair) {
	start(t, p, "lb1")
	began := time.Now()
	s := awaitStatus(t, p, "lb1", "holds back", func(s status.Snapshot) bool { return len(s.Instances[0].Holds) > 0 && healthy(s) })
	holds := s.Instances[0].Holds
	if len(holds) != 1 || !strings.HasPrefix(holds[0], "the last run ended uncleanly: no preemption until ") {
		t.Errorf("lb1 holds back for %q, want one reason: its unclean end", holds)
	}
	if out := command(t, p, "lb1", binary(t), "explain", "VI_1"); !strings.Contains(out, "Holds back: the last run ended uncleanly") {
		t.Errorf("explain does not say why lb1 holds back:\n%s", out)
	}
	pause(t, time.Until(began.Add(4*interval+skew))) // beyond its down interval
	wantHolder(t, p, "lb2")
	figure{"a node that holds back started beside", 0}.judge(t, p.Record.Since(began))
}

// restartForgetting starts a node whose daemon has ended, as if that had been in order.
func restartForgetting(t *testing.T, p *drill.Pair, node string) {
	t.Helper()
	forget(t, p, node)
	start(t, p, node)
}

func awaitFailback(t *testing.T, p *drill.Pair) {
	t.Helper()
	if err := p.AwaitSole(t.Context(), "lb1"); err != nil {
		t.Fatal(err)
	}
}

// killBoth kills a node's keeper and daemon, in that order: so nobody is left to carry out the will.
func killBoth(t *testing.T, p *drill.Pair, node string) func(context.Context) error {
	s := mustSnapshot(t, p, node)
	return func(context.Context) error {
		command(t, p, node, "kill", "-9", strconv.Itoa(s.Keeper.PID), strconv.Itoa(s.PID))
		return nil
	}
}

// bothKilled: nobody is left but the kernel, which takes the address away when its lease is over.
func bothKilled(t *testing.T, p *drill.Pair) {
	ready(t, p, "lb1")
	lease := time.Duration(mustSnapshot(t, p, "lb1").Instances[0].Addresses[0].Lease * float64(time.Second))
	if lease == 0 || lease+400*time.Millisecond > 3*interval+skew {
		t.Fatalf("the lease is %v, want one that ends before the other node takes over", lease)
	}
	mark, began := p.Lab.Mark(), time.Now()
	measure(t, p, figure{"daemon and keeper killed at once", silenceBound}, "lb2", killBoth(t, p, "lb1"))
	gone := await(t, p, mark, "the lease ends", removed("lb1"))
	within(t, "both killed: the lease ends after", gone.Time.Sub(began), lease+400*time.Millisecond)
	taken := await(t, p, mark, "lb2 takes over", added("lb2"))
	if taken.Time.Before(gone.Time) {
		t.Errorf("lb2 took the address at %v, before lb1's lease ended at %v", taken.Time, gone.Time)
	}
	restartForgetting(t, p, "lb1")
	awaitFailback(t, p)
}

// bothKilledAndStarted: the next start finds the will in its file and carries it out before anything else.
func bothKilledAndStarted(t *testing.T, p *drill.Pair) {
	ready(t, p, "lb1")
	will := p.Node("lb1").Path("/run/tandem/lb1.will")
	if _, err := os.Stat(will); err != nil {
		t.Fatalf("a MASTER's will is not on disk: %v", err)
	}
	f := figure{"daemon and keeper killed, started at once", stopBound}
	seen := watch(t, p, f.fault, func(ctx context.Context) error {
		if err := killBoth(t, p, "lb1")(ctx); err != nil {
			return err
		}
		<-p.Daemon("lb1").Done()
		return errors.Join(p.StartDaemon("lb1"), p.AwaitSole(ctx, "lb2"))
	})
	// A will that nobody carried out would cost three intervals and the skew time.
	f.judgeTo(t, seen, f.limit()+busyStart)
	wantHolder(t, p, "lb2")
	if log := p.Daemon("lb1").Output(); !strings.Contains(log, "carried out the last will of a former run: wills=1") {
		t.Errorf("the new run did not carry out the will:\n%s", log)
	}
	if _, err := os.Stat(will); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the will is still on disk (%v)", err)
	}
}

// outOfMemory: the kernel kills the daemon when its memory cgroup is full.
func outOfMemory(t *testing.T, p *drill.Pair) {
	ready(t, p, "lb1")
	group := newMemoryGroup(t)
	if err := p.Daemon("lb1").Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.Daemon("lb1").Done()
	if err := p.StartDaemon("lb1", "/bin/sh", "-c", `echo $$ > "$0/cgroup.procs" && exec "$@"`, group.dir); err != nil {
		t.Fatal(err)
	}
	awaitFailback(t, p)
	ready(t, p, "lb1")
	// The daemon is the kernel's choice, as it is where it is the biggest; another process wants more than there is.
	score := fmt.Sprintf("/proc/%d/oom_score_adj", p.Daemon("lb1").Pid())
	if err := os.WriteFile(score, []byte("1000"), 0); err != nil {
		t.Fatal(err)
	}
	limit := group.usage(t) + 8<<20
	group.limit(t, limit)
	measure(t, p, figure{"daemon killed, out of memory", killBound}, "lb2", func(ctx context.Context) error {
		hog, err := p.Node("lb1").Start(exec.Command("/bin/sh", "-c",
			`echo $$ > "$0/cgroup.procs" && exec dd if=/dev/zero of=/dev/null bs=14M count=1`, group.dir))
		if err != nil {
			return err
		}
		select {
		case <-p.Daemon("lb1").Done():
			return nil
		case <-hog.Done():
			<-time.After(time.Second) // its victim may end a little later
		case <-ctx.Done():
		}
		select {
		case <-p.Daemon("lb1").Done():
			return nil
		default:
			return fmt.Errorf("the kernel did not kill the daemon at %d MiB: %s", limit>>20, hog.Output())
		}
	})
	if err := p.Daemon("lb1").Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("the daemon ended with %v, want killed", err)
	}
	restartForgetting(t, p, "lb1")
	awaitFailback(t, p)
}
