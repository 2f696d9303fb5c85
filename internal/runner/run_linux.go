package runner

import (
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// killGrace lies between SIGTERM and SIGKILL: time to remove a lock file, and no more.
	killGrace = 200 * time.Millisecond
	// outputWait is how long output is read after the end of a script whose children keep the pipe open.
	outputWait = 100 * time.Millisecond
)

// run runs a command until its process group is gone or has ended by itself.
func (s *server) run(e *entry, r request, began time.Time, deadline <-chan time.Time, gone <-chan struct{}, answer func(reply)) {
	out := &clip{}
	cmd := e.command(r, out)
	if err := s.spawn.start(cmd); err != nil {
		answer(refusal(fmt.Errorf("command %q: %w", e.ID, err)))
		return
	}
	pid := cmd.Process.Pid
	exited := make(chan struct{}) // closed when the script has ended; it is a zombie until cmd.Wait, so pid stays its own
	go func() {
		defer close(exited)
		awaitExit(pid)
	}()
	select {
	case <-exited:
		_ = cmd.Wait() // its error is the state, or that somebody keeps the pipe open
		answer(reply{Result: result(cmd, out, time.Since(began))})
		return
	case <-deadline:
		answer(reply{Result: Result{ExitCode: -1, TimedOut: true, Output: out.String(), Duration: time.Since(began)}})
	case <-gone:
	}
	endGroup(pid, exited)
	_ = cmd.Wait() // it was killed; nobody asks how it took it
}

// endGroup ends a process group whose leader is still ours to wait for, so that its number can be nobody else's.
func endGroup(pid int, exited <-chan struct{}) {
	_ = unix.Kill(-pid, unix.SIGTERM) // it may be gone already
	grace := time.NewTimer(killGrace)
	defer grace.Stop()
	select {
	case <-exited:
	case <-grace.C:
	}
	_ = unix.Kill(-pid, unix.SIGKILL) // the children of a leader that ended too
	<-exited
}

// awaitExit returns when the process has ended, and leaves it to be waited for.
func awaitExit(pid int) {
	var info unix.Siginfo
	for errors.Is(unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
}

func result(cmd *exec.Cmd, out *clip, took time.Duration) Result {
	r := Result{ExitCode: cmd.ProcessState.ExitCode(), Output: out.String(), Duration: took}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		r.Signal = unix.SignalName(status.Signal())
		r.ExitCode = 128 + int(status.Signal())
	}
	return r
}

// command makes the process of a run.
func (e *entry) command(r request, out *clip) *exec.Cmd {
	attr := &syscall.SysProcAttr{Setsid: true, Pdeathsig: unix.SIGKILL}
	if !e.who.self {
		attr.Credential = &syscall.Credential{Uid: e.who.uid, Gid: e.who.gid, Groups: e.who.groups}
	}
	return &exec.Cmd{
		Path:        e.Argv[0],
		Args:        append(append([]string{}, e.Argv...), r.Args...),
		Env:         append(e.who.environment(), r.Env...),
		Dir:         "/",
		Stdout:      out,
		Stderr:      out, // the same writer: one pipe, and the order is kept
		SysProcAttr: attr,
		WaitDelay:   outputWait,
	}
}

// environment is what every script finds, and nothing of the daemon's.
func (id identity) environment() []string {
	return []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=" + id.home,
		"USER=" + id.name,
		"LOGNAME=" + id.name,
		"SHELL=/bin/sh",
	}
}
