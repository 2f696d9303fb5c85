// Command bench measures what a request costs Tandem, HAProxy and nginx, side by side on one machine. `make bench` runs it; its
// method and what it found are in docs/benchmarks.md. It is not part of the tandem binary.
//
// Every proxy runs with one worker on a core of its own; the load (package load) and the origins (package origin) share another
// one. The proxies take turns, so that a busy minute of the machine hits all of them, and every figure of Tandem's is
// compared with the cheaper of the other two in the same round.
//
// In reading order:
//
//	main.go          flags
//	workload.go      what is asked for, and the targets
//	proxy.go         the proxies: how each is configured and started
//	site_linux.go    the origins and the certificate that all have in common
//	process_linux.go starting on a core, CPU time, memory
//	cost.go          CPU time for a request, round by round
//	memory.go        bytes of an idle connection
//	latency.go       how long answers take at the same rate
//	profile.go       where Tandem's time goes
//	stats.go         medians, quantiles, verdicts
//	report.go        the tables
//	machine_linux.go what was measured on
package main
