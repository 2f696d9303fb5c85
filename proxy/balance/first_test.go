package balance

import "testing"

func TestFirst(t *testing.T) {
	t.Parallel()
	g := newCrew(t, Config{Algorithm: First}, 1, 256, 1)
	for _, tt := range []struct {
		server, weight int
		want           int
	}{{0, 1, 0}, {0, 0, 1}, {1, 0, 2}, {0, 5, 0}, {1, 1, 0}, {0, 0, 1}, {2, 0, 1}, {1, 0, -1}, {2, 1, 2}} {
		g.set(tt.server, tt.weight)
		for _, got := range g.serve(5) {
			if got != tt.want {
				t.Errorf("weights %v: got server %d, want %d", g.weights, got, tt.want)
			}
		}
	}
}
