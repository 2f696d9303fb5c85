package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Access logs are opened anew by USR1, and by HUP whether the configuration is good or not.
func TestSignalsReopenAccessLogs(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	log := filepath.Join(dir, "access.log")
	file := write(t, "tandem.yaml", fmt.Sprintf(`proxy:
  defaults: {access_log: {format: "%%HU", output: [%s]}}
  frontends: [{name: f, bind: [{address: "%s"}], rules: [{respond: {status: 200}}]}]
`, log, address))
	var said bytes.Buffer
	cmd := exec.Command("/proc/self/exe", "run", "--config", file, "--runtime-dir", filepath.Join(dir, "run"))
	cmd.Env = append(os.Environ(), commandKey+"=1")
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // prctl(2): it is this thread's end that kills
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	signal := func(s syscall.Signal) {
		t.Helper()
		if err := cmd.Process.Signal(s); err != nil {
			t.Error(err)
		}
	}
	defer func() {
		signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Errorf("tandem: %v\n%s", err, &said)
		}
	}()
	await := func(what string, so func() bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); !so(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("waited in vain for %s", what)
			}
		}
	}
	transport := &http.Transport{DisableKeepAlives: true}
	get := func(path string) bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}
	logged := func(lines string) func() bool {
		return func() bool {
			b, err := os.ReadFile(log)
			return err == nil && strings.TrimSpace(string(b)) == lines
		}
	}
	await("the daemon", func() bool { return get("/first") })
	await("/first", logged("/first")) // it is not to be found in the next file
	for i, s := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGHUP, syscall.SIGHUP} {
		if err := os.Rename(log, fmt.Sprint(log, i)); err != nil {
			t.Fatal(err)
		}
		if i == 2 {
			if err := os.WriteFile(file, []byte("proxy: 1\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		signal(s)
		await(fmt.Sprintf("a new file after %v", s), func() bool {
			_, err := os.Stat(log)
			return err == nil
		})
		line := fmt.Sprint("/", i)
		if !get(line) {
			t.Fatal("no answer")
		}
		await(line, logged(line))
	}
}
