package netlab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// outputGrace is how long output is still read after a process has ended while something it started keeps its
// standard output open.
const outputGrace = 500 * time.Millisecond

// Process is a program that runs, or ran, on a node.
type Process struct {
	name   string
	cmd    *exec.Cmd
	output tail
	done   chan struct{} // closed by the waiter when the process has ended; nothing is sent
	err    error         // exec.Cmd.Wait's, set before done is closed
}

// Start starts a command on the node, in the node's network, PID and mount namespaces: it sees the node's processes
// and no others, and the node's private directories. It leads a process group of its own, with SysProcAttr.Setsid a
// session too, and must stay in the foreground. Of Stdout and Stderr those that are nil are kept for Output. The lab's end kills it, and all that
// it started.
func (n *Node) Start(cmd *exec.Cmd) (*Process, error) {
	p := &Process{name: filepath.Base(cmd.Path), cmd: cmd, done: make(chan struct{})}
	if err := p.prepare(); err != nil {
		return nil, fmt.Errorf("start %s on %s: %w", p.name, n.name, err)
	}
	l := n.lab
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil, fmt.Errorf("start %s on %s: %w", p.name, n.name, ErrClosed)
	}
	l.wg.Add(1) // with mu held: Close waits either for this one or has not begun
	l.mu.Unlock()
	if err := inside(cmd.Start, n.network, n.pids, n.mounts); err != nil {
		l.wg.Done()
		return nil, fmt.Errorf("start %s on %s: %w", p.name, n.name, err)
	}
	go func() {
		defer l.wg.Done()
		defer close(p.done)
		p.err = cmd.Wait()
	}()
	return p, nil
}

// prepare completes the command.
func (p *Process) prepare() error {
	c := p.cmd
	if c.Stdout == nil {
		c.Stdout = &p.output
	}
	if c.Stderr == nil {
		c.Stderr = &p.output
	}
	if c.WaitDelay == 0 {
		c.WaitDelay = outputGrace
	}
	if c.Dir == "" { // entering a mount namespace leads to its root
		dir, err := os.Getwd()
		if err != nil {
			return err
		}
		c.Dir = dir
	}
	c.Env = withoutMarker(c.Environ())
	if c.SysProcAttr == nil {
		c.SysProcAttr = &syscall.SysProcAttr{}
	}
	c.SysProcAttr.Setpgid = !c.SysProcAttr.Setsid // who leads a session leads a group already
	return nil
}

// Pid returns the process's number as this program sees it; on the node it has another.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Signal sends a signal to the process alone; os.ErrProcessDone when it has ended.
func (p *Process) Signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("signal %s: %w", p.name, err)
	}
	return nil
}

// SignalGroup sends a signal to the process and those of its children that stayed in its process group;
// os.ErrProcessDone when the process has ended.
func (p *Process) SignalGroup(s syscall.Signal) error {
	select {
	case <-p.done:
		return fmt.Errorf("signal group of %s: %w", p.name, os.ErrProcessDone)
	default:
	}
	if err := syscall.Kill(-p.Pid(), s); err != nil {
		return fmt.Errorf("signal group of %s: %w", p.name, err)
	}
	return nil
}

// Kill kills the process alone, as kill -9 does, and waits for its end.
func (p *Process) Kill() error {
	if err := p.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.done
	return nil
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the end of the process and returns what exec.Cmd.Wait says: nil for exit code 0.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return fmt.Errorf("wait for %s: %w", p.name, context.Cause(ctx))
	}
}

// Output returns what the process wrote to standard output and error so far, at most the last 64 KiB.
func (p *Process) Output() string { return p.output.String() }
