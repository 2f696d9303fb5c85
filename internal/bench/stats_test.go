package main

import (
	"slices"
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		figures []float64
		want    spread
	}{
		{"none", nil, spread{}},
		{"one", []float64{3}, spread{3, 3, 3}},
		{"odd", []float64{9, 1, 4}, spread{4, 1, 9}},
		{"even", []float64{8, 2, 4, 6}, spread{5, 2, 8}},
	} {
		if got := spreadOf(c.figures); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1))
	}
	for _, c := range []struct {
		name  string
		times []time.Duration
		q     float64
		want  time.Duration
	}{
		{"of none", nil, 0.5, 0},
		{"median", hundred, 0.5, 50},
		{"p99 is not the worst", hundred, 0.99, 99},
		{"p99.9 of a hundred is", hundred, 0.999, 100},
		{"the least", hundred, 0, 1},
		{"of one", hundred[:1], 0.99, 1},
	} {
		if got := quantile(c.times, c.q); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestBeside(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		ours  []float64
		peers [][]float64
		want  []float64
	}{
		{"the cheaper peer of each round", []float64{10, 10}, [][]float64{{12, 30}, {20, 8}}, []float64{1.2, 0.8}},
		{"one peer", []float64{10}, [][]float64{{15}}, []float64{1.5}},
		{"no peer", []float64{10}, nil, nil},
		{"a peer lacks the second round", []float64{10, 10}, [][]float64{{20, 20}, {10}}, []float64{1}},
		{"nothing of ours was answered", []float64{0, 10}, [][]float64{{20, 20}}, []float64{2}},
	} {
		if got := beside(c.ours, c.peers...); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ratio, target float64
		want          string
		met           bool
	}{
		{1.2, 1.2, "met", true},
		{1.3, 1.2, "met", true},
		{1.199, 1.2, "missed by 1 %", false},
		{0.6, 1.2, "missed by 50 %", false},
	} {
		if got, met := verdict(c.ratio, c.target); got != c.want || met != c.met {
			t.Errorf("%v of %v: got %q, %v, want %q, %v", c.ratio, c.target, got, met, c.want, c.met)
		}
	}
	for _, c := range []struct {
		figure, most float64
		want         string
		met          bool
	}{
		{500, 500, "met", true},
		{750, 500, "missed by 50 %", false},
		{500.4, 500, "missed by 1 %", false},
	} {
		if got, met := under(c.figure, c.most); got != c.want || met != c.met {
			t.Errorf("%v of at most %v: got %q, %v, want %q, %v", c.figure, c.most, got, met, c.want, c.met)
		}
	}
}
