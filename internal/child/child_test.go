package child

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

func startEcho(t *testing.T, files ...*os.File) *Process {
	t.Helper()
	p, err := Start(Config{Name: echoName, Args: []string{"lb1"}, Files: files})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.End() })
	return p
}

func say(t *testing.T, p *Process, word string) string {
	t.Helper()
	if err := p.TrySend([]byte(word)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	n, err := p.Conn().Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func TestAChildHearsAndAnswers(t *testing.T) {
	t.Parallel()
	p := startEcho(t)
	for _, word := range []string{"one", "two"} {
		if got := say(t, p, word); got != word {
			t.Errorf("got %q, want %q", got, word)
		}
	}
	for name, want := range map[string]string{"comm": echoName + "\n", "cmdline": echoName + "\x00lb1\x00"} {
		if got, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.PID(), name)); err != nil || string(got) != want {
			t.Errorf("%s: got %q and %v, want %q", name, got, err, want)
		}
	}
}

func TestFilesHaveTheirNumbers(t *testing.T) {
	t.Parallel()
	f, err := os.Open("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	// A nil file keeps its number free; the child asked for one file, so the second one is closed.
	p := startEcho(t, f, f)
	say(t, p, "ready")
	if got, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", p.PID(), FirstFile)); err != nil || got != "/etc/passwd" {
		t.Errorf("the first file: got %q and %v, want /etc/passwd", got, err)
	}
	if got, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", p.PID(), FirstFile+1)); err == nil && got == "/etc/passwd" {
		t.Error("the child has a file that it did not ask for")
	}
	q := startEcho(t, nil)
	say(t, q, "ready")
	if got, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", q.PID(), FirstFile)); err == nil && got == "/etc/passwd" {
		t.Error("a nil file is open")
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	p := startEcho(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a living child: got %v, want %v", err, context.Canceled)
	}
	p.Kill()
	if err := p.Wait(t.Context()); err != nil {
		t.Errorf("a killed child: got %v, want nil", err)
	}
	if got := p.End(); got != "signal: killed" {
		t.Errorf("got %q, want signal: killed", got)
	}
	if err := p.Wait(t.Context()); err != nil {
		t.Errorf("after End: got %v, want nil", err)
	}
	if err := p.TrySend([]byte("x")); !errors.Is(err, ErrEnded) {
		t.Errorf("send after End: got %v, want %v", err, ErrEnded)
	}
}

func TestEndWakesWait(t *testing.T) {
	t.Parallel()
	p := startEcho(t)
	var waits sync.WaitGroup
	waits.Go(func() {
		if err := p.Wait(t.Context()); err != nil {
			t.Errorf("got %v, want nil", err)
		}
	})
	p.End()
	waits.Wait()
}

func TestStop(t *testing.T) {
	t.Parallel()
	p := startEcho(t)
	say(t, p, "ready")
	if got := p.Stop(20 * time.Second); got != "exit status 0" {
		t.Errorf("got %q, want a child that ended by itself", got)
	}
	q, err := Start(Config{Name: stubbornName})
	if err != nil {
		t.Fatal(err)
	}
	if got := q.Stop(50 * time.Millisecond); got != "signal: killed" {
		t.Errorf("got %q, want it killed", got)
	}
}

func TestStartRefusesNamesThatTheKernelCuts(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "tandem-sixteen--"} {
		_, err := Start(Config{Name: name})
		if want := fmt.Sprintf("start %q: a process's name has 1 to 15 octets", name); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestStartTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := Start(Config{Name: echoName, Path: "/no/such/file"})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want %v", err, os.ErrNotExist)
	}
}

func TestKeepStartsAnotherOneUntilClosed(t *testing.T) {
	t.Parallel()
	var ends []string
	starts := 0
	start := func() (*Process, error) {
		switch starts++; starts {
		case 1:
			return nil, errors.New("not yet")
		case 2:
			return Start(Config{Name: failName})
		}
		return nil, ErrClosed
	}
	first, err := Start(Config{Name: failName})
	if err != nil {
		t.Fatal(err)
	}
	err = Keep(t.Context(), first, func(how string) { ends = append(ends, how) }, start, hclog.NewNullLogger())
	if err != nil {
		t.Errorf("got %v, want nil when closed", err)
	}
	if len(ends) != 2 || ends[0] != "exit status 7" || ends[1] != "exit status 7" || starts != 3 {
		t.Errorf("got ends %q and %d starts, want two ends with status 7 and three starts", ends, starts)
	}
}

func TestKeepLeavesTheChildWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	p := startEcho(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := Keep(ctx, p, func(how string) { t.Errorf("ended: %s", how) }, nil, hclog.NewNullLogger())
	if err != nil {
		t.Errorf("got %v, want nil", err)
	}
	if got := say(t, p, "still"); got != "still" {
		t.Errorf("got %q, want the child to be there", got)
	}
}

func TestNextPause(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name              string
		last, lived, want time.Duration
	}{
		{"died early", firstPause, 0, 2 * firstPause},
		{"died early again and again", 4 * time.Second, time.Second, maxPause},
		{"lived long", maxPause, settled, firstPause},
	}
	for _, tc := range cases {
		if got := nextPause(tc.last, tc.lived); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}
