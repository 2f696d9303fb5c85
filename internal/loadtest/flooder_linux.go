package loadtest

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// FloodConfig is a flood for a process of its own, which nobody else's requests have to wait for.
type FloodConfig struct {
	Name        string // in the table of all
	Plain, TLS  string // as in Target
	Roots       []byte // what the balancer's certificate is signed by, in PEM
	Connections int
	Seed        uint64
	For         time.Duration // how long connections are opened
	Life        time.Duration // after which the client closes one itself and opens another; 0: it does not
	Grace       time.Duration // how long the balancer then has to end them
}

// RunFlood floods. The process gets a processor when nobody else wants it: on a network a flood comes from other machines, and takes
// none of the balancer's time but by what it sends.
func RunFlood(ctx context.Context, cfg FloodConfig) (FloodResult, error) {
	if err := comeLast(); err != nil {
		return FloodResult{}, err
	}
	target := Target{Plain: cfg.Plain, TLS: cfg.TLS, Roots: x509.NewCertPool(), Dial: (&net.Dialer{FallbackDelay: -1}).DialContext}
	if !target.Roots.AppendCertsFromPEM(cfg.Roots) {
		return FloodResult{}, errors.New("flood: no certificate in what is to be trusted")
	}
	for _, f := range Floods() {
		if f.Name == cfg.Name {
			during, end := context.WithTimeout(ctx, cfg.For)
			defer end()
			f.life = cfg.Life
			return f.Run(during, target, cfg.Connections, cfg.Seed, cfg.Grace), nil
		}
	}
	return FloodResult{}, fmt.Errorf("no flood %q", cfg.Name)
}

// comeLast lets every other process go first. Threads that come later are as those that begin them.
func comeLast() error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("list this process's threads: %w", err)
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return fmt.Errorf("list this process's threads: %w", err)
		}
		if err := unix.Setpriority(unix.PRIO_PROCESS, id, 19); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("let other processes go first: %w", err)
		}
	}
	return nil
}
