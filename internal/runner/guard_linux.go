package runner

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/internal/child"
)

const (
	// workerArg is the last argument of a worker.
	workerArg = "--worker"
	// guardPause lies between the end of a worker and the start of the next one. Calls wait in the socket meanwhile.
	guardPause = 200 * time.Millisecond
)

// guard is the process that the daemon starts. It does nothing but start a worker, and another one when that has ended
// otherwise than by itself: the daemon gave up the capabilities that a worker needs after it had started the guard, so
// it could not. The worker gets the guard's socket, and its death with the guard.
func guard() error {
	catchSignals()
	runtime.LockOSThread() // the parent-death signal is about the thread that forked
	socket := os.NewFile(child.Socket, "socket")
	for {
		worker := &exec.Cmd{
			Path:        "/proc/self/exe",
			Args:        append(append([]string{}, os.Args...), workerArg),
			Stderr:      os.Stderr,
			ExtraFiles:  []*os.File{socket},
			SysProcAttr: &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL},
		}
		err := worker.Run()
		var ended *exec.ExitError
		switch {
		case err == nil: // because the daemon has ended
			return nil
		case !errors.As(err, &ended):
			return fmt.Errorf("start a worker: %w", err)
		}
		fmt.Fprintf(os.Stderr, "%s: the worker has ended (%v), starting another one\n", ProcessName, err)
		time.Sleep(guardPause)
	}
}
