package main

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tandem-lb/tandem/internal/bench/load"
)

// profiles shows where Tandem's CPU time goes in each workload: perf(1) looks at the process from outside, so the daemon has
// nothing built in for it. The directory gets perf's data and a list of functions for each workload.
func (b *bench) profiles(ctx context.Context, c cores, dir string) (err error) {
	perf, err := exec.LookPath("perf")
	if err != nil {
		return fmt.Errorf("profile: %w: Debian's package linux-perf has it", err)
	}
	tandem := b.proxies[0]
	if err := symbols(tandem); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if b.site, err = newSite(c); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.site.close()) }()
	r, err := b.site.start(ctx, tandem)
	if err != nil {
		return err
	}
	defer r.stop()
	for _, w := range b.workloads {
		if err := b.profile(ctx, r, w, perf, filepath.Join(dir, w.name)); err != nil {
			return fmt.Errorf("profile of %s: %w", w.name, err)
		}
	}
	return nil
}

// profile is one workload's.
func (b *bench) profile(ctx context.Context, r *process, w workload, perf, name string) error {
	if result, err := b.ask(ctx, r, w, load.Timing{Duration: warmup}); err != nil || result.Err != nil {
		return errors.Join(err, result.Err)
	}
	var pids []string
	for _, pid := range tree(r.cmd.Process.Pid) {
		pids = append(pids, fmt.Sprint(pid))
	}
	record := exec.CommandContext(ctx, perf, "record", "-q", "-e", "cpu-clock", "-F", "1999", "-g", "-p", strings.Join(pids, ","), "-o", name+".data")
	record.Stderr = b.progress
	if err := record.Start(); err != nil {
		return err
	}
	result, err := b.ask(ctx, r, w, load.Timing{Warmup: warmup, Duration: b.duration})
	_ = record.Process.Signal(os.Interrupt) // perf ends with its file written, and a status that says it was interrupted
	_ = record.Wait()
	if err != nil || result.Err != nil {
		return errors.Join(err, result.Err)
	}
	fmt.Fprintf(b.progress, "%s, profiled: %s\n", w.name, describe(result))
	return tell(ctx, perf, name)
}

// tell writes what perf makes of its data: how much was the kernel's and how much Tandem's own, then by function, alone and
// with what it called.
func tell(ctx context.Context, perf, name string) error {
	var all []byte
	for _, by := range [][]string{{"--no-children", "--sort", "dso"}, {"--no-children"}, {"--children"}} {
		args := append([]string{"report", "--stdio", "-g", "none", "--percent-limit", "0.3", "-i", name + ".data"}, by...)
		text, err := exec.CommandContext(ctx, perf, args...).Output()
		if err != nil {
			return fmt.Errorf("perf report: %w", err)
		}
		all = append(all, text...)
	}
	return os.WriteFile(name+".txt", all, 0o644)
}

// symbols checks that a profile of the program will have names in it.
func symbols(p proxy) error {
	path, err := p.find()
	if err != nil {
		return err
	}
	f, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	if _, err := f.Symbols(); err != nil {
		return fmt.Errorf("%s: %w: `go build -o bin/tandem-symbols ./cmd/tandem` makes one that has them, for -tandem", path, err)
	}
	return nil
}
