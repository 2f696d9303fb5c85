package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
)

// Options say how the demo runs.
type Options struct {
	Binary string // tandem itself
	Out    io.Writer
	Live   bool // Out is a terminal: rewrite one line instead of printing many
}

// patience bounds the wait for one fault to be dealt with; the longest takes less than 5 s.
const patience = 20 * time.Second

// afterglow is how long the client is watched after a fault was dealt with: what comes late shows then.
const afterglow = time.Second

// Run runs the demo. It returns whether every figure stayed below its bound; an error means that the demo itself could
// not go on. It needs netlab.Enter.
func Run(ctx context.Context, o Options) (ok bool, err error) {
	dir, err := os.MkdirTemp("", "tandem-demo-")
	if err != nil {
		return false, fmt.Errorf("make a directory for the demo: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left is a small file in the temporary directory
	fmt.Fprintln(o.Out, "Two balancers (lb1, lb2), two servers and a client at 200 requests per second, in network namespaces.")
	pair, err := drill.NewPair(ctx, drill.PairConfig{Binary: o.Binary, Dir: dir})
	if err != nil {
		return false, fmt.Errorf("build the pair: %w", err)
	}
	defer func() { _ = pair.Close() }() // the kernel takes the rest
	if err := pair.Start(ctx); err != nil {
		return false, fmt.Errorf("start the pair: %w", err)
	}
	show := startLive(o, pair)
	rows, err := strikeAll(ctx, pair, show)
	show.stop()
	printTable(o.Out, rows)
	if ctx.Err() != nil {
		return false, fmt.Errorf("the demo was broken off: %w", context.Cause(ctx))
	}
	if err != nil {
		return false, err
	}
	for _, r := range rows {
		if r.broken() {
			return false, nil
		}
	}
	return true, nil
}

// strikeAll lets every fault happen to whoever holds the address then.
func strikeAll(ctx context.Context, p *drill.Pair, show *live) ([]row, error) {
	var rows []row
	for _, f := range faults() {
		holder, err := soleHolder(p)
		if err != nil {
			return rows, fmt.Errorf("before %q: %w", f.name, err)
		}
		show.say("%s on %s", f.name, holder)
		r, err := happen(ctx, p, f, holder)
		rows = append(rows, r...)
		if err != nil {
			return rows, fmt.Errorf("%s on %s: %w", f.name, holder, err)
		}
	}
	return rows, nil
}

// happen strikes, waits for the other node to take over, mends, and where the address then comes back waits for that.
func happen(ctx context.Context, p *drill.Pair, f fault, holder string) ([]row, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	other := map[string]string{"lb1": "lb2", "lb2": "lb1"}[holder]
	r, err := measure(ctx, p, row{fault: f.name + " on " + holder, bound: f.bound, why: f.why}, func() error {
		return errors.Join(f.strike(ctx, p, holder), p.AwaitHolder(ctx, other))
	})
	if err != nil {
		return nil, err // nothing was measured
	}
	rows := []row{r}
	if !f.back {
		return rows, f.mend(ctx, p, holder)
	}
	r, err = measure(ctx, p, row{fault: "  and back to " + holder, bound: contest, why: "a contest's 200 ms"}, func() error {
		return errors.Join(f.mend(ctx, p, holder), p.AwaitSole(ctx, holder))
	})
	if err != nil {
		return rows, err
	}
	return append(rows, r), nil
}

// measure does something and fills in what the client saw of it.
func measure(ctx context.Context, p *drill.Pair, r row, do func() error) (row, error) {
	began := time.Now()
	if err := do(); err != nil {
		return r, err
	}
	if err := p.AwaitService(ctx, time.Now()); err != nil {
		return r, err
	}
	select {
	case <-ctx.Done():
		return r, ctx.Err()
	case <-time.After(afterglow):
	}
	r.seen = p.Record.Since(began)
	return r, nil
}

// soleHolder is the one node that has the address.
func soleHolder(p *drill.Pair) (string, error) {
	holders, err := p.Holders()
	if err != nil {
		return "", err
	}
	if len(holders) != 1 {
		return "", fmt.Errorf("the address is on %v, want one node", holders)
	}
	return holders[0], nil
}

// Enter puts the process where it can make namespaces; see netlab.Enter.
func Enter() (code int, done bool, err error) { return netlab.Enter() }
