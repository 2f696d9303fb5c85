package peers

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// recorder stands for a test whose end is looked at.
type recorder struct {
	*testing.T
	said string
}

func (r *recorder) Skipf(format string, _ ...any)  { r.ends("skip: " + format) }
func (r *recorder) Fatalf(format string, _ ...any) { r.ends("fatal: " + format) }

func (r *recorder) ends(how string) {
	r.said = how
	runtime.Goexit()
}

// said is how a test ends that f is.
func said(t *testing.T, f func(t testing.TB)) string {
	r := &recorder{T: t}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f(r)
	}()
	<-ended
	return r.said
}

// script is a program of that text.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "peer")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil { //nolint:gosec // it is to be run
		t.Fatal(err)
	}
	return path
}

func TestFind(t *testing.T) {
	path := script(t, "echo peer 2.6.12-1")
	t.Setenv("PATH", filepath.Dir(path))
	if got := Find(t, "peer"); got != path {
		t.Errorf("got %s, want %s", got, path)
	}
	for ci, want := range map[string]string{"true": "fatal: ", "": "skip: "} {
		t.Setenv("CI", ci)
		for what, f := range map[string]func(testing.TB){
			"is not installed": func(t testing.TB) { Find(t, "nothing") },
			"%s is %s, ":       func(t testing.TB) { Want(t, "peer", "2.60") },
		} {
			if got := said(t, f); !strings.HasPrefix(got, want) || !strings.Contains(got, what) {
				t.Errorf("with CI=%s: got %q, want %q and %q", ci, got, want, what)
			}
		}
	}
	if got := Want(t, "peer", "2.6"); got != path {
		t.Errorf("got %s, want %s", got, path)
	}
	if got := Version(t, path); got != "2.6.12" {
		t.Errorf("got version %s, want 2.6.12", got)
	}
}

func TestRun(t *testing.T) {
	select {
	case err := <-Run(t, exec.Command(script(t, "exit 3"))):
		if err == nil || err.Error() != "exit status 3" {
			t.Errorf("got %v, want exit status 3", err)
		}
	case <-time.After(patience):
		t.Error("an end was not told")
	}
	told := filepath.Join(t.TempDir(), "told")
	t.Run("until the test ends", func(t *testing.T) {
		ready := filepath.Join(t.TempDir(), "ready")
		Run(t, exec.Command(script(t, "trap 'echo ended > "+told+"; exit' TERM\necho > "+ready+"\nwhile :; do sleep 0.01; done")))
		for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			if _, err := os.Stat(ready); err == nil || time.Now().After(end) {
				break
			}
		}
	})
	if b, err := os.ReadFile(told); string(b) != "ended\n" {
		t.Errorf("got %q, %v, want a peer that was told to end", b, err)
	}
}
