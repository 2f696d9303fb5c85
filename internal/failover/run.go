package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"
)

// tries bounds how often a scenario is set up anew because its order was missed.
const tries = 4

// plan is what is measured.
type plan struct {
	tandem   string // the binary
	settings []setting
	systems  []string // by their names in kinds
	only     *regexp.Regexp
	rounds   int
	progress io.Writer
}

// scenarios are all of them, in the table's order.
func scenarios() []scenario {
	return slices.Concat(cableScenarios(), processScenarios(), serverScenarios())
}

// row is one line of the table: a phase, and what it cost each system.
type row struct {
	phase phase
	cost  map[string]result
}

// run measures; the rows of each setting are in the order of scenarios. A row without a result could not be measured. With
// an error it returns what it has.
func run(ctx context.Context, c plan) (map[string][]row, error) {
	rows := map[string][]row{}
	for _, v := range c.settings {
		for _, sc := range scenarios() {
			if !c.only.MatchString(sc.name) {
				continue
			}
			measured, err := c.round(ctx, v, sc)
			if ctx.Err() != nil {
				return rows, fmt.Errorf("broken off in %s, %s: %w", v.name, sc.name, context.Cause(ctx))
			}
			if err != nil { // one scenario that does not come up is no reason to lose the others
				fmt.Fprintf(c.progress, "%-8s %s: %v\n", v.name, sc.name, err)
			}
			rows[v.name] = append(rows[v.name], measured...)
		}
	}
	return rows, nil
}

// round runs one scenario with every system in turn, as often as wanted; of several results the worst counts.
func (c plan) round(ctx context.Context, v setting, sc scenario) ([]row, error) {
	rows := make([]row, len(sc.phases))
	for i := range rows {
		rows[i] = row{phase: sc.phases[i], cost: map[string]result{}}
	}
	for range c.rounds {
		for _, kind := range c.systems {
			began := time.Now()
			results, err := c.play(ctx, v, kind, sc)
			if err != nil {
				return rows, fmt.Errorf("%s: %w", kind, err)
			}
			for i, r := range results {
				fmt.Fprintf(c.progress, "%-8s %-10s %-50s %s\n", v.name, kind, rows[i].phase.row, r)
				if before, ok := rows[i].cost[kind]; ok {
					r = worst(before, r)
				}
				rows[i].cost[kind] = r
			}
			fmt.Fprintf(c.progress, "%-8s %-10s %s took %v\n", v.name, kind, sc.name, time.Since(began).Round(100*time.Millisecond))
		}
	}
	return rows, nil
}

// play runs a scenario on a stage of its own, and again where its order was missed.
func (c plan) play(ctx context.Context, v setting, kind string, sc scenario) (results []result, err error) {
	for range tries {
		results, err = c.playOnce(ctx, v, kind, sc)
		if !errors.Is(err, errMissed) {
			break
		}
	}
	return results, err
}

func (c plan) playOnce(ctx context.Context, v setting, kind string, sc scenario) (results []result, err error) {
	s, err := newStage(ctx, c, v, kind, sc)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for _, ph := range sc.phases {
		r, err := s.measure(ctx, ph)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", ph.row, err)
		}
		results = append(results, r)
	}
	return results, nil
}
