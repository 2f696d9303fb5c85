package runner

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/internal/child"
)

// ProcessName is the runner's name, as ps and pgrep -x show it, and its argv[0].
const ProcessName = "tandem-runner"

const (
	exitFailed = 1
	exitMisuse = 2
)

// Main is the runner: a guard and its worker, which is this function again. It returns the exit status when the daemon has
// ended and everything it had run is gone.
func Main() int {
	if err := child.Enter(ProcessName, 0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitMisuse
	}
	serve := guard
	if os.Args[len(os.Args)-1] == workerArg {
		serve = work
	}
	if err := serve(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", ProcessName, err)
		return exitFailed
	}
	return 0
}

// catchSignals keeps both of the runner's processes alive when the unit's processes are stopped: that stops the daemon,
// which has scripts to run until it ends. The signals are caught and forgotten rather than ignored, because children
// would inherit that.
func catchSignals() {
	forgotten := make(chan os.Signal, 1) // nobody reads it, and the runtime never waits
	signal.Notify(forgotten, unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGPIPE)
}

// work is the worker's process: it runs commands until the daemon has ended.
func work() error {
	catchSignals()
	unix.Umask(0o022)
	var core unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &core); err != nil {
		return fmt.Errorf("read the limit of core dumps: %w", err)
	}
	core.Cur = 0
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &core); err != nil {
		return fmt.Errorf("forbid core dumps: %w", err)
	}
	// The unit's limit is for the keeper: no script shall be able to take every processor from everybody.
	if err := unix.Setrlimit(unix.RLIMIT_RTPRIO, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("forbid real time: %w", err)
	}
	main, err := child.FileConn(child.Socket)
	if err != nil {
		return err
	}
	defer func() { _ = main.Close() }() // the process ends

	spawn := newSpawner()
	stop := make(chan struct{})   // closed here when no run is left
	failed := make(chan error, 1) // from the spawner's goroutine; capacity 1, so that it can end first
	go func() {
		err := spawn.run(stop)
		if err != nil {
			_ = main.Close() // without it nothing can be run: the daemon starts another runner
		}
		failed <- err
	}()
	acceptErr := accept(main, newServer(newSystem(), spawn))
	close(stop)
	return errors.Join(acceptErr, <-failed)
}

// accept takes calls until the daemon has ended, and returns when all are answered or given up.
func accept(main *net.UnixConn, s *server) error {
	var calls sync.WaitGroup
	defer calls.Wait() // the callers have ended too, so each run is being killed
	buf, rights := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	for {
		n, rn, _, _, err := main.ReadMsgUnix(buf, rights)
		switch {
		case errors.Is(err, io.EOF), err == nil && n == 0 && rn == 0, errors.Is(err, unix.ECONNRESET):
			return nil
		case err != nil:
			return fmt.Errorf("wait for calls: %w", err)
		}
		conn, err := call(rights[:rn])
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: a call: %v\n", ProcessName, err)
			continue
		}
		calls.Go(func() { s.handle(conn) })
	}
}

// call unpacks the connection that came with a message.
func call(rights []byte) (net.Conn, error) {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil, err
	}
	if len(messages) != 1 {
		return nil, fmt.Errorf("%d control messages, want 1", len(messages))
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return nil, err
	}
	return child.FileConn(fds[0])
}
