package runner

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// ordinaryName is argv[0] of a stand-in for the daemon as its unit starts it: an ordinary user with ambient capabilities.
const ordinaryName = "tandem-ordinary"

// ordinary runs one script as another user, kills the worker, runs it again, and prints what both saw, and what the
// runner itself may do.
func ordinary() int {
	if err := runAsOrdinary(); err != nil {
		fmt.Fprintln(os.Stderr, ordinaryName+":", err)
		return 1
	}
	return 0
}

func runAsOrdinary() error {
	c, err := Start(Config{Name: "lb1"})
	if err != nil {
		return err
	}
	defer c.Close()
	line := "id -un; grep -E '^Cap(Inh|Prm|Eff|Amb)' /proc/self/status; echo worker $PPID"
	err = c.Configure([]Command{{ID: "who", Argv: []string{"/bin/sh", "-c", line}, User: "daemon", Timeout: time.Minute}})
	if err != nil {
		return err
	}
	for range 2 {
		r, err := c.Exec(context.Background(), "who", nil, nil)
		if err != nil {
			return err
		}
		var worker int
		text, parent, _ := strings.Cut(r.Output, "worker ")
		if _, err := fmt.Sscan(parent, &worker); err != nil {
			return fmt.Errorf("output %q: %w", r.Output, err)
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", worker))
		if err != nil {
			return err
		}
		fmt.Printf("%s%s\n", text, regexp.MustCompile(`CapEff:.*`).Find(status))
		if err := unix.Kill(worker, unix.SIGKILL); err != nil {
			return err
		}
	}
	return nil
}

func TestIntegrationTheUnitsPrivileges(t *testing.T) {
	t.Parallel()
	needRoot(t)
	nobody, err := newSystem().identityOf("nobody", true)
	if err != nil {
		t.Fatal(err)
	}
	cmd := &exec.Cmd{
		Path: "/proc/self/exe",
		Args: []string{ordinaryName},
		Env:  os.Environ(),
		Dir:  "/",
		SysProcAttr: &syscall.SysProcAttr{
			Credential:  &syscall.Credential{Uid: nobody.uid, Gid: nobody.gid},
			AmbientCaps: []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_KILL},
		},
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	script := "daemon\n"
	for _, set := range []string{"Inh", "Prm", "Eff", "Amb"} {
		script += "Cap" + set + ":\t0000000000000000\n"
	}
	power := 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID | 1<<unix.CAP_KILL
	want := strings.Repeat(script+fmt.Sprintf("CapEff:\t%016x\n", power), 2)
	if string(out) != want {
		t.Errorf("got %q, want %q", out, want)
	}
}
