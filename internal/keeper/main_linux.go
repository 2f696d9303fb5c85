package keeper

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/internal/child"
)

// ProcessName is the keeper's name, as ps and pgrep -x show it, and its argv[0].
const ProcessName = "tandem-keeper"

// What the child inherits besides the socket.
const (
	daemonFD   = child.FirstFile // a pidfd of the daemon
	lockFD     = child.FirstFile + 1
	ledgerFD   = child.FirstFile + 2
	inherited  = 3
	neverKill  = -1000    // of oom_score_adj: the out-of-memory killer passes by
	smallHeap  = 24 << 20 // octets; the garbage collector stays away below it, and the keeper hardly allocates
	exitFailed = 1
	exitMisuse = 2
)

// Main is the keeper's process. It returns the exit status when the daemon has ended, or has stopped it.
func Main(effects Effects) int {
	// Whoever ends the unit's processes ends the daemon first, and then the keeper ends by itself. Stopped writing of
	// a last word (PIPE) must not end it early either.
	signal.Ignore(unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGABRT, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGPIPE)
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(smallHeap)
	if err := child.Enter(ProcessName, inherited); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitMisuse
	}
	book, err := openLedger(ledgerFD)
	if err != nil {
		Words(false).Error("no ledger", "err", err)
		return exitFailed
	}
	l := newLoop(effects, book, os.Getppid())
	if l.counters.OOMScoreAdj, err = protectFromOOM(); err != nil {
		l.log.Warn("the out-of-memory killer may choose the keeper", "err", err)
	}
	if !l.run() {
		return exitFailed
	}
	return 0
}

// protectFromOOM asks for the score at which the out-of-memory killer never chooses this process, and returns the one it has.
// The kernel grants it with CAP_SYS_RESOURCE, or when the unit had it (OOMScoreAdjust); elsewhere the score stays.
func protectFromOOM() (int, error) {
	const path = "/proc/self/oom_score_adj"
	if err := os.WriteFile(path, []byte(strconv.Itoa(neverKill)), 0); err != nil && !errors.Is(err, fs.ErrPermission) {
		return 0, fmt.Errorf("lower the out-of-memory score: %w", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("read the out-of-memory score: %w", err)
	}
	score, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read the out-of-memory score: %w", err)
	}
	return score, nil
}

// killParent ends the daemon. The pidfd names it and nobody else, even when its number has been given away since.
func killParent() error {
	if err := unix.PidfdSendSignal(daemonFD, syscall.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("kill the silent daemon: %w", err)
	}
	return nil
}
