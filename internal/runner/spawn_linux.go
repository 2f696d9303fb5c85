package runner

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// spawner forks on a thread of its own. Capabilities and no_new_privs belong to a thread, and a child inherits those of
// the thread that forked it; so this one has nothing that a script should not have. The thread lives as long as the
// process: the parent-death signal of a script is the death of the thread.
type spawner struct {
	jobs    chan spawnJob // from runs to the thread; no capacity, the sender waits for its turn; never closed
	stopped chan struct{} // closed by run when it ends
}

type spawnJob struct {
	cmd *exec.Cmd
	err chan error // capacity 1, so that the thread never waits for the run
}

func newSpawner() *spawner {
	return &spawner{jobs: make(chan spawnJob), stopped: make(chan struct{})}
}

// start starts cmd on the spawner's thread.
func (s *spawner) start(cmd *exec.Cmd) error {
	job := spawnJob{cmd: cmd, err: make(chan error, 1)}
	select {
	case s.jobs <- job:
		return <-job.err
	case <-s.stopped:
		return errStopped
	}
}

// run owns the thread until stop is closed. It never unlocks it, so the thread ends with the goroutine.
func (s *spawner) run(stop <-chan struct{}) error {
	defer close(s.stopped)
	runtime.LockOSThread()
	if err := dropInherited(); err != nil {
		return err
	}
	own, err := readOOMScore()
	if err != nil {
		return err
	}
	for {
		select {
		case job := <-s.jobs:
			job.err <- startOrdinary(job.cmd, own)
		case <-stop:
			return nil
		}
	}
}

const oomScore = "/proc/self/oom_score_adj"

func readOOMScore() (int, error) {
	text, err := os.ReadFile(oomScore)
	if err != nil {
		return 0, fmt.Errorf("read the out-of-memory score: %w", err)
	}
	score, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read the out-of-memory score: %w", err)
	}
	return score, nil
}

func writeOOMScore(score int) error { return os.WriteFile(oomScore, []byte(strconv.Itoa(score)), 0) }

// startOrdinary starts cmd without the protection from the out-of-memory killer that this process may have. A child
// inherits it at the fork, so this process goes without for that moment: set afterwards it would be too late for what the
// script forks in its turn.
func startOrdinary(cmd *exec.Cmd, own int) error {
	if own >= 0 {
		return cmd.Start()
	}
	if err := writeOOMScore(0); err != nil {
		return fmt.Errorf("take an ordinary out-of-memory score: %w", err)
	}
	err := cmd.Start()
	if back := writeOOMScore(own); back != nil {
		// It goes on unprotected: the daemon starts another one if need be.
		fmt.Fprintf(os.Stderr, "%s: take back the out-of-memory score: %v\n", ProcessName, back)
	}
	return err
}

// dropInherited takes from this thread what execve would hand on: the ambient and inheritable capabilities, and the
// power of set-user-ID files (prctl(2), PR_SET_NO_NEW_PRIVS).
func dropInherited() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("read capabilities: %w", err)
	}
	data[0].Inheritable, data[1].Inheritable = 0, 0 // and with them the ambient ones (capabilities(7))
	if err := unix.Capset(&header, &data[0]); err != nil {
		return fmt.Errorf("clear inheritable capabilities: %w", err)
	}
	return nil
}
