package main

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// spread is a median and how far figures lie apart.
type spread struct{ median, least, most float64 }

func spreadOf(figures []float64) spread {
	if len(figures) == 0 {
		return spread{}
	}
	s := slices.Sorted(slices.Values(figures))
	n := len(s)
	return spread{median: (s[(n-1)/2] + s[n/2]) / 2, least: s[0], most: s[n-1]}
}

// quantile is the time that a share q of all times does not exceed. times must be sorted.
func quantile(times []time.Duration, q float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	return times[max(0, int(math.Ceil(q*float64(len(times))))-1)]
}

// beside divides, round by round, the least of the peers' figures by ours: above 1 ours is the lower one. Rounds that
// somebody lacks count for nobody.
func beside(ours []float64, peers ...[]float64) []float64 {
	var ratios []float64
	for i, own := range ours {
		best := math.Inf(1)
		for _, p := range peers {
			if i >= len(p) {
				return ratios
			}
			best = min(best, p[i])
		}
		if own > 0 && !math.IsInf(best, 1) {
			ratios = append(ratios, best/own)
		}
	}
	return ratios
}

// verdict says what a ratio is worth beside its target.
func verdict(ratio, target float64) (text string, met bool) {
	if ratio >= target {
		return "met", true
	}
	return fmt.Sprintf("missed by %.0f %%", math.Ceil(100*(target-ratio)/target)), false
}
