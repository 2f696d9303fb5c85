package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	os.Exit(command(os.Args[1:], os.Stdout, os.Stderr))
}

// options are what the flags say.
type options struct {
	bench    bench
	parts    parts
	check    bool
	print    bool
	markdown string
	profile  string
}

// command returns the exit status. 0: measured. 1: not, or a proxy answered wrongly, or with -check a target was missed.
// 2: bad flags.
func command(args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := o.run(ctx, stdout); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// settle is how long connections are idle before they are weighed: collectors of garbage and closers of idle connections
// to the origins have had their turn by then.
const settle = 2 * time.Second

func parse(args []string, stderr io.Writer) (o options, err error) {
	o.bench.settle = settle
	var all []string
	for _, w := range workloads() {
		all = append(all, w.name)
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	tandem := flags.String("tandem", "bin/tandem", "the binary to measure")
	names := flags.String("workloads", strings.Join(all, ","), "which workloads; empty: none")
	who := flags.String("proxies", "tandem,haproxy,nginx", "which proxies")
	flags.IntVar(&o.bench.rounds, "rounds", 5, "how often each proxy has its turn")
	flags.DurationVar(&o.bench.duration, "duration", 1500*time.Millisecond, "how long a turn counts, after a warm-up of 0.5 s")
	flags.IntVar(&o.bench.connections, "connections", 0, "how many connections, whatever the workload says; 0: as it says")
	flags.BoolVar(&o.parts.memory, "mem", false, "weigh idle connections too")
	flags.BoolVar(&o.parts.latency, "latency", false, "time answers at the same rate too")
	flags.BoolVar(&o.check, "check", false, "fail where a target is missed")
	flags.BoolVar(&o.print, "print", false, "print the proxies' configurations, and measure nothing")
	flags.StringVar(&o.markdown, "markdown", "", "a file for the tables as Markdown")
	flags.StringVar(&o.profile, "profile", "", "a directory for profiles of Tandem in the workloads, by perf; nothing is compared")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("argument %q, want flags alone", flags.Arg(0))
	case o.bench.rounds < 1:
		return o, fmt.Errorf("-rounds: %d, want 1 or more", o.bench.rounds)
	case o.bench.duration <= 0:
		return o, fmt.Errorf("-duration: %v, want more than 0", o.bench.duration)
	case o.bench.connections < 0:
		return o, fmt.Errorf("-connections: %d, want 0 or more", o.bench.connections)
	}
	if o.bench.workloads, err = pick(split(*names)); err != nil {
		return o, fmt.Errorf("-workloads: %w", err)
	}
	if o.bench.proxies, err = choose(proxies(*tandem), split(*who)); err != nil {
		return o, fmt.Errorf("-proxies: %w", err)
	}
	if o.profile != "" && o.bench.proxies[0].name != "tandem" {
		return o, errors.New("-profile: want tandem among -proxies")
	}
	return o, nil
}

// split is the names of a list; the empty text has none.
func split(list string) []string {
	return slices.DeleteFunc(strings.Split(list, ","), func(s string) bool { return s == "" })
}

// choose finds proxies by name, in the order of all of them.
func choose(all []proxy, names []string) ([]proxy, error) {
	var known []string
	for _, p := range all {
		known = append(known, p.name)
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return nil, fmt.Errorf("no %q, want some of %s", n, strings.Join(known, ", "))
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("none, want some of %s", strings.Join(known, ", "))
	}
	return slices.DeleteFunc(all, func(p proxy) bool { return !slices.Contains(names, p.name) }), nil
}

// run does what the flags say.
func (o options) run(ctx context.Context, stdout io.Writer) error {
	o.bench.progress = stdout
	if o.print {
		return o.bench.print(stdout)
	}
	for _, p := range o.bench.proxies {
		if _, err := p.find(); err != nil {
			return err
		}
	}
	c, err := prepare()
	if err != nil {
		return err
	}
	if o.profile != "" {
		return o.bench.profiles(ctx, c, o.profile)
	}
	r, err := o.bench.measure(ctx, c, o.parts)
	tables, met := r.tables()
	if len(tables) > 0 {
		err = errors.Join(err, o.report(stdout, r.machine, tables))
	}
	if err = errors.Join(err, r.faults()); err == nil && o.check && !met {
		err = errors.New("a target was missed")
	}
	return err
}

// report writes the tables to where they were wanted.
func (o options) report(stdout io.Writer, m machine, tables []table) error {
	fmt.Fprintf(stdout, "\n%v\n", m)
	if err := write(stdout, tables); err != nil || o.markdown == "" {
		return err
	}
	var b bytes.Buffer
	if err := markdown(&b, m.String(), tables); err != nil {
		return err
	}
	return os.WriteFile(o.markdown, b.Bytes(), 0o644)
}

// prepare gives this process its place and what it needs.
func prepare() (cores, error) {
	c, err := chooseCores()
	if err != nil {
		return c, err
	}
	if err := allowFiles(); err != nil {
		return c, err
	}
	return c, moveTo(c.load)
}

// print shows the configurations, with the ports that the proxies would have if these were free.
func (b bench) print(w io.Writer) error {
	local := func(port uint16) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
	}
	for i, p := range b.proxies {
		at := place{
			dir: "/tmp/bench", pair: "/tmp/bench/pair.pem", origins: []netip.AddrPort{local(9001), local(9002)},
			plain: local(8001 + uint16(i)), tls: local(8101 + uint16(i)), logged: local(8201 + uint16(i)), tcp: local(8301 + uint16(i)),
		}
		if _, err := fmt.Fprintf(w, "# %s\n%s\n", p.title, p.text(at)); err != nil {
			return err
		}
	}
	return nil
}
