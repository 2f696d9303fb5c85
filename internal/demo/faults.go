package demo

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
)

// The pair of drill.Config speaks VRRP version 2 with an interval of 1 s, and its priorities are 101 and 100.
const (
	interval = time.Second
	// skew is the longer Skew_Time of the two, (256 - 100) / 256 s (RFC 3768 section 6.1).
	skew = 156 * time.Second / 256
	// slack is for what the protocol does not count: processes, netlink and ARP on a busy machine.
	slack = 50 * time.Millisecond
	// releaseSlack is the same where a process has to end first.
	releaseSlack = 150 * time.Millisecond
	// keeperPatience is how long a frozen daemon may keep the address.
	keeperPatience = 2 * time.Second
	// contest bounds what a client sees while the address goes back to its first holder.
	contest = 200 * time.Millisecond
)

// fault is one thing that happens to the node that holds the address.
type fault struct {
	name         string
	bound        time.Duration
	why          string // where the bound comes from
	strike, mend func(ctx context.Context, p *drill.Pair, holder string) error
	back         bool // mending brings the address back to the first holder, which is measured too
}

func faults() []fault {
	return []fault{
		{
			name: "cable pulled (carrier lost)", bound: 3*interval + skew + slack, why: "3 x interval + skew + 50 ms", back: true,
			strike: func(ctx context.Context, p *drill.Pair, holder string) error { return p.Cable(holder).Pull(ctx) },
			mend:   restore,
		},
		{
			name: "cable dead (carrier stays)", bound: 3*interval + skew + slack, why: "3 x interval + skew + 50 ms", back: true,
			strike: func(_ context.Context, p *drill.Pair, holder string) error { return p.Cable(holder).Mute() },
			mend:   restore,
		},
		{
			name: "clean stop (SIGTERM)", bound: skew + releaseSlack, why: "skew + 150 ms", back: true,
			strike: signal(syscall.SIGTERM),
			mend:   restart,
		},
		{
			name: "daemon killed (kill -9)", bound: 750 * time.Millisecond, why: "the keeper's last will",
			strike: signal(syscall.SIGKILL),
			mend:   restart,
		},
		{
			name: "daemon frozen (SIGSTOP)", bound: keeperPatience + skew + releaseSlack, why: "2 s + skew + 150 ms",
			strike: signal(syscall.SIGSTOP),
			mend:   restart,
		},
	}
}

func restore(ctx context.Context, p *drill.Pair, node string) error {
	return p.Cable(node).Restore(ctx)
}

func signal(s syscall.Signal) func(context.Context, *drill.Pair, string) error {
	return func(_ context.Context, p *drill.Pair, node string) error { return p.Daemon(node).Signal(s) }
}

// restart starts the daemon of a node again, after its end.
func restart(ctx context.Context, p *drill.Pair, node string) error {
	select {
	case <-p.Daemon(node).Done():
	case <-ctx.Done():
		return fmt.Errorf("the daemon of %s ends: %w", node, ctx.Err())
	}
	return p.StartDaemon(node)
}
