package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/tandem-lb/tandem/internal/netlab"
)

func main() {
	code, done, err := netlab.Enter()
	if err != nil {
		fmt.Fprintln(os.Stderr, "failover:", err)
		os.Exit(2)
	}
	if done {
		os.Exit(code)
	}
	os.Exit(command(os.Args[1:]))
}

// command returns the exit status. 0: Tandem was never worse and never above a bound. 1: it was, or the measuring could
// not go on. 2: bad flags.
func command(args []string) int {
	c, err := parse(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "failover:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	rows, err := run(ctx, c)
	good := err == nil
	for _, v := range c.settings {
		if len(rows[v.name]) > 0 {
			good = print(os.Stdout, v, len(c.systems), rows[v.name]) && good
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "failover:", err)
	}
	if !good {
		return 1
	}
	return 0
}

func parse(args []string) (c plan, err error) {
	flags := flag.NewFlagSet("failover", flag.ContinueOnError)
	binary := flags.String("tandem", "bin/tandem", "the binary to measure")
	only := flags.String("rows", "", "a regular expression: scenarios by name; empty: all")
	systems := flags.String("systems", "tandem,keepalived", "which systems")
	names := flags.String("settings", "v2,v3,v3-10ms", "which versions and intervals")
	rounds := flags.Int("rounds", 1, "how often each scenario is run; the worst figure counts")
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	c = plan{systems: strings.Split(*systems, ","), rounds: *rounds, progress: os.Stderr}
	if c.tandem, err = filepath.Abs(*binary); err != nil {
		return c, fmt.Errorf("-tandem: %w", err)
	}
	if c.only, err = regexp.Compile(*only); err != nil {
		return c, fmt.Errorf("-rows: %w", err)
	}
	if *rounds < 1 {
		return c, fmt.Errorf("-rounds: %d, want 1 or more", *rounds)
	}
	for _, s := range c.systems {
		if kinds[s] == nil {
			return c, fmt.Errorf("-systems: no %q, want tandem or keepalived", s)
		}
	}
	for name := range strings.SplitSeq(*names, ",") {
		i := slices.IndexFunc(settings(), func(s setting) bool { return s.name == name })
		if i < 0 {
			return c, fmt.Errorf("-settings: no %q, want v2, v3 or v3-10ms", name)
		}
		c.settings = append(c.settings, settings()[i])
	}
	return c, nil
}
