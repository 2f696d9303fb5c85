package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tandem-lb/tandem/internal/bench/load"
)

// table is rows of cells, the first row its heading.
type table struct {
	title, note string
	rows        [][]string
}

// write writes tables as plain text, with columns that line up.
func write(w io.Writer, tables []table) error {
	for _, t := range tables {
		fmt.Fprintf(w, "\n%s\n\n", t.title)
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, row := range t.rows {
			fmt.Fprintln(tw, strings.Join(row, "\t"))
		}
		if err := tw.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// markdown writes them as docs/benchmarks.md has them.
func markdown(w io.Writer, about string, tables []table) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", about)
	for _, t := range tables {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n", t.title, t.note)
		for i, row := range t.rows {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
			if i == 0 {
				fmt.Fprintf(&b, "|%s\n", strings.Repeat("---|", len(row)))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// tables are all that was measured; met says whether every target was.
func (r results) tables() (all []table, met bool) {
	met = true
	for _, t := range []func() (table, bool){r.costTable, r.logTable, r.memoryTable, r.latencyTable} {
		made, good := t()
		if len(made.rows) > 1 {
			all = append(all, made)
		}
		met = met && good
	}
	return all, met
}

// heading is a table's first row, with columns for each proxy.
func (r results) heading(first string, last ...string) []string {
	row := []string{first}
	for _, p := range r.proxies {
		row = append(row, p.title)
	}
	return append(row, last...)
}

// none stands where there is no figure.
const none = "-"

func (r results) costTable() (table, bool) {
	t := table{
		title: "CPU time for a request",
		note: fmt.Sprintf("Microseconds, median (least to most) of %d rounds. Beside the best: the cheaper peer's over Tandem's in the same round, above 1 Tandem is the cheaper. "+
			"Requests a second, and the share of its core that each proxy used, in the same order.", r.rounds),
		rows: [][]string{r.heading("Workload", "beside the best", "target", "verdict", "requests a second", "busy")},
	}
	met := true
	for _, c := range r.costs {
		row := []string{c.workload.name + ": " + c.workload.title}
		var rates, busy []string
		for _, p := range r.proxies {
			row = append(row, cell(c.figures(p.name), "%.1f"))
			rates = append(rates, middle(c.rounds[p.name], load.Result.Rate, 1, "%.0f"))
			busy = append(busy, middle(c.rounds[p.name], load.Result.Busy, 100, "%.0f %%"))
		}
		text, good := judge(c.ratios(r.peers()), c.workload.target, c.fault())
		row = append(row, cell(c.ratios(r.peers()), "%.2f"), fmt.Sprintf("%.2f", c.workload.target), text, strings.Join(rates, ", "), strings.Join(busy, ", "))
		t.rows = append(t.rows, row)
		met = met && good
	}
	return t, met
}

func (r results) logTable() (table, bool) {
	t := table{
		title: "What an access log adds",
		note: fmt.Sprintf("Percent of the CPU time for a request without a log, which was measured just before in the same turn; median (least to most) of %d rounds. "+
			"Each logs as it does by default.", r.rounds),
		rows: [][]string{r.heading("Workload", "target", "verdict")},
	}
	met := true
	for _, c := range r.costs {
		if c.workload.port != logged {
			continue
		}
		row := []string{c.workload.name + ": " + c.workload.title}
		for _, p := range r.proxies {
			var percent []float64
			for _, a := range c.added(p.name) {
				percent = append(percent, 100*a)
			}
			row = append(row, cell(percent, "%.1f"))
		}
		text := none
		if own := c.added("tandem"); len(own) > 0 {
			good := true
			text, good = under(spreadOf(own).median, logTarget)
			met = met && good
		}
		t.rows = append(t.rows, append(row, fmt.Sprintf("%.0f", 100*logTarget), text))
	}
	return t, met
}

func (r results) memoryTable() (table, bool) {
	t := table{
		title: "Memory of an idle connection",
		note:  "Bytes by which the proxy's processes grow for each connection that has had its answer and waits.",
		rows:  [][]string{r.heading("Connection", "target", "verdict")},
	}
	met := true
	for _, h := range r.memory {
		row := []string{fmt.Sprintf("%d, %s", h.idle.ask.Connections, h.idle.title)}
		for _, p := range r.proxies {
			row = append(row, fmt.Sprintf("%.0f", h.bytes[p.name]))
		}
		target, text := none, none
		if own, ok := h.bytes["tandem"]; ok && h.idle.target > 0 {
			good := true
			target = fmt.Sprint(h.idle.target)
			text, good = under(own, float64(h.idle.target))
			met = met && good
		}
		t.rows = append(t.rows, append(row, target, text))
	}
	return t, met
}

func (r results) latencyTable() (table, bool) {
	t := table{
		title: "Latency at the same rate",
		note: fmt.Sprintf("Microseconds from when a request was due to its answer, medians of %d rounds; all are asked for %.0f %% of what the slowest can do. "+
			"Beside the best: the better peer's p99 over Tandem's in the same round; within %.0f %% they count as equal.", r.rounds, 100*share, 100*slack),
		rows: [][]string{r.heading("Workload", "beside the best", "verdict")},
	}
	met := true
	for _, l := range r.latency {
		row := []string{fmt.Sprintf("%s at %.0f a second: p50, p99, p99.9", l.workload.name, l.rate)}
		for _, p := range r.proxies {
			var q []string
			for _, of := range []func(times) time.Duration{func(t times) time.Duration { return t.p50 }, func(t times) time.Duration { return t.p99 }, func(t times) time.Duration { return t.p999 }} {
				q = append(q, fmt.Sprintf("%.0f", spreadOf(l.figures(p.name, of)).median))
			}
			row = append(row, strings.Join(q, ", "))
		}
		ratios := l.ratios(r.peers())
		text, good := judge(ratios, 1-slack, l.fault)
		t.rows = append(t.rows, append(row, cell(ratios, "%.2f"), text))
		met = met && good
	}
	return t, met
}

// cell is a median with its spread.
func cell(figures []float64, format string) string {
	if len(figures) == 0 {
		return none
	}
	s := spreadOf(figures)
	return fmt.Sprintf(format+" ("+format+" to "+format+")", s.median, s.least, s.most)
}

func middle(rounds []load.Result, of func(load.Result) float64, times float64, format string) string {
	var all []float64
	for _, r := range rounds {
		all = append(all, times*of(r))
	}
	if len(all) == 0 {
		return none
	}
	return fmt.Sprintf(format, spreadOf(all).median)
}

// judge compares a median ratio with its target. What was not compared misses nothing; wrong answers always do.
func judge(ratios []float64, target float64, fault error) (text string, met bool) {
	switch {
	case fault != nil:
		return "WRONG ANSWERS", false
	case len(ratios) == 0:
		return none, true
	}
	return verdict(spreadOf(ratios).median, target)
}

// under compares a figure with the most that it may be.
func under(figure, most float64) (text string, met bool) {
	if figure <= most {
		return "met", true
	}
	return fmt.Sprintf("missed by %.0f %%", math.Ceil(100*(figure-most)/most)), false
}
